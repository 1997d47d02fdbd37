"""A letter's whole way: booked over HTTP, relayed, sent, and readable in the folder of the stack's home."""

from email import message_from_bytes
from email.policy import default

import pytest

from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack


def test_a_confirmation_lands_in_the_mail_folder_as_guests_would_get_it(guest: Guest) -> None:
    booking = guest.book(2)[1]["booking"]
    guest.stack.invoke("RelayFunction", {})
    state = "select state from notifications where booking_id = %s::uuid"
    eventually(lambda: guest.value(state, booking["id"]) == "sent", "the letter is sent")
    letters = [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in (guest.stack.home / "mail").glob("*.eml")
    ]
    [letter] = [letter for letter in letters if booking["reference"] in letter.as_string()]
    body = letter.get_body(("html",))
    assert body is not None
    assert booking["reference"] in body.get_content()
    assert [part.get_content_type() for part in letter.iter_attachments()] == ["text/calendar"]
