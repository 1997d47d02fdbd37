"""What an exact solver says of an open decision is believed only as far as the rules bear it out."""

import pytest

from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.quote import quote
from maitred.planner.answer.settle import WrongAnswerError, settled
from maitred.planner.day.exact import ExactAnswer, Proof
from maitred.planner.floor.index import compile_floor
from tests.planner.floors import Unhurried, evening, floor, party, table, taken

_FLOOR = compile_floor(floor([table("T1"), table("T2")]))
_IMPOSSIBLE = ExactAnswer(Proof.IMPOSSIBLE)


def test_a_proof_that_a_free_table_contradicts_is_not_believed() -> None:
    free, request = evening(_FLOOR, taken("T1")), party(4)
    decision = quote(_FLOOR, free, request, (), Unhurried())
    with pytest.raises(WrongAnswerError):
        settled(_FLOOR, free, PlannerInputs(1, (0, 0), request, ()), decision, _IMPOSSIBLE)


def test_a_proof_for_a_full_house_is_a_refusal() -> None:
    full, request = evening(_FLOOR, taken("T1", "T2")), party(4)
    decision = quote(_FLOOR, full, request, (), Unhurried())
    made = settled(_FLOOR, full, PlannerInputs(1, (0, 0), request, ()), decision, _IMPOSSIBLE)
    assert made.refusal == decision.refusal
    assert made.refusal is not None
    assert made.refusal.code == "no_capacity"
