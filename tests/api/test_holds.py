"""Holds through the true handlers: made, given back, turned into bookings, and over by the clock alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from local.replays import count_different
from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem, nothing_written, rows_of
from tests.harness.service import Answer, Service, evening, house, party

LONDON = ZoneInfo("Europe/London")
ONE_TABLE = house(4)


def wanted(size: int = 4, time: str = "19:00", **changes: Any) -> dict[str, Any]:
    """A hold's body."""
    return {"partySize": size, "date": evening(), "time": time} | changes


@pytest.fixture
def small(service: Service) -> Service:
    """The restaurant ``harbour`` with one table for four."""
    assert service.put_restaurant("harbour", ONE_TABLE).status == 201
    return service


def held(service: Service, body: Any = None, **request: Any) -> dict[str, Any]:
    answer = service.hold("harbour", body or wanted(), **request)
    assert answer.status == 201, answer.text
    hold: dict[str, Any] = answer.json
    return hold


def book(service: Service, hold: dict[str, Any], size: int = 4, **changes: Any) -> Answer:
    headers = changes.pop("headers", None)
    return service.book("harbour", party(size, holdId=hold["holdId"], **changes), headers=headers)


def expire(service: Service, hold: dict[str, Any]) -> None:
    """Move the clock behind the hold's end."""
    with service.database.connect() as owner:
        owner.execute(b"update holds set expires_at = now() where id = %s", [hold["holdId"]])


def ledger(service: Service) -> list[Any]:
    return service.database.query(
        "select table_id, booking_id is not null, hold_id is not null from allocations where live order by 1"
    )


# --- making one ---


def test_a_hold_names_its_tables_its_stay_and_its_end(small: Service) -> None:
    before = datetime.now(LONDON)
    hold = held(small)
    assert hold.keys() == {"holdId", "expiresAt", "tables", "startAt", "endAt"}
    assert hold["tables"] == ["T1"]
    start = datetime.fromisoformat(f"{evening()}T19:00").replace(tzinfo=LONDON)
    assert (hold["startAt"], hold["endAt"]) == (
        start.isoformat(),
        (start + timedelta(minutes=105)).isoformat(),
    )
    lives = datetime.fromisoformat(hold["expiresAt"]) - before
    assert timedelta(seconds=299) < lives < timedelta(seconds=310)
    assert ledger(small) == [("T1", False, True)]


def test_the_policy_says_how_long_a_hold_lives(service: Service) -> None:
    document = house(4, policy={"maxTables": 1, "holdSeconds": 1800})
    assert service.put_restaurant("harbour", document).status == 201
    lives = datetime.fromisoformat(held(service)["expiresAt"]) - datetime.now(LONDON)
    assert timedelta(seconds=1780) < lives <= timedelta(seconds=1800)


@pytest.mark.parametrize(
    "start", [{"date": None}, {"time": "19:00:00"}, {"startAt": "2026-12-04T19:00"}, {"time": None}]
)
def test_a_hold_is_asked_for_as_a_booking_is(small: Service, start: dict[str, Any]) -> None:
    with nothing_written(small):
        assert_problem(small.hold("harbour", wanted(**start)), 422, "invalid_request")


@pytest.mark.parametrize("member", ["guest", "notes", "holdId", "onFull", "hold"])
def test_a_hold_has_no_guest(small: Service, member: str) -> None:
    with nothing_written(small):
        answer = small.hold("harbour", wanted() | {member: None})
        assert_problem(answer, 422, "invalid_request", member)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"partySize": 9}, "party_too_large"),
        ({"time": "12:00"}, "outside_service"),
        ({"date": "2020-01-01"}, "in_the_past"),
        ({"time": None, "date": None, "startAt": "2026-12-04T19:00"}, "naive_timestamp"),
        ({"durationMinutes": 30}, "invalid_request"),
    ],
)
def test_what_cannot_be_booked_cannot_be_held(small: Service, changes: dict[str, Any], code: str) -> None:
    body = {name: value for name, value in wanted(**changes).items() if value is not None}
    with nothing_written(small):
        assert_problem(small.hold("harbour", body), 422, code)


def test_nothing_free_is_409_with_reason_and_alternatives(small: Service) -> None:
    small.book("harbour", party(4))
    problem = assert_problem(small.hold("harbour", wanted()), 409, "no_capacity")
    assert problem["reason"]["code"] == "no_capacity"
    assert problem["alternatives"]
    first = datetime.fromisoformat(problem["alternatives"][0]["startAt"])
    again = held(small, wanted(time=f"{first:%H:%M}"))
    assert again["tables"] == problem["alternatives"][0]["tables"]


def test_b5_a_hold_in_the_way_is_named(small: Service) -> None:
    held(small)
    assert_problem(small.hold("harbour", wanted()), 409, "hold_conflict")
    assert_problem(small.book("harbour", party(4, onFull="refuse")), 503, "hold_conflict")
    pending = small.book("harbour", party(4)).json["assignment"]
    assert (pending["outcome"], pending["reason"]["code"]) == ("deferred", "hold_conflict")
    assert ledger(small) == [("T1", False, True)]


def test_making_a_hold_moves_nobody(service: Service) -> None:
    """The same wish as a booking would move the party of two."""
    assert service.put_restaurant("harbour", house(2, 4)).status == 201
    first, second = (service.book("harbour", party(2)).json["booking"] for _ in range(2))
    assert (first["tables"], second["tables"]) == (["T1"], ["T2"])
    service.cancel(first["id"])
    problem = assert_problem(service.hold("harbour", wanted()), 409, "no_capacity")
    for alternative in problem["alternatives"]:
        start = datetime.fromisoformat(alternative["startAt"])
        given_back(service, held(service, wanted(time=f"{start:%H:%M}")))
    assert service.book("harbour", party(4)).json["assignment"]["moves"] == 1


def given_back(service: Service, hold: dict[str, Any]) -> None:
    assert service.give_back(hold["holdId"]).status == 204


def test_a_key_makes_one_hold(harbour: Service) -> None:
    key = {"idempotency-key": "one"}
    first = harbour.hold("harbour", wanted(2), headers=key)
    again = harbour.hold("harbour", wanted(2), headers=key)
    assert (again.status, again.text) == (201, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    assert_problem(harbour.hold("harbour", wanted(4), headers=key), 422, "idempotency_key_reused")
    assert harbour.database.value("select count(*) from holds") == 1


def test_each_hold_is_told_once_and_without_a_booking(small: Service) -> None:
    held(small)
    small.hold("harbour", wanted())
    summaries = small.events("auto_assign.summary")
    assert [(each["result"], each["trigger"], each["reason"]) for each in summaries] == [
        ("confirmed", "inline_hold", None),
        ("refused", "inline_hold", "hold_conflict"),
    ]
    quotes = small.events("auto_assign.quote")
    assert [each["plannerSuccess"] for each in quotes] == [True, False]
    assert {each["plannerStrategy"]["maxMoves"] for each in quotes} == {0}
    assert small.database.value("select count(*) from observability_events where booking_id is not null") == 0


# --- over by the clock alone ---


@pytest.mark.parametrize("next_wish", ["booking", "hold", "staff", "modification"])
def test_h1_an_expired_hold_blocks_nobody(small: Service, next_wish: str) -> None:
    """Nothing sweeps: whoever needs the tables next lets its rows go."""
    booking = small.book("harbour", party(4, "21:00")).json["booking"]["id"]
    hold = held(small)
    assert_problem(small.hold("harbour", wanted()), 409, "hold_conflict")
    expire(small, hold)
    match next_wish:
        case "booking":
            assert small.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
        case "hold":
            held(small)
        case "staff":
            waiting = small.book("harbour", party(4, "18:00")).json["booking"]["id"]
            small.unassign(waiting)
            assert small.assign(waiting, "T1").status == 200
        case "modification":
            change = {"date": evening(), "time": "19:00"}
            answer = small.http("bookings", "PATCH", f"/bookings/{booking}", body=change)
            assert answer.json["booking"]["tables"] == ["T1"]
    assert_consistent(small.database)


def test_h1_an_expired_hold_counts_for_no_pacing(service: Service) -> None:
    policy = {"maxTables": 1, "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    assert service.put_restaurant("harbour", house(4, 4, policy=policy)).status == 201
    hold = held(service)
    assert_problem(service.hold("harbour", wanted(2)), 409, "hold_conflict")
    expire(service, hold)
    held(service, wanted(2))


def test_h1_a_hold_that_expired_is_410(small: Service) -> None:
    hold = held(small)
    expire(small, hold)
    before = rows_of(small.database)
    assert_problem(book(small, hold), 410, "hold_expired")
    assert rows_of(small.database) == before


def test_b5_a_person_cannot_take_held_tables(small: Service) -> None:
    waiting = small.book("harbour", party(4)).json["booking"]["id"]
    assert small.unassign(waiting).status == 200
    hold = held(small)
    assert_problem(small.assign(waiting, "T1"), 409, "table_occupied")
    given_back(small, hold)
    assert small.assign(waiting, "T1").status == 200


# --- giving one back ---


def test_a_hold_given_back_is_free_at_once_and_gone_for_good(small: Service) -> None:
    hold = held(small)
    answer = small.give_back(hold["holdId"])
    assert (answer.status, answer.text) == (204, "")
    assert ledger(small) == []
    given_back(small, hold)
    assert_problem(book(small, hold), 410, "hold_expired")
    held(small)


def test_an_expired_hold_can_be_given_back(small: Service) -> None:
    hold = held(small)
    expire(small, hold)
    given_back(small, hold)


def test_a_hold_given_back_wakes_who_waits_for_its_tables(small: Service) -> None:
    hold = held(small)
    waiting = small.book("harbour", party(4)).json["booking"]["id"]
    small.work()
    given_back(small, hold)
    small.work()
    assert small.booking(waiting).json["booking"]["tables"] == ["T1"]
    given_back(small, hold)  # nothing is freed a second time
    assert small.messages() == []


def test_who_waits_for_a_hold_is_tried_again_when_it_expires(small: Service) -> None:
    hold = held(small)
    waiting = small.book("harbour", party(4)).json["booking"]["id"]
    [message] = small.messages()
    assert small.deliver("assign", message["Body"]) == {"batchItemFailures": []}
    [(due,)] = small.database.query(
        "select due_at from outbox where booking_id = %s::uuid and (payload ->> 'attempt')::int = 2", waiting
    )
    pause = due - datetime.fromisoformat(hold["expiresAt"])
    assert timedelta(seconds=1) <= pause <= timedelta(seconds=5)


def test_giving_back_a_used_hold_changes_nothing(small: Service) -> None:
    hold = held(small)
    booking = book(small, hold).json["booking"]
    given_back(small, hold)
    assert small.booking(booking["id"]).json["booking"] == booking
    assert ledger(small) == [("T1", True, False)]


@pytest.mark.parametrize("path", ["", "x", "0" * 31, "%00", str(uuid4())])
def test_no_such_hold(small: Service, path: str) -> None:
    with nothing_written(small):
        assert small.give_back(path).status == 404


def test_giving_back_takes_a_key(small: Service) -> None:
    hold, key = held(small), {"idempotency-key": "back"}
    assert small.give_back(hold["holdId"], headers=key).status == 204
    again = small.give_back(hold["holdId"], headers=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (204, "true")


# --- who may ---


@pytest.mark.parametrize("scope", ["bookings:read", "", "openid"])
def test_holds_need_the_scope_to_write(small: Service, scope: str) -> None:
    hold = held(small)
    with nothing_written(small):
        assert_problem(small.hold("harbour", wanted(), scope=scope), 403, "forbidden")
        assert_problem(small.give_back(hold["holdId"], scope=scope), 403, "forbidden")
    assert small.give_back(hold["holdId"], scope="bookings:write").status == 204


def test_another_tenants_hold_does_not_exist(small: Service) -> None:
    assert small.put_restaurant("other", house(4)).status == 201
    hold = held(small)
    with nothing_written(small):
        same = {"headers": {"x-correlation-id": "same"}, "restaurants": "other"}
        answers = [small.give_back(hold_id, **same) for hold_id in (hold["holdId"], str(uuid4()))]
        assert_problem(answers[0], 404, "hold_not_found")
        assert answers[0] == answers[1]
        foreign = small.book("other", party(4, holdId=hold["holdId"]), restaurants="*")
        assert_problem(foreign, 404, "hold_not_found")
    assert book(small, hold).json["assignment"]["outcome"] == "confirmed"


# --- a booking made of one ---


def test_a_booking_takes_exactly_the_held_tables(service: Service) -> None:
    """The planner would give a party of two the smaller table by now."""
    assert service.put_restaurant("harbour", house(2, 6)).status == 201
    first = service.book("harbour", party(2)).json["booking"]
    hold = held(service, wanted(2))
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


def test_a_booking_of_a_hold_is_told_and_stored_like_others(small: Service) -> None:
    booking = book(small, held(small)).json["booking"]["id"]
    [summary] = small.events("auto_assign.summary", booking)
    assert (summary["result"], summary["trigger"]) == ("confirmed", "inline_creation")
    [quote] = small.events("auto_assign.quote", booking)
    assert (quote["plannerStrategy"]["name"], quote["plannerSuccess"]) == ("hold", True)
    [attempt] = small.http("operations", "GET", f"/bookings/{booking}/attempts").json["items"]
    assert (attempt["strategy"]["name"], attempt["outcome"]) == ("hold", "confirmed")
    told = small.http("operations", "GET", f"/bookings/{booking}/explanation").json
    assert told["chosen"] == ["T1"]
    assert small.database.value("select count(*) from notifications where kind = 'confirmed'") == 1
    with small.database.connect() as owner:
        assert count_different(owner) == (0, 0)  # a hold is no search, so there is nothing to make again


def test_h2_ones_own_hold_is_no_obstacle_not_even_to_pacing(service: Service) -> None:
    policy = {"maxTables": 1, "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    assert service.put_restaurant("harbour", house(4, policy=policy)).status == 201
    assert book(service, held(service)).json["assignment"]["outcome"] == "confirmed"


def test_a_hold_is_used_once(small: Service) -> None:
    hold, key = held(small), {"idempotency-key": "one"}
    first = book(small, hold, headers=key)
    before = rows_of(small.database)
    again = book(small, hold, headers=key)
    assert (again.status, again.text, again.headers["idempotent-replayed"]) == (201, first.text, "true")
    assert_problem(book(small, hold), 409, "hold_used")
    expire(small, hold)
    assert_problem(book(small, hold), 409, "hold_used")
    assert book(small, hold, headers=key).text == first.text
    assert rows_of(small.database) == before


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
def test_another_wish_than_was_held_is_a_mismatch(small: Service, other: dict[str, Any]) -> None:
    hold = held(small)
    before = rows_of(small.database)
    assert_problem(small.book("harbour", party(4, holdId=hold["holdId"]) | other), 422, "hold_mismatch")
    assert rows_of(small.database) == before
    assert book(small, hold).status == 201


def test_the_same_moment_written_otherwise_is_the_same(small: Service) -> None:
    hold = held(small, wanted(durationMinutes=120))
    body = {"partySize": 4, "startAt": hold["startAt"], "durationMinutes": 120, "holdId": hold["holdId"]}
    answer = small.book("harbour", body | {"preferences": {"attributes": ["window"]}})
    assert answer.json["booking"]["endAt"] == hold["endAt"]
    assert answer.json["booking"]["tables"] == hold["tables"]


def test_a_cancelled_booking_frees_what_was_held(small: Service) -> None:
    booking = book(small, held(small)).json["booking"]["id"]
    assert small.cancel(booking).status == 200
    assert ledger(small) == []
    held(small)


# --- a new floor document under a hold ---


def test_a_hold_outlives_a_floor_that_still_has_its_tables(service: Service) -> None:
    """New turn times, buffers and pacing are for new assignments, as they are for bookings."""
    assert service.put_restaurant("harbour", house(4, 4)).status == 201
    hold = held(service)
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
    hold = held(service)
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
    hold = held(service)
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
    hold = held(service)
    turns = [{"maxParty": None, "minutes": 60}]
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "turnTimes": turns}
    assert service.put_restaurant("harbour", house(4, policy=policy)).status == 200
    booking = book(service, hold).json["booking"]
    assert booking["tables"] == ["T1"]
    stay = datetime.fromisoformat(booking["endAt"]) - datetime.fromisoformat(booking["startAt"])
    assert stay == timedelta(minutes=60)
    assert_consistent(service.database)
