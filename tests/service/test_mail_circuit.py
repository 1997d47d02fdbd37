"""The circuit of the mail: letters wait, bookings do not."""

from typing import Any

import pytest

from maitred.bootstrap import notify
from maitred.services.messaging.notify import MailRefused, MailThrottled, MailUnavailable
from tests.harness.rows import pause_over
from tests.harness.service import Service, house, party

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}


class Provider:
    """``fault``: what it does with every letter."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.taken = 0

    def write(self, to: str, letter: Any, headers: Any) -> bytes:
        return b""

    def send(self, to: str, content: bytes) -> str:
        if self.fault is not None:
            raise self.fault
        self.taken += 1
        return "id"


@pytest.fixture
def provider(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    monkeypatch.setattr("maitred.bootstrap.notify.SesMailer", lambda sender: made)
    notify.services.cache_clear()
    return made


@pytest.fixture
def letters(harbour: Service, provider: Provider) -> list[str]:
    """Messages of eight confirmations."""
    assert harbour.put_restaurant("harbour", house(*[2] * 8)).status == 200
    assert [harbour.book("harbour", party(2)).status for _ in range(8)] == [201] * 8
    harbour.scheduled("relay")
    bodies = [message["Body"] for message in harbour.messages("notification")]
    assert len(bodies) == 8
    return bodies


@pytest.mark.parametrize("fault", [MailUnavailable("down"), TimeoutError("no answer")])
def test_mail_that_fails_opens_its_circuit_and_the_rest_waits_as_new_messages(
    harbour: Service, provider: Provider, letters: list[str], fault: Exception
) -> None:
    provider.fault = fault
    for body in letters[:5]:
        assert harbour.deliver("notify", body) != ALL_GOOD
    assert harbour.deliver("notify", *letters[5:]) == ALL_GOOD  # they use up none of their deliveries
    waiting = (
        "select count(*) from outbox where topic = 'notification' and sent_at is null and due_at > now()"
    )
    assert harbour.database.value(waiting) == 3
    assert [event["state"] for event in harbour.events("assignment.circuit")] == ["open"]
    assert harbour.events("assignment.circuit")[0]["dependency"] == "mail"

    provider.fault = None
    pause_over(harbour.database)
    harbour.database.query("update outbox set due_at = now()")
    harbour.scheduled("relay")
    again = [message["Body"] for message in harbour.messages("notification")]
    assert sorted(again) == sorted(letters[5:])
    assert harbour.deliver("notify", *again) == ALL_GOOD
    assert provider.taken == 3
    assert [event["state"] for event in harbour.events("assignment.circuit")] == [
        "open",
        "half_open",
        "closed",
    ]


@pytest.mark.parametrize(
    "answer", [MailRefused("MessageRejected"), MailThrottled("TooManyRequestsException")]
)
def test_t9_a_provider_that_says_no_or_asks_for_patience_is_well(
    harbour: Service, provider: Provider, letters: list[str], answer: Exception
) -> None:
    provider.fault = answer
    for body in letters:
        harbour.deliver("notify", body)
    assert harbour.events("assignment.circuit") == []
    assert harbour.database.query("select 1 from circuits where dependency = 'mail'") == []


def test_mail_that_fails_does_not_stop_bookings(
    harbour: Service, provider: Provider, letters: list[str]
) -> None:
    provider.fault = MailUnavailable("down")
    for body in letters[:5]:
        harbour.deliver("notify", body)
    answer = harbour.book("harbour", party(2, "21:00"))
    assert answer.json["assignment"]["outcome"] == "confirmed"
