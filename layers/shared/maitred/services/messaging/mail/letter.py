"""A letter: subject, text, HTML, and for some a calendar entry. A table number is never promised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from zoneinfo import ZoneInfo

from maitred.domain.booking import Booking
from maitred.services.messaging.mail.entry import Entry
from maitred.services.messaging.mail.language import Language, language_of

_WITH_ENTRY = frozenset({"confirmed", "cancelled"})
# What a mail program would turn into a link: a name must not send anybody anywhere.
_LINK = re.compile(r"@|://|\.\w{2}")


@dataclass(frozen=True, slots=True)
class House:
    """Who writes. ``contact``: the address that reads answers, if there is one."""

    name: str
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """``language``: the tag it is written in. ``sender``: a name for people; ``reply_to``: a bare address."""

    subject: str
    text: str
    html: str
    language: str
    sender: str
    reply_to: str | None = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    """A letter's text before it is laid out, all of it plain and in one line each."""

    subject: str
    greeting: str
    text: str
    details: tuple[tuple[str, str], ...]
    closing: str | None


def compose(
    kind: str, variant: str | None, booking: Booking, house: House, locale: str, now: datetime
) -> Letter:
    """Raises KeyError for a kind that there is no letter for."""
    language = language_of(locale)
    name = _one_line(house.name)
    to_guest = kind != "attention"
    parts = _parts("modified" if variant == "modified" else kind, booking, house, name, language)
    return Letter(
        subject=parts.subject,
        text=_as_text(parts, name),
        html=_as_html(parts, name, language.tag),
        language=language.tag,
        sender=name,
        reply_to=house.contact if to_guest else None,
        entry=_entry(kind, parts, booking, name, language, now) if kind in _WITH_ENTRY else None,
    )


def _parts(kind: str, booking: Booking, house: House, name: str, language: Language) -> _Parts:
    start = booking.start_at.astimezone(ZoneInfo(booking.timezone))
    day, clock = language.day(start), language.clock(start)
    frame, words = language.words.frame, language.words.kinds[kind]
    names = {"restaurant": name, "day": day, "clock": clock, "reference": booking.reference}
    to_guest = kind != "attention"
    details = (
        (frame["date"], day),
        (frame["time"], f"{clock} ({_zone(start)})"),
        (frame["guests"], str(booking.party_size)),
        (frame["reference"], booking.reference),
    )
    return _Parts(
        subject=Template(words["subject"]).substitute(names),
        greeting=_greeting(frame, booking.guest.get("name") if to_guest else None),
        text=words["text"],
        details=details,
        closing=Template(frame["questions"]).substitute(contact=house.contact)
        if house.contact and to_guest
        else None,
    )


def _greeting(frame: Mapping[str, str], name: str | None) -> str:
    if not name or _LINK.search(name):
        return frame["greeting_unnamed"]
    return Template(frame["greeting"]).substitute(name=_one_line(name))


def _zone(start: datetime) -> str:
    """The zone's abbreviation; zones that have none show their offset."""
    name = start.tzname() or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name


def _as_text(parts: _Parts, name: str) -> str:
    details = "\n".join(f"{label}: {value}" for label, value in parts.details)
    blocks = (parts.greeting, parts.text, details, parts.closing, name)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _as_html(parts: _Parts, name: str, tag: str) -> str:
    row = '<tr><td style="padding:2px 16px 2px 0;color:#666">{}</td><td><strong>{}</strong></td></tr>'
    details = "\n".join(row.format(escape(label), escape(value)) for label, value in parts.details)
    return _page().substitute(
        language=escape(tag),
        subject=escape(parts.subject),
        restaurant=escape(name),
        greeting=escape(parts.greeting),
        text=escape(parts.text),
        details=details,
        closing=f"<p>{escape(parts.closing)}</p>" if parts.closing else "",
    )


@cache
def _page() -> Template:
    return Template(files(__package__).joinpath("letter.html").read_text(encoding="utf-8"))


def _entry(kind: str, parts: _Parts, booking: Booking, name: str, language: Language, now: datetime) -> Entry:
    """A cancellation comes after the confirmation of the same request, and nothing comes after it."""
    cancelled = kind == "cancelled"
    return Entry(
        uid=f"{booking.id}@maitred",
        sequence=booking.request_version if cancelled else booking.request_version - 1,
        cancelled=cancelled,
        start_at=booking.start_at,
        end_at=booking.end_at,
        sent_at=now,
        title=Template(language.words.calendar["title"]).substitute(restaurant=name),
        description="\n".join(f"{label}: {value}" for label, value in parts.details[2:]),
        place=name,
    )


def _one_line(text: str) -> str:
    """Without line breaks, control characters and reversed writing: fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
