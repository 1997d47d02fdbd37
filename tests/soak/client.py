"""One client of the soak: asks, asks again when it gets no answer, and remembers what it was promised."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from typing import Any
from uuid import uuid4

from tests.harness.events import LambdaContext, http_event
from tests.harness.service import Answer, evening, handler, house
from tests.soak.sandbox import Place, furnish

RESTAURANTS = 4
CAPACITIES = (2, 2, 2, 4, 4, 4, 6, 8)
_PATIENCE_SECONDS = 60  # longer than an open circuit pauses, however often its probe fails
_PAUSE_SECONDS = 0.05
_SOON = 0.2  # so many ask for a table within two hours, where parties sit and tables are out of order
_REPEATS = 0.10  # so often a client that has its answer asks once more with the same key
_SERVER_ERROR = 500
_OPEN = "open"  # with tables or waiting for some: what others do may change which
_SEATED, _COMPLETED = "seated", "completed"
_AFTER = {
    "cancel": "cancelled",
    "seat": _SEATED,
    "unseat": _OPEN,
    "complete": _COMPLETED,
    "undo-complete": _SEATED,
    "no-show": "no_show",
    "undo-no-show": _OPEN,
    "decline": "declined",
}
#: In which state a booking is, mostly, of which an operation is asked.
_OF = {
    "arrive": _OPEN,
    "seat": _OPEN,
    "decline": _OPEN,
    "no-show": _OPEN,
    "undo-no-show": "no_show",
    "unseat": _SEATED,
    "complete": _SEATED,
    "move": _SEATED,
    "change who sits": _SEATED,
    "undo-complete": _COMPLETED,
}

#: How often each operation is asked for, in parts of a hundred or so.
WEIGHTS: Mapping[str, int] = {
    "create": 27,
    "hold": 7,
    "modify": 13,
    "cancel": 9,
    "process": 9,
    "assign": 6,
    "unassign": 2,
    "walk in": 6,
    "arrive": 4,
    "seat": 10,
    "unseat": 3,
    "move": 3,
    "change who sits": 3,
    "complete": 6,
    "undo-complete": 2,
    "no-show": 3,
    "undo-no-show": 2,
    "decline": 2,
    "block": 3,
    "unblock": 2,
}


def floor() -> dict[str, Any]:
    """Eight tables, any two of which may be joined; two may be moved for one; a hold lasts three seconds.

    Open at any hour, so that guests walk in whenever the soak runs.
    """
    services = [
        {"id": "all-day", "name": "All day", "opens": "00:00", "closes": "23:59", "allowOverrun": True}
    ]
    policy = {
        "maxTables": 2,
        "adjacency": "none",
        "bufferAfterMinutes": 5,
        "maxMoves": 2,
        "holdSeconds": 3,
        "earlySeatMinutes": 43_200,
    }
    return house(*CAPACITIES, policy=policy, services=services)


@dataclass(slots=True)
class Report:
    """What one client saw. ``expected``: by booking, the state it was told of last."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    retried: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    repeated: int = 0
    differing: list[str] = field(default_factory=list)


def send(function: str, method: str, path: str, body: Any, key: str) -> Answer:
    event = http_event(method, path, body=body, headers={"idempotency-key": key})
    answer = handler(function)(event, LambdaContext(function))
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, answer.get("body") or "")


class Client:
    """``days``: how many evenings the house takes bookings for."""

    def __init__(self, seed: int, days: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._days = days
        self._houses: dict[str, str] = {}
        self.report = Report()

    def act(self) -> None:
        """One operation."""
        kind = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        match kind if self._houses else "create":
            case "create":
                self._create()
            case "hold":
                self._hold()
            case "walk in":
                self._walk_in()
            case "block" | "unblock":
                self._table(kind)
            case _:
                self._to_a_booking(kind, self._any_booking(_OF.get(kind)))

    def _to_a_booking(self, kind: str, booking: str) -> None:
        match kind:
            case "modify":
                self._modify(booking)
            case "process":
                body = {"bookingId": booking, "trigger": "retry"}
                self._ask(kind, "operations", "POST", "/assignments/process", body)
            case "assign" | "unassign" | "move":
                self._assignment(kind, booking)
            case "change who sits":
                self._change_who_sits(booking)
            case _:
                self._mark(kind, booking)

    def _create(self) -> None:
        self._book("create", self._restaurant(), self._stay())

    def _hold(self) -> None:
        """Tables held for a moment: then booked, given back, or left to the clock."""
        restaurant, stay = self._restaurant(), self._stay()
        on_hold = self._ask("hold", "bookings", "POST", f"/restaurants/{restaurant}/holds", stay)
        if on_hold is None or on_hold.status != 201:
            return
        hold = on_hold.json["holdId"]
        match self._chance.choice(["book", "book", "delete", "leave"]):
            case "book":
                self._book("book a hold", restaurant, {**stay, "holdId": hold})
            case "delete":
                self._ask("delete a hold", "bookings", "DELETE", f"/holds/{hold}", None)

    def _restaurant(self) -> str:
        return f"soak-{self._chance.randrange(RESTAURANTS)}"

    def _book(self, kind: str, restaurant: str, wish: dict[str, Any]) -> None:
        guest = {"name": "Guest", "email": f"guest-{uuid4().hex}@soak.invalid"}
        body = {**wish, "guest": guest, "onFull": self._chance.choice(["pend", "pend", "refuse"])}
        answer = self._ask(kind, "bookings", "POST", f"/restaurants/{restaurant}/bookings", body)
        if answer is not None and answer.status == 201:
            booking = answer.json["booking"]["id"]
            self._houses[booking] = restaurant
            self.report.expected[booking] = _OPEN

    def _modify(self, booking: str) -> None:
        body = {**self._stay(), "onFull": self._chance.choice(["keep", "pend"])}
        if self._chance.random() < 0.3:
            body = {"notes": f"note {self._chance.randrange(100)}"}
        self._ask("modify", "bookings", "PATCH", f"/bookings/{booking}", body)

    def _assignment(self, kind: str, booking: str) -> None:
        path = f"/bookings/{booking}/assignment"
        if kind == "unassign":
            self._ask(kind, "operations", "DELETE", path, None)
            return
        override = ["capacity"] if self._chance.random() < 0.3 else []
        body = {"tables": [self._any_table()], "pin": self._chance.random() < 0.5, "override": override}
        self._ask(kind, "operations", "PUT", path, body)

    def _mark(self, kind: str, booking: str) -> None:
        function = "bookings" if kind == "cancel" else "operations"
        answer = self._ask(kind, function, "POST", f"/bookings/{booking}/{kind}", {})
        if answer is not None and answer.status == 200 and kind in _AFTER:
            self.report.expected[booking] = _AFTER[kind]

    def _change_who_sits(self, booking: str) -> None:
        """One more at the table, a longer stay, or another note."""
        changes: list[dict[str, Any]] = [
            {"partySize": self._chance.randrange(1, 9)},
            {"durationMinutes": self._chance.choice([60, 90, 180])},
            {"notes": f"note {self._chance.randrange(100)}"},
        ]
        body = self._chance.choice(changes)
        self._ask("change who sits", "bookings", "PATCH", f"/bookings/{booking}", body)

    def _walk_in(self) -> None:
        """At any table, or at one of their choice; most sit down, some wait for it at the bar."""
        restaurant, seat = self._restaurant(), self._chance.random() < 0.8
        body: dict[str, Any] = {"partySize": self._chance.choice([1, 2, 2, 2, 3, 4, 5]), "seat": seat}
        if self._chance.random() < 0.2:
            body["tables"] = [self._any_table()]
        answer = self._ask("walk in", "operations", "POST", f"/restaurants/{restaurant}/walk-ins", body)
        if answer is not None and answer.status == 201:
            booking = answer.json["booking"]["id"]
            self._houses[booking] = restaurant
            self.report.expected[booking] = _SEATED if seat else _OPEN

    def _table(self, kind: str) -> None:
        path = f"/restaurants/{self._restaurant()}/tables/{self._any_table()}/block"
        if kind == "unblock":
            self._ask(kind, "operations", "DELETE", path, None)
            return
        minutes = self._chance.choice([1, 20, 60])  # the first of them are over before the soak is
        until = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        self._ask(kind, "operations", "POST", path, {"until": until.isoformat(), "reason": "a leg is broken"})

    def _any_table(self) -> str:
        return f"T{self._chance.randrange(len(CAPACITIES)) + 1}"

    def _stay(self) -> dict[str, Any]:
        party = {"partySize": self._chance.choice([1, 2, 2, 2, 3, 4, 4, 5, 6, 8, 10])}
        if self._chance.random() < _SOON:
            start = datetime.now(UTC).replace(second=0, microsecond=0)
            start += timedelta(minutes=self._chance.randrange(1, 120))
            return party | {"startAt": start.isoformat()}
        clock = f"{self._chance.randrange(17, 21)}:{self._chance.choice(['00', '15', '30', '45'])}"
        return party | {"date": evening(14 + self._chance.randrange(self._days)), "time": clock}

    def _any_booking(self, state: str | None = None) -> str:
        """One in ``state``, or one that is still open, mostly: who comes too late must be told so, too."""
        expected, over = self.report.expected, ("cancelled", "completed", "declined")
        if self._chance.random() < 0.9:
            candidates = [
                each for each, known in expected.items() if (known == state if state else known not in over)
            ]
        else:
            candidates = list(expected)
        return self._chance.choice(candidates or list(expected))

    def _ask(self, kind: str, function: str, method: str, path: str, body: Any) -> Answer | None:
        """The answer that counts: no fault of the server's, not "still running". None: there was none."""
        key = uuid4().hex
        began = time.perf_counter()
        while time.perf_counter() - began < _PATIENCE_SECONDS:
            answer = send(function, method, path, body, key)
            code = "" if answer.status < 400 else str(answer.json.get("code"))
            if answer.status < _SERVER_ERROR and code != "idempotency_in_progress":
                taken = (time.perf_counter() - began) * 1000
                self.report.milliseconds.setdefault(kind, []).append(taken)
                self.report.answers[kind, f"{answer.status} {code}".strip()] += 1
                self._repeat(function, method, path, body, key, answer)
                return answer
            self.report.retried[f"{answer.status} {code}"] += 1
            time.sleep(_PAUSE_SECONDS)
        self.report.unanswered += 1
        return None

    def _repeat(self, function: str, method: str, path: str, body: Any, key: str, first: Answer) -> None:
        """A client whose network is bad sends its request twice, and must get the very same answer."""
        if first.status >= 400 or self._chance.random() >= _REPEATS:
            return
        again = send(function, method, path, body, key)
        if again.status >= _SERVER_ERROR:
            return
        self.report.repeated += 1
        replayed = again.headers.get("idempotent-replayed") == "true"
        if (again.status, again.text) != (first.status, first.text) or not replayed:
            self.report.differing.append(f"{method} {path}")


def play(place: Place, seed: int, operations: int, days: int, results: "Queue[Report | None]") -> None:
    """A client's whole life. ``results`` gets None for each operation, then the report."""
    furnish(place)
    client = Client(seed, days)
    for _ in range(operations):
        client.act()
        results.put(None)
    results.put(client.report)


def lay_out(place: Place) -> None:
    """The restaurants, before anybody comes."""
    furnish(place)
    for number in range(RESTAURANTS):
        answer = send("operations", "PUT", f"/restaurants/soak-{number}", floor(), uuid4().hex)
        if answer.status != 201:
            raise SystemExit(answer.text)
