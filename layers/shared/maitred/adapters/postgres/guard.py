"""Admits attempts to seat a party: rate limits and the circuit of the database's writes.

Admission costs no round trip. Entering is one more statement in the transaction that reads the day, leaving
one more in the unit of work that ends the attempt; a read that plans pays with one more statement before it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from maitred.adapters.postgres.database import Call, Database, Rows
from maitred.services import ports
from maitred.services.ports.limits import Limits, TokensLeft
from maitred.services.ports.names import Severity

_PAUSE_SECONDS = 5.0  # longer than a restart of the proxy, shorter than a failover of the cluster
_GRACE_SECONDS = 5.0  # to write the outcome of an attempt whose budget is over
_EMIT_EVERY_SECONDS = 1.0  # in each sandbox: an event is a write, and a refusal must cost less than an answer
_MOST = 5  # faults in a row; a failover or a lost connection causes fewer
_WITHIN_SECONDS = 30.0  # an older fault does not count
PROBE_SECONDS = 5.0  # after this time another sandbox repeats a probe without a result


class PostgresCircuit:
    """A circuit breaker in a row of the database: all sandboxes share its state and its one probe.

    ``pause_seconds``: how long it first stays open.
    """

    def __init__(
        self, database: Database, telemetry: ports.Telemetry, dependency: str, pause_seconds: float
    ) -> None:
        self._db = database
        self._telemetry = telemetry
        self._dependency = dependency
        self._pause_seconds = pause_seconds
        self._probe, self._failures = False, 0  # how this sandbox was let through last

    def enter(self) -> float:
        params = {"dependency": self._dependency, "probe_seconds": PROBE_SECONDS}
        [(wait, probe, failures)] = self._db.read("pass_circuit", params)
        self.entered(probe=probe, failures=failures)
        return float(wait)

    def entered(self, *, probe: bool, failures: int) -> None:
        """What the database said when this sandbox asked to pass."""
        self._probe, self._failures = probe, failures
        if probe:
            self._emit("half_open", failures)

    def failed(self) -> None:
        params = {
            "dependency": self._dependency,
            "most": _MOST,
            "within_seconds": _WITHIN_SECONDS,
            "pause_seconds": self._pause_seconds,
            "was_probe": self._probe,
        }
        self._probe, self._failures = False, 0
        try:
            [[(failures, opened)]] = self._db.transact([Call("circuit_failed", params)])
        except ports.StoreError:
            return  # the database itself is away: the sandbox's own memory spares it (outage.py)
        if opened:
            self._telemetry.count("CircuitOpened", dependency=self._dependency)
            self._emit("open", failures, "error")

    def succeeded(self) -> None:
        calls = self.success()
        if calls:
            self._db.transact(calls)
        self.passed()

    def success(self) -> list[Call]:
        """What a unit of work adds to its transaction: nothing, unless there were faults."""
        if not self._failures:
            return []
        params = {"dependency": self._dependency, "was_probe": self._probe}
        return [Call("circuit_succeeded", params)]

    def passed(self) -> None:
        """`success` has been committed."""
        if self._probe:
            self._emit("closed", 0)
        self._probe, self._failures = False, 0

    def _emit(self, state: str, failures: int, severity: Severity = "info") -> None:
        context = {"dependency": self._dependency, "state": state, "failures": failures}
        self._telemetry.later([ports.Event("assignment.circuit", context, severity)])


class Guard:
    """One sandbox's guard. A sandbox works on one attempt at a time; ``limits`` say what is checked."""

    def __init__(
        self,
        database: Database,
        telemetry: ports.Telemetry,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry
        self._limits = limits
        self._circuit = PostgresCircuit(database, telemetry, "database", _PAUSE_SECONDS)
        self._monotonic = monotonic
        self._emitted_at = -_EMIT_EVERY_SECONDS
        self._inside: UUID | None = None
        self._tokens_left: TokensLeft | None = None

    def tokens_left(self) -> TokensLeft | None:
        """What the bucket of the present request's client held after it; None if it was not asked. Once."""
        left, self._tokens_left = self._tokens_left, None
        return left

    def enter(
        self,
        restaurant_id: str,
        entry: ports.Admission,
        key: ports.IdempotencyKey | None,
        budget_ms: int | None,
    ) -> list[Call]:
        """The statements that ask for admission, the question itself last. Pass its answer to `entered`.

        An earlier attempt that ended without a unit of work leaves first, because a sandbox has one place.
        """
        client, restaurant = self._limits.client, self._limits.restaurant
        if restaurant is None:
            raise ValueError("a function without these limits makes no attempts")
        question = Call(
            "admit_attempt",
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

    def charge(self, charge: ports.Charge) -> Call:
        """The statement that takes a client's tokens. Pass its answer to `charged`."""
        limit = self._limits.client
        if limit is None:
            raise ValueError("a function without this limit has no clients")
        bucket = {"rate": limit.per_second, "burst": limit.burst}
        return Call("charge_client", {"client": charge.client, "tokens": charge.tokens, **bucket})

    def charged(self, restaurant_id: str, answer: Rows) -> None:
        """Raises RateLimited."""
        [(wait_seconds, *left)] = answer
        self._left(*left)
        if wait_seconds > 0:
            self._limited(restaurant_id, "client")
            raise ports.RateLimited(wait_seconds)

    def _left(self, tokens: int, full_in_seconds: float) -> None:
        if self._limits.client is not None:
            self._tokens_left = TokensLeft(self._limits.client, tokens, full_in_seconds)

    def _leave(self) -> list[Call]:
        return [Call("leave_attempt", {"attempt_id": self._inside})] if self._inside else []

    def entered(self, restaurant_id: str, entry: ports.Admission, answer: Rows) -> None:
        """Raises NotAdmitted."""
        self._inside = None
        [(refused_by, wait_seconds, probe, failures, tokens, full_in_seconds)] = answer
        if tokens is not None:
            self._left(tokens, full_in_seconds)
        if wait_seconds is None:  # the request was answered before, and seats nobody
            return
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
        if now - self._emitted_at >= _EMIT_EVERY_SECONDS:
            self._emitted_at = now
            context = {"restaurant": restaurant_id, "limit": limit}
            self._telemetry.later([ports.Event("assignment.rate_limited", context, "warning", restaurant_id)])

    @contextmanager
    def write(self) -> Iterator[list[Call]]:
        """Around one unit of work: yields the statements to add at its end."""
        try:
            yield [*self._leave(), *self._circuit.success()]
        except ports.Unavailable:
            self._circuit.failed()
            raise
        self._inside = None
        self._circuit.passed()
