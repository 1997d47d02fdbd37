"""A problem put to its day: which tables are in the party's way, and is any set left?"""

from dataclasses import dataclass

from maitred.domain.floor import Pause
from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.floor.index import Candidates, FloorIndex, TableSet
from maitred.planner.floor.joins import smaller_join
from maitred.planner.model import PartyRequest
from maitred.planner.search.join_search import Steps, find_joined
from maitred.planner.search.pacing import SlotRoom, slot_room

_SETS_BETWEEN_CHECKS = 4096


@dataclass(frozen=True, slots=True)
class Situation:
    """A problem on its day. Sets of tables are bits.

    ``request``: the problem's, or the same party at another start or in another zone. ``booked``, ``on_hold``
    and ``closed``: the tables that bookings, live holds and closures keep from the stay. (Closures apply to
    the stay itself, not to its buffers.) ``paused``: the tables at which no party may start now. ``unfit``:
    the tables without something the request requires.
    ``slot``: what the party's pacing slot still takes.
    """

    day: DrawnDay
    problem: Problem
    request: PartyRequest
    booked: int
    on_hold: int
    closed: int
    paused: int
    unfit: int
    slot: SlotRoom

    @classmethod
    def of(cls, day: DrawnDay, problem: Problem, request: PartyRequest | None = None) -> "Situation":
        """Put the problem to the day. Raises ``ValueError`` if the day's span does not cover the stay."""
        request = request or problem.request
        index, start, end = day.index, request.start, request.end
        taken, unfit = day.occupancy.taken(start, end), unfit_tables(index, request)
        slot = slot_room(index, request, problem.pacing, problem.owned)
        paused = 0 if _starts_already(problem, request) else index.paused(start)
        return cls(day, problem, request, *taken, index.closed(start, end), paused, unfit, slot)

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
        return self.on_hold | self.closed | self.booked | self.unfit | self.barred

    @property
    def blocked_but_for_holds(self) -> int:
        """The tables that the party could not have if every live hold were gone."""
        return self.booked | self.closed | self.unfit | self.paused | self.slot.crowded_by_bookings

    @property
    def blocked_but_for_pacing(self) -> int:
        """The tables that the party could not have if no zone had a limit of covers."""
        return self.on_hold | self.closed | self.booked | self.unfit | self.paused

    @property
    def barred(self) -> int:
        """The tables that take no party of this size at this start."""
        return self.paused | self.slot.crowded

    @property
    def house_pause(self) -> Pause | None:
        """The pause of the whole restaurant that the party would start in."""
        return self.index.house_pause(self.request.start) if self.paused else None

    @property
    def turned_away(self) -> bool:
        """Does the start alone refuse the party, whatever is free?"""
        return self.slot.full or self.house_pause is not None

    def pacing_sentence(self) -> str:
        """Why a full slot takes no more guests."""
        if self.slot.full:
            return f"The kitchen takes at most {self.slot.most} covers in this slot"
        return "The zones with free tables take no more covers in this slot"

    def free_sets(self, blocked: int, steps: Steps) -> list[TableSet]:
        """The candidates without a blocked table, best first; empty only if no allowed set is free.

        Where the list of candidates was cut short and none of it is free, this is one set beyond it.
        """
        sets, bits = self.candidates.sets, self.candidates.bits
        free: list[TableSet] = []
        for begin in range(0, len(bits), _SETS_BETWEEN_CHECKS):
            steps.check()
            part = bits[begin : begin + _SETS_BETWEEN_CHECKS]
            free += [sets[number] for number, each in enumerate(part, begin) if not each & blocked]
        if self.index.truncated and not free:
            rules, party_size = self.index.rules, self.request.party_size
            found = find_joined(rules, ~blocked, party_size, steps)
            if found:
                smallest = smaller_join(rules, found, party_size) or found
                free.append(self.index.table_set(smallest, party_size))
        return free


def _starts_already(problem: Problem, request: PartyRequest) -> bool:
    """Is it no new arrival, since the party is in the book at this very start?"""
    return problem.owned is not None and problem.owned.start == request.start


def unfit_tables(index: FloorIndex, request: PartyRequest) -> int:
    """The tables, as bits, outside the required zone or without a required attribute."""
    zone = request.zone if request.zone_required else None
    return ~index.matching(zone, request.required)
