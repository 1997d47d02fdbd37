"""Shadow mode: the plain planner decides, the full one tells what it would have done, and writes nothing."""

import ast
import gc
import inspect
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_type_hints

import psycopg
import pytest

from demo import evening
from maitred.adapters.postgres.database import Database
from maitred.adapters.telemetry.recorder import Recorder
from maitred.bootstrap import assign
from maitred.bootstrap.bookings import services
from maitred.planner.model import Decision
from maitred.services.assignment import shadow
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.shadow import FullPlanner, Kind, Shadow
from tests.harness.service import Service, forget_wiring, house, party
from tests.service.test_moves import party as party_to_move_for
from tests.service.test_moves import shuffled


@pytest.fixture
def shadowed(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "shadow")
    forget_wiring()
    return service


def party_to_hold_for(size: int) -> dict[str, Any]:
    return {name: value for name, value in party_to_move_for(size).items() if name != "guest"}


def ledger(service: Service) -> list[Any]:
    return service.database.query("select * from allocations order by id")


def recorded(service: Service) -> list[dict[str, Any]]:
    return [event for event in service.events("auto_assign.quote") if event["flow"] == "shadow"]


def test_a_party_that_only_the_full_planner_seats_is_told_of_and_not_seated(shadowed: Service) -> None:
    shuffled(shadowed)
    before = ledger(shadowed)
    answer = shadowed.book("harbour", party_to_move_for(4)).json
    assert answer["assignment"]["reason"]["code"] == "no_capacity"
    event = recorded(shadowed)[-1]
    assert event["difference"] == {
        "kind": "would_confirm",
        "moves": 1,
        "plain": {"tables": None, "score": None, "reason": "no_capacity"},
        "full": {"tables": ["T2"], "score": event["difference"]["full"]["score"], "reason": None},
    }
    assert (event["plannerSuccess"], event["plannerStrategy"]["name"]) == (True, "rearrange")
    assert event["attemptId"] == answer["assignment"]["attemptId"]
    assert ledger(shadowed) == before
    assert (
        shadowed.database.value("select count(*) from booking_assignment_attempts where flow = 'shadow'") == 0
    )


def test_the_job_that_would_seat_a_party_with_the_full_planner_tells_so_and_does_not(
    shadowed: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    shuffled(shadowed)
    booking = shadowed.book("harbour", party_to_move_for(4)).json["booking"]["id"]
    before = ledger(shadowed)
    capsys.readouterr()
    shadowed.work()
    [attempt] = shadowed.database.query(
        "select id::text, outcome, flags from booking_assignment_attempts where flow = 'job'"
    )
    assert attempt[1:] == (
        "manual_review",
        {"assignment_pipeline": "shadow", "planner_cache": True, "retry_policy": "informed"},
    )
    event = recorded(shadowed)[-1]
    assert (event["trigger"], event["attemptId"]) == ("creation", attempt[0])
    assert (event["difference"]["kind"], event["difference"]["moves"]) == ("would_confirm", 1)
    assert shadowed.booking(booking).json["booking"]["state"] == "manual_review"
    assert ledger(shadowed) == before
    output = capsys.readouterr().out
    shadows = re.search(r'"flow":"shadow",[^}]*"PlannerDuration":', output)
    assert shadows is not None
    assert output.index('"JobDuration":') < shadows.start()  # it is none of the job's time


def test_a_hold_is_compared_with_a_planner_that_moves_nobody_either(shadowed: Service) -> None:
    shuffled(shadowed)
    before = ledger(shadowed)
    assert shadowed.hold("harbour", party_to_hold_for(4)).status == 409
    assert ledger(shadowed) == before
    assert shadowed.hold("harbour", party_to_hold_for(2)).status == 201
    refused, on_hold = recorded(shadowed)[-2:]
    assert [event["trigger"] for event in (refused, on_hold)] == ["inline_hold"] * 2
    assert refused["difference"]["kind"] == on_hold["difference"]["kind"] == "same"
    assert (refused["plannerStrategy"]["maxMoves"], on_hold["plannerSuccess"]) == (0, True)
    assert shadowed.database.query(
        "select count(*), count(booking_id) from observability_events"
        " where context ->> 'trigger' = 'inline_hold' and context ->> 'flow' = 'shadow'"
    ) == [(2, 0)]


def test_a_job_in_the_shadow_that_breaks_is_acknowledged(
    shadowed: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shuffled(shadowed)
    booking = shadowed.book("harbour", party_to_move_for(4)).json["booking"]["id"]
    monkeypatch.setattr(assign.services().job._shadow, "_planner", None)
    capsys.readouterr()
    shadowed.work()
    assert '"ShadowFailed":[1.0]' in capsys.readouterr().out
    assert shadowed.booking(booking).json["booking"]["state"] == "manual_review"


def test_the_demos_evening_in_shadow(shadowed: Service) -> None:
    """What is booked is to the letter what the plain planner books; every difference is told."""
    programme = evening.programme()
    assert shadowed.put_restaurant(evening.RESTAURANT, programme.restaurants[0].document).status == 201
    answers = [
        shadowed.book(evening.RESTAURANT, step.body()).json["assignment"]
        for step in programme.steps
        if step.cancels is None
    ]
    events = recorded(shadowed)
    assert len(events) == len(answers)
    kinds = Counter(event["difference"]["kind"] for event in events)
    assert kinds[Kind.WOULD_CONFIRM] > 0 == kinds[Kind.FAILED] == kinds[Kind.WOULD_REFUSE]
    confirmed = sum(answer["outcome"] == "confirmed" for answer in answers)
    database = shadowed.database
    assert database.value("select count(*) from bookings where state = 'confirmed'") == confirmed
    assert database.value("select count(distinct booking_id) from allocations") == confirmed
    assert {answer["strategy"] for answer in answers if answer["outcome"] == "confirmed"} == {"best_fit"}
    assert database.value("select count(*) from booking_state_history where reason = 'moved'") == 0
    assert all(answer["moves"] == 0 for answer in answers)


def test_o6_the_shadow_has_nothing_to_write_with(shadowed: Service) -> None:
    """By its type, by what it imports, and by all that can be reached from it."""
    hints = get_type_hints(Shadow.__init__)
    assert hints == {"planner": FullPlanner, "return": type(None)}
    imported = {
        alias.name
        for node in ast.walk(ast.parse(Path(inspect.getfile(shadow)).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "maitred.services.ports"
        for alias in node.names
    }
    assert imported == {"Event", "Json"}
    shuffled(shadowed)
    assert shadowed.book("harbour", party_to_move_for(4)).status == 201
    shadowed.work()
    assert shadowed.hold("harbour", party_to_hold_for(2)).status == 201
    shadows = (services().create._inline, services().holds._inline, assign.services().job)
    for whose in shadows:
        found = reachable(whose._shadow)
        assert any(isinstance(each, Planning) for each in found)
        assert not [each for each in found if isinstance(each, (Database, psycopg.Connection, Recorder))]


def reachable(start: object) -> list[object]:
    """Every object that can be got at from one, but for what any code can get at: modules and classes."""
    seen: dict[int, object] = {}
    waiting = [start]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or inspect.ismodule(each) or isinstance(each, type):
            continue
        seen[id(each)] = each
        if inspect.isfunction(each):
            waiting.extend(cell.cell_contents for cell in each.__closure__ or ())
        else:
            waiting.extend(gc.get_referents(each))
    return list(seen.values())


def test_a_shadow_that_fails_is_counted_and_not_felt(
    shadowed: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_index: Any, problem: Any, *_: Any) -> Decision:
        raise ZeroDivisionError(str(problem.options.strategies))

    assert shadowed.put_restaurant("harbour", house(4, 4)).status == 201
    full = Planning(services().runtime.deps.clock, decide=broken)
    monkeypatch.setattr(services().create._inline._shadow, "_planner", full)
    assert shadowed.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    [event] = recorded(shadowed)
    assert (event["plannerReason"], event["difference"]["kind"]) == ("planner_error", "failed")

    monkeypatch.setattr(services().create._inline._shadow, "_planner", None)
    capsys.readouterr()
    assert shadowed.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    assert '"ShadowFailed":[1.0]' in capsys.readouterr().out
    assert len(recorded(shadowed)) == 1


def test_nothing_is_compared_once_the_budget_is_over(
    shadowed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shadowed.put_restaurant("harbour", house(4)).status == 201
    monkeypatch.setattr("maitred.services.budget.Budget.expired", lambda _: True)
    assert shadowed.book("harbour", party(4)).status == 201
    assert recorded(shadowed) == []


def test_a_guest_who_gets_what_was_asked_before_is_compared_once(shadowed: Service) -> None:
    assert shadowed.put_restaurant("harbour", house(4, 4)).status == 201
    key = {"idempotency-key": "same"}
    answers = [shadowed.book("harbour", party(4), headers=key) for _ in range(2)]
    assert answers[1].headers["idempotent-replayed"] == "true"
    [event] = recorded(shadowed)
    assert event["difference"]["kind"] == "same"


def test_where_it_is_on_or_off_nothing_is_compared(service: Service) -> None:
    assert service.put_restaurant("harbour", house(4)).status == 201
    assert service.book("harbour", party(4)).status == 201
    assert recorded(service) == []
