"""Every line that an invocation writes says what it is about, whoever writes it; none tells of a guest."""

import json
import logging
from collections.abc import Iterator
from threading import get_ident
from typing import Any
from uuid import UUID

import boto3
import pytest

from maitred.entrypoints.http import Routes
from maitred.services.booking.create import CreateBooking
from maitred.services.job.deep_search import DeepSearch
from tests.harness.service import Service, forget_wiring, party

CORRELATION = "follow-me"
WHO = {"name": "Zebulon Quagmire", "email": "zquagmire@example.org", "phone": "+44 1632 960983"}


class OfThisThread(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._thread = get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread == self._thread


@pytest.fixture
def lines(harbour: Service, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, by whatever logger: the runtime writes each record with all that it has.

    It may have been told of any level before our code was loaded. A local stack that other tests share may
    poll its queues meanwhile, in a thread of its own; its lines are not the function's.
    """
    caplog.set_level("DEBUG")
    forget_wiring()
    with caplog.filtering(OfThisThread()):
        caplog.clear()
        yield caplog


def book(service: Service, size: int = 2, correlation: str = CORRELATION, **wish: Any) -> Any:
    headers = {"x-correlation-id": correlation}
    return service.book("harbour", party(size, guest=WHO, **wish), headers=headers).json


def about(record: logging.LogRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, name, None) for name in ("correlation_id", "restaurant_id", "booking_id"))


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a defect")


def test_a_request_that_goes_wrong_on_its_way_is_followed_by_its_correlation_id(
    harbour: Service,
    lines: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The planner breaks, a library warns: their lines know of the booking that is being made."""

    def decide(*_: Any, **__: Any) -> Any:
        logging.getLogger("psycopg").warning("something odd")
        raise RuntimeError("a defect")

    monkeypatch.setattr("maitred.services.assignment.planning.draw_day", decide)
    booking = book(harbour)["booking"]["id"]
    monkeypatch.undo()
    plain = [
        each for each in lines.records if each.name in ("maitred.services.assignment.planning", "psycopg")
    ]
    assert [each.getMessage() for each in plain][:2] == ["something odd", "the planner failed"]
    assert {about(each) for each in plain} == {(CORRELATION, "harbour", booking)}
    assert {about(each)[0] for each in lines.records if each.levelno >= logging.INFO} == {CORRELATION}
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    recorded = [each for each in figures if each["service"] == "bookings"]
    assert {each["correlation_id"] for each in recorded} == {CORRELATION}
    named = {
        name for each in recorded for d in each["_aws"]["CloudWatchMetrics"] for name in d["Dimensions"][0]
    }
    assert named <= {"service", "flow", "outcome", "category"}


def test_what_nobody_foresaw_is_logged_with_its_request(
    harbour: Service, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CreateBooking, "_confirm", broken)
    assert book(harbour)["correlationId"] == CORRELATION
    [line] = [each for each in lines.records if each.name == "maitred.entrypoints.http"]
    assert (line.getMessage(), line.levelname) == ("unhandled", "ERROR")
    assert about(line)[:2] == (CORRELATION, "harbour")


def test_the_next_request_knows_nothing_of_the_last(
    harbour: Service, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same sandbox, which is warm."""
    book(harbour)
    lines.clear()
    monkeypatch.setattr(Routes, "caller_for", broken)
    answer = harbour.http(
        "bookings", "GET", "/restaurants/harbour/bookings", headers={"x-correlation-id": "another"}
    )
    assert answer.status == 500
    assert [about(each) for each in lines.records] == [("another", None, None)]


def test_each_message_of_a_batch_is_followed_by_its_own_id(
    harbour: Service, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        book(harbour, 4)
    made = [book(harbour, 4, correlation)["booking"]["id"] for correlation in ("first", "second")]
    bodies = [m["Body"] for m in harbour.messages("assign") if json.loads(m["Body"])["bookingId"] in made]
    lines.clear()
    monkeypatch.setattr(DeepSearch, "quote", broken)
    assert len(harbour.deliver("assign", *bodies)["batchItemFailures"]) == 2
    recorded = {
        about(each) for each in lines.records if each.name == "maitred.services.messaging.queue_worker"
    }
    assert recorded == {("first", "harbour", made[0]), ("second", "harbour", made[1])}
    assert {about(each)[0] for each in lines.records} == {"first", "second"}


def test_a_run_that_nobody_asked_for_is_followed_by_its_own_id(
    harbour: Service, lines: pytest.LogCaptureFixture
) -> None:
    harbour.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id)"
        " values ('lost', 'harbour', '{}', 'c') returning 1"
    )
    harbour.scheduled("relay")
    [line] = [each for each in lines.records if "no queue for topic" in each.getMessage()]
    assert UUID(about(line)[0]).version == 4


def send_letters(service: Service, lines: pytest.LogCaptureFixture) -> str:
    """Book, and send the letter. Returns the booking's id; of the lines only the sender's are left."""
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    booking: str = book(service)["booking"]["id"]
    service.scheduled("relay")
    letters = [message["Body"] for message in service.messages("notification")]
    lines.set_level("DEBUG")
    forget_wiring()
    lines.clear()
    assert service.deliver("notify", *letters) == {"batchItemFailures": []}
    return booking


def test_whatever_level_the_runtime_was_told_no_client_writes_down_its_requests(
    harbour: Service, lines: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    booking = send_letters(harbour, lines)
    assert not [each for each in lines.records if each.name.startswith(("boto", "urllib3"))]
    recorded = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [sent] = [each for each in recorded if each.get("message") == "notification.sent"]
    ids = "correlation_id", "restaurant_id", "booking_id"
    assert tuple(sent[name] for name in ids) == (CORRELATION, "harbour", booking)
    written = json.dumps([recorded, *[vars(each) for each in lines.records]], default=str).lower()
    assert not [word for word in ("zebulon", "quagmire", "960983") if word in written]


def test_a_clients_debug_lines_would_have_told_of_the_guest(
    harbour: Service, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the level matters, and that the test above looks at the right lines."""
    monkeypatch.setattr("maitred.adapters.telemetry.log.set_up", lambda *_: None)
    send_letters(harbour, lines)
    assert "quagmire" in "".join(each.getMessage() for each in lines.records)
