"""Moves, judged twice: by trying every arrangement, and by an exact solver that shares no search with us."""

import random
from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.planner.answer.alternatives import Reach, alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import Problem, draw_day
from maitred.planner.day.exact import ExactQuestion, Proof
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Decision, MovableBooking, PartyRequest, Plan, Refusal
from maitred.planner.options import FULL, PlannerOptions
from tests.judges.cpsat import CpSatSolver
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, AfterChecks, Unhurried, evening, floor, party, problem, table
from tests.planner.move_judge import carried_out, fewest_moves, ways_kept
from tests.planner.random_evenings import Evening, evenings, requests

SOLVER_SECONDS = 20.0


def decide(case: Evening, options: PlannerOptions | None = None) -> Decision:
    return quote(case.index, asked(case, options=options or PlannerOptions()), Unhurried())


def asked(case: Evening, **changes: Any) -> Problem:
    return problem(case.request, case.busy, **{"movable": case.movable} | changes)


@given(evenings())
def test_the_fewest_moves_or_a_proof_that_none_will_do(case: Evening) -> None:
    decision = decide(case)
    fewest = fewest_moves(case.floor, case.request, case.busy, case.movable, case.floor.policy.max_moves)
    if case.request.party_size > case.floor.seats():
        fewest = None
    assert (None if isinstance(decision, Refusal) else len(decision.moves)) == fewest


@given(evenings())
def test_no_promise_is_broken_and_no_table_is_shared(case: Evening) -> None:
    plan = decide(case)
    if isinstance(plan, Refusal):
        return
    carried_out(case.floor, case.request, case.busy, plan)
    judge = Judge(case.floor)
    assert frozenset(plan.tables) in judge.candidates(case.request.party_size)
    bookings = {each.booking_id: each for each in case.movable}
    for move in plan.moves:
        assert frozenset(move.to_tables) in set(ways_kept(judge, bookings[move.booking_id]))
    assert len({move.booking_id for move in plan.moves}) == len(plan.moves)
    assert (plan.strategy == "rearrange") == bool(plan.moves)
    assert dict(plan.terms).get("moves", 0.0) == 3.0 * len(plan.moves)


@given(evenings(most_tables=8), st.integers(1, 4))
def test_an_exact_solver_agrees(case: Evening, most: int) -> None:
    if case.request.party_size > case.floor.seats():
        return
    decision = decide(case, PlannerOptions(max_moves=most))
    question = ExactQuestion(
        case.index, evening(case.index, case.busy), case.request, case.movable, most_moves=most
    )
    answer = CpSatSolver().rearrange(question, SOLVER_SECONDS)
    if isinstance(decision, Refusal):
        assert answer.proof is Proof.IMPOSSIBLE
    else:
        assert answer.proof is Proof.ARRANGED
        assert len(answer.moves) == len(decision.moves)


@given(evenings(), st.integers(0, 40))
def test_a_deadline_never_makes_an_unproven_claim_about_moves(case: Evening, checks: int) -> None:
    whole = decide(case)
    hurried = quote(case.index, asked(case), AfterChecks(checks))
    if isinstance(hurried, Refusal) and hurried.reason.code == "search_truncated":
        assert hurried.checks == checks + 1
    else:
        assert hurried == whole


@given(evenings(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_changes_nothing(case: Evening, shuffler: random.Random) -> None:
    busy = shuffler.sample(case.busy, len(case.busy))
    movable = tuple(shuffler.sample(case.movable, len(case.movable)))
    assert quote(case.index, problem(case.request, busy, movable=movable), Unhurried()) == decide(case)


@given(evenings(), st.lists(st.integers(-60, 60), max_size=4))
def test_what_is_known_of_a_day_from_earlier_questions_changes_no_answer(
    case: Evening, shifts: list[int]
) -> None:
    index, first, reach = case.index, asked(case), Reach(0, other_zones=True)
    day = draw_day(index, first)
    for shift in (*shifts, 0):
        request = replace(case.request, start=case.request.start + shift, end=case.request.end + shift)
        shifted = replace(first, request=request)
        assert quote(index, shifted, Unhurried(), day) == quote(index, shifted, Unhurried())
    afresh = alternatives(index, first, reach, Unhurried())
    assert alternatives(index, first, reach, Unhurried(), day) == afresh


@given(evenings(), st.lists(requests(), min_size=1, max_size=4), st.integers(1, 3))
def test_what_is_known_of_a_day_from_other_parties_changes_no_answer(
    case: Evening, others: list[PartyRequest], most: int
) -> None:
    """For any party, any options, and any number of moves."""
    index, first, reach = case.index, asked(case), Reach(0, other_zones=True)
    day = draw_day(index, first)
    for request, options in ((case.request, PlannerOptions(max_moves=most)), *zip(others, repeat(FULL))):
        other = replace(first, request=request, options=options)
        assert quote(index, other, Unhurried(), day) == quote(index, other, Unhurried())
        starts = alternatives(index, other, reach, Unhurried())
        assert alternatives(index, other, reach, Unhurried(), day) == starts


@pytest.mark.parametrize("others", [1, 2])
def test_a_stay_that_cannot_leave_for_one_start_may_leave_for_another(others: int) -> None:
    """The last of a ring takes the first one's table, unless the party is still there when it comes."""
    ring = others + 1
    marks = [frozenset({f"of {number}", f"of {(number - 1) % ring}"}) for number in range(ring)]
    tables = [table(f"T{number}", attributes=mark) for number, mark in enumerate(marks)]
    tables[0] = replace(tables[0], attributes=marks[0] | {"party's"})
    index = compile_floor(floor([*tables, table("spare")], max_tables=1, max_moves=3))
    first, later = (SEVEN, SEVEN + 120), (SEVEN + 90, SEVEN + 180)
    stays = [first, *[later] * others]
    movable = tuple(
        MovableBooking(f"b{number}", 4, *stay, (f"T{number}",), required=frozenset({f"of {number}"}))
        for number, stay in enumerate(stays)
    )
    busy = [Allocation(each.tables[0], each.start, each.end, each.booking_id) for each in movable]
    late, early = (
        problem(party(4, SEVEN + shift, required=frozenset({"party's"})), busy, movable=movable)
        for shift in (30, -30)
    )
    day = draw_day(index, late)
    assert isinstance(quote(index, late, Unhurried(), day), Refusal)
    plan = quote(index, early, Unhurried(), day)
    assert isinstance(plan, Plan)
    assert [move.to_tables for move in plan.moves] == [(f"T{(number + 1) % ring}",) for number in range(ring)]
    assert isinstance(quote(index, late, Unhurried(), day), Refusal)


@given(evenings())
def test_the_exact_solver_misses_no_arrangement_when_any_number_may_move(case: Evening) -> None:
    if case.request.party_size > case.floor.seats():
        return
    fewest = fewest_moves(case.floor, case.request, case.busy, case.movable, len(case.movable))
    question = ExactQuestion(case.index, evening(case.index, case.busy), case.request, case.movable)
    any_way = CpSatSolver(fewest=False).rearrange(question, SOLVER_SECONDS)
    assert any_way.proof is (Proof.IMPOSSIBLE if fewest is None else Proof.POSSIBLE)
    proven = CpSatSolver().rearrange(question, SOLVER_SECONDS)
    assert (len(proven.moves) if proven.proof is Proof.ARRANGED else None) == fewest
