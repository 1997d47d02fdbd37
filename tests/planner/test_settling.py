"""The answer of an exact solver is believed only as far as the rules confirm it."""

import pytest

from maitred.planner.answer.quote import quote
from maitred.planner.answer.settle import WrongAnswerError, settled
from maitred.planner.day.drawn_day import draw_day
from maitred.planner.day.exact import ExactAnswer, Proof
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Refusal
from tests.planner.floors import Unhurried, floor, party, problem, table, taken

_FLOOR = compile_floor(floor([table("T1"), table("T2")]))
_IMPOSSIBLE = ExactAnswer(Proof.IMPOSSIBLE)


def test_a_proof_that_a_free_table_contradicts_is_not_believed() -> None:
    free = problem(party(4), taken("T1"))
    decision = quote(_FLOOR, free, Unhurried())
    with pytest.raises(WrongAnswerError):
        settled(draw_day(_FLOOR, free), free, decision, _IMPOSSIBLE)


def test_a_proof_for_a_full_restaurant_is_a_refusal() -> None:
    full = problem(party(4), taken("T1", "T2"))
    decision = quote(_FLOOR, full, Unhurried())
    assert isinstance(decision, Refusal)
    made = settled(draw_day(_FLOOR, full), full, decision, _IMPOSSIBLE)
    assert isinstance(made, Refusal)
    assert made.reason == decision.reason
    assert made.reason.code == "no_capacity"
