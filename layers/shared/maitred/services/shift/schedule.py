"""The schedule's part: once a day a message for each coming service, and what a worker does with one."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from maitred.contracts.messages import OPTIMIZE, OptimizeMessage
from maitred.domain import errors
from maitred.domain.floor import Floor, ShiftMode
from maitred.domain.windows import slot_starts
from maitred.services import ports
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import FlagSource
from maitred.services.idempotency import RequestContext
from maitred.services.shift.optimize import ShiftOptimizer, ShiftRequest
from maitred.services.shift.ports import Optimizations
from maitred.services.unit_of_work import commit

logger = logging.getLogger(__name__)

ACTOR = "schedule"
_DAYS = 2  # today and tomorrow
_AT_ONCE = 500  # restaurants; a call takes a few milliseconds for each
_BUDGET_MS = 5000


@dataclass(frozen=True, slots=True)
class _Service:
    id: str
    day: date


class ShiftSchedule:
    def __init__(
        self,
        deps: Dependencies,
        floors: Floors,
        optimizations: Optimizations,
        optimizer: ShiftOptimizer,
        flags: FlagSource,
    ) -> None:
        self._deps = deps
        self._floors = floors
        self._optimizations = optimizations
        self._optimizer = optimizer
        self._flags = flags

    def queue(self, correlation_id: str) -> int:
        """Queue the coming services of every restaurant whose time of the day has come; how many messages.

        A restaurant's messages and the mark that it was its turn are one transaction. Raises StoreError.
        """
        now, queued = self._deps.clock.now(), 0
        for restaurant_id, today in self._optimizations.due(now, _AT_ONCE):
            try:
                queued += self._queue(restaurant_id, today, correlation_id, now)
            except Exception:  # one restaurant's fault is not the others'; the next minute tries it again
                logger.exception("the services of a restaurant were not queued")
        return queued

    def _queue(self, restaurant_id: str, today: date, correlation_id: str, now: datetime) -> int:
        index = read_floor(self._deps.store, self._floors, restaurant_id, _BUDGET_MS)
        services = _coming(index.floor, today, now)
        rows = [self._row(restaurant_id, each, today, correlation_id, now) for each in services]
        turn = ports.ShiftsQueued(restaurant_id, today)
        try:
            commit(self._deps, ports.Changes(shifts_queued=turn, outbox=rows))
        except ports.Conflict:
            return 0  # another run of the schedule was faster
        return len(rows)

    def run(self, message: OptimizeMessage) -> str:
        """Look at one service, as the restaurant wants it now. A message that comes twice changes nothing."""
        restaurant_id, now = message.restaurant_id, self._deps.clock.now()
        if self._optimizations.was_run(restaurant_id, message.run):
            return "done_before"
        if not self._flags.flags_for(restaurant_id).optimizes:
            return "switched_off"
        index = read_floor(self._deps.store, self._floors, restaurant_id, _BUDGET_MS)
        mode = index.floor.policy.optimize.mode
        services = _coming(index.floor, message.service_date, now, days=1)
        if mode is ShiftMode.OFF or message.service_id not in {each.id for each in services}:
            return "not_wanted"
        request = ShiftRequest(
            restaurant_id=restaurant_id,
            service_date=message.service_date,
            service_id=message.service_id,
            dry_run=mode is ShiftMode.SUGGEST,
            run=message.run,
        )
        try:
            self._optimizer.optimize(request, RequestContext(ACTOR, message.correlation_id))
        except errors.ShiftConflict:
            if self._optimizations.was_run(restaurant_id, message.run):
                return "done_before"
            raise
        except Exception:
            self._failed(message)
            raise
        return "done"

    def _failed(self, message: OptimizeMessage) -> None:
        context: ports.Json = {
            "result": "failed",
            "improvement": 0.0,
            "gap": 0.0,
            "moves": 0,
            "seated": 0,
            "durationMs": 0.0,
        }
        self._deps.telemetry.later(
            [
                ports.Event(
                    "shift.optimized",
                    context,
                    "error",
                    message.restaurant_id,
                    None,
                    message.correlation_id,
                )
            ]
        )

    def _row(
        self, restaurant_id: str, service: _Service, today: date, correlation_id: str, now: datetime
    ) -> ports.OutboxRow:
        message = OptimizeMessage(
            restaurant_id=restaurant_id,
            service_date=service.day,
            service_id=service.id,
            run=f"{today}/{service.day}/{service.id}",
            correlation_id=correlation_id,
            enqueued_at=now,
        )
        return ports.OutboxRow(OPTIMIZE, None, restaurant_id, message.wire(), correlation_id, now)


def _coming(floor: Floor, first: date, now: datetime, days: int = _DAYS) -> list[_Service]:
    """The services of these days that take guests yet."""
    found: dict[_Service, datetime] = {}
    for day in (first + timedelta(days=number) for number in range(days)):
        for service, start in slot_starts(floor, day):
            found[_Service(service.id, day)] = start
    return [service for service, last in found.items() if last > now]
