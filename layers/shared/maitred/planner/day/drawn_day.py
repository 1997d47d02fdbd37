"""The problem that one decision solves, and its day drawn on the floor: where each stay is or could be."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.exact import ExactAnswer
from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.day.places import Places
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, MovableBooking, PartyRequest
from maitred.planner.options import FULL, PlannerOptions


@dataclass(frozen=True, slots=True)
class Problem:
    """A party and the day it asks for: with the floor, all that a decision depends on.

    ``span``: the minutes that are known; ``allocations``: everything that overlaps it, of whatever service
    date. ``pacing``: the covers that start on the day. ``movable``: the bookings that may get other tables.
    ``owned``: the covers that the party has in the book already, if it only changes what it has.
    ``demand``: the parties that the service expects. ``exact``: what an exact solver answered where the
    planner's own search ran out of time.
    """

    request: PartyRequest
    span: Span
    allocations: tuple[Allocation, ...]
    pacing: tuple[Covers, ...] = ()
    movable: tuple[MovableBooking, ...] = ()
    demand: Demand = PRIOR
    options: PlannerOptions = FULL
    exact: ExactAnswer | None = None
    owned: Covers | None = None


class DrawnDay:
    """One day, for all the questions about it: what one question works out serves the next.

    The stays are numbered only when a booking has to move.
    """

    def __init__(self, index: FloorIndex, occupancy: Occupancy, movable: Sequence[MovableBooking]) -> None:
        self.index, self.occupancy = index, occupancy
        self.movable = movable
        self._asked = False

    def stays_around(self, start: int, end: int) -> Stays:
        """The stays that share a minute with ``[start, end)``, or more.

        The first call numbers no more than these, half of a day's stays, which mostly is enough. A second
        call numbers the whole day, which then pays.
        """
        if self._asked:
            return self.places.stays
        self._asked = True
        return Stays.build(self.index, self.occupancy, self.movable, (start, end))

    @property
    def numbered(self) -> bool:
        """Has the whole day been numbered?"""
        return "places" in self.__dict__

    @cached_property
    def places(self) -> Places:
        """Where the stays could be, over the whole day."""
        return Places(Stays.build(self.index, self.occupancy, self.movable))


def draw_day(index: FloorIndex, problem: Problem) -> DrawnDay:
    """The problem's day on this floor, which must be the layout version that its tables belong to."""
    occupancy = Occupancy.build(index, problem.span, problem.allocations)
    return DrawnDay(index, occupancy, problem.movable)
