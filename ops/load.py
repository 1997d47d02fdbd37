"""A bounded load of bookings through the HTTP API. No guest has a real address, so nobody gets mail."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from ops.target import LOCAL, OpsError, Target

RESTAURANT = "ops-load"
_SECONDS = 30.0
_FIRST_DAY, _DAYS = 14, 30
_TABLES = (2, 2, 2, 2, 4, 4, 4, 6, 6, 8)
_NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Load:
    """``rate``: bookings a second in total; with ``rising`` the rate grows evenly to it."""

    number: int
    rate: float
    concurrency: int
    rising: bool

    def due(self, position: int) -> float:
        """When booking number ``position`` is sent, in seconds from the start."""
        if not self.rising:
            return position / self.rate
        return 2 * sqrt(position * self.number) / self.rate


@dataclass(slots=True)
class Tally:
    """The answers so far: how many of each status, and how long each took."""

    statuses: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0


def refuse_unless_meant(target: Target, meant: str | None) -> None:
    """Only a local stack, or the stage that was named twice and sends no mail. Raises OpsError."""
    if target.name == LOCAL:
        return
    if meant != target.name:
        raise OpsError(f"to put load on {target.name}, add --yes-i-mean {target.name}")
    if target.sends_mail:
        raise OpsError(
            f"{target.name} sends mail: deploy it with MailDelivery=suppressed before putting load on it"
        )


def prepare(target: Target) -> None:
    """Create the restaurant that takes the load; nothing else on the target changes. Raises OpsError."""
    with Caller(target) as caller:
        status, answer = caller.call("PUT", f"/restaurants/{RESTAURANT}", _floor())
        if status not in ("200", "201"):
            raise OpsError(
                f"the restaurant {RESTAURANT} could not be created: {status} {answer.get('code', '')}"
            )


def run(target: Target, load: Load, on_answer: Callable[[int, Counter[str]], None]) -> Tally:
    """Send every booking at its time, or as soon after it as a client is free.

    ``on_answer`` gets the number of answers so far, and how many of each status.
    """
    tally, lock = Tally(), threading.Lock()
    positions = iter(range(load.number))
    name, began = uuid4().hex[:8], time.monotonic()

    def send_bookings() -> None:
        with Caller(target) as caller:
            while True:
                with lock:
                    position = next(positions, None)
                if position is None:
                    return
                time.sleep(max(0.0, began + load.due(position) - time.monotonic()))
                sent = time.perf_counter()
                status, _ = caller.call("POST", f"/restaurants/{RESTAURANT}/bookings", _body(name, position))
                with lock:
                    tally.statuses[status] += 1
                    tally.milliseconds.append((time.perf_counter() - sent) * 1000)
                    on_answer(tally.statuses.total(), tally.statuses)

    threads = [threading.Thread(target=send_bookings, daemon=True) for _ in range(load.concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.seconds = time.monotonic() - began
    return tally


class Caller:
    """One HTTP client on one connection that stays open. Not thread-safe."""

    def __init__(self, target: Target) -> None:
        if target.token is None:
            raise OpsError("no token for this stage: set MAITRED_TOKEN to one with the scopes it needs")
        address = urlsplit(target.url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.netloc, timeout=_SECONDS)
        self._headers = {"authorization": f"Bearer {target.token}", "content-type": "application/json"}

    def __enter__(self) -> Self:
        """Return the caller."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()

    def call(self, method: str, path: str, body: Any) -> tuple[str, dict[str, Any]]:
        """Return the status and the JSON of the answer; the status is ``no answer`` if there was none."""
        try:
            self._connection.request(
                method, path, json.dumps(body), self._headers | {"idempotency-key": uuid4().hex}
            )
            response = self._connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return _NO_ANSWER, {}
        return str(response.status), answer if isinstance(answer, dict) else {}


def _body(name: str, position: int) -> dict[str, Any]:
    day = datetime.now(UTC).date() + timedelta(days=_FIRST_DAY + position % _DAYS)
    minutes = 17 * 60 + 15 * (position // _DAYS % 16)
    return {
        "partySize": 1 + position % 6,
        "date": day.isoformat(),
        "time": f"{minutes // 60:02}:{minutes % 60:02}",
        "guest": {"name": "Load", "email": f"load-{name}-{position}@load.invalid"},
        "onFull": "refuse" if position % 2 else "pend",
    }


def _floor() -> dict[str, Any]:
    return {
        "name": "Load",
        "timezone": "UTC",
        "services": [{"id": "dinner", "name": "Dinner", "opens": "17:00", "closes": "23:00"}],
        "zones": [{"id": "main", "name": "Main"}],
        "tables": [
            {"id": f"T{number}", "zone": "main", "capacity": seats} for number, seats in enumerate(_TABLES, 1)
        ],
    }
