"""The outbox and its way to the queues (O4): nothing lost, nothing marked that was not sent."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.adapters.sqs import SqsQueue
from maitred.adapters.system import SystemClock
from maitred.services.messaging.outbox import OutboxDispatcher, Relay
from maitred.services.ports import Changes, OutboxRow, OutgoingMessage, SendReport
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import RecordingQueue, all_at_once, open_desk
from tests.harness.events import LambdaContext
from tests.harness.service import Service, forget_wiring, handler, party

ROW = "insert into outbox (topic, restaurant_id, payload, correlation_id) values (%s, 'harbour', '{}', 'c')"
UNSENT = "select topic, attempts, dead_at is not null from outbox where sent_at is null order by id"


@pytest.fixture
def full(harbour: Service) -> Service:
    """The four-top of seven o'clock is taken, its mail is away."""
    assert harbour.book("harbour", party(4)).status == 201
    assert harbour.scheduled("relay") == {"sent": 1}
    harbour.messages("notification")
    return harbour


@pytest.fixture
def sqs_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Undo the patch to bring the queues back."""

    class Down:
        def send_message_batch(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="https://sqs.example.com")

    with monkeypatch.context() as patch:
        patch.setattr(SqsQueue, "_client", Down())
        forget_wiring()
        yield patch


def later(monkeypatch: pytest.MonkeyPatch, **ahead: float) -> None:
    now = datetime.now(UTC) + timedelta(**ahead)
    monkeypatch.setattr(SystemClock, "now", lambda self: now)


def test_queues_that_are_down_cost_the_guest_nothing(
    full: Service, sqs_down: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = full.book("harbour", party(4))
    assert answer.status == 201
    assert answer.json["assignment"]["outcome"] == "deferred"
    assert ("assign", 1, False) in full.database.query(UNSENT)
    sqs_down.undo()
    assert full.messages("assign") == []

    later(monkeypatch, minutes=1)
    assert full.scheduled("relay")["sent"] == 2  # the job's message, and the guest's "received"
    full.work()
    assert full.booking(answer.json["booking"]["id"]).json["booking"]["state"] == "manual_review"


def test_the_sweep_sends_what_a_writer_that_died_left_behind(
    full: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr("maitred.services.messaging.outbox.OutboxDispatcher.dispatch", lambda self, rows: None)
        assert full.book("harbour", party(4)).status == 201
    assert full.messages("assign") == []
    assert full.scheduled("relay") == {"sent": 1}  # its writer's lease on the job's message still runs
    later(monkeypatch, minutes=1)
    assert full.scheduled("relay") == {"sent": 1}
    assert len(full.messages("assign")) == 1
    assert full.scheduled("relay") == {"sent": 0}
    assert full.database.query(UNSENT) == []


def test_o4_two_relays_at_once_send_each_row_once(database: TestDatabase) -> None:
    database.be_patient()
    queue = RecordingQueue()
    desks = [open_desk(database, queue) for _ in range(4)]
    database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id)"
        " select 'notification', 'harbour', json_build_object('n', g), 'c' from generate_series(1, 300) g"
    )

    class Never:
        def expired(self) -> bool:
            return False

    sent = all_at_once([partial(desk.sweep.run, Never()) for desk in desks])
    for desk in desks:
        desk.database.close()
    assert [each for each in sent if not isinstance(each, int)] == []
    assert sum(sent) == 300
    assert len({message.body for _, message in queue.sent}) == len(queue.sent) == 300
    assert database.query(UNSENT) == []


def test_a_crash_between_send_and_mark_sends_again_and_that_is_harmless(
    full: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(
            "maitred.adapters.postgres.outbox.PostgresOutbox.mark_sent",
            _raise(RuntimeError("the sandbox is gone")),
        )
        booking = full.book("harbour", party(4)).json["booking"]
    later(monkeypatch, minutes=1)
    full.scheduled("relay")
    twins = [message["Body"] for message in full.messages("assign")]
    assert len(twins) == 2
    assert json.loads(twins[0]) == json.loads(twins[1])
    full.deliver("assign", *twins)
    results = [context["result"] for context in full.events("auto_assign.summary", booking["id"])]
    assert results == ["deferred", "manual_review", "superseded"]
    attempts = "select count(*) from booking_assignment_attempts where booking_id = %s"
    assert full.database.value(attempts, booking["id"]) == 2
    assert_consistent(full.database)


def test_o4_an_unknown_topic_is_kept_and_told(full: Service, caplog: pytest.LogCaptureFixture) -> None:
    full.database.query(ROW, "pigeon")
    assert full.scheduled("relay") == {"sent": 0}
    assert full.database.query(UNSENT) == [("pigeon", 1, True)]
    assert "no queue for topic pigeon" in caplog.text
    assert "wait for an operator" in caplog.text
    assert (
        full.database.value("select last_error from outbox where dead_at is not null")
        == "unknown topic pigeon"
    )


def test_one_refused_entry_does_not_hold_its_neighbours_up(
    full: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id)"
        " select 'notification', 'harbour', json_build_object('n', g), 'c' from generate_series(1, 12) g"
    )
    send = SqsQueue.send

    def first_refused(self: SqsQueue, url: str, messages: Any) -> SendReport:
        report = send(self, url, messages[1:])
        assert not report.failed
        return SendReport({0: "InvalidMessageContents"})

    with monkeypatch.context() as patch:
        patch.setattr(SqsQueue, "send", first_refused)
        assert full.scheduled("relay") == {"sent": 11}
    assert full.database.query(UNSENT) == [("notification", 1, False)]
    assert len(full.messages("notification")) == 11


def test_a_row_that_never_goes_is_dead_after_twenty_times(
    full: Service, sqs_down: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.database.query(ROW, "notification")
    pauses = []
    for day in range(1, 25):
        full.scheduled("relay")
        [(again, now)] = full.database.query("select claimed_until, now() from outbox where sent_at is null")
        pauses.append((again - now).total_seconds())
        sqs_down.setattr(SystemClock, "now", lambda self, day=day: datetime.now(UTC) + timedelta(days=day))
    assert full.database.query(UNSENT) == [("notification", 20, True)]
    assert pauses[0] < 60


def test_a_delayed_row_becomes_a_delayed_message_and_a_late_one_waits(full: Service) -> None:
    full.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id, due_at)"
        " values ('assign', 'harbour', '{}', 'c', now() + interval '10 minutes'),"
        " ('assign', 'harbour', '{}', 'c', now() + interval '20 minutes')"
    )
    delays: list[int] = []
    send = SqsQueue.send

    def noted(self: SqsQueue, url: str, messages: Any) -> SendReport:
        delays.extend(message.delay_seconds for message in messages)
        return send(self, url, messages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqsQueue, "send", noted)
        assert handler("relay")({}, LambdaContext("relay", seconds=50)) == {"sent": 1}
    assert 590 <= delays[0] <= 600
    assert len(full.database.query(UNSENT)) == 1


def _raise(error: Exception) -> Any:
    def raise_it(*_: Any) -> None:
        raise error

    return raise_it


def test_a_queue_that_is_out_of_reach_is_asked_once_however_many_messages_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new floor document wakes up to two hundred: each batch would wait for its own time-out."""
    calls = []

    class Silent:
        def send_message_batch(self, **call: Any) -> Any:
            calls.append(call)
            if len(calls) == 1:
                return {}
            raise EndpointConnectionError(endpoint_url="https://sqs.example.com")

    monkeypatch.setattr(SqsQueue, "_client", Silent())
    report = SqsQueue().send("https://sqs.example.com/q", [OutgoingMessage("{}")] * 45)
    assert len(calls) == 2
    assert sorted(report.failed) == list(range(10, 45))


def test_a_bookings_rows_leave_in_order_even_when_the_first_is_refused(
    full: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter of the cancellation does not overtake the confirmation's; other bookings are not held up."""
    booking = full.book("harbour", party(2)).json["booking"]["id"]
    assert full.cancel(booking).status == 200
    other = full.book("harbour", party(2)).json["booking"]["id"]
    refusals, recorded = [SendReport({0: "ServiceUnavailable"})], list[Any]()

    def first_refused(_: SqsQueue, url: str, messages: Any) -> SendReport:
        report = refusals.pop() if refusals else SendReport({})
        recorded.extend(json.loads(m.body) for i, m in enumerate(messages) if i not in report.failed)
        return report

    monkeypatch.setattr(SqsQueue, "send", first_refused)
    assert full.scheduled("relay") == {"sent": 1}
    assert [message["bookingId"] for message in recorded] == [other]
    later(monkeypatch, minutes=10)
    assert full.scheduled("relay") == {"sent": 2}
    assert [(message["bookingId"], message["kind"]) for message in recorded[1:]] == [
        (booking, "confirmed"),
        (booking, "cancelled"),
    ]


def test_what_is_due_later_than_a_queue_can_delay_waits_for_the_sweep(database: TestDatabase) -> None:
    """Sent at once it would come after fifteen minutes: too early, and an attempt would be used up."""
    queue = RecordingQueue()
    desk = open_desk(database, queue)
    clock = SystemClock()
    own = OutboxDispatcher(
        Relay(PostgresOutbox(desk.database), queue, {"assign": "assign"}, clock), desk.recorder
    )
    for minutes in (5, 30):
        due_at = clock.now() + timedelta(minutes=minutes)
        own.dispatch(desk.book.apply(Changes(outbox=[OutboxRow("assign", None, "harbour", {}, "c", due_at)])))
    assert [290 < message.delay_seconds <= 300 for _, message in queue.sent] == [True]
    assert database.value("select count(*) from outbox where sent_at is null") == 1
    desk.database.close()
