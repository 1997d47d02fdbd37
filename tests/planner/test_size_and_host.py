"""Large floors, and hosts with other clocks, languages and hash seeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from maitred.domain.floor import Adjacency, Combination, Floor
from maitred.planner.answer.quote import quote
from maitred.planner.floor.index import MAX_JOINED_SETS, compile_floor
from maitred.planner.model import Plan, Refusal
from tests.planner.floors import Unhurried, floor, party, problem, table, taken

ROOT = Path(__file__).parents[2]


def grid(side_x: int, side_y: int, mode: Adjacency, max_tables: int) -> Floor:
    """Tables on a grid, each touching up to eight others."""
    places = [(x, y) for x in range(side_x) for y in range(side_y)]
    names = {place: f"T{place[0]:02}{place[1]:02}" for place in places}
    edges = [
        f"{names[x, y]}-{names[x + dx, y + dy]}"
        for x, y in places
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1))
        if (x + dx, y + dy) in names
    ]
    sizes = (2, 4, 2, 6, 4)
    tables = [table(name, sizes[number % len(sizes)]) for number, name in enumerate(names.values())]
    return floor(tables, edges, adjacency=mode, max_tables=max_tables)


@pytest.mark.parametrize("mode", [Adjacency.CONNECTED, Adjacency.PAIRWISE, Adjacency.NEIGHBORS])
def test_160_tables_with_four_to_a_set_are_listed_completely(mode: Adjacency) -> None:
    assert not compile_floor(grid(16, 10, mode, 4)).truncated


def test_what_is_too_much_to_list_says_so_and_is_still_seated() -> None:
    place = grid(16, 10, Adjacency.NONE, 4)
    index = compile_floor(place)
    assert index.truncated
    assert len(index._joined) <= MAX_JOINED_SETS
    decision = quote(index, problem(party(24)), Unhurried())
    assert decision.truncated
    assert isinstance(decision, Plan)
    assert decision.seats == 24
    names = [t.id for t in place.tables]
    decision = quote(index, problem(party(24), taken(*names)), Unhurried())
    assert isinstance(decision, Refusal)
    assert decision.reason.code == "no_capacity"


def test_a_combination_is_not_given_where_an_unlisted_part_of_it_would_do() -> None:
    row = Combination(("A", "B", "C"), 1, 5)
    place = floor([table("A", 1), table("B", 3), table("C", 1)], ["A-B"], combinations=[row], max_tables=2)
    index = compile_floor(place, max_joined_sets=0)
    assert index.truncated
    decision = quote(index, problem(party(4)), Unhurried())
    assert isinstance(decision, Plan)
    assert decision.tables == ("A", "B")
    decision = quote(index, problem(party(5)), Unhurried())
    assert isinstance(decision, Plan)
    assert decision.tables == ("A", "B", "C")


def test_no_clock_language_or_hash_seed_of_the_host_changes_a_decision() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-m", "tests.planner.print_decisions"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": "layers/shared", **host},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for host in (
            {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
            {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77"},
            {"TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "4242"},
        )
    }
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) > 100
