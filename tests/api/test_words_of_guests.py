"""Names, notes, phones and addresses as people write them: kept letter by letter, and delivered to."""

# ruff: noqa: RUF001 - letters of other scripts are what these tests are about

import json
from typing import Any

import boto3
import pytest
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.harness.problems import call
from tests.harness.service import Service, house, party

#: Each is kept as it is.
NAMES = (
    "山田\u3000太郎",
    "علی\u200cرضا محمدی",
    "അനിവര്\u200d",
    "Ann 👨\u200d👩\u200d👧",
    "Jean\u00a0Dupont",
    "O'Brien-Núñez",
    "ßŁ\u0301ø",
)
#: What is sent, and what is kept of it.
CLEANED: list[tuple[str, str, str]] = [
    ("name", "Müller\u00adLüdenscheidt", "MüllerLüdenscheidt"),
    ("name", "\u200fדוד כהן\u200f", "דוד כהן"),
    ("name", "\ufeffAda ", "Ada"),
    ("name", "\u3000Ada\u00a0", "Ada"),
    ("name", "\u202eada\u202c \u2066x\u2069", "ada x"),
    ("phone", "\u202d+1 (415) 555-2671\u202c", "+1 (415) 555-2671"),
    ("phone", "\u202a+44 7700 900123\u202c", "+44 7700 900123"),
    ("phone", "+33\u00a06\u00a012\u00a034\u00a056\u00a078", "+33\u00a06\u00a012\u00a034\u00a056\u00a078"),
    ("phone", "06\u202f12\u202f34\u202f56\u202f78", "06\u202f12\u202f34\u202f56\u202f78"),
    ("phone", "+44 7700 900123 or +44 7700 900456 (wife)", "+44 7700 900123 or +44 7700 900456 (wife)"),
    ("phone", " " + "1" * 64, "1" * 64),
    ("email", "ada@example.com ", "ada@example.com"),
    ("email", "\u202aada@example.com\u202c", "ada@example.com"),
    ("email", "ada@bücher.example", "ada@bücher.example"),
    ("email", "àdam@example.com", "àdam@example.com"),
    ("email", "संपर्क@डाटामेल.भारत", "संपर्क@डाटामेल.भारत"),
]


def kept(service: Service, **body: Any) -> dict[str, Any]:
    answer = service.book("harbour", party(2) | body)
    assert answer.status == 201, answer.text
    booking: dict[str, Any] = service.booking(answer.json["booking"]["id"]).json["booking"]
    return booking


@pytest.mark.parametrize("name", NAMES)
def test_every_letter_of_a_name_is_kept(harbour: Service, name: str) -> None:
    assert kept(harbour, guest={"name": name})["guest"]["name"] == name


@pytest.mark.parametrize(("member", "sent", "stored"), CLEANED)
def test_marks_that_are_not_written_are_dropped(
    harbour: Service, member: str, sent: str, stored: str
) -> None:
    assert kept(harbour, guest={member: sent})["guest"] == {member: stored}


def test_a_changed_guest_is_cleaned_alike(harbour: Service) -> None:
    booking = kept(harbour)
    body = {"guest": {"name": "\u200fדוד\u200f", "phone": "\u202d1\u202c"}, "notes": "\ufeff"}
    changed = call("bookings", "PATCH", f"/bookings/{booking['id']}", body=body).json["booking"]
    assert changed["guest"] == {"name": "דוד", "email": "ada@example.com", "phone": "1"}
    assert changed["notes"] is None


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("two\nlines\r\nand a\ttab", "two\nlines\r\nand a\ttab"),
        ("\n \u00adnuts\u200f\n", "nuts"),
        (" \u3000\n", None),
        ("", None),
    ],
)
def test_notes_may_have_lines(harbour: Service, sent: str, stored: str | None) -> None:
    assert kept(harbour, notes=sent)["notes"] == stored


def test_a_reason_and_a_restaurants_names_are_cleaned_too(service: Service) -> None:
    document = house(4, name="\ufeffHarbour\u200f ")
    document["zones"][0]["name"] = "Gro\u00adßer Saal"
    restaurant = service.put_restaurant("harbour", document).json["restaurant"]
    assert (restaurant["name"], restaurant["zones"][0]["name"]) == ("Harbour", "Großer Saal")
    booking = kept(service)
    assert service.cancel(booking["id"], body={"reason": "\u202eill\u202c\n"}).status == 200
    [reason] = service.database.query("select reason from booking_state_history where to_state = 'cancelled'")
    assert reason == ("ill",)


def letters(service: Service) -> list[dict[str, Any]]:
    """Hand every letter that waits to its sender."""
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    assert service.deliver("notify", *bodies) == {"batchItemFailures": []}
    found: list[dict[str, Any]] = [json.loads(body) for body in bodies]
    return found


def test_a_domain_of_any_script_is_written_to_by_idna(harbour: Service) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    kept(harbour, guest={"name": "علی\u200cرضا\u3000م", "email": "ada@straße.example"})
    letters(harbour)
    [(state, error)] = harbour.database.query("select state, last_error from notifications")
    assert (state, error) == ("sent", None)
    [message] = get_backend("sesv2")[DEFAULT_ACCOUNT_ID]["eu-central-1"].core_backend.sent_messages
    assert set(message.destinations) == {"ada@xn--strae-oqa.example"}
    assert "To: ada@xn--strae-oqa.example" in message.raw_data


def test_an_address_that_the_provider_cannot_serve_ends_with_its_reason(harbour: Service) -> None:
    kept(harbour, guest={"email": "àdam@example.com"})
    letters(harbour)
    [(state, error)] = harbour.database.query("select state, last_error from notifications")
    assert state == "parked"
    assert "SMTPUTF8" in error
    assert len(harbour.events("notification.failed")) == 1
