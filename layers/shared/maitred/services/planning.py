"""The one way to ask the planner, for every flow: floors kept compiled, snapshots turned into quotes."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts.restaurants import floor_from_document
from maitred.domain.booking import Preferences
from maitred.domain.floor import Floor
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.timeline import to_minutes
from maitred.domain.windows import Window, service_day
from maitred.planner.alternatives import find_alternatives
from maitred.planner.floor_index import FloorIndex, compile_floor
from maitred.planner.model import Alternative, Deadline, Decision, PartyRequest, Plan
from maitred.planner.occupancy import Occupancy
from maitred.planner.quote import quote
from maitred.services.attempt import Quote
from maitred.services.ports import Clock, Day, Json, Snapshot, TableAllocation

logger = logging.getLogger(__name__)

_KEPT_FLOORS = 64


class Floors:
    """The latest compiled floor of each restaurant, a bounded number of them.

    Whoever uses one compares its layout version with the snapshot's, so an old one is never planned on.
    """

    def __init__(self, kept: int = _KEPT_FLOORS) -> None:
        self._kept = kept
        self._floors: OrderedDict[str, FloorIndex] = OrderedDict()

    def latest(self, restaurant_id: str) -> FloorIndex | None:
        index = self._floors.get(restaurant_id)
        if index is not None:
            self._floors.move_to_end(restaurant_id)
        return index

    def keep(self, restaurant_id: str, layout_version: int, document: Json) -> FloorIndex:
        index = compile_floor(floor_from_document(document, restaurant_id, layout_version))
        self._floors[restaurant_id] = index
        self._floors.move_to_end(restaurant_id)
        while len(self._floors) > self._kept:
            self._floors.popitem(last=False)
        return index


def day_of(floor: Floor, window: Window) -> Day:
    """The part of the ledger that a plan for ``window`` and its alternatives can touch."""
    opens, closes = service_day(floor, window.service_date)
    before = timedelta(minutes=floor.policy.buffer_before_minutes)
    after = timedelta(minutes=floor.policy.buffer_after_minutes)
    start = min(opens, window.start) - before
    end = max(closes, window.end) + after
    return Day(floor.restaurant_id, window.service_date, start, end)


def party_request(party_size: int, window: Window, preferences: Preferences) -> PartyRequest:
    return PartyRequest(
        party_size=party_size,
        start=to_minutes(window.start),
        end=to_minutes(window.end),
        service_id=window.service.id,
        service_date=window.service_date,
        zone=preferences.zone,
        zone_required=preferences.zone_required,
        attributes=frozenset(preferences.attributes),
        required=frozenset(preferences.required),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A party on a floor. ``duration_minutes``: as asked for; ``cache_hit``: the floor was kept."""

    index: FloorIndex
    request: PartyRequest
    duration_minutes: int | None
    now: datetime
    cache_hit: bool


class Planning:
    """Asks the planner about a snapshot. ``decide`` is the planner, but in tests of its faults."""

    def __init__(self, clock: Clock, decide: Callable[..., Decision] = quote) -> None:
        self._clock = clock
        self._decide = decide

    def quote(self, question: Question, snapshot: Snapshot, deadline: Deadline) -> Quote:
        """A defect of the planner's is an outcome (``planner_error``): no booking is lost by it."""
        began = self._clock.monotonic()
        alternatives: tuple[Alternative, ...] = ()
        try:
            occupancy = Occupancy.build(question.index, _span(snapshot.day), snapshot.allocations)
            decision = self._decide(question.index, occupancy, question.request, snapshot.covers, deadline)
            if decision.plan is None:
                alternatives = self._alternatives(question, occupancy, snapshot, deadline)
        except Exception:
            logger.exception("the planner failed")
            decision = _failed()
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        return Quote(decision, alternatives, duration, question.cache_hit)

    @staticmethod
    def _alternatives(
        question: Question, occupancy: Occupancy, snapshot: Snapshot, deadline: Deadline
    ) -> tuple[Alternative, ...]:
        return find_alternatives(
            question.index,
            occupancy,
            question.request,
            snapshot.covers,
            deadline,
            to_minutes(question.now),
            duration_minutes=question.duration_minutes,
        )


def _span(day: Day) -> tuple[int, int]:
    return to_minutes(day.start), to_minutes(day.end)


def _failed() -> Decision:
    reason = Reason(ReasonCode.PLANNER_ERROR, "The planner failed; the booking is tried again.")
    return Decision(None, reason, 0, 0, 0, truncated=False, explanation=reason.detail)


def table_allocations(
    index: FloorIndex, plan: Plan, booking_id: UUID, window: Window
) -> tuple[TableAllocation, ...]:
    """The rows of the ledger for ``plan``: each table over the stay and its buffers."""
    floor = index.floor
    start = window.start - timedelta(minutes=floor.policy.buffer_before_minutes)
    end = window.end + timedelta(minutes=floor.policy.buffer_after_minutes)
    capacity = {table.id: table.capacity for table in floor.tables}
    return tuple(
        TableAllocation(
            floor.restaurant_id, floor.layout_version, table, capacity[table], booking_id, start, end
        )
        for table in plan.tables
    )
