"""The calendar event of an e-mail: the part of iCalendar (RFC 5545, 5546) that it needs.

A booking has one event; each confirmation of a changed request has a higher sequence and replaces the
earlier one. It is published, not an invitation: nobody reads answers to it. Times are UTC: every calendar
shows them in its owner's zone, and they need no zone definitions.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

_LINE_OCTETS = 75


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """``sequence``: higher than that of every earlier event of this ``uid``. ``sent_at``: of the e-mail."""

    uid: str
    sequence: int
    cancelled: bool
    start_at: datetime
    end_at: datetime
    sent_at: datetime
    title: str
    description: str
    place: str

    @property
    def method(self) -> str:
        return "CANCEL" if self.cancelled else "PUBLISH"

    def written(self, organizer: str) -> bytes:
        """The event as a file. ``organizer``: a bare address, which the standard requires."""
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Maitred//Maitred//EN",
            f"METHOD:{self.method}",
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            f"SEQUENCE:{self.sequence}",
            f"STATUS:{'CANCELLED' if self.cancelled else 'CONFIRMED'}",
            f"DTSTAMP:{_utc(self.sent_at)}",
            f"DTSTART:{_utc(self.start_at)}",
            f"DTEND:{_utc(self.end_at)}",
            f"SUMMARY:{_text(self.title)}",
            f"DESCRIPTION:{_text(self.description)}",
            f"LOCATION:{_text(self.place)}",
            f'ORGANIZER;CN="{self.place.replace('"', "'")}":mailto:{organizer}',
            "END:VEVENT",
            "END:VCALENDAR",
        ]
        return b"".join(_folded(line.encode()) + b"\r\n" for line in lines)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return value


def _folded(line: bytes) -> bytes:
    """At most 75 octets a line, never cut within a character; what follows begins with a space."""
    parts = []
    while len(line) > _LINE_OCTETS:
        cut = _LINE_OCTETS
        while line[cut] & 0xC0 == 0x80:  # noqa: PLR2004 - the middle of a UTF-8 character
            cut -= 1
        parts.append(line[:cut])
        line = b" " + line[cut:]
    return b"\r\n".join([*parts, line])
