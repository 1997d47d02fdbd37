"""Other start times that a refused party could have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from maitred.domain.errors import MaitredError
from maitred.domain.windows import from_minutes, resolve_window, slot_starts, to_minutes
from maitred.planner.day.drawn_day import DrawnDay, Problem, draw_day
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Deadline, PartyRequest
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import find_plan

REACH_MINUTES = 120


@dataclass(frozen=True, slots=True)
class Reach:
    """How far to look for other starts, up to ``REACH_MINUTES`` from the one that was asked for.

    ``earliest``: no start before this minute (since the epoch). ``limit``: the most to find.
    ``duration_minutes``: the stay the party asks for; None: what the floor gives each start.
    ``other_zones``: after the other starts, also the same start in another zone, if one was required.
    """

    earliest: int
    limit: int = 5
    duration_minutes: int | None = None
    other_zones: bool = False


def alternatives(
    index: FloorIndex, problem: Problem, reach: Reach, deadline: Deadline, day: DrawnDay | None = None
) -> tuple[Alternative, ...]:
    """Slots of the same service date that the party would get if it asked next, nearest first.

    The earlier of two equally near ones comes first. Bookings are moved for them as for a quote. ``day`` is
    the problem's day if it has been drawn before. When the deadline passes, the result is what was found
    until then.
    """
    day = day or draw_day(index, problem)
    found: list[Alternative] = []
    steps = Steps(deadline)
    try:
        for request in _requests(index, problem.request, reach):
            steps.check()
            if not day.occupancy.covers(request.start, request.end):
                continue
            situation = Situation.of(day, problem, request)
            plan = None if situation.turned_away else find_plan(situation, steps)
            if plan is not None:
                found.append(Alternative(request.start, request.end, plan.tables, plan.zone))
            if len(found) >= reach.limit:
                break
    except SearchEndedError:
        pass
    return tuple(found)


def _requests(index: FloorIndex, request: PartyRequest, reach: Reach) -> Iterator[PartyRequest]:
    """The request at each other slot in reach, nearest first; then in the other zones."""
    slots = {to_minutes(start) for _, start in slot_starts(index.floor, request.service_date)}
    near = (s for s in slots if s >= reach.earliest and 0 < abs(s - request.start) <= REACH_MINUTES)
    for start in sorted(near, key=lambda s: (abs(s - request.start), s)):
        moved = at_start(index, request, start, reach.duration_minutes)
        if moved is not None:
            yield moved
    if reach.other_zones and request.zone_required:
        for zone in sorted(index.zone_bits.keys() - {request.zone}):
            yield replace(request, zone=zone)


def at_start(
    index: FloorIndex, request: PartyRequest, start: int, duration_minutes: int | None
) -> PartyRequest | None:
    """The same party at another start of its service date; None if the restaurant takes none then."""
    try:
        window = resolve_window(index.floor, from_minutes(start), request.party_size, duration_minutes)
    except MaitredError:  # closed, or too near to closing: no start for this party
        return None
    if window.service_date != request.service_date:
        return None
    return replace(request, start=start, end=to_minutes(window.end), service_id=window.service.id)
