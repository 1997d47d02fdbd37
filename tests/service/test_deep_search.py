"""Where the planner's time is over before a proof, the job asks an exact solver, and checks what it says."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from maitred.adapters.highs.solver import HighsSolver
from maitred.adapters.system import SystemClock
from maitred.planner.answer.quote import quote
from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.model import Decision, Move
from maitred.services.assignment import planning
from ops.replays import count_different
from tests.harness import service as harness
from tests.harness.consistency import assert_consistent
from tests.harness.service import Service, evening, forget_wiring, house
from tests.planner.floors import AfterChecks

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}
#: Enough to see that nothing is free, too few to try moves.
_CHECKS = 2
_POLICY = {"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2, "freezeMinutes": 120}


def party(size: int, **changes: Any) -> dict[str, Any]:
    return harness.party(size, date=evening(5), **changes)


def truncate(monkeypatch: pytest.MonkeyPatch, checks: int = _CHECKS) -> None:
    """From here on the planner's time is over after so many looks at its deadline."""

    def decide(index: Any, problem: Any, _: Any, day: Any) -> Decision:
        return quote(index, problem, AfterChecks(checks), day)

    init = planning.Planning.__init__
    monkeypatch.setattr(
        planning.Planning,
        "__init__",
        lambda self, clock, flags_for, *_, **more: init(self, clock, flags_for, decide, **more),
    )
    forget_wiring()


class Evening:
    """Tables for 2, 4 and 6, of which the larger two are taken by a party of 2 and one of 4."""

    def __init__(self, service: Service, **changes: Any) -> None:
        self.service = service
        document = house(2, 4, 6, policy=_POLICY | changes)
        assert service.put_restaurant("harbour", document).status == 201
        first, self.two, self.four = (self._booked(size) for size in (2, 2, 4))
        assert service.cancel(first).status == 200

    def _booked(self, size: int) -> str:
        answer = self.service.book("harbour", party(size)).json
        assert answer["assignment"]["outcome"] == "confirmed"
        return str(answer["booking"]["id"])

    def waiting(self, size: int = 6) -> str:
        """A party that the inline planner had no time for."""
        answer = self.service.book("harbour", party(size)).json
        assert answer["assignment"]["reason"]["code"] == "search_truncated"
        return str(answer["booking"]["id"])

    def work(self) -> None:
        bodies = [message["Body"] for message in self.service.messages("assign")]
        assert self.service.deliver("assign", *bodies) == ALL_GOOD

    def attempt(self, booking_id: str) -> dict[str, Any]:
        """The newest one, as operators see it."""
        items = self.service.http("operations", "GET", f"/bookings/{booking_id}/attempts").json["items"]
        found: dict[str, Any] = [each for each in items if each["flow"] == "job"][-1]
        return found

    def explanation(self, booking_id: str) -> dict[str, Any]:
        path = f"/bookings/{booking_id}/explanation"
        found: dict[str, Any] = self.service.http("operations", "GET", path).json
        return found

    def tables(self, booking_id: str) -> list[str]:
        found: list[str] = self.service.booking(booking_id).json["booking"]["tables"]
        return found

    def assert_replays(self) -> None:
        with self.service.database.connect() as owner:
            decisions, different = count_different(owner)
        assert decisions > 0
        assert different == 0


@pytest.fixture
def night(service: Service) -> Evening:
    return Evening(service)


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[ExactQuestion], ExactAnswer]) -> list[float]:
    """The solver says this; the seconds that it was given."""
    given: list[float] = []

    def rearrange(self: HighsSolver, question: ExactQuestion, seconds: float) -> ExactAnswer:
        given.append(seconds)
        return answer(question)

    monkeypatch.setattr(HighsSolver, "rearrange", rearrange)
    return given


def test_an_arrangement_that_the_solver_finds_is_confirmed(
    night: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    truncate(monkeypatch)
    booking = night.waiting()
    night.work()
    assert night.service.booking(booking).json["booking"]["status"] == "confirmed"
    assert [night.tables(each) for each in (booking, night.four, night.two)] == [["T3"], ["T2"], ["T1"]]
    assert_consistent(night.service.database)
    assert night.attempt(booking)["strategy"]["name"] == "exact"
    assert night.attempt(booking)["strategies"][-1]["chosen"] is True
    explained = night.explanation(booking)
    assert "An exact search found it." in explained["summary"]
    assert {move["bookingId"] for move in explained["moves"]} == {night.two, night.four}
    moved = night.service.http("operations", "GET", f"/bookings/{night.two}/history").json["items"][-1]
    assert (moved["reason"], moved["metadata"]["movedFor"]) == ("moved", booking)
    recorded = night.service.events("auto_assign.quote", booking)[-1]
    assert (recorded["plannerSuccess"], recorded["plannerStrategy"]["name"]) == (True, "exact")
    assert recorded["searchTruncated"] is False


def test_it_is_confirmed_once_however_often_the_message_comes(
    night: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    truncate(monkeypatch)
    booking = night.waiting()
    [message] = night.service.messages("assign")
    for _ in range(3):
        assert night.service.deliver("assign", message["Body"]) == ALL_GOOD
    assert len(night.service.events("auto_assign.attempt", booking)) == 2  # inline, and one by the job
    sent = "select count(*) from notifications where kind = 'confirmed' and booking_id = %s::uuid"
    assert night.service.database.value(sent, booking) == 1


def test_a_proof_that_nothing_helps_becomes_the_reason(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Evening(service, maxMoves=1)
    truncate(monkeypatch)
    booking = night.waiting()
    night.work()
    attempt = night.attempt(booking)
    assert attempt["reason"]["code"] == "no_capacity"
    assert attempt["strategies"][-1] == {
        "name": "exact", "considered": 1, "best": None, "score": None, "chosen": False,
    }  # fmt: skip
    assert "An exact search proved" in night.explanation(booking)["summary"]
    recorded = service.events("auto_assign.quote", booking)[-1]
    assert (recorded["plannerReason"], recorded["plannerReasonCategory"]) == ("no_capacity", "deterministic")
    summary = service.events("auto_assign.summary", booking)[-1]
    assert (summary["maxAttempts"], summary["reducedBy"]) == (2, "deterministic_reason")


def test_every_settled_decision_is_replayed_to_the_same_answer(
    night: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    truncate(monkeypatch)
    for size in (6, 6):  # the second one has no way in
        night.waiting(size)
        night.work()
    stored = "select replay from booking_assignment_attempts where flow = 'job' order by created_at"
    exact = [json.loads(row)["exact"][0] for (row,) in night.service.database.query(stored)]
    assert exact == ["arranged", "impossible"]
    night.assert_replays()


def test_a_full_slot_is_not_asked_about(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Evening(service, pacing={"slotMinutes": 15, "maxCoversPerSlot": 8})
    given = answering(monkeypatch, lambda _: pytest.fail("it was asked"))
    truncate(monkeypatch, checks=0)
    night.waiting()
    night.work()
    assert given == []


def test_the_plain_pipeline_never_asks(night: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    given = answering(monkeypatch, lambda _: pytest.fail("it was asked"))
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "off")
    truncate(monkeypatch, checks=0)
    night.waiting()
    night.work()
    assert given == []


def test_a_solver_without_an_answer_leaves_it_open(night: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    given = answering(monkeypatch, lambda _: ExactAnswer(Proof.UNKNOWN))
    truncate(monkeypatch)
    booking = night.waiting()
    night.work()
    assert night.attempt(booking)["reason"]["code"] == "search_truncated"
    [seconds] = given
    assert 0 < seconds < 10
    night.assert_replays()


WRONG = {
    "it breaks": lambda question: 1 / 0,
    "a taken table": lambda question: ExactAnswer(
        Proof.ARRANGED, ("T3",), (Move(ids(question, 1)[0], ("T2",), ("T1",)),)
    ),
    "two at one table": lambda question: ExactAnswer(
        Proof.ARRANGED,
        ("T3",),
        (Move(ids(question, 2)[0], ("T3",), ("T2",)), Move(ids(question, 1)[0], ("T2",), ("T2",))),
    ),
    "a stranger": lambda question: ExactAnswer(Proof.ARRANGED, ("T3",), (Move("nobody", ("T3",), ("T2",)),)),
    "too small": lambda question: ExactAnswer(
        Proof.ARRANGED, ("T1",), (Move(ids(question, 1)[0], ("T2",), ("T1",)),)
    ),
    "nothing is free": lambda question: ExactAnswer(Proof.ARRANGED, ("T3",)),
}


def ids(question: ExactQuestion, number: int) -> list[str]:
    """The bookings at this table's number less one."""
    return [each.booking_id for each in question.movable if each.tables == (f"T{number + 1}",)]


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_answer_is_not_believed(
    night: Evening, monkeypatch: pytest.MonkeyPatch, answer: Callable[[ExactQuestion], ExactAnswer]
) -> None:
    given = answering(monkeypatch, answer)
    truncate(monkeypatch)
    booking = night.waiting()
    before = [night.tables(each) for each in (night.two, night.four)]
    night.work()
    assert len(given) == 1
    assert night.attempt(booking)["reason"]["code"] == "search_truncated"
    assert [night.tables(each) for each in (night.two, night.four)] == before


def test_a_booking_cancelled_while_the_solver_works_gets_nothing(
    night: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    solve = HighsSolver.rearrange

    def cancelled_meanwhile(question: ExactQuestion) -> ExactAnswer:
        assert night.service.cancel(booking).status == 200
        return solve(HighsSolver(SystemClock()), question, 5.0)

    truncate(monkeypatch)
    booking = night.waiting()
    answering(monkeypatch, cancelled_meanwhile)
    night.work()
    assert night.service.booking(booking).json["booking"]["status"] == "cancelled"
    assert [night.tables(each) for each in (night.four, night.two)] == [["T3"], ["T2"]]
    assert night.service.events("auto_assign.summary", booking)[-1]["result"] == "cancelled"


def test_who_was_to_move_and_left_meanwhile_makes_the_plan_void(
    night: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker plans again, then holding the day: the solver is not asked while others wait for it."""
    solve = HighsSolver.rearrange

    def left_meanwhile(question: ExactQuestion) -> ExactAnswer:
        assert night.service.cancel(night.two).status == 200
        return solve(HighsSolver(SystemClock()), question, 5.0)

    truncate(monkeypatch)
    booking = night.waiting()
    given = answering(monkeypatch, left_meanwhile)
    night.work()
    assert len(given) == 1
    assert night.attempt(booking)["reason"]["code"] == "search_truncated"
    assert night.tables(night.four) == ["T3"]
    assert_consistent(night.service.database)
