"""Several clients, one order; percentiles; progress without a terminal."""

import threading
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from demo.client import Client
from demo.model import Answer, Step
from demo.player import play
from ops.percentiles import percentiles
from ops.progress import progress

SEVEN = datetime.fromisoformat("2026-12-04 19:00")


class FakeClient(Client):
    """Answers without a network, and writes down what it was asked, in the order of arrival."""

    def __init__(self, asked: list[tuple[int, str | None]], refuse: frozenset[int]) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self._asked = asked
        self._refuse = refuse

    def play(self, step: Step, booking_id: str | None) -> Answer:
        self._asked.append((step.number, booking_id))
        if step.number in self._refuse:
            return Answer(step, 422, {"code": "outside_service"}, 1.0)
        if booking_id is not None:
            return Answer(step, 200, {"booking": {"id": booking_id, "state": "cancelled"}}, 1.0)
        body: dict[str, Any] = {"booking": {"id": f"b{step.number}"}, "assignment": {"outcome": "confirmed"}}
        return Answer(step, 201, body, 1.0)


def steps(count: int, **cancels: int) -> list[Step]:
    return [Step(n, "harbour", SEVEN, 2, cancels=cancels.get(f"n{n}")) for n in range(count)]


def played(*args: Any, refuse: frozenset[int] = frozenset(), clients: int = 3, **kwargs: Any) -> Any:
    asked: list[tuple[int, str | None]] = []
    seen: list[Answer] = []
    result = play(steps(*args, **kwargs), lambda: FakeClient(asked, refuse), clients, 0, seen.append)
    assert len(seen) == len(result.answers)
    return result, asked


def test_answers_come_back_in_the_order_of_the_steps() -> None:
    result, asked = played(50)
    assert [answer.step.number for answer in result.answers] == list(range(50))
    assert sorted(number for number, _ in asked) == list(range(50))


def test_one_client_asks_in_booking_order() -> None:
    _, asked = played(20, clients=1)
    assert [number for number, _ in asked] == list(range(20))


def test_a_cancellation_names_the_booking_it_cancels() -> None:
    result, asked = played(6, n3=1)
    assert (3, "b1") in asked
    assert result.answers[3].outcome == "cancelled"
    assert len(result.bookings) == 5


def test_what_was_never_booked_is_not_cancelled() -> None:
    result, asked = played(4, n3=1, refuse=frozenset({1}))
    assert 3 not in [number for number, _ in asked]
    assert [answer.outcome for answer in result.answers] == ["confirmed", "outside_service", "confirmed"]


def test_an_interruption_stops_all_clients() -> None:
    asked: list[tuple[int, str | None]] = []

    def interrupt(_answer: Answer) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(steps(1000), lambda: FakeClient(asked, frozenset()), 2, 0, interrupt)
    assert len(asked) < 1000
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("client")]


def test_no_answer_is_an_answer_of_its_own() -> None:
    with Client("http://127.0.0.1:1", "token") as client:
        answer = client.play(steps(1)[0], None)
    assert answer.status == 0
    assert answer.booking_id is None
    assert answer.outcome.startswith("no answer")


def test_percentiles_are_by_nearest_rank() -> None:
    found = percentiles("x", [float(n) for n in range(100, 0, -1)])
    assert (found.p50, found.p95, found.p99, found.most, found.count) == (50.0, 95.0, 99.0, 100.0, 100)
    assert percentiles("x", []).p99 == 0.0
    assert percentiles("x", [7.0]).p50 == 7.0


def test_progress_without_a_terminal_is_plain_lines() -> None:
    out = StringIO()
    with progress(Console(file=out, width=100), "playing") as advance:
        for done in range(1, 101):
            advance(done, 100, "fine")
    assert out.getvalue() == "playing 1/100 fine\nplaying 100/100 fine\n"
