"""A deadline ends everything within 20 ms of CPU, on the largest restaurants that are hard to prove full."""

import random
from time import thread_time

import pytest

from bench.restaurant import SPAN, a_request, filled, restaurant
from maitred.domain.floor import Adjacency
from maitred.planner.answer.alternatives import Reach, alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import Problem, draw_day
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
    place = restaurant(160, mode)
    index = compile_floor(place)
    full = filled(place, 0.97, chance)
    options = PlannerOptions(max_moves=3)
    for request in [a_request(place, chance) for _ in range(12)]:
        asked = Problem(request, SPAN, full.allocations, movable=full.movable, options=options)
        index.candidates(request.party_size)
        late = []
        for _ in range(3):  # the least of three: a machine's own pauses are not ours
            days = draw_day(index, asked), draw_day(index, asked)
            deadline = After(seconds)
            quote(index, asked, deadline, days[0])
            alternatives(index, asked, Reach(0), deadline, days[1])
            late.append(thread_time() - deadline.ends)
        assert min(late) < LATEST
