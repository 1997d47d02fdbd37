"""Letters: once, truthfully marked, and never a guest's address in a log (E1, E2, E3)."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from email import message_from_string
from email.policy import default

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from maitred.adapters.mail import SesMailer
from maitred.bootstrap import notify as wiring
from maitred.contracts.messages import NotificationMessage
from maitred.services.messaging.mail.email import Email
from maitred.services.messaging.notify import CLAIM_LIVES, BeingSent, MailRefused, MailUnavailable
from tests.harness.service import Service, house, party
from tests.infra.template import deployed

ALL_GOOD: dict[str, object] = {"batchItemFailures": []}
ROW = "select state, attempts from notifications"


class FakeMailer:
    """``during``: what happens while the provider has the letter."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.during: Callable[[], object] = lambda: None

    def write(self, to: str, letter: Email, headers: Mapping[str, str]) -> bytes:
        return letter.text.encode()

    def send(self, to: str, content: bytes) -> str:
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


def raising(error: BaseException) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


def later(service: Service) -> None:
    """As if the sender of a claimed letter could not live any more."""
    service.database.query(
        "update notifications set claimed_at = claimed_at - %s where state = 'claimed'", CLAIM_LIVES
    )


def failures(capfd: pytest.CaptureFixture[str]) -> float:
    """What the figure NotificationsFailed has counted so far."""
    lines = [line for line in capfd.readouterr().out.splitlines() if "NotificationsFailed" in line]
    return sum(sum(json.loads(line)["NotificationsFailed"]) for line in lines)


def test_a_message_that_comes_twice_is_one_letter(harbour: Service, mailer: FakeMailer, letter: str) -> None:
    assert harbour.deliver("notify", letter, letter) == ALL_GOOD
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]
    assert harbour.database.query(ROW) == [("sent", 1)]
    assert len(harbour.events("notification.sent")) == 1


def test_a_twin_that_comes_while_the_letter_is_being_sent_leaves_it_to_the_queue(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    twin = NotificationMessage.model_validate_json(letter)

    def delivered_again() -> None:
        mailer.during = lambda: None
        with pytest.raises(BeingSent):
            wiring.services().notify.run(twin)

    mailer.during = delivered_again
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert harbour.deliver("notify", letter, receives=2) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]
    assert harbour.database.query(ROW) == [("sent", 1)]
    assert harbour.events("notification.failed") == []


def test_a_letter_that_was_sent_is_marked_so_whatever_its_twin_thought_meanwhile(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    """A sender that outlived its claim: its twin parked the letter, but that it was sent is the truth."""
    twin = NotificationMessage.model_validate_json(letter)

    def long_after() -> None:
        mailer.during = lambda: None
        later(harbour)
        assert wiring.services().notify.run(twin) == "parked"

    mailer.during = long_after
    assert harbour.deliver("notify", letter) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]
    assert harbour.database.query(ROW) == [("sent", 1)]


def test_e2_a_sender_killed_before_its_mark_leaves_a_letter_to_a_person(
    harbour: Service, mailer: FakeMailer, letter: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Young, its claim is another's; old, it is parked, counted and told, and never sent again."""
    mailer.during = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        wiring.services().notify.run(NotificationMessage.model_validate_json(letter))
    mailer.during = lambda: None
    assert harbour.deliver("notify", letter, receives=2) != ALL_GOOD
    assert harbour.database.query(ROW) == [("claimed", 1)]
    later(harbour)
    failures(capfd)
    for receives in (3, 4):
        assert harbour.deliver("notify", letter, receives=receives) == ALL_GOOD
    assert mailer.sent == []
    assert harbour.database.query(ROW) == [("parked", 1)]
    assert len(harbour.events("notification.failed")) == 1
    assert failures(capfd) == 1


def test_e2_a_sender_killed_before_its_claim_changes_nothing(
    harbour: Service, mailer: FakeMailer, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(FakeMailer, "write", lambda *given: raising(KeyboardInterrupt())())
        with pytest.raises(KeyboardInterrupt):
            wiring.services().notify.run(NotificationMessage.model_validate_json(letter))
    assert harbour.database.query(ROW) == [("pending", 0)]
    assert harbour.deliver("notify", letter, receives=2) == ALL_GOOD
    assert mailer.sent == ["ada@example.com"]


def test_e3_a_letter_that_fails_leaves_the_booking_as_it_is(
    harbour: Service, mailer: FakeMailer, letter: str
) -> None:
    booking = json.loads(letter)["bookingId"]
    before = harbour.booking(booking).json
    quotes = len(harbour.events("auto_assign.quote"))
    for error in (MailUnavailable("SendingPausedException"), MailRefused("MessageRejected")):
        mailer.during = raising(error)
        harbour.deliver("notify", letter)
    harbour.work()
    assert harbour.database.query(ROW) == [("parked", 2)]
    assert harbour.booking(booking).json == before
    assert len(harbour.events("auto_assign.quote")) == quotes


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
    later(harbour)
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
            SesMailer("bookings@example.com").send("ada@example.com", b"Subject: Hello")


def test_an_address_that_no_header_can_hold_is_parked_and_nothing_is_sent(
    harbour: Service, mailer: FakeMailer, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No booking can hold such an address; a message by hand can."""
    monkeypatch.setattr(FakeMailer, "write", SesMailer("bookings@example.com").write)
    for address in ("ada@example.com\r\nBcc: eve@example.com", "a..b@example.com", "Ada <a@example.com>"):
        harbour.database.query("update notifications set state = 'pending'")
        bad = json.dumps(json.loads(letter) | {"to": address})
        assert harbour.deliver("notify", bad) == ALL_GOOD
        assert harbour.database.query("select state from notifications") == [("parked",)]
    assert mailer.sent == []


def test_ses_takes_the_letter_whole(harbour: Service) -> None:
    """Against moto's SES: to whom, from whom, and every part as it was written."""
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    harbour.put_restaurant("harbour", house(4, locale="fr", contactEmail="host@example.com"))
    guest = {"name": "Zoë <b>", "email": "zoe@example.com"}
    assert harbour.book("harbour", party(4, guest=guest)).status == 201
    harbour.scheduled("relay")
    [message] = harbour.messages("notification")
    assert harbour.deliver("notify", message["Body"]) == ALL_GOOD
    [sent] = get_backend("sesv2")[DEFAULT_ACCOUNT_ID]["eu-central-1"].core_backend.sent_messages
    assert sent.source == "bookings@example.com"
    letter = message_from_string(sent.raw_data, policy=default)
    assert (letter["To"], letter["Reply-To"]) == ("zoe@example.com", "host@example.com")
    assert letter["X-Correlation-Id"] == json.loads(message["Body"])["correlationId"]
    assert letter["X-Maitred-Notification"] == json.loads(message["Body"])["notificationId"]
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "Bonjour Zoë <b>," in text.get_content()
    assert "Bonjour Zoë &lt;b&gt;," in page.get_content()
    assert [part.get_filename() for part in letter.iter_attachments()] == ["booking.ics"]
    assert harbour.database.value("select provider_id from notifications") == sent.id


def test_a_claim_outlives_its_sender_and_not_the_pause_between_deliveries() -> None:
    function = deployed().functions["NotifyFunction"]
    queue = deployed().of_type("AWS::SQS::Queue")["NotificationQueue"]
    assert timedelta(seconds=function["Timeout"]) < CLAIM_LIVES
    assert timedelta(seconds=queue["VisibilityTimeout"]) > CLAIM_LIVES
