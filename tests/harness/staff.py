"""A house whose tables each have something about them, and what a person does there."""

from typing import Any

from tests.harness.problems import assert_problem, call
from tests.harness.service import Answer, Service, house, party

# B and C touch, D is fixed, E is not in use, W is for walk-ins, X is out of service.
FLOOR = house(
    policy={"maxTables": 2, "bufferAfterMinutes": 0},
    zones=[{"id": "main", "name": "Main room"}, {"id": "patio", "name": "Patio"}],
    tables=[
        {"id": "A", "zone": "main", "capacity": 2},
        {"id": "B", "zone": "main", "capacity": 4, "minParty": 3},
        {"id": "C", "zone": "main", "capacity": 4, "minParty": 3},
        {"id": "D", "zone": "patio", "capacity": 4, "movable": False},
        {"id": "E", "zone": "main", "capacity": 4, "active": False},
        {"id": "W", "zone": "main", "capacity": 2, "walkInOnly": True},
        {"id": "X", "zone": "main", "capacity": 4, "outOfService": True},
        {"id": "P", "zone": "patio", "capacity": 4, "minParty": 4},
    ],
    adjacency=[["A", "B"], ["B", "C"]],
)


def booked(service: Service, size: int = 2, time: str = "19:00", **changes: Any) -> str:
    booking: str = service.book("harbour", party(size, time, **changes)).json["booking"]["id"]
    return booking


def in_review(service: Service, size: int = 4, **changes: Any) -> str:
    """A booking whose tables a person took away, so that every table is free."""
    booking = booked(service, size, **changes)
    assert service.unassign(booking).status == 200
    return booking


def ledger(service: Service, booking: str) -> list[Any]:
    return service.database.query(
        "select table_id, overrides from allocations where live and booking_id = %s order by 1", booking
    )


def history(booking: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = call("operations", "GET", f"/bookings/{booking}/history").json["items"]
    return items


def attempts(booking: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = call("operations", "GET", f"/bookings/{booking}/attempts").json["items"]
    return items


def violated(answer: Answer) -> set[str]:
    problem = assert_problem(answer, 422, "rule_violated", "tables")
    return {error["code"] for error in problem["errors"]}
