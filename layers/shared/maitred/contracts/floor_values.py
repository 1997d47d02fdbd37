"""Reads the values of a floor document: clock times, local times, time zones, languages."""

import re
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files

DAY_MINUTES = 1440
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_MINUTE_FORMAT_LENGTH = len("2026-12-25T00:00")
# BCP 47: language, script, region, variants. No extensions, because nothing here uses them.
_LANGUAGE_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*",
    re.ASCII | re.IGNORECASE,
)


def clock_minutes(clock: str) -> int:
    """Minutes after midnight of a valid ``HH:MM``."""
    return int(clock[:2]) * 60 + int(clock[3:])


def service_minutes(opens: str, closes: str) -> tuple[int, int]:
    """Opening and closing in minutes after midnight of the service day. Closing may be on the next day."""
    start, end = clock_minutes(opens), clock_minutes(closes)
    return start, end if end >= start else end + DAY_MINUTES


def last_seating_minutes(
    last_seating: str | None, opens: int, closes: int, min_dining: int, *, allow_overrun: bool
) -> int:
    """The last start of a service; by default the last that leaves ``min_dining`` minutes before closing."""
    if last_seating is None:
        return closes if allow_overrun else closes - min_dining
    minutes = clock_minutes(last_seating)
    return minutes if minutes >= opens else minutes + DAY_MINUTES


def local_minute(text: str) -> str:
    """Check a local time, ``YYYY-MM-DDTHH:MM`` (seconds only as ``:00``), and return it without seconds.

    Raises ValueError.
    """
    if len(text) > _MINUTE_FORMAT_LENGTH and text[_MINUTE_FORMAT_LENGTH:] != ":00":
        raise ValueError("must be a local time such as 2026-12-25T00:00, without seconds and offset")
    minute = text[:_MINUTE_FORMAT_LENGTH]
    try:
        moment = datetime.fromisoformat(minute)
    except ValueError:
        raise ValueError("must be a local time such as 2026-12-25T00:00") from None
    if not minute.isascii() or moment.isoformat()[:_MINUTE_FORMAT_LENGTH] != minute:
        raise ValueError("must be written as 2026-12-25T00:00")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return minute


def local_date(text: str) -> str:
    """Check a date, ``YYYY-MM-DD``, and return it. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date such as 2026-12-31") from None
    if day.isoformat() != text:
        raise ValueError("must be written as 2026-12-31")
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return text


def is_iana_zone(name: str) -> str:
    """Check that ``name`` is in the IANA database, whatever files the host has. Raises ValueError."""
    if name not in _iana_zones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/London")
    return name


def language_tag(text: str) -> str:
    """Check that ``text`` is a language tag, such as ``de-AT`` or ``zh-Hant-TW``. Raises ValueError."""
    if not _LANGUAGE_TAG.fullmatch(text):
        raise ValueError("must be a language tag such as en or de-AT")
    return text


@lru_cache(maxsize=1)
def _iana_zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split()) - {"Factory"}
