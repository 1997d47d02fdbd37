"""The problem that one decision solves."""

from dataclasses import dataclass

from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.exact import ExactAnswer
from maitred.planner.day.occupancy import Span
from maitred.planner.model import Allocation, Covers, MovableBooking, PartyRequest
from maitred.planner.options import FULL, PlannerOptions


@dataclass(frozen=True, slots=True)
class Problem:
    """A party and the day it asks for: with the floor, all that a decision depends on.

    ``span``: the minutes that are known; ``allocations``: everything that overlaps it, of whatever service
    date. ``pacing``: the covers that start on the day. ``movable``: the bookings that may get other tables.
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
