"""An e-mail: subject, text, HTML, and for some kinds a calendar event. It never promises a table number."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from zoneinfo import ZoneInfo

from maitred.domain.booking import WEBHOOK_DISABLED, Booking, MailKind
from maitred.domain.words import DIRECTIONS
from maitred.services.messaging.mail.calendar_event import CalendarEvent
from maitred.services.messaging.mail.language import Language, language_of

_OWN_WORDS = ("modified", WEBHOOK_DISABLED)
_WITH_EVENT = frozenset({MailKind.CONFIRMED, MailKind.CANCELLED})
_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of a character, line and paragraph ends
# Mail programs turn these into links; a guest's name must not become one.
_LINK = re.compile(r"@|://|\.\w{2}")


@dataclass(frozen=True, slots=True)
class Sender:
    """The restaurant that writes. ``contact``: the address for answers, if there is one."""

    name: str
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """``language``: the tag it is written in. ``sender``: a name for people; ``reply_to``: a bare address."""

    subject: str
    text: str
    html: str
    language: str
    sender: str
    reply_to: str | None = None
    event: CalendarEvent | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    """The text before it is laid out: plain, and each part one line."""

    subject: str
    greeting: str
    text: str
    details: tuple[tuple[str, str], ...]
    closing: str | None


def compose(
    kind: MailKind, variant: str | None, booking: Booking, sender: Sender, locale: str, now: datetime
) -> Email:
    """The e-mail about ``booking`` in the language of ``locale``, a BCP 47 tag. ``now``: when it is sent."""
    language = language_of(locale)
    name = _one_line(sender.name)
    to_guest = kind is not MailKind.ATTENTION
    words = language.words.kinds[variant if variant in _OWN_WORDS else kind]
    parts = _parts(words, booking, sender, language, to_guest=to_guest)
    if variant == WEBHOOK_DISABLED:
        parts = replace(parts, details=())  # it is about no booking
    return Email(
        subject=parts.subject,
        text=_as_text(parts, name),
        html=_as_html(parts, name, language.tag),
        language=language.tag,
        sender=name,
        reply_to=sender.contact if to_guest else None,
        event=_event(kind, parts, booking, name, language, now) if kind in _WITH_EVENT else None,
    )


def _parts(
    words: Mapping[str, str], booking: Booking, sender: Sender, language: Language, *, to_guest: bool
) -> _Parts:
    start = booking.start_at.astimezone(ZoneInfo(booking.timezone))
    day, clock = language.day(start), language.clock(start)
    frame = language.words.frame
    names = {
        "restaurant": _one_line(sender.name),
        "day": day,
        "clock": clock,
        "reference": booking.reference,
    }
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
        closing=Template(frame["questions"]).substitute(contact=sender.contact)
        if sender.contact and to_guest
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
    return Template(files(__package__).joinpath("email.html").read_text(encoding="utf-8"))


def _event(
    kind: MailKind, parts: _Parts, booking: Booking, name: str, language: Language, now: datetime
) -> CalendarEvent:
    """A cancellation replaces the confirmation of the same request; nothing replaces a cancellation."""
    cancelled = kind is MailKind.CANCELLED
    return CalendarEvent(
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
    """Without line breaks, control characters and reversed writing: fit for a header.

    Spaces and joiners of other scripts stay as they are written.
    """
    line = "".join(" " if unicodedata.category(c) in _BREAKS else c for c in text if c not in DIRECTIONS)
    return re.sub(" {2,}", " ", line).strip()
