"""What one decision is made from."""

from dataclasses import dataclass

from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.exact import ExactAnswer
from maitred.planner.model import Allocation, Covers, MovableBooking, PartyRequest
from maitred.planner.options import FULL, PlannerOptions


@dataclass(frozen=True, slots=True)
class PlannerInputs:
    """One call of ``quote`` but for the floor and the deadline; ``exact``: what settled it afterwards."""

    layout_version: int
    span: tuple[int, int]
    request: PartyRequest
    allocations: tuple[Allocation, ...]
    pacing: tuple[Covers, ...] = ()
    movable: tuple[MovableBooking, ...] = ()
    demand: Demand = PRIOR
    options: PlannerOptions = FULL
    exact: ExactAnswer | None = None
