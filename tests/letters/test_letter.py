"""What stands in the letters, in every language, for people and against those who would abuse them."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from maitred.services.messaging.mail.email import Sender
from maitred.services.messaging.mail.language import languages
from tests.letters.drafts import KINDS, letter


class Reader(HTMLParser):
    """The tags and the text of a page, as a mail program sees them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.language: str | None = None
        self._text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"]

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())


@pytest.mark.parametrize("locale", sorted(languages()))
@pytest.mark.parametrize(("kind", "variant"), KINDS)
def test_text_and_html_say_the_same(kind: str, variant: str | None, locale: str) -> None:
    written = letter(kind, variant, locale)
    page = Reader(written.html)
    assert page.language == written.language == locale
    for part in (line for line in written.text.replace(": ", "\n").splitlines() if line):
        assert part in page.text
    assert "K7QX2M" in written.text
    assert "19:05 (GMT)" in written.text
    assert "T4" not in written.text + written.html
    assert "$" not in written.subject + written.text + written.html
    assert "by the window" not in written.text + written.html


def test_each_letter_differs_from_the_others() -> None:
    for locale in languages():
        assert len({letter(kind, variant, locale).text for kind, variant in KINDS}) == len(KINDS)


def test_an_english_confirmation_whole() -> None:
    written = letter()
    assert written.subject == "Your table at Harbour Room: Friday, 4 December 2026, 19:05"
    assert written.text == (
        "Dear Ada,\n\n"
        "Your table is confirmed. We look forward to seeing you.\n\n"
        "Date: Friday, 4 December 2026\nTime: 19:05 (GMT)\nGuests: 4\nReference: K7QX2M\n\n"
        "Questions? Write to host@example.com.\n\n"
        "Harbour Room\n"
    )
    assert (written.sender, written.reply_to) == ("Harbour Room", "host@example.com")


@pytest.mark.parametrize(
    ("locale", "zone", "day", "time"),
    [
        ("en-US", "America/New_York", "Friday, December 4, 2026", "2:05 PM (EST)"),
        ("de", "Europe/Berlin", "Freitag, 4. Dezember 2026", "20:05 (CET)"),
        ("fr-CA", "America/Montreal", "vendredi 4 décembre 2026", "14 h 05 (EST)"),
        ("es-MX", "America/Mexico_City", "viernes, 4 de diciembre de 2026", "1:05 p.m. (CST)"),
        ("it", "Europe/Rome", "venerdì 4 dicembre 2026", "20:05 (CET)"),
        ("nl", "Europe/Amsterdam", "vrijdag 4 december 2026", "20:05 (CET)"),
        ("en-AU", "Australia/Sydney", "Saturday, 5 December 2026", "6:05 am (AEDT)"),
        ("en", "Asia/Dubai", "Friday, 4 December 2026", "23:05 (UTC+04)"),
    ],
)
def test_the_restaurants_zone_and_its_way_to_write_times(locale: str, zone: str, day: str, time: str) -> None:
    text = letter(locale=locale, timezone=zone).text
    assert day in text
    assert time in text


def test_summer_time_is_that_of_the_booking() -> None:
    summer = datetime(2026, 7, 3, 18, 0, tzinfo=UTC)
    assert "19:00 (BST)" in letter(start_at=summer).text


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "Tom & Jerry", "&lt;b&gt;", "${restaurant}"],
)
def test_a_guests_name_is_text_whatever_it_looks_like(name: str) -> None:
    written = letter(guest={"name": name})
    assert f"Dear {name}," in written.text
    page = Reader(written.html)
    assert f"Dear {name}," in page.text
    assert page.tags == Reader(letter().html).tags


def test_a_restaurants_name_is_text_too() -> None:
    written = letter(sender=Sender('<b>"Fish" & Chips</b>\r\nBcc: eve@example.com\u202e'))
    assert written.sender == '<b>"Fish" & Chips</b> Bcc: eve@example.com'
    assert "\n" not in written.subject
    assert "b" not in Reader(written.html).tags


@pytest.mark.parametrize("name", ["win at evil.example", "https://evil", "eve@evil", "www.evil.com"])
def test_a_name_that_a_mail_program_would_make_a_link_is_left_out(name: str) -> None:
    """Anybody can book with anybody's address: our letter must not carry a stranger's link."""
    written = letter(guest={"name": name})
    assert written.text.startswith("Good day,")
    assert "evil" not in written.subject + written.text + written.html


@pytest.mark.parametrize("name", ["J. R. Ewing", "J.R. Ewing", "O'Brien", "Zoë", "李雷", "Dr. Ada"])
def test_a_name_is_a_name(name: str) -> None:
    assert name in letter(guest={"name": name}).text


@pytest.mark.parametrize(
    "name",
    ["山田\u3000太郎", "क्\u200dष", "क्\u200cष", "അനിവര്\u200d", "Jean\u00a0Dupont", "👨\u200d👩\u200d👧"],
)
def test_spaces_and_joiners_of_every_script_arrive(name: str) -> None:
    written = letter(guest={"name": name})
    assert f"Dear {name}," in written.text
    assert f"Dear {name}," in written.html


def test_a_guest_without_a_name_is_greeted() -> None:
    assert letter(guest={"email": "ada@example.com"}).text.startswith("Good day,\n")


def test_the_letter_to_the_restaurant_holds_nothing_of_the_guest() -> None:
    written = letter("attention")
    assert written.text.startswith("Good day,")
    assert "Ada" not in written.subject + written.text + written.html
    assert (written.reply_to, written.event) == (None, None)
    assert "host@example.com" not in written.text


def test_without_a_contact_nobody_is_promised_an_answer() -> None:
    written = letter(sender=Sender("Harbour Room"))
    assert written.reply_to is None
    assert "Questions" not in written.text + written.html


def test_there_is_no_letter_of_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="birthday"):
        letter("birthday")
