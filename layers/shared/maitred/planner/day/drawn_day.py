"""A day drawn on its floor: where each stay is, and where it could be instead."""

from collections.abc import Sequence
from functools import cached_property

from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import Places
from maitred.planner.day.problem import Problem
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import MovableBooking


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
