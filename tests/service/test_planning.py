"""Many questions about one reading of a day."""

from collections.abc import Mapping

import pytest

from maitred.adapters.system import SystemClock
from maitred.domain.windows import from_minutes
from maitred.planner.day.demand import Demand, learn_demand
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Plan
from maitred.services.assignment import planning
from maitred.services.ports import Day, Snapshot
from tests.planner.floors import DAY, SEVEN, SPAN, Unhurried, floor, party, table

_NOW = from_minutes(SPAN[0])


def test_the_demand_of_a_day_is_learnt_once_for_all_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[Mapping[int, int]] = []

    def counting(counts: Mapping[int, int]) -> Demand:
        learnt.append(counts)
        return learn_demand(counts)

    monkeypatch.setattr(planning, "learn_demand", counting)
    index = compile_floor(floor([table("A")]))
    day = Day("harbour", DAY, from_minutes(SPAN[0]), from_minutes(SPAN[1]), None, "5:dinner", _NOW, _NOW)
    snapshot = Snapshot(day, 1, None, 1, (), (), (), {2: 30}, None, None)
    planner = planning.Planning(SystemClock()).of_day(index, snapshot)
    answers = [planner.decide(party(2, SEVEN + shift), Unhurried()) for shift in (0, 15, 30)]
    assert all(isinstance(answer, Plan) for answer in answers)
    assert learnt == [{2: 30}]
