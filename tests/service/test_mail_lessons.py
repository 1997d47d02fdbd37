"""Mail as other systems got it wrong: E1, E4, E5. E2 and E3 are in test_notify."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import boto3
import pytest

from maitred.bootstrap import notify as wiring
from maitred.domain.booking import MailKind
from maitred.domain.states import State
from maitred.services import ports
from maitred.services.assignment import records
from tests.harness.service import Service, evening, forget_wiring, party

LETTERS = "select kind, variant, request_version, state from notifications order by created_at, kind"


@pytest.fixture(autouse=True)
def _identity(harbour: Service) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")


def deliver(service: Service) -> None:
    """Everything that is due, as the relay and the queue would, each message twice."""
    service.database.query("update outbox set due_at = now() where sent_at is null")
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    assert service.deliver("notify", *bodies, *bodies) == {"batchItemFailures": []}


def patch(service: Service, booking: str, **change: Any) -> int:
    return service.http("bookings", "PATCH", f"/bookings/{booking}", body=change).status


def test_e1_who_is_confirmed_at_once_hears_only_that(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    deliver(harbour)
    assert harbour.database.query(LETTERS) == [("confirmed", "standard", 1, "sent")]


def test_e1_who_is_confirmed_while_the_first_letter_waits_hears_only_that(harbour: Service) -> None:
    first = harbour.book("harbour", party(4)).json["booking"]["id"]
    second = harbour.book("harbour", party(4)).json["booking"]["id"]
    assert harbour.cancel(first).status == 200
    for _ in range(2):
        harbour.work()
        harbour.process(second)
    deliver(harbour)
    found = harbour.database.query(
        "select kind, state from notifications where booking_id = %s::uuid order by 1", second
    )
    assert found == [("confirmed", "sent"), ("request_received", "skipped")]


def test_e1_a_persons_assignment_is_told_and_told_once(harbour: Service) -> None:
    first = harbour.book("harbour", party(4)).json["booking"]["id"]
    second = harbour.book("harbour", party(4)).json["booking"]["id"]
    harbour.work()
    assert harbour.unassign(first).status == 200
    for _ in range(2):
        assert harbour.assign(second, "T3").status == 200
    harbour.work()
    deliver(harbour)
    sent = harbour.database.query(
        "select kind from notifications where booking_id = %s::uuid and state = 'sent'", second
    )
    assert sent == [("confirmed",)]


def test_e4_each_change_has_a_letter_of_its_own(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    for clock in ("18:00", "20:00"):
        deliver(harbour)
        assert patch(harbour, booking, date=evening(), time=clock) == 200
    deliver(harbour)
    assert harbour.database.query(LETTERS) == [
        ("confirmed", "standard", 1, "sent"),
        ("confirmed", "modified", 2, "sent"),
        ("confirmed", "modified", 3, "sent"),
    ]


def test_e4_a_letter_about_an_older_request_is_not_sent_any_more(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    assert patch(harbour, booking, date=evening(), time="20:00") == 200
    deliver(harbour)
    states = [(version, state) for _, _, version, state in harbour.database.query(LETTERS)]
    assert states == [(1, "skipped"), (2, "sent")]


def test_e4_the_loser_of_a_race_writes_no_letter(harbour: Service) -> None:
    """A letter is written with what it tells of, or not at all."""
    booking_id = harbour.book("harbour", party(4)).json["booking"]["id"]
    deps = wiring.services().runtime.deps
    seen = deps.store.booking(UUID(booking_id))
    assert seen is not None
    assert harbour.cancel(booking_id).status == 200
    notifications, outbox = records.mail(seen, MailKind.CANCELLED, "c-1", deps.ids, deps.clock.now())
    change = ports.BookingUpdate(seen, replace(seen, version=seen.version + 1, state=State.CANCELLED))
    with pytest.raises(ports.StaleVersion):
        deps.store.apply(ports.Changes(updates=[change], notifications=notifications, outbox=outbox))
    assert harbour.cancel(booking_id).status == 200  # a second cancel is no news either
    deliver(harbour)
    assert [row[0] for row in harbour.database.query(LETTERS)] == ["confirmed", "cancelled"]
    assert harbour.database.value("select count(*) from outbox where payload ->> 'kind' = 'cancelled'") == 1


def test_e5_a_stage_that_says_nothing_sends_nothing(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a client for mail is made; each letter says that it was held back."""
    monkeypatch.setenv("MAIL_DELIVERY", "suppressed")
    monkeypatch.setattr("maitred.bootstrap.notify.SesMailer", None)  # making one would be an error
    forget_wiring()
    harbour.book("harbour", party(4))
    deliver(harbour)
    assert harbour.database.query(LETTERS) == [("confirmed", "standard", 1, "skipped")]
    assert len(harbour.events("notification.skipped")) == 1
    assert wiring.services().notify._mailer is None


def test_a_guest_who_cancels_at_once_hears_only_that(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    harbour.cancel(booking)
    payloads = harbour.database.query("select payload from outbox where topic = 'notification' order by id")
    assert [payload["kind"] for (payload,) in payloads] == ["confirmed", "cancelled"]
    deliver(harbour)
    states = {kind: state for kind, _, _, state in harbour.database.query(LETTERS)}
    assert states == {"confirmed": "skipped", "cancelled": "sent"}
