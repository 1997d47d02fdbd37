"""Other start times that a refused party could have (contract 1.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from maitred.domain.errors import MaitredError
from maitred.domain.timeline import from_minutes, to_minutes
from maitred.domain.windows import resolve_window, slot_starts
from maitred.planner.answer.quote import Aids, find_plan
from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import Movers, movers_of
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Covers, Deadline, MovableBooking, PartyRequest
from maitred.planner.options import FULL, PlannerOptions
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.situation import Situation, situation

REACH_MINUTES = 120


def find_alternatives(  # noqa: PLR0913 - one question with many sides; five of them have no default
    index: FloorIndex,
    occupancy: Occupancy,
    request: PartyRequest,
    pacing: Sequence[Covers],
    deadline: Deadline,
    now: int,
    *,
    limit: int = 5,
    duration_minutes: int | None = None,
    movable: Sequence[MovableBooking] | Movers = (),
    demand: Demand = PRIOR,
    options: PlannerOptions = FULL,
    other_zones: bool = False,
) -> tuple[Alternative, ...]:
    """Up to ``limit`` slots within two hours, nearest first (the earlier of two), each confirmable as told.

    Not before ``now`` (minutes since the epoch), on the same service date, each with the stay of its own
    start; ``movable`` bookings are moved for it as ``quote`` would. With ``other_zones`` and a zone that is
    a must, places left over name the wished start in other zones. When the deadline passes, what has been
    found until then is returned.
    """
    found: list[Alternative] = []
    steps = Steps(deadline)
    aids = Aids(demand, options, movers_of(index, occupancy, movable))
    try:
        for wish in _wishes(index, request, now, duration_minutes, other_zones=other_zones):
            steps.check()
            if not occupancy.covers(wish.start, wish.end):
                continue
            alternative = _if_free(situation(index, occupancy, wish, pacing), aids, steps)
            if alternative is not None:
                found.append(alternative)
            if len(found) >= limit:
                break
    except SearchEndedError:
        pass
    return tuple(found)


def _wishes(
    index: FloorIndex, request: PartyRequest, now: int, duration_minutes: int | None, *, other_zones: bool
) -> Iterator[PartyRequest]:
    yield from _other_starts(index, request, now, duration_minutes)
    if other_zones and request.zone_required:
        for zone in sorted(index.zone_bits.keys() - {request.zone}):
            yield replace(request, zone=zone)


def _other_starts(
    index: FloorIndex, request: PartyRequest, now: int, duration_minutes: int | None
) -> Iterator[PartyRequest]:
    """The request as it would be at each other slot in reach, nearest first."""
    slots = {to_minutes(start) for _, start in slot_starts(index.floor, request.service_date)}
    near = (s for s in slots if s >= now and 0 < abs(s - request.start) <= REACH_MINUTES)
    for start in sorted(near, key=lambda s: (abs(s - request.start), s)):
        moved = _at(index, request, start, duration_minutes)
        if moved is not None:
            yield moved


def _at(
    index: FloorIndex, request: PartyRequest, start: int, duration_minutes: int | None
) -> PartyRequest | None:
    try:
        window = resolve_window(index.floor, from_minutes(start), request.party_size, duration_minutes)
    except MaitredError:  # closed, or too near to closing: no start for this party
        return None
    if window.service_date != request.service_date:
        return None
    return replace(request, start=start, end=to_minutes(window.end), service_id=window.service.id)


def _if_free(asked: Situation, aids: Aids, steps: Steps) -> Alternative | None:
    found = None if asked.slot_full() else find_plan(asked, aids, steps)
    if found is None:
        return None
    return Alternative(asked.request.start, asked.request.end, found.plan.tables, found.plan.zone)
