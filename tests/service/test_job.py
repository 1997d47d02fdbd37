"""The background job, through its true handler: one message, one attempt, one summary, on every exit."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from maitred.adapters.sqs import SqsQueue
from maitred.adapters.system import SystemClock, SystemIds
from maitred.planner.model import Decision
from maitred.services.assignment import planning
from maitred.services.ports import Conflict
from tests.harness.consistency import assert_consistent
from tests.harness.rows import work_on
from tests.harness.service import Service, forget_wiring, house, party

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}


class Waiting:
    """A booking that waits for a table, and the message that its creation sent."""

    def __init__(self, service: Service) -> None:
        self.service = service
        assert service.book("harbour", party(4)).status == 201
        self.id: str = service.book("harbour", party(4)).json["booking"]["id"]
        [message] = service.messages("assign")
        self.body: str = message["Body"]
        self.before = len(self.summaries)

    @property
    def state(self) -> str:
        found: str = self.service.database.value("select state from bookings where id = %s::uuid", self.id)
        return found

    @property
    def last_result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.service.database.value(
            "select auto_assign_last_result from bookings where id = %s::uuid", self.id
        )
        return found

    @property
    def summaries(self) -> list[dict[str, Any]]:
        return self.service.events("auto_assign.summary", self.id)

    @property
    def attempts(self) -> list[tuple[Any, ...]]:
        return self.service.database.query(
            "select flow, attempt_no, outcome from booking_assignment_attempts where booking_id = %s::uuid"
            " order by created_at",
            self.id,
        )

    def message(self, **changes: Any) -> str:
        return json.dumps(json.loads(self.body) | changes)

    def update(self, change: str) -> None:
        self.service.database.query(f"update bookings set {change} where id = %s::uuid", self.id)

    def last_result_is(self, **changes: Any) -> None:
        """What the inline attempt left behind, made different."""
        text = json.dumps(self.last_result | changes)
        self.service.database.query(
            "update bookings set auto_assign_last_result = %s::jsonb where id = %s::uuid", text, self.id
        )


@pytest.fixture
def waiting(harbour: Service) -> Waiting:
    return Waiting(harbour)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seconds of delay of every message that is sent. Jitter is at its upper end."""
    seen: list[int] = []
    send = SqsQueue.send

    def noted(self: SqsQueue, url: str, messages: Any) -> Any:
        seen.extend(message.delay_seconds for message in messages)
        return send(self, url, messages)

    monkeypatch.setattr(SqsQueue, "send", noted)
    monkeypatch.setattr(SystemIds, "jitter", lambda self, upper: upper)
    return seen


def losing_every_race(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: Any) -> Any:
        raise Conflict("always")

    monkeypatch.setattr("maitred.services.job.worker.tries", lose)


def broken_planner(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Decision:
        raise ZeroDivisionError

    init = planning.Planning.__init__
    monkeypatch.setattr(
        planning.Planning, "__init__", lambda self, clock, flags, *_: init(self, clock, flags, broken)
    )
    forget_wiring()


# --- retries --------------------------------------------------------------------------------------


def test_t3_a_transient_reason_is_retried_as_new_delayed_messages_and_ends_with_a_person(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch, delays: list[int]
) -> None:
    losing_every_race(monkeypatch)
    body, numbers = waiting.body, []
    for number in range(1, 5):
        assert waiting.service.deliver("assign", body) == ALL_GOOD
        numbers.append(waiting.last_result["reason"]["code"])
        if number < 4:
            assert waiting.state == "assignment_pending"
            body = queued(waiting)
            assert json.loads(body)["attempt"] == number + 1
            assert json.loads(body)["correlationId"] == json.loads(waiting.body)["correlationId"]
    assert numbers == ["conflict"] * 4
    assert waiting.state == "manual_review"
    assert delays == [5, 15, 45]
    assert [s["result"] for s in waiting.summaries] == ["deferred"] * 4 + ["manual_review"]
    assert [s["maxAttempts"] for s in waiting.summaries[1:]] == [4] * 4
    assert waiting.attempts == [
        ("inline", 1, "deferred"), ("job", 1, "deferred"), ("job", 2, "deferred"), ("job", 3, "deferred"),
        ("job", 4, "manual_review"),
    ]  # fmt: skip


def queued(waiting: Waiting) -> str:
    """The payload of the newest assign message in the outbox."""
    newest = (
        "select payload from outbox where topic = 'assign' and booking_id = %s::uuid order by id desc limit 1"
    )
    payload = waiting.service.database.value(newest, waiting.id)
    return json.dumps(payload)


FRESHNESS: dict[str, tuple[Callable[[Waiting], None], int]] = {
    "fresh": (lambda w: None, 1),
    "stale": (lambda w: w.last_result_is(at=(datetime.now(UTC) - timedelta(minutes=6)).isoformat()), 2),
    "of another request": (lambda w: w.last_result_is(bookingVersion=1), 2),
    "of a job": (lambda w: w.last_result_is(source="job"), 2),
    "transient": (
        lambda w: w.last_result_is(reason={"code": "timeout", "category": "transient", "detail": ""}),
        2,
    ),
    "from the future": (
        lambda w: w.last_result_is(at=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
        2,
    ),
    "without a time": (lambda w: w.last_result_is(at=None), 2),
    "with a naive time": (lambda w: w.last_result_is(at="2026-01-01T00:00:00"), 2),
    "with an unknown category": (lambda w: w.last_result_is(reason={"category": "moon"}), 2),
    "not an object": (lambda w: w.update("auto_assign_last_result = '[1]'"), 2),
    "null": (lambda w: w.update("auto_assign_last_result = null"), 2),
}


@pytest.mark.parametrize(("prepare", "attempts"), FRESHNESS.values(), ids=FRESHNESS)
def test_t3_t5_a_deterministic_reason_has_two_attempts_a_fresh_inline_one_counted(
    waiting: Waiting, prepare: Callable[[Waiting], None], attempts: int
) -> None:
    prepare(waiting)
    body = waiting.body
    for number in range(1, attempts + 1):
        assert waiting.state == "assignment_pending"
        assert waiting.service.deliver("assign", body) == ALL_GOOD
        body = queued(waiting)
        assert number == len(waiting.summaries) - waiting.before
    assert waiting.state == "manual_review"
    last = waiting.summaries[-1]
    assert (last["result"], last["reason"], last["maxAttempts"]) == ("manual_review", "no_capacity", attempts)
    assert last["reducedBy"] == ("fresh_inline_result" if attempts == 1 else "deterministic_reason")


def test_t3_a_fresh_inline_result_still_counts_when_a_worker_died_meanwhile(waiting: Waiting) -> None:
    """The dead worker's claim raised the version; the request is the same."""
    died_with(waiting)
    assert waiting.service.deliver("assign", waiting.body, receives=2) == ALL_GOOD
    assert waiting.state == "manual_review"
    assert waiting.summaries[-1]["reducedBy"] == "fresh_inline_result"


def died_with(waiting: Waiting) -> None:
    """As if a worker had been killed with the booking in its hands, a lease ago."""
    with waiting.service.database.connect() as owner:
        work_on(owner, waiting.id, "-1 second")


def test_t5_the_cut_off_holds_for_the_first_attempt_too(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = waiting.service.database.value("select start_at from bookings where id = %s::uuid", waiting.id)
    monkeypatch.setattr(SystemClock, "now", lambda self: start - timedelta(minutes=9))
    assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
    assert waiting.state == "manual_review"
    assert waiting.last_result["reason"]["code"] == "cutoff"
    assert [s["result"] for s in waiting.summaries] == ["deferred", "cutoff"]
    assert waiting.attempts[-1] == ("job", 1, "manual_review")


def test_t5_no_retry_is_planned_for_after_the_cut_off(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch, delays: list[int]
) -> None:
    losing_every_race(monkeypatch)
    start = waiting.service.database.value("select start_at from bookings where id = %s::uuid", waiting.id)
    monkeypatch.setattr(SystemClock, "now", lambda self: start - timedelta(minutes=10, seconds=3))
    assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
    assert (waiting.state, delays) == ("manual_review", [])
    assert waiting.summaries[-1]["result"] == "cutoff"


# --- duplicates, old messages, other workers ------------------------------------------------------


def test_duplicates_of_a_message_work_once(waiting: Waiting) -> None:
    assert waiting.service.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    for receives in (1, 1, 2):
        assert waiting.service.deliver("assign", waiting.body, waiting.body, receives=receives) == ALL_GOOD
    assert waiting.state == "confirmed"
    results = [s["result"] for s in waiting.summaries[1:]]
    assert results == ["confirmed"] + ["already_confirmed"] * 5
    mails = (
        "select count(*) from outbox where topic = 'notification' and payload ->> 'kind' = 'confirmed'"
        " and booking_id = %s::uuid"
    )
    assert waiting.service.database.value(mails, waiting.id) == 1
    assert_consistent(waiting.service.database)


@pytest.mark.parametrize("state", ["manual_review", "cancelled", "confirmed"])
def test_an_old_message_that_is_redriven_changes_nothing(waiting: Waiting, state: str) -> None:
    if state == "cancelled":
        assert waiting.service.cancel(waiting.id).status == 200
    elif state == "confirmed":
        waiting.service.put_restaurant("harbour", house(2, 2, 4, 4))
    waiting.service.deliver("assign", waiting.body)
    assert waiting.state == state
    before = (waiting.last_result, waiting.attempts)
    assert waiting.service.deliver("assign", waiting.body, receives=5) == ALL_GOOD
    assert (waiting.last_result, waiting.attempts) == before
    expected = {"manual_review": "superseded", "cancelled": "cancelled", "confirmed": "already_confirmed"}[
        state
    ]
    assert waiting.summaries[-1]["result"] == expected


def test_b11_a_message_for_an_older_version_is_superseded(waiting: Waiting) -> None:
    waiting.update("version = version + 1")
    assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
    assert (waiting.state, waiting.summaries[-1]["result"]) == ("assignment_pending", "superseded")


@pytest.mark.parametrize("changes", [{"bookingId": str(uuid4())}, {"restaurantId": "forest"}])
def test_a_booking_that_is_not_there_is_told_once(waiting: Waiting, changes: dict[str, Any]) -> None:
    assert waiting.service.deliver("assign", waiting.message(**changes)) == ALL_GOOD
    results = [s["result"] for s in waiting.service.events("auto_assign.summary")]
    assert results.count("not_found") == 1
    assert waiting.state == "assignment_pending"


def test_t4_a_booking_that_another_worker_holds_is_looked_at_a_little_later(
    waiting: Waiting, delays: list[int]
) -> None:
    waiting.update(
        "state = 'assignment_in_progress', version = version + 1, lease_token = gen_random_uuid(),"
        " lease_until = now() + interval '60 seconds'"
    )
    assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
    assert waiting.state == "assignment_in_progress"
    assert 4 <= delays[0] <= 6
    assert json.loads(queued(waiting))["attempt"] == 1
    assert waiting.service.events("assignment.lock", waiting.id)[-1]["result"] == "contended"
    assert len(waiting.summaries) == waiting.before + 1


def test_t2_t4_a_lease_whose_worker_died_is_taken_over(waiting: Waiting) -> None:
    died_with(waiting)
    assert waiting.service.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    assert waiting.service.deliver("assign", waiting.body, receives=2) == ALL_GOOD
    assert waiting.state == "confirmed"
    assert_consistent(waiting.service.database)


def test_t4_the_worker_whose_lease_was_taken_over_writes_nothing(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept through its lease: the fencing token stops it at the commit."""
    assert waiting.service.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    seat = planning.Planning.quote

    def overtaken(*args: Any, **more: Any) -> Any:
        waiting.update("lease_token = gen_random_uuid(), lease_until = now() + interval '1 minute'")
        return seat(*args, **more)

    monkeypatch.setattr(planning.Planning, "quote", overtaken)
    assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
    assert waiting.state == "assignment_in_progress"
    tables = "select count(*) from allocations where booking_id = %s::uuid"
    assert waiting.service.database.value(tables, waiting.id) == 0
    assert waiting.summaries[-1]["result"] == "superseded"


# --- faults ---------------------------------------------------------------------------------------

POISON = ["", "{", "[]", '{"schema": 2}', '{"schema":1,"bookingId":"x"}', "null", "\u0000"]


@pytest.mark.parametrize("poison", POISON)
def test_a_message_nobody_can_read_goes_to_the_dead_letter_queue_and_its_neighbours_do_not(
    waiting: Waiting, poison: str
) -> None:
    assert waiting.service.deliver("assign", poison, waiting.body, poison) == ALL_GOOD
    assert waiting.state == "manual_review"
    dead = waiting.service.messages("assign-dlq")
    assert len(dead) == 2
    assert all(message["MessageAttributes"]["reason"]["StringValue"] for message in dead)


def test_unknown_members_of_a_newer_sender_are_read_over(waiting: Waiting) -> None:
    assert waiting.service.deliver("assign", waiting.message(hurry=True)) == ALL_GOOD
    assert waiting.state == "manual_review"


def test_a_planner_error_is_retried_once_and_is_a_fault_then(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken_planner(patch)
        assert waiting.service.deliver("assign", waiting.body) == ALL_GOOD
        assert (waiting.state, waiting.last_result["reason"]["code"]) == (
            "assignment_pending",
            "planner_error",
        )
        retry = queued(waiting)
        assert json.loads(retry)["attempt"] == 2
        answer = waiting.service.deliver("assign", retry, waiting.message(bookingId=str(uuid4())))
        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert waiting.summaries[-1]["result"] == "error"
        assert len(waiting.summaries) == waiting.before + 2
    forget_wiring()
    assert (
        waiting.service.deliver("assign", retry, receives=2) == ALL_GOOD
    )  # the redelivery, once it is mended
    assert waiting.state == "manual_review"
    assert len(waiting.summaries) == waiting.before + 3


def test_a_fault_leaves_the_lease_to_the_next_delivery(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr("maitred.services.job.worker.AssignJob._confirm", _raise(SystemError("gone")))
        answer = waiting.service.deliver("assign", waiting.body)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert waiting.state == "assignment_in_progress"
    assert waiting.service.database.value(
        "select lease_until <= now() from bookings where id = %s::uuid", waiting.id
    )
    assert waiting.summaries[-1]["result"] == "error"
    assert waiting.service.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    assert waiting.service.deliver("assign", waiting.body, receives=2) == ALL_GOOD
    assert waiting.state == "confirmed"


def test_a_fault_leaves_a_last_result(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every attempt, however it ended (see docs/api.md, The last result)."""
    monkeypatch.setattr("maitred.services.job.worker.AssignJob._confirm", _raise(SystemError("gone")))
    waiting.service.deliver("assign", waiting.body)
    assert waiting.last_result["source"] == "job"
    assert waiting.last_result["reason"]["code"] == "planner_error"
    assert waiting.last_result["success"] is False
    assert waiting.attempts[-1] == ("job", 1, "deferred")
    assert len(waiting.service.events("auto_assign.attempt_error", waiting.id)) == 1
    assert len(waiting.service.events("auto_assign.summary", waiting.id)) == waiting.before + 1


def test_a_fault_after_the_day_was_read_says_how_long_that_took(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maitred.services.job.worker.AssignJob._keep_lease", _raise(SystemError("gone")))
    waiting.service.deliver("assign", waiting.body)
    [error] = waiting.service.events("auto_assign.attempt_error", waiting.id)
    assert error["dbMs"] > 0


def test_a_database_that_dies_under_the_job_is_a_fault_and_the_next_delivery_ends_it(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = str(waiting.service.database.port)
    monkeypatch.setenv("DATABASE_PORT", "1")
    forget_wiring()
    assert waiting.service.deliver("assign", waiting.body) != ALL_GOOD
    monkeypatch.setenv("DATABASE_PORT", right)
    forget_wiring()
    assert waiting.service.deliver("assign", waiting.body, receives=2) == ALL_GOOD
    assert waiting.state == "manual_review"


def test_a_booking_is_told_confirmed_only_when_it_is(waiting: Waiting) -> None:
    """O2, E2: the summary, the last result and the mail stand in the transaction of the confirmation."""
    assert waiting.service.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    waiting.service.deliver("assign", waiting.body)
    result = waiting.last_result
    assert (result["success"], result["outcome"], result["emailSent"], result["emailVariant"]) == (
        True, "confirmed", True, "standard",
    )  # fmt: skip
    version = waiting.service.database.value("select version from bookings where id = %s::uuid", waiting.id)
    assert result["bookingVersion"] == version
    stamps = """
        select count(distinct moment) from (
            select created_at as moment from observability_events
            where event_type = 'auto_assign.summary' and context ->> 'result' = 'confirmed'
              and booking_id = %s::uuid
            union all select created_at from allocations where booking_id = %s::uuid
            union all select created_at from notifications
            where kind = 'confirmed' and booking_id = %s::uuid) m"""
    assert waiting.service.database.value(stamps, waiting.id, waiting.id, waiting.id) == 1


def _raise(error: Exception) -> Any:
    def raise_it(*_: Any) -> None:
        raise error

    return raise_it
