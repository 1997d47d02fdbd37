"""The background job's exact solver, judged by OR-tools and by trying every arrangement."""

import subprocess
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.adapters.highs import child
from maitred.adapters.highs.solver import HighsSolver, apart
from maitred.adapters.system import SystemClock
from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, MovableBooking, Move
from tests.judges.cpsat import CpSatSolver
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, evening, floor, party, table
from tests.planner.move_judge import carried_out, fewest_moves, ways_kept
from tests.planner.random_evenings import Evening, evenings

SECONDS = 20.0


def question(case: Evening, most: int | None) -> ExactQuestion:
    return ExactQuestion(case.index, evening(case.index, case.busy), case.request, case.movable, most)


def asked(case: Evening, most: int | None) -> ExactAnswer:
    """In this process; the tests below have one apart."""
    return HighsSolver(SystemClock(), child.solve).rearrange(question(case, most), SECONDS)


def assert_within_the_rules(case: Evening, answer: ExactAnswer) -> None:
    """No two parties share a table, every set is allowed, and every promise is kept."""
    carried_out(case.floor, case.request, case.busy, answer)
    judge = Judge(case.floor)
    assert frozenset(answer.tables) in set(judge.free(case.request, ()))
    bookings = {each.booking_id: each for each in case.movable}
    assert len({move.booking_id for move in answer.moves}) == len(answer.moves)
    for move in answer.moves:
        assert frozenset(move.to_tables) in set(ways_kept(judge, bookings[move.booking_id]))


@given(evenings(most_tables=8), st.sampled_from([0, 1, 2, 3, 4, None]))
def test_two_exact_solvers_agree(case: Evening, most: int | None) -> None:
    ours, theirs = asked(case, most), CpSatSolver().rearrange(question(case, most), SECONDS)
    assert (ours.proof, len(ours.moves)) == (theirs.proof, len(theirs.moves))
    if ours.proof is Proof.ARRANGED:
        assert_within_the_rules(case, ours)


@given(evenings(), st.integers(0, 3))
def test_the_fewest_moves_or_a_proof_that_none_will_do(case: Evening, most: int) -> None:
    fewest = fewest_moves(case.floor, case.request, case.busy, case.movable, most)
    answer = asked(case, most)
    assert answer.proof is (Proof.IMPOSSIBLE if fewest is None else Proof.ARRANGED)
    assert fewest is None or len(answer.moves) == fewest


@given(evenings())
def test_the_same_question_gets_the_same_answer(case: Evening) -> None:
    assert asked(case, 2) == asked(case, 2)


@pytest.fixture
def chain() -> Evening:
    """The party of six fits only if the four at its table go to the two's, and these to the free one."""
    place = floor([table("A", 2), table("B", 4), table("C", 6)], max_moves=2)
    until = SEVEN + 90
    busy = (Allocation("C", SEVEN, until, "four"), Allocation("B", SEVEN, until, "two"))
    movable = (
        MovableBooking("four", 4, SEVEN, until, ("C",)),
        MovableBooking("two", 2, SEVEN, until, ("B",)),
    )
    return Evening(place, compile_floor(place), party(6), busy, movable)


def test_a_chain_of_two_needs_two_moves(chain: Evening) -> None:
    assert asked(chain, 1) == ExactAnswer(Proof.IMPOSSIBLE)
    moves = (Move("four", ("C",), ("B",)), Move("two", ("B",), ("A",)))
    assert asked(chain, 2) == ExactAnswer(Proof.ARRANGED, ("C",), moves)
    assert asked(chain, None) == asked(chain, 2)


def test_a_process_apart_gives_the_same_answer(chain: Evening) -> None:
    answer = HighsSolver(SystemClock()).rearrange(question(chain, 2), SECONDS)
    assert answer == asked(chain, 2)
    assert answer.proof is Proof.ARRANGED


def test_a_process_that_takes_too_long_is_ended(chain: Evening) -> None:
    """Its time is over before Python has even started."""
    before = set(psutil.Process().children())
    answer = HighsSolver(SystemClock(), lambda data, _: apart(data, 0.001)).rearrange(
        question(chain, 2), SECONDS
    )
    assert answer == ExactAnswer(Proof.UNKNOWN)
    assert set(psutil.Process().children()) <= before


def test_a_process_that_fails_is_an_error(chain: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])  # there is no HiGHS to be found
    with pytest.raises(subprocess.CalledProcessError):
        HighsSolver(SystemClock()).rearrange(question(chain, 2), SECONDS)


@pytest.mark.parametrize("seconds", [0.0, 1e-9])
def test_without_time_nothing_is_claimed(chain: Evening, seconds: float) -> None:
    answer = HighsSolver(SystemClock()).rearrange(question(chain, 1), seconds)
    assert answer == ExactAnswer(Proof.UNKNOWN)


def test_a_list_of_sets_that_was_cut_short_proves_nothing() -> None:
    place = floor([table(name, 2) for name in "ABCD"], ["A-B", "B-C", "C-D"], max_tables=3)
    for size, proof in ((6, Proof.UNKNOWN), (2, Proof.POSSIBLE)):
        index = compile_floor(place, max_joined_sets=1)
        assert index.truncated
        case = Evening(place, index, party(size), (), ())
        assert asked(case, 2).proof is proof
