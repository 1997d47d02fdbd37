"""The door every attempt to seat a party goes through: limits and the circuit of the database's writes.

It costs no round trip: entering is one statement more in the transaction that reads the day, leaving one
more in the unit of work that ends the attempt.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from maitred.adapters.postgres.circuits import PROBE_SECONDS, PostgresCircuit
from maitred.adapters.postgres.database import Call, Database, Rows
from maitred.services import ports
from maitred.services.ports import Event, Telemetry
from maitred.services.ports.limits import Limits

_PAUSE_SECONDS = 5.0  # a failover of the cluster takes longer, a restart of the proxy less
_GRACE_SECONDS = 5.0  # for writing what became of an attempt whose budget is over
_TOLD_EVERY_SECONDS = (
    1.0  # by each sandbox: an event is a write, and to refuse must stay cheaper than to serve
)


class Guard:
    """Of one sandbox, which works on one attempt at a time. It does only what its ``limits`` name."""

    def __init__(
        self,
        database: Database,
        telemetry: Telemetry,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry
        self._limits = limits
        self._circuit = PostgresCircuit(database, telemetry, "database", _PAUSE_SECONDS)
        self._monotonic = monotonic
        self._told_at = -_TOLD_EVERY_SECONDS
        self._inside: UUID | None = None

    def enter(
        self,
        restaurant_id: str,
        entry: ports.Entry,
        key: ports.IdempotencyKey | None,
        budget_ms: int | None,
    ) -> list[Call]:
        """What asks to be let in, the question itself last. Read its answer with `entered`.

        An attempt that ended without a unit of work leaves now: a sandbox has one place at most.
        """
        client, restaurant = self._limits.client, self._limits.restaurant
        if restaurant is None:
            raise ValueError("a function without these limits makes no attempts")
        question = Call(
            "enter_attempt",
            {
                "attempt_id": entry.attempt_id,
                "client": entry.client if client else None,
                "restaurant_id": restaurant_id,
                "client_rate": client and client.per_second,
                "client_burst": client and client.burst,
                "restaurant_rate": restaurant.per_second,
                "restaurant_burst": restaurant.burst,
                "most_in_flight": self._limits.in_flight,
                "place_seconds": (budget_ms or 0) / 1000 + _GRACE_SECONDS,
                "probe_seconds": PROBE_SECONDS,
                "caller": key.caller if key else "",
                "key": key.key if key else "",
            },
        )
        return [*self._leave(), question]

    def charge(self, client: str) -> list[Call]:
        """Takes a client's token for a change that is no attempt. Read its answer with `charged`."""
        limit = self._limits.client
        if limit is None:
            raise ValueError("a function without this limit has no clients")
        return [Call("charge_client", {"client": client, "rate": limit.per_second, "burst": limit.burst})]

    def charged(self, restaurant_id: str, answer: Rows) -> None:
        """Raises RateLimited."""
        [[wait_seconds]] = answer
        if wait_seconds > 0:
            self._limited(restaurant_id, "client")
            raise ports.RateLimited(wait_seconds)

    def _leave(self) -> list[Call]:
        return [Call("leave_attempt", {"attempt_id": self._inside})] if self._inside else []

    def entered(self, restaurant_id: str, entry: ports.Entry, answer: Rows) -> None:
        """Raises NotAdmitted. No answer: the request was answered before, and seats nobody."""
        self._inside = None
        if not answer:
            return
        refused_by, wait_seconds, probe, failures = answer[0]
        self._circuit.entered(probe=probe, failures=failures)
        if refused_by is None:
            self._inside = entry.attempt_id
        elif refused_by == "circuit":
            raise ports.CircuitOpen(wait_seconds)
        else:
            self._limited(restaurant_id, refused_by)
            raise ports.RateLimited(wait_seconds)

    def _limited(self, restaurant_id: str, limit: str) -> None:
        self._telemetry.count("RateLimited", limit=limit)
        now = self._monotonic()
        if now - self._told_at >= _TOLD_EVERY_SECONDS:
            self._told_at = now
            context = {"restaurant": restaurant_id, "limit": limit}
            self._telemetry.later([Event("assignment.rate_limited", context, "warning", restaurant_id)])

    @contextmanager
    def write(self) -> Iterator[list[Call]]:
        """Around one unit of work: what it must write besides, last of all."""
        try:
            yield [*self._leave(), *self._circuit.success()]
        except ports.Unavailable:
            self._circuit.failed()
            raise
        self._inside = None
        self._circuit.passed()
