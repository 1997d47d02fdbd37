"""A circuit breaker whose state all sandboxes share: a row, so that there is one probe, not one each."""

from dataclasses import dataclass

from maitred.adapters.postgres.database import Call, Database
from maitred.services import ports
from maitred.services.ports import Event, Telemetry
from maitred.services.ports.names import Severity

_MOST = 5  # faults in a row: fewer are what a failover or one lost connection looks like
_WITHIN_SECONDS = 30.0  # a fault that is older begins no row
PROBE_SECONDS = 5.0  # after which a probe that was never heard of again is repeated by another


@dataclass(slots=True)
class _Passed:
    """How this sandbox passed the circuit last."""

    probe: bool = False
    failures: int = 0


class PostgresCircuit:
    """Implements services.ports.Circuit. ``pause_seconds``: how long it stays open, at first."""

    def __init__(
        self, database: Database, telemetry: Telemetry, dependency: str, pause_seconds: float
    ) -> None:
        self._db = database
        self._telemetry = telemetry
        self._dependency = dependency
        self._pause_seconds = pause_seconds
        self._last = _Passed()

    def enter(self) -> float:
        params = {"dependency": self._dependency, "probe_seconds": PROBE_SECONDS}
        [(wait, probe, failures)] = self._db.read("pass_circuit", params)
        self.entered(probe=probe, failures=failures)
        return float(wait)

    def entered(self, *, probe: bool, failures: int) -> None:
        """What the database said when this sandbox asked to pass."""
        self._last = _Passed(probe, failures)
        if probe:
            self._tell("half_open", failures)

    def failed(self) -> None:
        params = {
            "dependency": self._dependency,
            "most": _MOST,
            "within_seconds": _WITHIN_SECONDS,
            "pause_seconds": self._pause_seconds,
            "was_probe": self._last.probe,
        }
        self._last = _Passed()
        try:
            [[(failures, opened)]] = self._db.transact([Call("circuit_failed", params)])
        except ports.BookError:
            return  # the database itself is away: the sandbox's own memory spares it (outage.py)
        if opened:
            self._telemetry.count("CircuitOpened", dependency=self._dependency)
            self._tell("open", failures, "error")

    def succeeded(self) -> None:
        calls = self.success()
        if calls:
            self._db.transact(calls)
        self.passed()

    def success(self) -> list[Call]:
        """What a unit of work adds to its transaction: nothing, unless there were faults."""
        if not self._last.failures:
            return []
        params = {"dependency": self._dependency, "was_probe": self._last.probe}
        return [Call("circuit_succeeded", params)]

    def passed(self) -> None:
        """`success` has been committed."""
        if self._last.probe:
            self._tell("closed", 0)
        self._last = _Passed()

    def _tell(self, state: str, failures: int, severity: Severity = "info") -> None:
        context = {"dependency": self._dependency, "state": state, "failures": failures}
        self._telemetry.later([Event("assignment.circuit", context, severity)])
