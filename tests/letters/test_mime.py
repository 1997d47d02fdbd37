"""The letter as one MIME text: whole, in seven bits, and with no header but ours."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from maitred.adapters.mail import mime
from maitred.services.messaging.mail.email import Email, Sender
from tests.letters.drafts import letter

HEADERS = {"X-Correlation-Id": "c-1", "X-Maitred-Notification": "n-1"}
OURS = {
    "from", "to", "subject", "content-language", "auto-submitted", "reply-to", "x-correlation-id",
    "x-maitred-notification", "mime-version", "content-type",
}  # fmt: skip
ANY_TEXT = st.text(max_size=200).filter(lambda text: text.isprintable() and bool(text.strip()))


def sent(written: Email) -> EmailMessage:
    content = mime("bookings@example.com", "ada@example.com", written, HEADERS)
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    return message_from_bytes(content, policy=default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def assert_only_ours(message: EmailMessage) -> None:
    assert {name.lower() for name in message} <= OURS
    assert len(message.keys()) == len(set(message.keys()))
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.com"]
    assert [address.addr_spec for address in message["From"].addresses] == ["bookings@example.com"]


def test_a_confirmation_has_text_html_and_an_entry_for_the_calendar() -> None:
    written = letter()
    message = sent(written)
    assert_only_ours(message)
    assert message["Subject"] == written.subject
    assert message["From"].addresses[0].display_name == "Harbour Room"
    assert message["Reply-To"] == "host@example.com"
    assert message["X-Correlation-Id"] == "c-1"
    assert message.get_content_type() == "multipart/mixed"
    assert body(message, "plain") == written.text
    assert body(message, "html") == written.html
    [attached] = message.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached["Content-Type"].params["method"] == "PUBLISH"
    assert attached.get_filename() == "booking.ics"
    assert written.event is not None
    content = attached.get_payload(decode=True)
    assert content == written.event.written("bookings@example.com")
    assert Calendar.from_ical(cast(bytes, content))["METHOD"] == "PUBLISH"


def test_a_letter_without_an_entry_has_two_parts() -> None:
    message = sent(letter("request_received"))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("locale", ["de", "fr", "es", "it", "nl"])
def test_every_language_arrives_as_it_was_written(locale: str) -> None:
    written = letter(locale=locale, sender=Sender("Café Müller"))
    message = sent(written)
    assert message["Subject"] == written.subject
    assert message["From"].addresses[0].display_name == "Café Müller"
    assert message["Content-Language"] == locale
    assert body(message, "plain") == written.text


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(restaurant=ANY_TEXT, guest=ANY_TEXT)
def test_no_name_adds_a_header_or_a_reader(restaurant: str, guest: str) -> None:
    written = letter(sender=Sender(restaurant), guest={"name": guest})
    message = sent(written)
    assert_only_ours(message)
    assert body(message, "plain") == written.text


@pytest.mark.parametrize(
    "name", ["Harbour\r\nBcc: eve@example.com", "Room\n\nDear Ada, pay here", "a\x0bb\x1cc\x85d\u2028e"]
)
def test_a_line_break_in_a_restaurants_name_is_a_space(name: str) -> None:
    message = sent(letter(sender=Sender(name)))
    assert_only_ours(message)
    assert message["From"].addresses[0].display_name == " ".join(name.split())


@pytest.mark.parametrize("name", ["山田\u3000屋", "Café\u00a0Müller", "علی\u200cرضا", "a\u202eb\u2066c"])  # noqa: RUF001
def test_a_restaurants_name_of_any_script_is_a_header(name: str) -> None:
    written = letter(sender=Sender(name))
    message = sent(written)
    assert_only_ours(message)
    assert message["From"].addresses[0].display_name == written.sender
    assert message["Subject"] == written.subject
    assert body(message, "plain") == written.text


def test_answers_to_an_address_that_no_header_can_hold_are_left_to_the_text() -> None:
    written = letter(sender=Sender("Harbour Room", "hafen@bücher.example"))
    assert sent(written)["Reply-To"] == "hafen@xn--bcher-kva.example"
    written = letter(sender=Sender("Harbour Room", "häfen@example.com"))
    assert sent(written)["Reply-To"] is None
    assert "häfen@example.com" in body(sent(written), "plain")


def test_a_header_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mime(
            "bookings@example.com",
            "ada@example.com",
            letter(),
            {"X-Correlation-Id": "a\r\nBcc: eve@example.com"},
        )
