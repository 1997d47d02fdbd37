"""Days and clock times as CLDR writes them (babel carries it; the deployed functions do not)."""

from datetime import datetime

import pytest
from babel import Locale
from babel.dates import format_date, format_time

from maitred.services.messaging.mail.language import language_of, languages
from tests.letters.drafts import KINDS

EVERY_MONTH = [datetime(2026, month, month + 2, 7, 5) for month in range(1, 13)]  # noqa: DTZ001 - a wall clock
ROUND_THE_CLOCK = [datetime(2026, 12, 4, hour, 30) for hour in range(24)]  # noqa: DTZ001 - a wall clock
# English without a region is British here, and so is what CLDR calls international English.
IN_CLDR = {"en": "en_GB"}


def tags() -> list[str]:
    named = [f"{name}-{region}" for name in languages() for region in language_of(name).words.regions]
    return sorted([*languages(), *named, "en-GB", "de-AT", "de-CH", "fr-BE", "es-ES", "it-IT", "nl-BE"])


def plain(text: str) -> str:
    """CLDR puts narrow and unbreakable spaces where letters have a space."""
    return text.replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize("tag", tags())
def test_days_and_times_are_written_as_the_region_does(tag: str) -> None:
    language = language_of(tag)
    cldr = Locale.parse(IN_CLDR.get(tag, tag.replace("-", "_")))
    for moment in EVERY_MONTH:
        assert language.day(moment) == format_date(moment, "full", locale=cldr)
    for moment in ROUND_THE_CLOCK:
        assert language.clock(moment) == plain(format_time(moment, "short", locale=cldr))


def test_there_are_six_languages() -> None:
    assert languages() == {"en", "de", "fr", "es", "it", "nl"}


@pytest.mark.parametrize("name", ["en", "de", "fr", "es", "it", "nl"])
def test_each_language_has_words_for_every_letter(name: str) -> None:
    words, english = language_of(name).words, language_of("en").words
    kinds = {kind for kind, _ in KINDS} | {"modified", "webhook_disabled"}
    assert words.kinds.keys() == english.kinds.keys() == kinds
    assert words.frame.keys() == english.frame.keys()
    assert words.calendar.keys() == english.calendar.keys()
    assert all(kind.keys() == {"subject", "text"} and all(kind.values()) for kind in words.kinds.values())


def test_a_language_that_we_do_not_write_is_english() -> None:
    for tag in ("ja", "ja-JP", "pt-US", "xx"):
        assert language_of(tag) == language_of("en")


def test_a_tag_is_read_whatever_its_case_and_script() -> None:
    assert language_of("EN-us").style == language_of("en-Latn-US").style == language_of("en-US").style
    assert language_of("de-DE-1996").words == language_of("de").words
    assert language_of("de-AT").tag == "de-AT"


def test_what_is_no_tag_at_all_is_english() -> None:
    """An old message, or one by hand."""
    for tag in ("", "-", "../../en", "en_GB"):
        assert language_of(tag).tag == "en"
