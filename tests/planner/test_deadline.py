"""A deadline ends everything within 20 ms of CPU, on the largest houses that are hard to prove full."""

import random
from time import thread_time

import pytest

from bench.house import SPAN, a_request, filled, house
from maitred.domain.floor import Adjacency
from maitred.planner.answer.alternatives import find_alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import compile_floor
from maitred.planner.options import PlannerOptions

LATEST = 0.020


class After:
    """Passes after so many seconds of this thread's CPU, and remembers when."""

    def __init__(self, seconds: float) -> None:
        self.ends = thread_time() + seconds

    def expired(self) -> bool:
        return thread_time() >= self.ends


@pytest.mark.parametrize("mode", [Adjacency.CONNECTED, Adjacency.NONE])
@pytest.mark.parametrize("seconds", [0.0, 0.002, 0.01])
def test_the_deadline_is_kept(mode: Adjacency, seconds: float) -> None:
    chance = random.Random(7)  # noqa: S311 - the same evening each time
    place = house(160, mode)
    index = compile_floor(place)
    full = filled(place, 0.97, chance)
    occupancy = Occupancy.build(index, SPAN, full.allocations)
    options = PlannerOptions(max_moves=3)
    for request in [a_request(place, chance) for _ in range(12)]:
        index.candidates(request.party_size)
        late = []
        for _ in range(3):  # the least of three: a machine's own pauses are not ours
            deadline = After(seconds)
            quote(index, occupancy, request, (), deadline, movable=full.movable, options=options)
            find_alternatives(
                index, occupancy, request, (), deadline, 0, movable=full.movable, options=options
            )
            late.append(thread_time() - deadline.ends)
        assert min(late) < LATEST
