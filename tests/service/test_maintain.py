"""The maintenance run: no booking is forgotten, nothing is kept for ever (T8)."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from maitred.adapters.system import SystemClock
from maitred.bootstrap import maintain as wiring
from tests.harness.consistency import assert_consistent
from tests.harness.rows import work_on
from tests.harness.service import Service, evening, house, party


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
    with service.database.connect() as owner:
        work_on(owner, booking, "-10 minutes")


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


def test_t8_a_forgotten_booking_whose_start_has_come_is_declined(
    harbour: Service, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, datetime.fromisoformat(evening()).replace(tzinfo=UTC) + timedelta(days=1))
    done = harbour.scheduled("maintain")
    assert (done["declined"], done["requeued"]) == (1, 0)
    assert state(harbour, waiting) == "declined"
    harbour.work()  # the job's message is of an earlier version
    assert state(harbour, waiting) == "declined"
    assert harbour.scheduled("maintain")["declined"] == 0


def test_what_is_past_its_retention_goes_and_the_rest_stays(harbour: Service, waiting: str) -> None:
    harbour.book("harbour", party(2), headers={"idempotency-key": "young"})
    harbour.database.query(
        "insert into idempotency values ('me', 'harbour', 'old', 'p', 201, '{}', '{}',"
        " now() - interval '8 days')"
    )
    harbour.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id, sent_at, created_at, dead_at)"
        " values ('old', 'harbour', '{}', 'c', now() - interval '15 days', now() - interval '15 days', null),"
        " ('dead', 'harbour', '{}', 'c', null, now() - interval '99 days', now() - interval '99 days')"
    )
    assert harbour.scheduled("maintain")["pruned"] == 2
    assert harbour.database.query("select key from idempotency") == [("young",)]
    assert harbour.database.value("select count(*) from outbox where topic = 'old'") == 0
    assert harbour.database.value("select count(*) from outbox where topic = 'dead'") == 1


def test_holds_long_over_go_with_their_part_of_the_ledger(harbour: Service) -> None:
    wish = {name: value for name, value in party(2).items() if name != "guest"}
    unused, used, recent = (
        harbour.hold("harbour", {**wish, "partySize": n}).json["holdId"] for n in (2, 2, 4)
    )
    booking = harbour.book("harbour", party(2, holdId=used)).json["booking"]
    harbour.database.query(
        "update holds set expires_at = now() - interval '8 days' where id <> %s::uuid returning 1", recent
    )
    assert harbour.scheduled("maintain")["pruned"] == 2
    assert harbour.database.query("select id::text from holds") == [(recent,)]
    assert harbour.database.query("select count(*) from allocations where hold_id is not null") == [(1,)]
    assert harbour.booking(booking["id"]).json["booking"] == booking
    assert harbour.give_back(unused).status == 404


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
        "replanned": 0,
        "overTime": 0,
        "tablesAtRisk": 0,
        "returned": 0,
        "declined": 0,
        "requeued": 0,
        "sentBack": 0,
        "webhooksWoken": 0,
        "raised": 0,
        "learnt": 0,
        "erased": 0,
        "pruned": 0,
        "eventMonthsDropped": 0,
        "manualReviewOpen": 0,
        "manualReviewUrgent": 0,
    }


def test_a_table_out_of_service_is_left_once_the_stay_is_a_day_ahead(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The floor document left it alone, because the table might have been back; then the day comes near."""
    document = house(4, 4)
    service.put_restaurant("harbour", document)
    near = service.book("harbour", party(4)).json["booking"]
    fine = service.book("harbour", party(4)).json["booking"]
    assert (near["tables"], fine["tables"]) == (["T1"], ["T2"])
    document["tables"][0]["outOfService"] = True
    assert service.put_restaurant("harbour", document).json["affected"] == []
    service.messages("assign")
    assert service.scheduled("maintain")["sentBack"] == 0
    start = datetime.fromisoformat(near["startAt"])
    with monkeypatch.context() as later:
        at(later, start - timedelta(hours=24, minutes=1))
        assert service.scheduled("maintain")["sentBack"] == 0
        at(later, start - timedelta(hours=24))
        assert service.scheduled("maintain")["sentBack"] == 1
        assert service.scheduled("maintain")["sentBack"] == 0
    assert (state(service, near["id"]), state(service, fine["id"])) == ("assignment_pending", "confirmed")
    [(reason, metadata)] = service.database.query(
        "select reason, metadata from booking_state_history where booking_id = %s::uuid"
        " and to_state = 'assignment_pending'",
        near["id"],
    )
    assert (reason, metadata["tables"]) == ("layout_change", ["T1"])
    assert_consistent(service.database)
    sent = [json.loads(message["Body"]) for message in service.messages("assign")]
    assert [(each["bookingId"], each["attempt"]) for each in sent if each["trigger"] == "layout_change"] == [
        (near["id"], 1)
    ]
    document["tables"].append({"id": "T3", "zone": "main", "capacity": 4})
    service.put_restaurant("harbour", document)
    service.work()
    assert service.booking(near["id"]).json["booking"]["tables"] == ["T3"]


ATTENTION = "select to_jsonb(payload) ->> 'to' from outbox where payload ->> 'kind' = 'attention' order by id"


def in_an_hour(service: Service, booking: str) -> None:
    """The booking waits for a person and starts soon."""
    service.work()
    service.database.query(
        "update bookings set start_at = date_trunc('minute', now()) + interval '1 hour',"
        " end_at = date_trunc('minute', now()) + interval '3 hours' where id = %s::uuid",
        booking,
    )


@pytest.fixture
def urgent(service: Service) -> str:
    service.put_restaurant("harbour", house(4, contactEmail="host@example.com"))
    service.book("harbour", party(4))
    booking: str = service.book("harbour", party(4)).json["booking"]["id"]
    in_an_hour(service, booking)
    assert state(service, booking) == "manual_review"
    return booking


def test_a_restaurant_is_told_once_of_a_booking_that_starts_soon_without_a_table(
    service: Service, urgent: str
) -> None:
    assert service.scheduled("maintain")["raised"] == 1
    assert service.scheduled("maintain")["raised"] == 0
    assert service.database.query(ATTENTION) == [("host@example.com",)]
    service.database.query("update bookings set request_version = request_version + 1 where id = %s", urgent)
    assert service.scheduled("maintain")["raised"] == 1  # another request, another letter
    assert_consistent(service.database)


def test_two_runs_at_once_tell_a_restaurant_once(service: Service, urgent: str) -> None:
    """The twin's message finds no notification of its own, and says nothing."""
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    maintain = wiring.services().maintain
    unnotified = maintain._maintenance.unnotified(*soon(), 10)
    assert service.scheduled("maintain")["raised"] == 1
    [(booking, address)] = unnotified
    assert maintain._raise_one(booking, address, datetime.now(UTC), "c-1")
    assert service.database.value("select count(*) from notifications where kind = 'attention'") == 1
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    service.deliver("notify", *(body for body in bodies if '"attention"' in body))
    assert [event["kind"] for event in service.events("notification.sent")] == ["attention"]
    assert service.events("notification.failed") == []


def soon() -> tuple[datetime, datetime]:
    return datetime.now(UTC), datetime.now(UTC) + timedelta(hours=2)


def test_what_somebody_took_care_of_needs_no_attention(service: Service, urgent: str) -> None:
    assert service.scheduled("maintain")["raised"] == 1
    assert service.cancel(urgent).status == 200
    service.scheduled("relay")
    [body] = [m["Body"] for m in service.messages("notification") if '"attention"' in m["Body"]]
    service.deliver("notify", body)
    assert service.database.query("select state, last_error from notifications where kind = 'attention'") == [
        ("skipped", "it has been taken care of")
    ]
    assert service.scheduled("maintain")["raised"] == 0


def test_a_restaurant_without_an_address_and_another_tenant_are_told_nothing(
    harbour: Service, waiting: str
) -> None:
    harbour.put_restaurant("quay", house(4, contactEmail="quay@example.com"))
    harbour.process(waiting)
    in_an_hour(harbour, waiting)
    assert state(harbour, waiting) == "manual_review"
    assert harbour.scheduled("maintain")["raised"] == 0
    assert harbour.database.query(ATTENTION) == []


def test_a_case_that_starts_later_can_wait(service: Service) -> None:
    service.put_restaurant("harbour", house(4, contactEmail="host@example.com"))
    service.book("harbour", party(4))
    booking = service.book("harbour", party(4)).json["booking"]["id"]
    service.work()
    assert state(service, booking) == "manual_review"
    assert service.scheduled("maintain")["raised"] == 0
