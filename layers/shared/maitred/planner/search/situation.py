"""A problem put to its day: which tables are in the party's way, and is any set left?"""

from collections.abc import Sequence
from dataclasses import dataclass

from maitred.domain.timeline import from_minutes, to_minutes
from maitred.domain.windows import pacing_slot
from maitred.planner.day.drawn_day import DrawnDay
from maitred.planner.day.occupancy import Occupancy, Span, Taken
from maitred.planner.day.problem import Problem
from maitred.planner.floor.index import Candidates, FloorIndex
from maitred.planner.model import Covers, PartyRequest
from maitred.planner.search.join_search import Steps, find_joined

_SETS_BETWEEN_CHECKS = 4096


@dataclass(frozen=True, slots=True)
class Situation:
    """A problem on its day. Sets of tables are bits.

    ``request``: the problem's, or the same party at another start or in another zone. ``unfit``: the tables
    without something the request requires. ``covers_started`` and ``covers_on_hold``: guests of bookings
    and of live holds that start in the party's pacing slot.
    """

    day: DrawnDay
    problem: Problem
    request: PartyRequest
    taken: Taken
    unfit: int
    covers_started: int
    covers_on_hold: int

    @classmethod
    def of(cls, day: DrawnDay, problem: Problem, request: PartyRequest | None = None) -> "Situation":
        """Put the problem to the day. Raises ``ValueError`` if the day's span does not cover the stay."""
        request = request or problem.request
        started, on_hold = _covers_in_slot(day.index, request, problem.pacing)
        taken = day.occupancy.taken(request.start, request.end)
        return cls(day, problem, request, taken, unfit_tables(day.index, request), started, on_hold)

    @property
    def index(self) -> FloorIndex:
        return self.day.index

    @property
    def occupancy(self) -> Occupancy:
        return self.day.occupancy

    @property
    def candidates(self) -> Candidates:
        """The sets that could serve the party on an empty floor."""
        return self.day.index.candidates(self.request.party_size)

    @property
    def most_moves(self) -> int:
        """How many bookings may be moved for this party."""
        return self.problem.options.moves_allowed(self.index.floor.policy) if self.day.movable else 0

    @property
    def window(self) -> Span:
        """The minutes that the stay would occupy, buffers included."""
        return self.occupancy.buffered(self.request.start, self.request.end)

    @property
    def blocked(self) -> int:
        """The tables that the party cannot have."""
        return self.taken.on_hold | self.blocked_but_for_holds

    @property
    def blocked_but_for_holds(self) -> int:
        """The tables that the party could not have if every live hold were gone."""
        return self.taken.booked | self.taken.closed | self.unfit

    def slot_full(self, *, with_holds: bool = True) -> bool:
        """Would the party be too many for its pacing slot?"""
        most = self.index.floor.policy.pacing.max_covers_per_slot
        started = self.covers_started + (self.covers_on_hold if with_holds else 0)
        return most is not None and started + self.request.party_size > most

    def free_sets(self, blocked: int, steps: Steps) -> list[int]:
        """The numbers, among the candidates, of the sets without a blocked table: best first."""
        bits = self.candidates.bits
        free: list[int] = []
        for begin in range(0, len(bits), _SETS_BETWEEN_CHECKS):
            steps.check()
            part = bits[begin : begin + _SETS_BETWEEN_CHECKS]
            free += [number for number, each in enumerate(part, begin) if not each & blocked]
        return free

    def any_free(self, blocked: int, steps: Steps) -> bool:
        """Is any allowed set free of blocked tables? Exact, even where the list was cut short."""
        return bool(self.free_sets(blocked, steps)) or bool(self.unlisted(blocked, steps))

    def unlisted(self, blocked: int, steps: Steps) -> int:
        """Where the list of sets was cut short: a free set beyond it, or 0."""
        if not self.index.truncated:
            return 0
        return find_joined(self.index.rules, ~blocked, self.request.party_size, steps)


def unfit_tables(index: FloorIndex, request: PartyRequest) -> int:
    """The tables, as bits, outside the required zone or without a required attribute."""
    zone = request.zone if request.zone_required else None
    return ~index.matching(zone, request.required)


def _covers_in_slot(index: FloorIndex, request: PartyRequest, pacing: Sequence[Covers]) -> tuple[int, int]:
    """The covers of bookings and of live holds that start in the request's pacing slot."""
    if index.floor.policy.pacing.max_covers_per_slot is None:
        return 0, 0
    slot = pacing_slot(index.floor, request.service_id, request.service_date, from_minutes(request.start))
    begin, end = (to_minutes(moment) for moment in slot)
    inside = [each for each in pacing if begin <= each.start < end]
    on_hold = sum(each.covers for each in inside if each.on_hold)
    return sum(each.covers for each in inside) - on_hold, on_hold
