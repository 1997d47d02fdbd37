"""A booking made of a hold takes exactly what was held, once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ops.replays import count_different
from tests.harness.consistency import assert_consistent
from tests.harness.holds import book, expire, ledger, on_hold, wanted
from tests.harness.problems import assert_problem, rows_of
from tests.harness.service import Service, evening, house, party


def test_a_booking_takes_exactly_the_held_tables(service: Service) -> None:
    """The planner would give a party of two the smaller table by now."""
    assert service.put_restaurant("harbour", house(2, 6)).status == 201
    first = service.book("harbour", party(2)).json["booking"]
    hold = on_hold(service, wanted(2))
    assert hold["tables"] == ["T2"]
    service.cancel(first["id"])
    answer = book(service, hold, 2)
    assert answer.status == 201
    booking, assignment = answer.json["booking"], answer.json["assignment"]
    assert (booking["tables"], booking["state"]) == (["T2"], "confirmed")
    assert (booking["startAt"], booking["endAt"]) == (hold["startAt"], hold["endAt"])
    assert (assignment["strategy"], assignment["outcome"], assignment["moves"]) == ("hold", "confirmed", 0)
    assert "table T2 on hold" in assignment["explanation"]
    assert ledger(service) == [("T2", True, False)]
    assert_consistent(service.database)


def test_a_booking_of_a_hold_is_told_and_stored_like_others(four_top: Service) -> None:
    booking = book(four_top, on_hold(four_top)).json["booking"]["id"]
    [summary] = four_top.events("auto_assign.summary", booking)
    assert (summary["result"], summary["trigger"]) == ("confirmed", "inline_creation")
    [quote] = four_top.events("auto_assign.quote", booking)
    assert (quote["plannerStrategy"]["name"], quote["plannerSuccess"]) == ("hold", True)
    [attempt] = four_top.http("operations", "GET", f"/bookings/{booking}/attempts").json["items"]
    assert (attempt["strategy"]["name"], attempt["outcome"]) == ("hold", "confirmed")
    recorded = four_top.http("operations", "GET", f"/bookings/{booking}/explanation").json
    assert recorded["chosen"] == ["T1"]
    assert four_top.database.value("select count(*) from notifications where kind = 'confirmed'") == 1
    with four_top.database.connect() as owner:
        assert count_different(owner) == (0, 0)  # a hold is no search, so there is nothing to make again


def test_h2_ones_own_hold_is_no_obstacle_not_even_to_pacing(service: Service) -> None:
    policy = {"maxTables": 1, "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    assert service.put_restaurant("harbour", house(4, policy=policy)).status == 201
    assert book(service, on_hold(service)).json["assignment"]["outcome"] == "confirmed"


def test_a_hold_is_used_once(four_top: Service) -> None:
    hold, key = on_hold(four_top), {"idempotency-key": "one"}
    first = book(four_top, hold, headers=key)
    before = rows_of(four_top.database)
    again = book(four_top, hold, headers=key)
    assert (again.status, again.text, again.headers["idempotent-replayed"]) == (201, first.text, "true")
    assert_problem(book(four_top, hold), 409, "hold_used")
    expire(four_top, hold)
    assert_problem(book(four_top, hold), 409, "hold_used")
    assert book(four_top, hold, headers=key).text == first.text
    assert rows_of(four_top.database) == before


@pytest.mark.parametrize(
    "other",
    [
        {"partySize": 3},
        {"partySize": 9},
        {"time": "19:15"},
        {"time": "12:00"},
        {"date": evening(15)},
        {"durationMinutes": 60},
        {"preferences": {"required": ["window"]}},
        {"preferences": {"zone": "patio", "zoneRequired": True}},
    ],
)
def test_another_wish_than_was_held_is_a_mismatch(four_top: Service, other: dict[str, Any]) -> None:
    hold = on_hold(four_top)
    before = rows_of(four_top.database)
    assert_problem(four_top.book("harbour", party(4, holdId=hold["holdId"]) | other), 422, "hold_mismatch")
    assert rows_of(four_top.database) == before
    assert book(four_top, hold).status == 201


def test_the_same_moment_written_otherwise_is_the_same(four_top: Service) -> None:
    hold = on_hold(four_top, wanted(durationMinutes=120))
    body = {"partySize": 4, "startAt": hold["startAt"], "durationMinutes": 120, "holdId": hold["holdId"]}
    answer = four_top.book("harbour", body | {"preferences": {"attributes": ["window"]}})
    assert answer.json["booking"]["endAt"] == hold["endAt"]
    assert answer.json["booking"]["tables"] == hold["tables"]


def test_a_cancelled_booking_frees_what_was_held(four_top: Service) -> None:
    booking = book(four_top, on_hold(four_top)).json["booking"]["id"]
    assert four_top.cancel(booking).status == 200
    assert ledger(four_top) == []
    on_hold(four_top)


# --- a new floor document under a hold ---


def test_a_hold_outlives_a_floor_that_still_has_its_tables(service: Service) -> None:
    """New turn times, buffers and pacing are for new assignments, as they are for bookings."""
    assert service.put_restaurant("harbour", house(4, 4)).status == 201
    hold = on_hold(service)
    policy = {"maxTables": 1, "bufferAfterMinutes": 30, "bufferBeforeMinutes": 30}
    assert service.put_restaurant("harbour", house(4, 4, 2, policy=policy)).status == 200
    answer = book(service, hold).json
    assert (answer["booking"]["tables"], answer["assignment"]["strategy"]) == (hold["tables"], "hold")
    assert_consistent(service.database)


@pytest.mark.parametrize("change", [{"active": False}, {"outOfService": True}, {"capacity": 2}, None])
def test_b10_where_held_tables_are_gone_the_planner_looks_afresh(
    service: Service, change: dict[str, Any] | None
) -> None:
    assert service.put_restaurant("harbour", house(4, 4)).status == 201
    hold = on_hold(service)
    [taken] = hold["tables"]
    new = house(4, 4)
    new["tables"] = [table for table in new["tables"] if change or table["id"] != taken]
    for table in new["tables"]:
        table.update((change or {}) if table["id"] == taken else {})
    assert service.put_restaurant("harbour", new).status == 200
    answer = book(service, hold)
    assert answer.status == 201
    assert answer.json["assignment"]["outcome"] == "confirmed"
    assert answer.json["assignment"]["strategy"] != "hold"
    [(table, booked, _)] = ledger(service)
    assert (table, booked) == (({"T1", "T2"} - {taken}).pop(), True)
    assert_problem(book(service, hold), 409, "hold_used")
    assert_consistent(service.database)


def test_b10_where_nothing_else_is_free_the_booking_waits_or_is_refused_as_any_other(
    service: Service,
) -> None:
    assert service.put_restaurant("harbour", house(4, 4)).status == 201
    hold = on_hold(service)
    assert service.put_restaurant("harbour", house(2, 4)).status == 200
    service.book("harbour", party(4))
    before = rows_of(service.database)
    assert_problem(book(service, hold, onFull="refuse"), 409, "no_capacity")
    assert rows_of(service.database)["bookings"] == before["bookings"]
    assert book(service, hold).json["assignment"]["outcome"] == "deferred"
    assert [row[1:] for row in ledger(service)] == [(True, False)]  # the hold was given back
    assert_problem(book(service, hold), 409, "hold_used")


def test_new_turn_times_under_a_hold_are_no_mismatch(service: Service) -> None:
    assert service.put_restaurant("harbour", house(4)).status == 201
    hold = on_hold(service)
    turns = [{"maxParty": None, "minutes": 60}]
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "turnTimes": turns}
    assert service.put_restaurant("harbour", house(4, policy=policy)).status == 200
    booking = book(service, hold).json["booking"]
    assert booking["tables"] == ["T1"]
    stay = datetime.fromisoformat(booking["endAt"]) - datetime.fromisoformat(booking["startAt"])
    assert stay == timedelta(minutes=60)
    assert_consistent(service.database)
