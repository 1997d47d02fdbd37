"""What is stored of a decision gives the same decision again, and is small."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.planner.answer.explanation import MOST_BYTES, explanation_data
from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.quote import quote
from maitred.planner.answer.replay import WrongFloorError, record, replay
from maitred.planner.day.demand import learn_demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Covers, Decision, MovableBooking
from maitred.planner.options import FULL, PLAIN
from tests.planner.floors import SEVEN, AfterChecks, Unhurried, floor, party, table
from tests.planner.random_evenings import Evening, evenings

SPAN = (SEVEN - 7 * 60, SEVEN + 12 * 60)


def decide(case: Evening, inputs: PlannerInputs, checks: int | None = None) -> Decision:
    deadline = Unhurried() if checks is None else AfterChecks(checks)
    return quote(
        case.index,
        Occupancy.build(case.index, inputs.span, inputs.allocations),
        inputs.request,
        inputs.pacing,
        deadline,
        movable=inputs.movable,
        demand=inputs.demand,
        options=inputs.options,
    )


@given(
    evenings(),
    st.dictionaries(st.integers(1, 9), st.integers(0, 80)),
    st.sampled_from([None, None, 0, 1, 3, 8]),
    st.booleans(),
)
def test_a_replay_gives_the_same_decision(
    case: Evening, counts: dict[int, int], checks: int | None, plain: bool
) -> None:
    inputs = PlannerInputs(
        case.floor.layout_version,
        SPAN,
        case.request,
        case.busy,
        movable=case.movable,
        demand=learn_demand(counts),
        options=PLAIN if plain else FULL,
    )
    decision = decide(case, inputs, checks)
    assert replay(case.index, record(case.index, inputs, decision)) == decision


def test_pacing_is_replayed() -> None:
    index = compile_floor(floor([table("A")], max_covers=10))
    inputs = PlannerInputs(1, SPAN, party(4), (), pacing=(Covers(SEVEN, 6), Covers(SEVEN, 1, held=True)))
    decision = quote(index, Occupancy.build(index, SPAN, ()), inputs.request, inputs.pacing, Unhurried())
    assert decision.refusal is not None
    assert replay(index, record(index, inputs, decision)) == decision


def test_another_layout_is_refused() -> None:
    place = floor([table("A")])
    index, inputs = compile_floor(place), PlannerInputs(1, SPAN, party(4), ())
    decision = quote(index, Occupancy.build(index, SPAN, ()), inputs.request, (), Unhurried())
    recorded = record(index, inputs, decision)
    with pytest.raises(WrongFloorError):
        replay(compile_floor(replace(place, layout_version=2)), recorded)


def test_a_busy_day_of_forty_tables_is_small() -> None:
    names = [f"table-number-{number:02}" for number in range(40)]
    index = compile_floor(floor([table(name) for name in names], max_moves=2))
    busy, movable = [], []
    for number, name in enumerate(names):
        for sitting in range(4):
            start = SEVEN - 120 + sitting * 95 + number % 7
            booking = f"0b3a2c1d-0000-4000-8000-{number:06}{sitting:06}"
            busy.append(Allocation(name, start, start + 95, booking))
            movable.append(
                MovableBooking(booking, 2, start, start + 90, (name,), "main", frozenset({"standard"}))
            )
    inputs = PlannerInputs(1, SPAN, party(4), tuple(busy), movable=tuple(movable))
    occupancy = Occupancy.build(index, SPAN, busy)
    decision = quote(index, occupancy, inputs.request, (), Unhurried(), movable=movable)
    assert len(record(index, inputs, decision).encode()) <= 8192


def test_an_explanation_is_never_longer_than_promised() -> None:
    names = ["table " + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 120 + str(number) for number in range(9)]
    edges = [f"{names[i]}-{names[i + 1]}" for i in range(8)]
    index = compile_floor(floor([table(name) for name in names], edges, max_tables=6))
    occupancy = Occupancy.build(index, SPAN, ())
    decision = quote(index, occupancy, party(24), (), Unhurried())
    data = explanation_data(decision)
    assert data["summary"] == decision.explanation
    assert data["cut"] is True
    assert len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES
