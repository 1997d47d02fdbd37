"""Letters: once, truthfully marked, and never a guest's address in a log."""

import json
from collections.abc import Callable, Mapping

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from maitred.adapters.mail import SesMailer
from maitred.bootstrap import notify as wiring
from maitred.contracts.messages import NotificationMessage
from maitred.services.letters import Letter
from maitred.services.notify import MailRefused, MailUnavailable
from tests.harness.service import Service, party

ALL_GOOD: dict[str, object] = {"batchItemFailures": []}
ROW = "select state, attempts from notifications"


class FakeMailer:
    """``during``: what happens while the provider has the letter."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.during: Callable[[], object] = lambda: None

    def send(self, to: str, letter: Letter, headers: Mapping[str, str]) -> str:
        self.during()
        self.sent.append(to)
        return f"provider-{len(self.sent)}"


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def letter(harbour: Service, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The message of a confirmation that waits to be sent."""
    monkeypatch.setattr("maitred.bootstrap.notify.SesMailer", lambda sender: mailer)
    wiring.services.cache_clear()
    assert harbour.book("harbour", party(4)).status == 201
    assert harbour.scheduled("relay") == {"sent": 1}
    [message] = harbour.messages("notification")
    body: str = message["Body"]
    return body


def raising(error: Exception) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


def test_a_message_that_comes_twice_is_one_letter(harbour: Service, mailer: FakeMailer, letter: str) -> None:
    assert harbour.deliver("notify", letter, letter) == ALL_GOOD
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]
    assert harbour.database.query(ROW) == [("sent", 1)]
    assert len(harbour.events("notification.sent")) == 1


def test_a_letter_that_was_sent_is_marked_so_whatever_its_twin_thought_meanwhile(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    """The twin finds a claim whose outcome it cannot know, and parks it."""
    twin = NotificationMessage.model_validate_json(letter)

    def delivered_again() -> None:
        mailer.during = lambda: None
        assert wiring.services().notify.run(twin) == "parked"

    mailer.during = delivered_again
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]
    assert harbour.database.query(ROW) == [("sent", 1)]


def test_a_letter_that_was_certainly_not_taken_is_tried_again(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    mailer.during = raising(MailUnavailable("TooManyRequestsException"))
    assert harbour.deliver("notify", letter) != ALL_GOOD
    assert harbour.database.query(ROW) == [("pending", 1)]
    mailer.during = lambda: None
    assert harbour.deliver("notify", letter, receives=2) == ALL_GOOD
    assert harbour.database.query(ROW) == [("sent", 2)]
    assert [e["attempt"] for e in harbour.events("notification.failed")] == [1]
    assert [e["attempt"] for e in harbour.events("notification.sent")] == [2]


def test_a_refused_letter_is_parked(harbour: Service, mailer: FakeMailer, letter: str) -> None:
    mailer.during = raising(MailRefused("MessageRejected"))
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert harbour.database.query(ROW) == [("parked", 1)]
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert len(harbour.events("notification.failed")) == 1


def test_a_fault_is_logged_with_its_place_and_without_its_words(
    harbour: Service, mailer: FakeMailer, letter: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The outcome is unknown: the next delivery parks the letter rather than send it twice."""
    mailer.during = raising(RuntimeError("not verified: ada@example.com"))
    assert harbour.deliver("notify", letter) != ALL_GOOD
    assert "RuntimeError" in caplog.text
    assert "mailer.send" in caplog.text
    assert "ada@example.com" not in caplog.text
    mailer.during = lambda: None
    assert harbour.deliver("notify", letter, receives=2) == ALL_GOOD
    assert mailer.sent == []
    assert harbour.database.query(ROW) == [("parked", 1)]


def test_a_guest_who_cancelled_meanwhile_is_not_told_of_a_table(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    assert harbour.cancel(json.loads(letter)["bookingId"]).status == 200
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert mailer.sent == []
    assert len(harbour.events("notification.skipped")) == 1


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("MessageRejected", 400, MailRefused),
        ("TooManyRequestsException", 429, MailUnavailable),
        ("ThrottlingException", 400, MailUnavailable),
        ("AccessDeniedException", 403, MailUnavailable),
        ("InternalServiceErrorException", 500, ClientError),
    ],
)
def test_what_ses_answers_tells_whether_the_letter_may_be_on_its_way(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, outcome: type[Exception]
) -> None:
    """Only a server error leaves that open; a letter that was turned away must not be parked as unknown."""
    client = boto3.client("sesv2", region_name="eu-central-1")
    monkeypatch.setattr(SesMailer, "_client", client)
    with Stubber(client) as ses:
        ses.add_client_error("send_email", code, http_status_code=status)
        with pytest.raises(outcome):
            SesMailer("bookings@example.com").send("ada@example.com", Letter("Hello", "Dear Ada"), {})
