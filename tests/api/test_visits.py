"""The party comes, leaves, or does not come."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest

from maitred.bootstrap.operations import services
from maitred.services.idempotency import RequestContext
from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, at, house, party, set_clock


def mark(service: Service, booking: Any, what: str, **request: Any) -> Answer:
    return service.http("operations", "POST", f"/bookings/{booking['id']}/{what}", **request)


def booked(service: Service, *args: Any, **changes: Any) -> dict[str, Any]:
    booking: dict[str, Any] = service.book("harbour", party(*args, **changes)).json["booking"]
    return booking


def state(service: Service, booking: Any) -> tuple[str, list[str]]:
    found = service.booking(booking["id"]).json["booking"]
    return found["state"], found["tables"]


def _as_owner(service: Service, statement: str) -> None:
    with psycopg.connect(service.database.server.dsn(service.database.name)) as owner:
        owner.execute(statement.encode())


@pytest.fixture
def small(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """One table, half an hour before the evening: who leaves it makes room."""
    set_clock(monkeypatch, at("18:30"))
    service.put_restaurant("harbour", house(2))
    return service


def test_seated_and_completed(small: Service) -> None:
    booking = booked(small)
    seated = mark(small, booking, "seat")
    assert seated.status == 200, seated.text
    after = seated.json["booking"]
    assert (after["state"], after["tables"], after["version"]) == ("seated", ["T1"], booking["version"] + 1)
    assert booked(small)["state"] == "assignment_pending"  # B4: seated guests' tables are not offered
    completed = mark(small, booking, "complete").json["booking"]
    assert (completed["state"], completed["tables"]) == ("completed", [])
    history = small.http("operations", "GET", f"/bookings/{booking['id']}/history").json["items"]
    assert [item["reason"] for item in history][-2:] == ["seated", "completed"]


@pytest.mark.parametrize("way", [["seat", "complete"], ["no-show"]])
def test_who_leaves_early_wakes_who_waits(small: Service, way: list[str]) -> None:
    booking = booked(small)
    waiting = booked(small)
    small.work()
    assert state(small, waiting) == ("manual_review", [])
    for step in way:
        assert mark(small, booking, step).status == 200
    small.work()
    assert state(small, waiting) == ("confirmed", ["T1"])


def test_undone_on_the_same_tables(small: Service) -> None:
    booking = booked(small)
    assert mark(small, booking, "no-show").json["booking"]["tables"] == []
    undone = mark(small, booking, "undo-no-show").json
    assert (undone["booking"]["state"], undone["booking"]["tables"]) == ("confirmed", ["T1"])
    assert undone["booking"]["zone"] == "main"
    assert state(small, booking) == ("confirmed", ["T1"])
    assert booked(small)["state"] == "assignment_pending"
    kinds = small.database.query("select kind from notifications where booking_id = %s", booking["id"])
    assert kinds == [("confirmed",)]  # no second mail: nothing has changed for the guest


def test_undone_when_the_tables_are_taken(small: Service) -> None:
    booking = booked(small)
    mark(small, booking, "no-show")
    assert booked(small)["state"] == "confirmed"
    undone = mark(small, booking, "undo-no-show").json["booking"]
    assert (undone["state"], undone["tables"]) == ("assignment_pending", [])
    [message] = small.messages()
    assert booking["id"] in message["Body"]


def test_undone_when_the_table_is_gone(small: Service) -> None:
    booking = booked(small)
    mark(small, booking, "no-show")
    tables = [{"id": "T9", "zone": "main", "capacity": 2}]
    assert small.put_restaurant("harbour", house(tables=tables)).status == 200
    assert mark(small, booking, "undo-no-show").json["booking"]["state"] == "assignment_pending"
    small.work()
    assert state(small, booking) == ("confirmed", ["T9"])


def test_undone_on_a_new_layout_with_the_same_table(small: Service) -> None:
    booking = booked(small)
    mark(small, booking, "no-show")
    assert small.put_restaurant("harbour", house(4, 2)).status == 200
    assert mark(small, booking, "undo-no-show").json["booking"]["tables"] == ["T1"]


def test_undone_on_the_table_that_a_person_chose_against_a_rule(small: Service) -> None:
    small.put_restaurant("harbour", house(2, 4))
    booked(small, 4)
    booking = booked(small, 3)
    path = f"/bookings/{booking['id']}/assignment"
    body = {"tables": ["T1"], "override": ["capacity"]}
    assert small.http("operations", "PUT", path, body=body).status == 200
    mark(small, booking, "no-show")
    undone = mark(small, booking, "undo-no-show").json["booking"]
    assert (undone["state"], undone["tables"]) == ("confirmed", ["T1"])


def test_an_expired_hold_does_not_stand_in_the_way(small: Service) -> None:
    booking = booked(small)
    mark(small, booking, "no-show")
    _as_owner(
        small,
        "with h as (insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id,"
        " service_date, expires_at) select gen_random_uuid(), restaurant_id, 2, start_at, end_at, service_id,"
        " service_date, now() - interval '1 minute' from bookings returning id)"
        " insert into allocations (restaurant_id, layout_version, table_id, capacity, hold_id, occupied)"
        " select restaurant_id, layout_version, table_id, capacity, h.id, occupied from allocations, h",
    )
    assert mark(small, booking, "undo-no-show").json["booking"]["tables"] == ["T1"]


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        ([], ["complete", "undo-no-show"]),
        (["seat"], ["seat", "no-show", "undo-no-show"]),
        (["seat", "complete"], ["seat", "complete", "no-show", "undo-no-show"]),
        (["no-show"], ["seat", "complete", "no-show"]),
    ],
)
def test_what_the_machine_does_not_allow(small: Service, way: list[str], refused: list[str]) -> None:
    booking = booked(small)
    for step in way:
        assert mark(small, booking, step).status == 200
    before = state(small, booking)
    for step in refused:
        assert_problem(mark(small, booking, step), 409, "invalid_transition")
    assert state(small, booking) == before


def test_who_waits_can_not_be_seated(small: Service) -> None:
    booked(small)
    waiting = booked(small)
    for step in ("seat", "complete", "no-show", "undo-no-show"):
        assert_problem(mark(small, waiting, step), 409, "invalid_transition")


def test_the_same_key_marks_once(small: Service) -> None:
    booking = booked(small)
    headers = {"idempotency-key": "arrived"}
    first, again = (mark(small, booking, "seat", headers=headers) for _ in range(2))
    assert (first.status, again.status, again.text) == (200, 200, first.text)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("what", ["seat", "complete", "no-show", "undo-no-show"])
def test_for_operations_of_this_restaurant_only(small: Service, what: str) -> None:
    booking = booked(small)
    assert_problem(mark(small, booking, what, scope="bookings:write"), 403, "forbidden")
    assert_problem(mark(small, booking, what, restaurants="elsewhere"), 404, "booking_not_found")
    assert_problem(mark(small, booking, what, body={"at": "now"}), 422, "invalid_request")


def test_the_host_is_told_the_table_that_the_party_has_now(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is moved for others between the reading and the mark."""
    set_clock(monkeypatch, at("12:00"))
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "earlySeatMinutes": 600}
    service.put_restaurant("harbour", house(2, 4, policy=policy))
    first, moved = booked(service), booked(service)
    assert service.cancel(first["id"]).status == 200
    read = services().runtime.deps.store.booking(UUID(moved["id"]))
    assert read is not None
    assert booked(service, 4)["tables"] == ["T2"]
    answer = services().seating.seat(read, None, RequestContext("host", "correlation"))
    assert json.loads(answer.body)["booking"]["tables"] == ["T1"]
    last = service.http("operations", "GET", f"/bookings/{moved['id']}/history").json["items"][-1]
    assert last["metadata"]["tables"] == ["T1"]


def test_a_pin_ends_with_the_tables_that_it_pinned(small: Service) -> None:
    small.put_restaurant("harbour", house(2, 2))
    booking = booked(small)
    path = f"/bookings/{booking['id']}/assignment"
    assert small.http("operations", "PUT", path, body={"tables": ["T1"], "pin": True}).status == 200
    mark(small, booking, "no-show")
    assert booked(small)["tables"] == ["T1"]
    assert mark(small, booking, "undo-no-show").json["booking"]["pinned"] is False
    small.work()
    found = small.booking(booking["id"]).json["booking"]
    assert (found["tables"], found["pinned"]) == (["T2"], False)


def test_a_pin_ends_when_a_new_floor_takes_the_table(small: Service) -> None:
    small.put_restaurant("harbour", house(2, 2))
    booking = booked(small)
    path = f"/bookings/{booking['id']}/assignment"
    assert small.http("operations", "PUT", path, body={"tables": ["T1"], "pin": True}).status == 200
    floor = house(2, 2)
    floor["tables"][0]["active"] = False
    assert len(small.put_restaurant("harbour", floor).json["affected"]) == 1
    small.work()
    found = small.booking(booking["id"]).json["booking"]
    assert (found["tables"], found["pinned"]) == (["T2"], False)
