"""The stored record of a decision gives the same decision again, and is small."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.planner.answer.explanation import MOST_BYTES, explanation_data
from maitred.planner.answer.quote import quote
from maitred.planner.answer.replay import WrongFloorError, record, replay
from maitred.planner.day.demand import learn_demand
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Covers, MovableBooking, Refusal
from maitred.planner.options import FULL, PLAIN
from tests.planner.floors import SEVEN, AfterChecks, Unhurried, floor, party, problem, table
from tests.planner.random_evenings import Evening, evenings


@given(
    evenings(),
    st.dictionaries(st.integers(1, 9), st.integers(0, 80)),
    st.sampled_from([None, None, 0, 1, 3, 8]),
    st.booleans(),
)
def test_a_replay_gives_the_same_decision(
    case: Evening, counts: dict[int, int], checks: int | None, plain: bool
) -> None:
    asked = problem(
        case.request,
        case.busy,
        movable=case.movable,
        demand=learn_demand(counts),
        options=PLAIN if plain else FULL,
    )
    decision = quote(case.index, asked, Unhurried() if checks is None else AfterChecks(checks))
    assert replay(case.index, record(case.index, asked, decision)) == decision


def test_pacing_is_replayed() -> None:
    index = compile_floor(floor([table("A")], max_covers=10))
    asked = problem(party(4), pacing=(Covers(SEVEN, 6), Covers(SEVEN, 1, on_hold=True)))
    decision = quote(index, asked, Unhurried())
    assert isinstance(decision, Refusal)
    assert replay(index, record(index, asked, decision)) == decision


def test_another_layout_is_refused() -> None:
    place = floor([table("A")])
    index, asked = compile_floor(place), problem(party(4))
    recorded = record(index, asked, quote(index, asked, Unhurried()))
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
    asked = problem(party(4), busy, movable=tuple(movable))
    assert len(record(index, asked, quote(index, asked, Unhurried())).encode()) <= 8192


def test_an_explanation_is_never_longer_than_promised() -> None:
    names = ["table " + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 120 + str(number) for number in range(9)]
    edges = [f"{names[i]}-{names[i + 1]}" for i in range(8)]
    index = compile_floor(floor([table(name) for name in names], edges, max_tables=6))
    decision = quote(index, problem(party(24)), Unhurried())
    data = explanation_data(decision)
    assert data["summary"] == decision.explanation
    assert data["cut"] is True
    assert len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES
