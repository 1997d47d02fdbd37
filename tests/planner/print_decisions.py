"""Prints decisions about one floor, for a test that compares hosts."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from maitred.domain.floor import Adjacency
from maitred.domain.windows import resolve_window
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import learn_demand
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, MovableBooking
from tests.planner.floors import SEVEN, Unhurried, floor, party, problem, table

NAMES = ("i1", "I1", "z-9", "Z9", "a_1", "A10", "A9", "b")


def main() -> None:
    """One line a decision."""
    for mode in Adjacency:
        tables = [table(name, 2 + number % 3) for number, name in enumerate(NAMES)]
        place = floor(tables, adjacency=mode, timezone=ZoneInfo("Europe/London"))
        chain = frozenset((min(pair), max(pair)) for pair in pairwise(NAMES))
        index = compile_floor(replace(place, adjacency=chain))
        rows = [Allocation(name, SEVEN - 30, SEVEN + 60, f"b-{name}") for name in (*NAMES[:3], *NAMES[4:])]
        movable = tuple(MovableBooking(str(r.booking_id), 2, r.start, r.end, (r.table_id,)) for r in rows)
        for size in range(1, 10):
            for shift in (-60, 0, 60):
                request = party(size, SEVEN + shift, attributes=frozenset({"standard", "window"}))
                asked = problem(request, rows, movable=movable, demand=learn_demand({2: 99}))
                decision = quote(index, asked, Unhurried())
                sys.stdout.write(f"{mode} {size} {shift} {decision}\n")
    start = datetime(2026, 7, 3, 18, 30, tzinfo=UTC)
    window = resolve_window(floor([table("A")], timezone=ZoneInfo("Europe/London")), start, 2)
    sys.stdout.write(f"{window.start} {window.end} {window.service_date} {window.notices}\n")


if __name__ == "__main__":
    main()
