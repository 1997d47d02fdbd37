"""Moves, judged twice: by trying every arrangement, and by an exact solver that shares no search with us."""

import random
from dataclasses import replace
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.planner.answer.alternatives import find_alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.exact import ExactQuestion, Proof
from maitred.planner.day.places import Movers
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Decision, MovableBooking, PartyRequest
from maitred.planner.options import FULL, PlannerOptions
from tests.judges.cpsat import CpSatSolver
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, AfterChecks, Unhurried, evening, floor, party, table
from tests.planner.move_judge import carried_out, fewest_moves, ways_kept
from tests.planner.random_evenings import Evening, evenings, requests

SOLVER_SECONDS = 20.0


def decide(case: Evening, options: PlannerOptions | None = None) -> Decision:
    occupancy = evening(case.index, case.busy)
    return quote(
        case.index,
        occupancy,
        case.request,
        (),
        Unhurried(),
        movable=case.movable,
        options=options or PlannerOptions(),
    )


@given(evenings())
def test_the_fewest_moves_or_a_proof_that_none_will_do(case: Evening) -> None:
    decision = decide(case)
    fewest = fewest_moves(case.floor, case.request, case.busy, case.movable, case.floor.policy.max_moves)
    if case.request.party_size > case.floor.seats():
        fewest = None
    assert (None if decision.plan is None else len(decision.plan.moves)) == fewest


@given(evenings())
def test_no_promise_is_broken_and_nobody_shares_a_table(case: Evening) -> None:
    plan = decide(case).plan
    if plan is None:
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
    if decision.plan is None:
        assert answer.proof is Proof.IMPOSSIBLE
    else:
        assert answer.proof is Proof.ARRANGED
        assert len(answer.moves) == len(decision.plan.moves)


@given(evenings(), st.integers(0, 40))
def test_a_deadline_never_makes_an_unproven_claim_about_moves(case: Evening, checks: int) -> None:
    whole = decide(case)
    occupancy = evening(case.index, case.busy)
    hurried = quote(case.index, occupancy, case.request, (), AfterChecks(checks), movable=case.movable)
    if hurried.refusal is not None and hurried.refusal.code == "search_truncated":
        assert hurried.checks == checks + 1
    else:
        assert hurried == whole


@given(evenings(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_changes_nothing(case: Evening, shuffler: random.Random) -> None:
    busy = shuffler.sample(case.busy, len(case.busy))
    movable = shuffler.sample(case.movable, len(case.movable))
    occupancy = evening(case.index, busy)
    assert quote(case.index, occupancy, case.request, (), Unhurried(), movable=movable) == decide(case)


@given(evenings(), st.lists(st.integers(-60, 60), max_size=4))
def test_what_is_known_of_a_day_from_earlier_questions_changes_no_answer(
    case: Evening, shifts: list[int]
) -> None:
    occupancy = evening(case.index, case.busy)
    known = Movers(case.index, occupancy, case.movable)
    for shift in (*shifts, 0):
        request = replace(case.request, start=case.request.start + shift, end=case.request.end + shift)
        asked = (case.index, occupancy, request, (), Unhurried())
        assert quote(*asked, movable=known) == quote(*asked, movable=case.movable)
    asked = (case.index, occupancy, case.request, (), Unhurried())
    afresh = find_alternatives(*asked, 0, movable=case.movable, other_zones=True)
    assert find_alternatives(*asked, 0, movable=known, other_zones=True) == afresh


@given(evenings(), st.lists(requests(), min_size=1, max_size=4), st.integers(1, 3))
def test_what_is_known_of_a_day_from_other_parties_changes_no_answer(
    case: Evening, others: list[PartyRequest], most: int
) -> None:
    """Whoever they are, whatever they may have, and however many may move for them."""
    occupancy = evening(case.index, case.busy)
    known = Movers(case.index, occupancy, case.movable)
    for request, options in ((case.request, PlannerOptions(max_moves=most)), *zip(others, repeat(FULL))):
        asked = (case.index, occupancy, request, (), Unhurried())
        afresh = quote(*asked, movable=case.movable, options=options)
        assert quote(*asked, movable=known, options=options) == afresh
        starts = find_alternatives(*asked, 0, movable=case.movable, options=options, other_zones=True)
        assert find_alternatives(*asked, 0, movable=known, options=options, other_zones=True) == starts


@pytest.mark.parametrize("others", [1, 2])
def test_who_cannot_leave_for_one_start_may_leave_for_another(others: int) -> None:
    """The last of a ring takes the first one's table, unless the party is still there when it comes."""
    ring = others + 1
    marks = [frozenset({f"of {number}", f"of {(number - 1) % ring}"}) for number in range(ring)]
    tables = [table(f"T{number}", attributes=mark) for number, mark in enumerate(marks)]
    tables[0] = replace(tables[0], attributes=marks[0] | {"party's"})
    index = compile_floor(floor([*tables, table("spare")], max_tables=1, max_moves=3))
    first, later = (SEVEN, SEVEN + 120), (SEVEN + 90, SEVEN + 180)
    stays = [first, *[later] * others]
    movable = [
        MovableBooking(f"b{number}", 4, *stay, (f"T{number}",), required=frozenset({f"of {number}"}))
        for number, stay in enumerate(stays)
    ]
    busy = [Allocation(each.tables[0], each.start, each.end, each.booking_id) for each in movable]
    occupancy = evening(index, busy)
    known = Movers(index, occupancy, movable)
    late, early = (party(4, SEVEN + shift, required=frozenset({"party's"})) for shift in (30, -30))
    assert quote(index, occupancy, late, (), Unhurried(), movable=known).plan is None
    plan = quote(index, occupancy, early, (), Unhurried(), movable=known).plan
    assert plan is not None
    assert [move.to_tables for move in plan.moves] == [(f"T{(number + 1) % ring}",) for number in range(ring)]
    assert quote(index, occupancy, late, (), Unhurried(), movable=known).plan is None


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
