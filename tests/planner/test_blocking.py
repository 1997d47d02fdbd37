"""A refusal names who is in the way, and the smallest change that would let the party in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given

from maitred.planner.answer.quote import quote
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Blocker, LaterStart, MovableBooking, Obstruction, Plan, Refusal
from maitred.planner.options import PLAIN
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, Unhurried, floor, party, problem, table
from tests.planner.random_floors import Case, cases


def blocking(tables: list[Any], busy: Sequence[Allocation], size: int = 4, **more: Any) -> Obstruction | None:
    decision = quote(compile_floor(floor(tables)), problem(party(size), busy, **more), Unhurried())
    assert isinstance(decision, Refusal)
    return decision.blocking


def test_the_set_with_the_fewest_parties_on_it_is_named() -> None:
    busy = [
        Allocation("A", SEVEN - 60, SEVEN + 10, "one"),
        Allocation("A", SEVEN + 20, SEVEN + 95, "two"),
        Allocation("B", SEVEN - 30, SEVEN + 70, "three"),
    ]
    sits = MovableBooking("three", 2, SEVEN - 30, SEVEN + 70, ("B",))
    assert blocking([table("A"), table("B")], busy, movable=(sits,)) == Obstruction(
        ("B",),
        (Blocker("three", ("B",), SEVEN - 30, SEVEN + 70, 2),),
        LaterStart(SEVEN + 75, ("B",)),
        "Table B would do if the party of 2 at B could go; Table B would do from 20:15.",
    )


def test_a_hold_is_named_without_its_id() -> None:
    found = blocking([table("A")], [Allocation("A", SEVEN - 30, SEVEN + 200, hold_id="secret")])
    assert found == Obstruction(
        ("A",),
        (Blocker(None, ("A",), SEVEN - 30, SEVEN + 200),),
        None,
        "Table A would do if the hold at A could go.",
    )


def test_a_table_that_is_out_of_order_is_nobodys_to_give() -> None:
    assert blocking([table("A")], [Allocation("A", SEVEN, SEVEN + 90)]) is None


def test_a_slot_that_is_full_names_nobody() -> None:
    place = compile_floor(floor([table("A")], max_covers=2))
    decision = quote(place, problem(party(4), [Allocation("A", SEVEN, SEVEN + 90, "one")]), Unhurried())
    assert isinstance(decision, Refusal)
    assert decision.blocking is None


def test_a_dozen_parties_are_not_a_small_change() -> None:
    busy = [Allocation("A", SEVEN + 15 * n, SEVEN + 15 * n + 10, f"party {n}") for n in range(6)]
    assert blocking([table("A")], busy) is None


@given(cases())
def test_without_those_in_the_way_the_party_is_seated_and_no_fewer_would_do(case: Case) -> None:
    busy = [
        replace(row, booking_id=f"booking {number}") if row.booking_id else row
        for number, row in enumerate(case.busy)
    ]
    index = compile_floor(case.floor)
    decision = quote(index, problem(case.request, busy, options=PLAIN), Unhurried())
    found = decision.blocking if isinstance(decision, Refusal) else None
    if found is None:
        return
    left = [row for row in busy if not any(_is(row, party) for party in found.parties)]
    assert isinstance(quote(index, problem(case.request, left, options=PLAIN), Unhurried()), Plan)
    judge = Judge(case.floor)
    assert len(found.parties) == min(
        len({_owner(row) for row in busy if row.table_id in way and _meets(row, case)})
        for way in judge.free(case.request, [])
        if way in judge.candidates(case.request.party_size)
    )
    if found.later is not None:
        length = case.request.end - case.request.start
        request = replace(case.request, start=found.later.start, end=found.later.start + length)
        then = quote(index, problem(request, busy, options=PLAIN), Unhurried())
        assert isinstance(then, Plan)


def _owner(row: Allocation) -> object:
    return row.booking_id or (row.start, row.end)


def _is(row: Allocation, party: Blocker) -> bool:
    if party.booking_id is not None:
        return row.booking_id == party.booking_id
    return row.hold_id is not None and (row.start, row.end) == (party.start, party.end)


def _meets(row: Allocation, case: Case) -> bool:
    policy = case.floor.policy
    begins = case.request.start - policy.buffer_before_minutes
    return row.start < case.request.end + policy.buffer_after_minutes and begins < row.end
