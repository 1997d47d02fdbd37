"""Prints decisions about one floor, for a test that compares hosts."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from maitred.domain.floor import Adjacency
from maitred.domain.windows import resolve_window
from maitred.planner.floor_index import compile_floor
from maitred.planner.quote import quote
from tests.planner.floors import SEVEN, Unhurried, evening, floor, party, table, taken

NAMES = ("i1", "I1", "z-9", "Z9", "a_1", "A10", "A9", "b")


def main() -> None:
    """One line a decision."""
    for mode in Adjacency:
        tables = [table(name, 2 + number % 3) for number, name in enumerate(NAMES)]
        place = floor(tables, adjacency=mode, timezone=ZoneInfo("Europe/London"))
        chain = frozenset((min(pair), max(pair)) for pair in pairwise(NAMES))
        index = compile_floor(replace(place, adjacency=chain))
        occupancy = evening(index, taken("Z9", start=SEVEN - 30))
        for size in range(1, 10):
            for shift in (-60, 0, 60):
                decision = quote(index, occupancy, party(size, SEVEN + shift), (), Unhurried())
                sys.stdout.write(f"{mode} {size} {shift} {decision}\n")
    start = datetime(2026, 7, 3, 18, 30, tzinfo=UTC)
    window = resolve_window(floor([table("A")], timezone=ZoneInfo("Europe/London")), start, 2)
    sys.stdout.write(f"{window.start} {window.end} {window.service_date} {window.notices}\n")


if __name__ == "__main__":
    main()
