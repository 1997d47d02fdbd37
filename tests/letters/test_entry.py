"""The calendar entry, as `icalendar` reads it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from maitred.services.messaging.mail.calendar_event import CalendarEvent
from maitred.services.messaging.mail.email import Sender
from tests.letters.drafts import BOOKING, NOW, letter

# What can stand in a name: everything printable, in one line.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"]), max_size=200)
ENTRY = CalendarEvent(
    "one@maitred", 0, False, BOOKING.start_at, BOOKING.end_at, NOW, "Table", "Guests: 4", "Harbour"
)


def entry_of(kind: str = "confirmed", **changes: Any) -> CalendarEvent:
    entry = letter(kind, **changes).event
    assert entry is not None
    return entry


def read(entry: CalendarEvent) -> tuple[Calendar, Any]:
    calendar = Calendar.from_ical(entry.written("bookings@example.com"))
    assert isinstance(calendar, Calendar)
    [event] = calendar.walk("VEVENT")
    assert not calendar.errors
    assert not event.errors
    return calendar, event


def test_a_confirmation_is_published_with_all_that_the_standard_wants() -> None:
    calendar, event = read(entry_of())
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert calendar["PRODID"]
    assert event["UID"] == f"{BOOKING.id}@maitred"
    assert (event["SEQUENCE"], event["STATUS"]) == (0, "CONFIRMED")
    assert (event.start, event.end) == (BOOKING.start_at, BOOKING.end_at)
    assert event["DTSTAMP"].dt == NOW
    assert event["SUMMARY"] == "Table at Harbour Room"
    assert event["LOCATION"] == "Harbour Room"
    assert event["DESCRIPTION"] == "Guests: 4\nReference: K7QX2M"
    assert event["ORGANIZER"] == "mailto:bookings@example.com"
    assert event["ORGANIZER"].params["CN"] == "Harbour Room"
    assert "ATTENDEE" not in event  # which a published entry must not have


def test_a_changed_request_takes_the_earlier_entrys_place_and_a_cancellation_comes_last() -> None:
    entries = [
        entry_of(),
        entry_of(variant="modified", request_version=2),
        entry_of(variant="modified", request_version=5),
        entry_of("cancelled", request_version=5),
    ]
    assert len({entry.uid for entry in entries}) == 1
    sequences = [entry.sequence for entry in entries]
    assert sequences == sorted(set(sequences))
    calendar, event = read(entries[-1])
    assert (calendar["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")


def test_only_what_is_decided_goes_into_a_calendar() -> None:
    for kind in ("request_received", "modification_pending", "attention"):
        assert letter(kind).event is None


def test_a_stay_over_the_clock_change_is_its_two_instants() -> None:
    start, end = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    _, event = read(entry_of(start_at=start, end_at=end))
    assert event.end - event.start == end - start


@given(title=TEXT, place=TEXT, description=TEXT)
def test_any_text_comes_back_from_lines_of_at_most_75_octets(
    title: str, place: str, description: str
) -> None:
    entry = replace(ENTRY, title=title, place=place, description=f"{description}\n{title}")
    written = entry.written("bookings@example.com")
    assert written.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert b"\n" not in written.replace(b"\r\n", b"")
    for line in written.split(b"\r\n"):
        line.decode()  # never cut within a character
    _, event = read(entry)
    assert event["SUMMARY"] == title
    assert event["LOCATION"] == place
    assert event["DESCRIPTION"] == f"{description}\n{title}"


@pytest.mark.parametrize("name", ['The "Fish"', "a;b:c,d\\n", "End\r\nEND:VEVENT\r\nX-EVIL:1", "^n^^"])
def test_a_name_cannot_write_lines_of_its_own(name: str) -> None:
    _, event = read(entry_of(sender=Sender(name)))
    assert "X-EVIL" not in event
    assert event["ORGANIZER"] == "mailto:bookings@example.com"
