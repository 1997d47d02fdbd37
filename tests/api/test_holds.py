"""Holds through the true handlers: made, given back, turned into bookings, and over by the clock alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.holds import book, expire, ledger, on_hold, wanted
from tests.harness.problems import assert_problem, nothing_written, rows_of
from tests.harness.service import Service, evening, house, party

LONDON = ZoneInfo("Europe/London")


# --- making one ---


def test_a_hold_names_its_tables_its_stay_and_its_end(four_top: Service) -> None:
    before = datetime.now(LONDON)
    hold = on_hold(four_top)
    assert hold.keys() == {"holdId", "expiresAt", "tables", "startAt", "endAt"}
    assert hold["tables"] == ["T1"]
    start = datetime.fromisoformat(f"{evening()}T19:00").replace(tzinfo=LONDON)
    assert (hold["startAt"], hold["endAt"]) == (
        start.isoformat(),
        (start + timedelta(minutes=105)).isoformat(),
    )
    lives = datetime.fromisoformat(hold["expiresAt"]) - before
    assert timedelta(seconds=299) < lives < timedelta(seconds=310)
    assert ledger(four_top) == [("T1", False, True)]


def test_the_policy_says_how_long_a_hold_lives(service: Service) -> None:
    document = house(4, policy={"maxTables": 1, "holdSeconds": 1800})
    assert service.put_restaurant("harbour", document).status == 201
    lives = datetime.fromisoformat(on_hold(service)["expiresAt"]) - datetime.now(LONDON)
    assert timedelta(seconds=1780) < lives <= timedelta(seconds=1800)


@pytest.mark.parametrize(
    "start", [{"date": None}, {"time": "19:00:00"}, {"startAt": "2026-12-04T19:00"}, {"time": None}]
)
def test_a_hold_is_asked_for_as_a_booking_is(four_top: Service, start: dict[str, Any]) -> None:
    with nothing_written(four_top):
        assert_problem(four_top.hold("harbour", wanted(**start)), 422, "invalid_request")


@pytest.mark.parametrize("member", ["guest", "notes", "holdId", "onFull", "hold"])
def test_a_hold_has_no_guest(four_top: Service, member: str) -> None:
    with nothing_written(four_top):
        answer = four_top.hold("harbour", wanted() | {member: None})
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
def test_what_cannot_be_booked_cannot_be_held(four_top: Service, changes: dict[str, Any], code: str) -> None:
    body = {name: value for name, value in wanted(**changes).items() if value is not None}
    with nothing_written(four_top):
        assert_problem(four_top.hold("harbour", body), 422, code)


def test_nothing_free_is_409_with_reason_and_alternatives(four_top: Service) -> None:
    four_top.book("harbour", party(4))
    problem = assert_problem(four_top.hold("harbour", wanted()), 409, "no_capacity")
    assert problem["reason"]["code"] == "no_capacity"
    assert problem["alternatives"]
    first = datetime.fromisoformat(problem["alternatives"][0]["startAt"])
    again = on_hold(four_top, wanted(time=f"{first:%H:%M}"))
    assert again["tables"] == problem["alternatives"][0]["tables"]


def test_b5_a_hold_in_the_way_is_named(four_top: Service) -> None:
    on_hold(four_top)
    assert_problem(four_top.hold("harbour", wanted()), 409, "hold_conflict")
    assert_problem(four_top.book("harbour", party(4, onFull="refuse")), 409, "hold_conflict")
    pending = four_top.book("harbour", party(4)).json["assignment"]
    assert (pending["outcome"], pending["reason"]["code"]) == ("deferred", "hold_conflict")
    assert ledger(four_top) == [("T1", False, True)]


def test_making_a_hold_moves_nobody(service: Service) -> None:
    """The same wish as a booking would move the party of two."""
    assert service.put_restaurant("harbour", house(2, 4)).status == 201
    first, second = (service.book("harbour", party(2)).json["booking"] for _ in range(2))
    assert (first["tables"], second["tables"]) == (["T1"], ["T2"])
    service.cancel(first["id"])
    problem = assert_problem(service.hold("harbour", wanted()), 409, "no_capacity")
    for alternative in problem["alternatives"]:
        start = datetime.fromisoformat(alternative["startAt"])
        given_back(service, on_hold(service, wanted(time=f"{start:%H:%M}")))
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


def test_each_hold_is_told_once_and_without_a_booking(four_top: Service) -> None:
    on_hold(four_top)
    four_top.hold("harbour", wanted())
    summaries = four_top.events("auto_assign.summary")
    assert [(each["result"], each["trigger"], each["reason"]) for each in summaries] == [
        ("confirmed", "inline_hold", None),
        ("refused", "inline_hold", "hold_conflict"),
    ]
    quotes = four_top.events("auto_assign.quote")
    assert [each["plannerSuccess"] for each in quotes] == [True, False]
    assert {each["plannerStrategy"]["maxMoves"] for each in quotes} == {0}
    assert (
        four_top.database.value("select count(*) from observability_events where booking_id is not null") == 0
    )


# --- over by the clock alone ---


@pytest.mark.parametrize("next_wish", ["booking", "hold", "staff", "modification"])
def test_h1_an_expired_hold_blocks_nobody(four_top: Service, next_wish: str) -> None:
    """Nothing sweeps: whoever needs the tables next lets its rows go."""
    booking = four_top.book("harbour", party(4, "21:00")).json["booking"]["id"]
    hold = on_hold(four_top)
    assert_problem(four_top.hold("harbour", wanted()), 409, "hold_conflict")
    expire(four_top, hold)
    match next_wish:
        case "booking":
            assert four_top.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
        case "hold":
            on_hold(four_top)
        case "staff":
            waiting = four_top.book("harbour", party(4, "18:00")).json["booking"]["id"]
            four_top.unassign(waiting)
            assert four_top.assign(waiting, "T1").status == 200
        case "modification":
            change = {"date": evening(), "time": "19:00"}
            answer = four_top.http("bookings", "PATCH", f"/bookings/{booking}", body=change)
            assert answer.json["booking"]["tables"] == ["T1"]
    assert_consistent(four_top.database)


def test_h1_an_expired_hold_counts_for_no_pacing(service: Service) -> None:
    policy = {"maxTables": 1, "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    assert service.put_restaurant("harbour", house(4, 4, policy=policy)).status == 201
    hold = on_hold(service)
    assert_problem(service.hold("harbour", wanted(2)), 409, "hold_conflict")
    expire(service, hold)
    on_hold(service, wanted(2))


def test_h1_a_hold_that_expired_is_410(four_top: Service) -> None:
    hold = on_hold(four_top)
    expire(four_top, hold)
    before = rows_of(four_top.database)
    assert_problem(book(four_top, hold), 410, "hold_expired")
    assert rows_of(four_top.database) == before


def test_b5_a_person_cannot_take_held_tables(four_top: Service) -> None:
    waiting = four_top.book("harbour", party(4)).json["booking"]["id"]
    assert four_top.unassign(waiting).status == 200
    hold = on_hold(four_top)
    assert_problem(four_top.assign(waiting, "T1"), 409, "table_occupied")
    given_back(four_top, hold)
    assert four_top.assign(waiting, "T1").status == 200


# --- giving one back ---


def test_a_hold_given_back_is_free_at_once_and_gone_for_good(four_top: Service) -> None:
    hold = on_hold(four_top)
    answer = four_top.give_back(hold["holdId"])
    assert (answer.status, answer.text) == (204, "")
    assert ledger(four_top) == []
    given_back(four_top, hold)
    assert_problem(book(four_top, hold), 410, "hold_expired")
    on_hold(four_top)


def test_an_expired_hold_can_be_given_back(four_top: Service) -> None:
    hold = on_hold(four_top)
    expire(four_top, hold)
    given_back(four_top, hold)


def test_a_hold_given_back_wakes_who_waits_for_its_tables(four_top: Service) -> None:
    hold = on_hold(four_top)
    waiting = four_top.book("harbour", party(4)).json["booking"]["id"]
    four_top.work()
    given_back(four_top, hold)
    four_top.work()
    assert four_top.booking(waiting).json["booking"]["tables"] == ["T1"]
    given_back(four_top, hold)  # nothing is freed a second time
    assert four_top.messages() == []


def test_who_waits_for_a_hold_is_tried_again_when_it_expires(four_top: Service) -> None:
    hold = on_hold(four_top)
    waiting = four_top.book("harbour", party(4)).json["booking"]["id"]
    [message] = four_top.messages()
    assert four_top.deliver("assign", message["Body"]) == {"batchItemFailures": []}
    [(due,)] = four_top.database.query(
        "select due_at from outbox where booking_id = %s::uuid and (payload ->> 'attempt')::int = 2", waiting
    )
    pause = due - datetime.fromisoformat(hold["expiresAt"])
    assert timedelta(seconds=1) <= pause <= timedelta(seconds=5)


def test_giving_back_a_used_hold_changes_nothing(four_top: Service) -> None:
    hold = on_hold(four_top)
    booking = book(four_top, hold).json["booking"]
    given_back(four_top, hold)
    assert four_top.booking(booking["id"]).json["booking"] == booking
    assert ledger(four_top) == [("T1", True, False)]


@pytest.mark.parametrize("path", ["", "x", "0" * 31, "%00", "2b69a8b2-1bce-464d-a063-64005239acc6"])
def test_no_such_hold(four_top: Service, path: str) -> None:
    with nothing_written(four_top):
        assert four_top.give_back(path).status == 404


def test_giving_back_takes_a_key(four_top: Service) -> None:
    hold, key = on_hold(four_top), {"idempotency-key": "back"}
    assert four_top.give_back(hold["holdId"], headers=key).status == 204
    again = four_top.give_back(hold["holdId"], headers=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (204, "true")


# --- who may ---


@pytest.mark.parametrize("scope", ["bookings:read", "", "openid"])
def test_holds_need_the_scope_to_write(four_top: Service, scope: str) -> None:
    hold = on_hold(four_top)
    with nothing_written(four_top):
        assert_problem(four_top.hold("harbour", wanted(), scope=scope), 403, "forbidden")
        assert_problem(four_top.give_back(hold["holdId"], scope=scope), 403, "forbidden")
    assert four_top.give_back(hold["holdId"], scope="bookings:write").status == 204


def test_another_tenants_hold_does_not_exist(four_top: Service) -> None:
    assert four_top.put_restaurant("other", house(4)).status == 201
    hold = on_hold(four_top)
    with nothing_written(four_top):
        same = {"headers": {"x-correlation-id": "same"}, "restaurants": "other"}
        answers = [four_top.give_back(hold_id, **same) for hold_id in (hold["holdId"], str(uuid4()))]
        assert_problem(answers[0], 404, "hold_not_found")
        assert answers[0] == answers[1]
        foreign = four_top.book("other", party(4, holdId=hold["holdId"]), restaurants="*")
        assert_problem(foreign, 404, "hold_not_found")
    assert book(four_top, hold).json["assignment"]["outcome"] == "confirmed"
