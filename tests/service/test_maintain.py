"""The maintenance run: no booking is forgotten, nothing is kept for ever (T8)."""

from datetime import UTC, datetime, timedelta

import pytest

from maitred.adapters.system import SystemClock
from tests.harness.consistency import assert_consistent
from tests.harness.service import Service, evening, party


@pytest.fixture
def waiting(harbour: Service) -> str:
    """A booking without a table whose message is lost."""
    assert harbour.book("harbour", party(4)).status == 201
    booking: str = harbour.book("harbour", party(4)).json["booking"]["id"]
    harbour.scheduled("relay")
    harbour.messages("assign")
    return booking


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda self: moment)


def state(service: Service, booking: str) -> str:
    found: str = service.database.value("select state from bookings where id = %s::uuid", booking)
    return found


def stick(service: Service, booking: str) -> None:
    """As if a worker had died with the booking in its hands, long ago."""
    service.database.query(
        "update bookings set state = 'assignment_in_progress', version = version + 1,"
        " lease_token = gen_random_uuid(), lease_until = now() - interval '10 minutes' where id = %s::uuid",
        booking,
    )


def test_a_stuck_booking_is_returned_to_the_job(harbour: Service, waiting: str) -> None:
    stick(harbour, waiting)
    assert harbour.scheduled("maintain")["returned"] == 1
    assert state(harbour, waiting) == "assignment_pending"
    harbour.work()
    assert state(harbour, waiting) == "manual_review"
    assert_consistent(harbour.database)


def test_a_booking_whose_lease_runs_is_left_alone(harbour: Service, waiting: str) -> None:
    stick(harbour, waiting)
    harbour.database.query(
        "update bookings set lease_until = now() + interval '1 minute' where lease_token is not null"
    )
    assert harbour.scheduled("maintain")["returned"] == 0
    assert state(harbour, waiting) == "assignment_in_progress"


def test_a_booking_whose_worker_dies_a_third_time_is_for_a_person(harbour: Service, waiting: str) -> None:
    found = []
    for _ in range(3):
        stick(harbour, waiting)
        harbour.scheduled("maintain")
        harbour.messages("assign")
        found.append(state(harbour, waiting))
    assert found == ["assignment_pending", "assignment_pending", "manual_review"]
    assert (
        harbour.database.value(
            "select count(*) from booking_state_history where booking_id = %s::uuid"
            " and reason = 'lease_expired'",
            waiting,
        )
        == 3
    )


def test_t11_a_forgotten_booking_is_queued_again_once(
    harbour: Service, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harbour.scheduled("maintain")["requeued"] == 0
    with monkeypatch.context() as later:
        at(later, datetime.now(UTC) + timedelta(minutes=30))
        assert harbour.scheduled("maintain")["requeued"] == 1
    assert harbour.scheduled("maintain")["requeued"] == 0
    harbour.work()
    assert state(harbour, waiting) == "manual_review"


def test_a_booking_whose_message_waits_in_the_outbox_is_not_forgotten(
    harbour: Service, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.database.query(
        "insert into outbox (topic, booking_id, restaurant_id, payload, correlation_id)"
        " values ('assign', %s::uuid, 'harbour', '{}', 'c')",
        waiting,
    )
    at(monkeypatch, datetime.now(UTC) + timedelta(minutes=30))
    assert harbour.scheduled("maintain")["requeued"] == 0


def test_t8_a_forgotten_booking_whose_start_has_passed_still_ends(
    harbour: Service, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, datetime.fromisoformat(evening()).replace(tzinfo=UTC) + timedelta(days=1))
    assert harbour.scheduled("maintain")["requeued"] == 1
    harbour.work()
    assert state(harbour, waiting) == "manual_review"
    assert harbour.events("auto_assign.summary", waiting)[-1]["result"] == "cutoff"


def test_what_is_past_its_retention_goes_and_the_rest_stays(harbour: Service, waiting: str) -> None:
    harbour.book("harbour", party(2), headers={"idempotency-key": "young"})
    harbour.database.query(
        "insert into idempotency values ('me', 'harbour', 'old', 'p', 201, '{}', '{}',"
        " now() - interval '8 days')"
    )
    harbour.database.query(
        "insert into observability_events (source, event_type, severity, correlation_id, created_at)"
        " values ('test', 'old', 'info', 'c', now() - interval '401 days')"
    )
    harbour.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id, sent_at, created_at, dead_at)"
        " values ('old', 'harbour', '{}', 'c', now() - interval '15 days', now() - interval '15 days', null),"
        " ('dead', 'harbour', '{}', 'c', null, now() - interval '99 days', now() - interval '99 days')"
    )
    before = harbour.database.value("select count(*) from observability_events")
    assert harbour.scheduled("maintain")["pruned"] == 3
    assert harbour.database.query("select key from idempotency") == [("young",)]
    assert harbour.database.value("select count(*) from observability_events") == before - 1
    assert harbour.database.value("select count(*) from outbox where topic = 'old'") == 0
    assert harbour.database.value("select count(*) from outbox where topic = 'dead'") == 1


def test_what_waits_for_a_person_is_counted_and_told_when_it_is_near(
    harbour: Service, waiting: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    harbour.process(waiting)
    harbour.work()
    done = harbour.scheduled("maintain")
    assert (done["manualReviewOpen"], done["manualReviewUrgent"]) == (1, 0)
    start = harbour.database.value("select start_at from bookings where id = %s::uuid", waiting)
    at(monkeypatch, start - timedelta(minutes=90))
    assert harbour.scheduled("maintain")["manualReviewUrgent"] == 1
    assert "wait for a person" in caplog.text


def test_a_run_that_finds_nothing_does_nothing(harbour: Service) -> None:
    assert harbour.scheduled("maintain")["learnt"] == 1
    assert harbour.scheduled("maintain") == {
        "returned": 0,
        "requeued": 0,
        "learnt": 0,
        "pruned": 0,
        "manualReviewOpen": 0,
        "manualReviewUrgent": 0,
    }
