"""One restaurant's evening through the true handlers."""

from datetime import datetime
from typing import Any

import pytest

from tests.harness.service import Answer, Service, at, house, party, set_clock

POLICY = {"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2}


class Evening:
    """One restaurant's evening, with a clock that the test sets."""

    def __init__(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.service = service
        self._monkeypatch = monkeypatch

    def opens(self, *capacities: int, clock: str = "18:30", **changes: Any) -> None:
        self.clock(clock)
        document = house(*capacities, **{"policy": POLICY, **changes})
        assert self.service.put_restaurant("harbour", document).status == 201

    def clock(self, wall: str) -> datetime:
        moment = at(wall)
        set_clock(self._monkeypatch, moment)
        return moment

    def book(self, size: int = 2, time: str = "19:00", **changes: Any) -> dict[str, Any]:
        answer = self.service.book("harbour", party(size, time, **changes))
        assert answer.status == 201, answer.text
        booking: dict[str, Any] = answer.json["booking"]
        return booking

    def mark(self, booking: Any, what: str, **request: Any) -> Answer:
        return self.service.http("operations", "POST", f"/bookings/{booking['id']}/{what}", **request)

    def done(self, booking: Any, what: str, **request: Any) -> dict[str, Any]:
        answer = self.mark(booking, what, **request)
        assert answer.status == 200, answer.text
        after: dict[str, Any] = answer.json["booking"]
        return after

    def patch(self, booking: Any, **body: Any) -> Answer:
        return self.service.http("bookings", "PATCH", f"/bookings/{booking['id']}", body=body)

    def walk_in(self, size: int, headers: Any = None, **body: Any) -> Answer:
        path = "/restaurants/harbour/walk-ins"
        return self.service.http(
            "operations", "POST", path, body={"partySize": size, **body}, headers=headers
        )

    def block(self, table: str, **body: Any) -> Answer:
        path = f"/restaurants/harbour/tables/{table}/block"
        return self.service.http("operations", "POST", path, body=body)

    def unblock(self, table: str, headers: Any = None) -> Answer:
        path = f"/restaurants/harbour/tables/{table}/block"
        return self.service.http("operations", "DELETE", path, headers=headers)

    def now(self, booking: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.service.booking(booking["id"]).json["booking"]
        return found

    def where(self, booking: Any) -> tuple[str, list[str]]:
        found = self.now(booking)
        return found["state"], found["tables"]

    def floor(self, **query: str) -> dict[str, Any]:
        answer = self.service.http("operations", "GET", "/restaurants/harbour/floor", query=query)
        assert answer.status == 200, answer.text
        floor: dict[str, Any] = answer.json
        return floor

    def table(self, name: str) -> dict[str, Any]:
        return next(table for table in self.floor()["tables"] if table["id"] == name)

    def history(self, booking: Any) -> list[dict[str, Any]]:
        path = f"/bookings/{booking['id']}/history"
        items: list[dict[str, Any]] = self.service.http("operations", "GET", path).json["items"]
        return items

    def explanation(self, booking: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.service.http(
            "operations", "GET", f"/bookings/{booking['id']}/explanation"
        ).json
        return found

    def hold(self, size: int, time: str) -> dict[str, Any]:
        body = {
            key: value for key, value in party(size, time).items() if key in ("date", "time", "partySize")
        }
        answer = self.service.http("bookings", "POST", "/restaurants/harbour/holds", body=body)
        assert answer.status == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def minute(self) -> dict[str, Any]:
        return self.service.scheduled("maintain")


def refused(evening: Evening, size: int, time: str) -> Answer:
    return evening.service.book("harbour", party(size, time, onFull="refuse"))
