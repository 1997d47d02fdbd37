"""A bit a minute."""

from datetime import datetime
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maitred.domain.floor import Closure
from maitred.planner.day.drawn_day import draw_day
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation
from maitred.planner.search.situation import Situation
from tests.planner.floors import SEVEN, evening, floor, party, problem, table, taken

INDEX = compile_floor(floor([table("A"), table("B"), table("C")]))
A, B, C = 1, 2, 4


def test_layers_of_bookings_and_holds() -> None:
    occupancy = evening(INDEX, [*taken("A"), *taken("B", hold=True)])
    assert occupancy.taken(SEVEN, SEVEN + 1) == (A, B)
    assert occupancy.busy_mask(SEVEN, SEVEN + 1) == A | B
    assert occupancy.busy_mask(SEVEN + 90, SEVEN + 91) == 0


def test_the_stay_is_asked_with_its_buffers_and_the_ledger_as_it_is() -> None:
    index = compile_floor(floor([table("A")], buffer_before_minutes=10, buffer_after_minutes=5))
    occupancy = evening(index, taken("A", minutes=60))
    assert occupancy.taken(SEVEN - 30, SEVEN - 5) == (0, 0)
    assert occupancy.taken(SEVEN - 30, SEVEN - 4) == (A, 0)
    assert occupancy.taken(SEVEN + 69, SEVEN + 100) == (A, 0)
    assert occupancy.taken(SEVEN + 70, SEVEN + 100) == (0, 0)
    assert occupancy.busy_mask(SEVEN + 60, SEVEN + 100) == 0


def test_tables_that_the_layout_no_longer_has_are_left_out() -> None:
    assert evening(INDEX, taken("gone")).busy_mask(SEVEN, SEVEN + 90) == 0


def test_closures_bind_the_stay_but_not_its_buffers() -> None:
    start, end = datetime(2026, 12, 4, 20), datetime(2026, 12, 4, 21)  # noqa: DTZ001 - wall time
    rows = [
        Closure(start, end, frozenset({"patio"}), None, None),
        Closure(start, end, None, frozenset({"A", "gone"}), None),
    ]
    tables = [table("A"), table("B", zone="patio"), table("C")]
    index = compile_floor(floor(tables, closures=rows, buffer_after_minutes=30))
    until, beyond = problem(party(2, minutes=60)), problem(party(2, minutes=61))
    assert Situation.of(draw_day(index, until), until).closed == 0
    assert Situation.of(draw_day(index, beyond), beyond).closed == A | B
    assert not index.restaurant_closed(SEVEN, SEVEN + 61)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (0, 101), (200, 300), (-50, -10)])
def test_unknown_minutes_are_an_error_never_free(start: int, end: int) -> None:
    occupancy = Occupancy.build(INDEX, (0, 100), [])
    assert not occupancy.covers(start, end)
    with pytest.raises(ValueError, match="outside the known span"):
        occupancy.busy_mask(start, end)


spans = st.tuples(st.integers(-50, 150), st.integers(1, 100)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(st.tuples(st.sampled_from("ABC"), spans), max_size=8), spans)
def test_busy_is_overlap_of_half_open_intervals(
    rows: list[tuple[str, tuple[int, int]]], asked: tuple[int, int]
) -> None:
    asked = (max(0, min(asked[0], 98)), max(1, min(asked[1], 99)))
    if asked[0] >= asked[1]:
        asked = (asked[0], asked[0] + 1)
    allocations = [Allocation(name, start, end, "booking") for name, (start, end) in rows]
    expected = INDEX.bits_of(name for name, (start, end) in rows if start < asked[1] and asked[0] < end)
    assert Occupancy.build(INDEX, (0, 100), allocations).busy_mask(*asked) == expected


@given(st.lists(st.tuples(spans, st.booleans()), max_size=6), spans, st.integers(1, 60))
def test_free_runs_are_the_gaps_that_are_long_enough(
    rows: list[tuple[tuple[int, int], bool]], window: tuple[int, int], least: int
) -> None:
    begin, end = max(0, window[0]), min(150, window[1])
    assume(begin < end)
    allocations = [Allocation("A", *stay, hold_id="h" if hold else None) for stay, hold in rows]
    busy = {minute for (start, stop), _ in rows for minute in range(start, stop)}
    free = [minute for minute in range(begin, end) if minute not in busy]
    firsts = [minute for minute in free if minute - 1 not in free]
    lasts = [minute + 1 for minute in free if minute + 1 not in free]
    expected = [(0, first, last) for first, last in zip(firsts, lasts, strict=True) if last - first >= least]
    occupancy = Occupancy.build(INDEX, (0, 150), allocations)
    assert list(occupancy.free_runs([0], (begin, end), least)) == expected


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), min_size=1, max_size=5), st.data())
def test_what_is_left_free_is_free_once_they_are_gone(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    ends = list(accumulate(pause + minutes for pause, minutes in rows))
    stays = [(end - minutes, end) for end, (_, minutes) in zip(ends, rows, strict=True)]
    leaving = data.draw(st.lists(st.sampled_from(stays), min_size=1, unique=True))
    allocations = [Allocation("A", *stay, "booking") for stay in stays]
    left = [row for row in allocations if (row.start, row.end) not in leaving]
    after = Occupancy.build(INDEX, (0, 250), left)
    for (start, end), stay in zip(
        Occupancy.build(INDEX, (0, 250), allocations).left_free(0, leaving), leaving, strict=True
    ):
        assert (0, start, end) in after.free_runs([0], (0, 250), 1)
        assert start <= stay[0] < stay[1] <= end


@given(st.data())
def test_changing_an_occupancy_is_the_same_as_drawing_it_again(data: st.DataObject) -> None:
    index = compile_floor(floor([table(name) for name in "ABC"]))
    names = st.sampled_from("ABC")
    rows = data.draw(
        st.lists(st.builds(_row, names, st.integers(-90, 90), st.sampled_from("123"), st.booleans()))
    )
    fresh = data.draw(st.lists(st.builds(_row, names, st.integers(-90, 90), st.just("9"), st.booleans())))
    released = data.draw(st.sets(st.sampled_from("123")))
    changed = evening(index, rows).changed(index, released, fresh)
    left = [row for row in rows if (row.hold_id or row.booking_id) not in released]
    assert changed == evening(index, [*left, *fresh])


def _row(name: str, shift: int, owner: str, hold: bool) -> Allocation:
    whose = {"hold_id": owner} if hold else {"booking_id": owner}
    return Allocation(name, SEVEN + shift, SEVEN + shift + 60, **whose)
