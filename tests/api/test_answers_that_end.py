"""Answers that say how it goes on: tables for walk-ins, parties that never fit, tables that are on hold."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.harness.problems import assert_problem, call, nothing_written, rows_of
from tests.harness.service import Service, evening, house, party
from tests.harness.staff import attempts

GUEST = "bookings:write"


def walk_in_house(*capacities: int, **changes: Any) -> dict[str, Any]:
    """Its last table is kept for walk-ins."""
    document = house(*capacities, **changes)
    document["tables"][-1]["walkInOnly"] = True
    return document


# --- tables for walk-ins ---


@pytest.mark.parametrize(("capacities", "size"), [((2, 6), 5), ((6,), 2)])
def test_a_party_that_only_walk_in_tables_seat_waits_for_a_person_of_staffs(
    service: Service, capacities: tuple[int, ...], size: int
) -> None:
    service.put_restaurant("harbour", walk_in_house(*capacities))
    with nothing_written(service):
        assert_problem(service.book("harbour", party(size), scope=GUEST), 422, "party_too_large")
    made = service.book("harbour", party(size))
    assert (made.status, made.json["assignment"]["outcome"]) == (201, "deferred")
    assert made.json["assignment"]["reason"]["code"] == "party_too_large"
    service.work()
    booking = made.json["booking"]["id"]
    assert service.booking(booking).json["booking"]["state"] == "manual_review"
    assert [(each["flow"], each["attemptNo"]) for each in attempts(booking)] == [("inline", 1), ("job", 1)]
    table = f"T{len(capacities)}"
    assert service.assign(booking, table).json["booking"]["tables"] == [table]


def test_a_party_larger_than_all_seats_is_an_input_error_of_staffs_too(service: Service) -> None:
    service.put_restaurant("harbour", walk_in_house(2, 6))
    with nothing_written(service):
        problem = assert_problem(service.book("harbour", party(9)), 422, "party_too_large")
    assert "8 seats" in problem["detail"]


def test_staff_who_want_no_waiting_are_refused(service: Service) -> None:
    service.put_restaurant("harbour", walk_in_house(2, 6))
    problem = assert_problem(service.book("harbour", party(5, onFull="refuse")), 409, "party_too_large")
    assert problem["reason"]["category"] == "deterministic"


def test_a_plain_booking_never_gets_a_table_for_walk_ins(service: Service) -> None:
    service.put_restaurant("harbour", walk_in_house(2, 2))
    assert service.book("harbour", party(2)).json["booking"]["tables"] == ["T1"]
    assert service.book("harbour", party(2)).json["assignment"]["outcome"] == "deferred"


# --- parties that no evening can seat ---

ROWS = [{"tables": ["T1", "T2"], "minParty": 7, "maxParty": 9}]
NEVER = {
    "no joining": ({"policy": {"maxTables": 1}}, 9, "max_tables", 6),
    "too many tables": (
        {"policy": {"maxTables": 2}, "adjacency": [["T1", "T2"], ["T2", "T3"]]},
        13,
        "max_tables",
        10,
    ),
    "two rules at once": ({"policy": {"maxTables": 1}, "adjacency": []}, 15, "party_too_large", 6),
    "a combination": (
        {"policy": {"maxTables": 1}, "combinations": ROWS, "adjacency": []},
        10,
        "party_too_large",
        9,
    ),
}


@pytest.mark.parametrize(("changes", "size", "code", "most"), NEVER.values(), ids=NEVER.keys())
def test_a_party_that_never_fits_is_told_so_and_is_a_persons_at_once(
    service: Service, changes: dict[str, Any], size: int, code: str, most: int
) -> None:
    document = house(4, 6, 4, 4, adjacency=[["T1", "T2"]] if "adjacency" not in changes else []) | changes
    service.put_restaurant("harbour", document)
    made = service.book("harbour", party(size)).json
    reason = made["assignment"]["reason"]
    assert (reason["code"], made["alternatives"]) == (code, [])
    assert f"At most {most} can sit together here" in reason["detail"]
    assert "at this time" not in reason["detail"]
    service.work()
    booking = service.booking(made["booking"]["id"]).json["booking"]
    assert booking["state"] == "manual_review"
    job = [each for each in attempts(booking["id"]) if each["flow"] == "job"]
    assert [(each["attemptNo"], each["reason"]["code"]) for each in job] == [(1, code)]


def test_a_table_out_of_service_comes_back(service: Service) -> None:
    """Its party does not fit today, but it is not told that it never will."""
    document = house(4, 8)
    document["tables"][1]["outOfService"] = True
    service.put_restaurant("harbour", document)
    reason = service.book("harbour", party(7)).json["assignment"]["reason"]
    assert "can sit together" not in reason["detail"]


# --- tables that others have on hold ---


def wanted(time: str = "19:00") -> dict[str, Any]:
    return {"partySize": 4, "date": evening(), "time": time}


def seconds_left(service: Service, hold: str) -> float:
    [(ends,)] = service.database.query("select expires_at from holds where id = %s::uuid", hold)
    left: float = (ends - datetime.now(UTC)).total_seconds()
    return left


def test_a_held_house_is_no_fault_and_says_when_to_ask_again(service: Service) -> None:
    service.put_restaurant("harbour", house(4, policy={"maxTables": 1, "holdSeconds": 900}))
    hold = service.hold("harbour", wanted()).json["holdId"]
    key = {"idempotency-key": "once"}
    before = rows_of(service.database)
    answer = service.book("harbour", party(4, onFull="refuse"), headers=key)
    after = rows_of(service.database)
    assert {name for name in after if after[name] != before[name]} <= {"observability_events"}
    problem = assert_problem(answer, 409, "hold_conflict")
    assert problem["reason"]["category"] == "transient"
    assert problem["alternatives"]
    assert abs(int(answer.headers["retry-after"]) - seconds_left(service, hold)) < 30
    service.give_back(hold)
    again = service.book("harbour", party(4, onFull="refuse"), headers=key)
    assert (again.status, again.json["booking"]["state"]) == (201, "confirmed")


def test_only_holds_in_the_way_are_waited_for(service: Service) -> None:
    service.put_restaurant("harbour", house(4, policy={"maxTables": 1, "holdSeconds": 900}))
    elsewhere = service.hold("harbour", wanted("17:00")).json["holdId"]
    service.database.query(
        "update holds set expires_at = now() + interval '60 seconds' where id = %s::uuid", elsewhere
    )
    service.hold("harbour", wanted("21:00"))
    answer = service.book("harbour", party(4, "21:00", onFull="refuse"))
    assert_problem(answer, 409, "hold_conflict")
    assert int(answer.headers["retry-after"]) > 600


def test_a_change_that_a_hold_stands_in_the_way_of_is_no_fault_either(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = service.book("harbour", party(4, "17:00")).json["booking"]
    service.hold("harbour", wanted("21:00"))
    body = {"date": evening(), "time": "21:00"}
    answer = call("bookings", "PATCH", f"/bookings/{booking['id']}", body=body)
    assert_problem(answer, 409, "hold_conflict")
    assert int(answer.headers["retry-after"]) > 0
    assert service.booking(booking["id"]).json["booking"] == booking
