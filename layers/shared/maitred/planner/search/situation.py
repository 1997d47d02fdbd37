"""One question put to one floor at one time: which tables are in the way, and is any set left?"""

from collections.abc import Sequence
from dataclasses import dataclass

from maitred.domain.timeline import from_minutes, to_minutes
from maitred.domain.windows import pacing_slot
from maitred.planner.day.occupancy import Occupancy, Span, Taken
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Covers, PartyRequest
from maitred.planner.search.join_search import Steps, find_joined

_SETS_BETWEEN_CHECKS = 4096


@dataclass(frozen=True, slots=True)
class Situation:
    """A request against the floor and what is taken. ``unfit``: tables without one of the request's musts."""

    index: FloorIndex
    occupancy: Occupancy
    request: PartyRequest
    taken: Taken
    unfit: int
    covers_started: int
    covers_held: int

    @property
    def window(self) -> Span:
        """What the stay would occupy, buffers included."""
        return self.occupancy.buffered(self.request.start, self.request.end)

    @property
    def blocked(self) -> int:
        """Tables, as bits, that cannot be part of an answer."""
        return self.taken.booked | self.taken.held | self.taken.closed | self.unfit

    @property
    def blocked_but_for_holds(self) -> int:
        """The same, if every live hold were gone."""
        return self.taken.booked | self.taken.closed | self.unfit

    def slot_full(self, *, with_holds: bool = True) -> bool:
        """Would the party be too many for its pacing slot?"""
        most = self.index.floor.policy.pacing.max_covers_per_slot
        started = self.covers_started + (self.covers_held if with_holds else 0)
        return most is not None and started + self.request.party_size > most

    def free_sets(self, blocked: int, steps: Steps) -> list[int]:
        """Numbers, in the list of candidates, of the sets without a blocked table: best first."""
        bits = self.index.candidates(self.request.party_size).bits
        free: list[int] = []
        for begin in range(0, len(bits), _SETS_BETWEEN_CHECKS):
            steps.check()
            part = bits[begin : begin + _SETS_BETWEEN_CHECKS]
            free += [number for number, each in enumerate(part, begin) if not each & blocked]
        return free

    def any_free(self, blocked: int, steps: Steps) -> bool:
        """Is there any allowed set without a blocked table? Exact, also where the list was cut short."""
        return bool(self.free_sets(blocked, steps)) or bool(self.unlisted(blocked, steps))

    def unlisted(self, blocked: int, steps: Steps) -> int:
        """Where the list of sets was cut short: some free set beyond it, as bits, or 0."""
        if not self.index.truncated:
            return 0
        return find_joined(self.index.rules, ~blocked, self.request.party_size, steps)


def musts(index: FloorIndex, request: PartyRequest) -> int:
    """Tables, as bits, without the zone or an attribute that the request cannot do without."""
    zone = request.zone if request.zone_required else None
    return ~index.matching(zone, request.required)


def situation(
    index: FloorIndex, occupancy: Occupancy, request: PartyRequest, pacing: Sequence[Covers]
) -> Situation:
    """Put the request to the floor. Raises ``ValueError`` if the occupancy does not cover the stay."""
    started, held = _covers_in_slot(index, request, pacing)
    taken = occupancy.taken(request.start, request.end)
    return Situation(index, occupancy, request, taken, musts(index, request), started, held)


def _covers_in_slot(index: FloorIndex, request: PartyRequest, pacing: Sequence[Covers]) -> tuple[int, int]:
    """Covers of bookings and of live holds that start in the request's pacing slot."""
    if index.floor.policy.pacing.max_covers_per_slot is None:
        return 0, 0
    slot = pacing_slot(index.floor, request.service_id, request.service_date, from_minutes(request.start))
    begin, end = (to_minutes(moment) for moment in slot)
    started = held = 0
    for each in pacing:
        if begin <= each.start < end:
            if each.held:
                held += each.covers
            else:
                started += each.covers
    return started, held
