"""The bound of the optimum is never below what can be seated."""

from maitred.planner.floor.index import compile_floor
from tests.judges.optimum import most_covers
from tests.planner.floors import floor, party, table

PARTIES = [party(2), party(2), party(3)]


def test_the_optimum_of_a_tiny_evening() -> None:
    index = compile_floor(floor([table("A", 2), table("B", 4)]))
    optimum = most_covers(index, PARTIES, 10.0)
    assert (optimum.covers, optimum.bound) == (5, 5.0)


def test_without_time_everybody_is_the_bound() -> None:
    index = compile_floor(floor([table("A", 2), table("B", 4)]))
    assert most_covers(index, PARTIES, 0.0).bound in {5.0, 7.0}
