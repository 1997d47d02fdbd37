"""One client of the soak: asks, asks again when it gets no answer, and remembers what it was promised."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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
_REPEATS = 0.10  # so often a client that has its answer asks once more with the same key
_SERVER_ERROR = 500
_OPEN = "open"  # with tables or waiting for some: what others do may change which
_AFTER = {"cancel": "cancelled", "seat": "seated", "complete": "completed", "no-show": "no_show"}

#: How often each operation is asked for, in parts of a hundred or so.
WEIGHTS: Mapping[str, int] = {
    "create": 30,
    "hold": 8,
    "modify": 16,
    "cancel": 12,
    "process": 10,
    "assign": 7,
    "unassign": 2,
    "seat": 7,
    "complete": 5,
    "no-show": 3,
    "undo-no-show": 2,
}


def floor() -> dict[str, Any]:
    """Eight tables, any two of which may be joined; two may be moved for one; a hold lasts three seconds."""
    policy = {
        "maxTables": 2,
        "adjacency": "none",
        "bufferAfterMinutes": 5,
        "maxMoves": 2,
        "holdSeconds": 3,
        "earlySeatMinutes": 43_200,
    }
    return house(*CAPACITIES, policy=policy)


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
        if kind == "create" or not self._houses:
            self._create()
        elif kind == "hold":
            self._hold()
        elif kind == "modify":
            self._modify(self._any_booking())
        elif kind == "process":
            booking = self._any_booking()
            body = {"bookingId": booking, "trigger": "retry"}
            self._ask(kind, "operations", "POST", "/assignments/process", body)
        elif kind in ("assign", "unassign"):
            self._assignment(kind, self._any_booking())
        else:
            self._mark(kind, self._any_booking())

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
        table = f"T{self._chance.randrange(len(CAPACITIES)) + 1}"
        override = ["capacity"] if self._chance.random() < 0.3 else []
        body = {"tables": [table], "pin": self._chance.random() < 0.5, "override": override}
        self._ask(kind, "operations", "PUT", path, body)

    def _mark(self, kind: str, booking: str) -> None:
        function = "bookings" if kind == "cancel" else "operations"
        answer = self._ask(kind, function, "POST", f"/bookings/{booking}/{kind}", {})
        if answer is not None and answer.status == 200:
            self.report.expected[booking] = _AFTER.get(kind, _OPEN)

    def _stay(self) -> dict[str, Any]:
        clock = f"{self._chance.randrange(17, 21)}:{self._chance.choice(['00', '15', '30', '45'])}"
        return {
            "partySize": self._chance.choice([1, 2, 2, 2, 3, 4, 4, 5, 6, 8, 10]),
            "date": evening(14 + self._chance.randrange(self._days)),
            "time": clock,
        }

    def _any_booking(self) -> str:
        """One that is still open, mostly: who comes too late must be told so, too."""
        expected = self.report.expected
        if self._chance.random() < 0.9:
            candidates = [each for each, state in expected.items() if state not in ("cancelled", "completed")]
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
