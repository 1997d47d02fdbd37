"""The languages of e-mail: words, and how a day and a clock time are written.

One file a language in ``words/``. A tag finds its language by its first part and the way dates are written
by its region; a language that is not there is English. Tests compare days and times with CLDR.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Any

_FALLBACK = "en"
_NOON = 12


@dataclass(frozen=True, slots=True)
class Style:
    """How a region writes a day and a clock time, as templates. ``halves``: before and after noon."""

    months: tuple[str, ...]
    day: str
    clock: str
    halves: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """``kinds``: subject and text by kind of mail; ``frame``: the text around them."""

    weekdays: tuple[str, ...]
    style: Style
    regions: Mapping[str, Style]
    frame: Mapping[str, str]
    calendar: Mapping[str, str]
    kinds: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Language:
    """``tag``: the language that the mail is really in, for screen readers."""

    tag: str
    words: Words
    style: Style

    def day(self, local: datetime) -> str:
        """The date with its weekday, written out."""
        names = {
            "weekday": self.words.weekdays[local.weekday()],
            "day": local.day,
            "month": self.style.months[local.month - 1],
            "year": local.year,
        }
        return Template(self.style.day).substitute(names)

    def clock(self, local: datetime) -> str:
        """The clock time, in 12 or 24 hours as the region has it, without its zone."""
        figures = {
            "hour": f"{local.hour:02}",
            "hour_short": local.hour,
            "hour12": local.hour % _NOON or _NOON,
            "minute": f"{local.minute:02}",
            "half": self.style.halves[local.hour >= _NOON],
        }
        return Template(self.style.clock).substitute(figures)


def language_of(tag: str) -> Language:
    """The language for a BCP 47 tag, English for one that there are no words for."""
    name, *rest = tag.lower().split("-")
    known = name in languages()
    words = _words(name if known else _FALLBACK)
    region = next((part.upper() for part in rest if _is_region(part)), "") if known else ""
    return Language(tag if known else _FALLBACK, words, words.regions.get(region, words.style))


@cache
def languages() -> frozenset[str]:
    return frozenset(entry.name.removesuffix(".toml") for entry in _folder().iterdir())


def _folder() -> Traversable:
    return files("maitred.services.messaging.mail").joinpath("words")


def _is_region(part: str) -> bool:
    return (len(part) == 2 and part.isalpha()) or (len(part) == 3 and part.isdigit())  # noqa: PLR2004 - BCP 47


@cache
def _words(name: str) -> Words:
    read = tomllib.loads(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return Words(
        weekdays=tuple(read["weekdays"]),
        style=_style(read["style"], read["months"]),
        regions={
            code: _style(group, read["months"]) for group in read.get("regions", []) for code in group["of"]
        },
        frame=read["frame"],
        calendar=read["calendar"],
        kinds=read["kinds"],
    )


def _style(read: Mapping[str, Any], months: Sequence[str]) -> Style:
    morning, afternoon = read.get("halves", ("", ""))
    return Style(tuple(read.get("months", months)), read["day"], read["clock"], (morning, afternoon))
