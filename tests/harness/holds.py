"""Making holds, using them, and letting them expire."""

from typing import Any

from tests.harness.service import Answer, Service, evening, party


def wanted(size: int = 4, time: str = "19:00", **changes: Any) -> dict[str, Any]:
    """A hold's body."""
    return {"partySize": size, "date": evening(), "time": time} | changes


def on_hold(service: Service, body: Any = None, **request: Any) -> dict[str, Any]:
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
