"""The letters to guests: plain text, in the restaurant's time. A table number is never promised."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from maitred.domain.booking import Booking

_SUBJECTS: Mapping[str, str] = {
    "request_received": "We have your request: {restaurant}, {day}",
    "confirmed": "Your table at {restaurant}, {day} at {time}",
    "modification_pending": "We are looking at your change: {restaurant}, {day}",
    "cancelled": "Your booking at {restaurant} is cancelled",
    "attention": "A booking needs you: {reference}, {day} at {time}",
}
_BODIES: Mapping[str, str] = {
    "request_received": "we are looking for a table for {party} on {day} at {time} and write again soon.",
    "confirmed": "your table for {party} is confirmed: {day} at {time}. Please arrive on time.",
    "modification_pending": "we are looking for a table for {party} on {day} at {time} and write again soon.",
    "cancelled": "your booking for {party} on {day} at {time} is cancelled.",
    "attention": "no table was found by itself for {party} on {day} at {time}. Please have a look.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


def compose(kind: str, booking: Booking, restaurant: str) -> Letter:
    """Raises KeyError for a kind that there is no letter for."""
    start = booking.start_at.astimezone(ZoneInfo(booking.timezone))
    words = {
        "restaurant": restaurant,
        "day": start.strftime("%Y-%m-%d"),
        "time": start.strftime("%H:%M"),
        "party": "1 guest" if booking.party_size == 1 else f"{booking.party_size} guests",
        "reference": booking.reference,
    }
    name = booking.guest.get("name")
    greeting = f"Dear {name}," if name else "Good day,"
    body = _BODIES[kind].format(**words)
    text = f"{greeting}\n\n{body}\n\nYour reference: {booking.reference}\n{restaurant}\n"
    return Letter(" ".join(_SUBJECTS[kind].format(**words).split()), text)
