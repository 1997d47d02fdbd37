"""Who is answered, what is refused, and what the answers hold, on a running stack of the fixture."""

import re
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from localstack.constants import ALL_SCOPES
from localstack.page.mailbox import Mailbox
from localstack.page.site import HOST, STATIC
from localstack.stack import LocalStack
from tests.localstack.conftest import Reply, call, eventually

pytestmark = pytest.mark.stack


def ask(stack: LocalStack, path: str, *, method: str = "GET", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(stack.url, f"/_local/{path}", method=method, headers=named)


@pytest.fixture(scope="module")
def token(stack: LocalStack) -> str:
    found = re.search(r'name="page-token" content="([\w-]{20,})"', ask(stack, "").body.decode())
    assert found
    return found[1]


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"src", "href"} and value]
        self.scripts += tag == "script" and not any(name == "src" for name, _ in attrs)


def test_the_page_loads_nothing_from_elsewhere(stack: LocalStack) -> None:
    page = ask(stack, "")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    links = Links()
    links.feed(page.body.decode())
    assert links.scripts == 0, "a script in the page would need a weaker policy"
    files = [link for link in links.found if not link.startswith(("#", "data:"))]
    assert len(files) == 2
    for link in files:
        assert ask(stack, link).status == 200, link
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "access-control-allow-origin" not in page.headers


def test_without_the_last_slash_it_is_the_same_page(stack: LocalStack) -> None:
    """Redirected, so that the page's own addresses are right."""
    reply = call(stack.url, "/_local")
    assert (reply.status, reply.headers["location"]) == (308, "/_local/")


def test_every_file_of_the_page_is_served_and_nothing_beside_them(stack: LocalStack) -> None:
    for file in STATIC.rglob("*.js"):
        assert ask(stack, f"static/{file.relative_to(STATIC)}").body == file.read_bytes()
    for path in (
        "static/../site.py",
        "static/%2e%2e/site.py",
        "static//etc/passwd",
        "static/nothing.js",
        "nothing",
    ):
        assert ask(stack, path).status == 404, path


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "192.0.2.1", "[", ""]
)
def test_a_name_that_somebody_points_at_this_machine_is_refused(stack: LocalStack, host: str) -> None:
    reply = ask(stack, "queues", Host=host)
    assert reply.status == 421
    assert b"PartialQueue" not in reply.body


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:9"])
def test_this_machines_names_are_taken_through_a_tunnel_too(stack: LocalStack, host: str) -> None:
    assert ask(stack, "queues", Host=host).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_is_refused(stack: LocalStack, site: str) -> None:
    assert ask(stack, "mail", Sec_Fetch_Site=site).status == 403
    assert ask(stack, "mail", Sec_Fetch_Site="same-origin").status == 200


def test_an_action_needs_the_pages_token_and_origin(stack: LocalStack, token: str) -> None:
    path, own = "queues/PartialDeadLetterQueue/redrive", stack.url
    for headers in (
        {},
        {"x-page-token": token},
        {"Origin": own},
        {"x-page-token": token, "Origin": "http://evil.example"},
        {"x-page-token": token, "Origin": "null"},
        {"x-page-token": "x", "Origin": own},
        {"x-page-token": "é", "Origin": own},
    ):
        assert ask(stack, path, method="POST", **headers).status == 403, headers
    assert ask(stack, path).status == 405


def test_a_token_for_the_api_is_given_to_the_page_alone(stack: LocalStack, token: str) -> None:
    """It works for a quarter of an hour; it is in no address and no cache."""
    for headers in ({}, {"x-page-token": token}, {"x-page-token": token, "Origin": "http://evil.example"}):
        assert ask(stack, "token", method="POST", **headers).status == 403, headers
    assert ask(stack, "token").status == 405
    reply = ask(stack, "token", method="POST", **{"x-page-token": token, "Origin": stack.url})
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    claims = jwt.decode(reply.json()["token"], options={"verify_signature": False})
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == (HOST, ALL_SCOPES, 900)
    assert reply.json()["token"].encode() not in ask(stack, "").body


def test_only_dead_letter_queues_are_redriven(stack: LocalStack, token: str) -> None:
    for queue in ("PartialQueue", "Nothing"):
        headers = {"x-page-token": token, "Origin": stack.url}
        assert ask(stack, f"queues/{queue}/redrive", method="POST", **headers).status == 404


def test_a_redrive_brings_the_dead_letters_back(stack: LocalStack, token: str) -> None:
    """Given up by the worker, sent back by the page, given up again: it is in the dead-letter queue once."""
    stack.sqs().purge_queue(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))
    marker = f"poison {uuid4()}"
    stack.sqs().send_message(QueueUrl=stack.queue_url("PartialQueue"), MessageBody=marker)
    eventually(lambda: _queue(stack, "PartialDeadLetterQueue")["visible"] == 1)
    assert _queue(stack, "PartialDeadLetterQueue")["sources"] == ["PartialQueue"]
    reply = ask(
        stack, "queues/PartialDeadLetterQueue/redrive", method="POST",
        **{"x-page-token": token, "Origin": stack.url},
    )  # fmt: skip
    assert reply.status == 202
    ended = eventually(lambda: [r for r in _queue(stack, "PartialDeadLetterQueue")["redrives"] if r["moved"]])
    assert (ended[0]["status"], ended[0]["moved"], ended[0]["failure"]) == ("COMPLETED", 1, "")
    eventually(lambda: _queue(stack, "PartialDeadLetterQueue")["visible"] == 1)
    stack.sqs().purge_queue(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))


def _queue(stack: LocalStack, name: str) -> Any:
    return next(each for each in ask(stack, "queues").json() if each["id"] == name)


@pytest.mark.parametrize(
    "path", ["metrics?minutes=0", "metrics?minutes=x", "metrics?minutes=181", "events?limit=-1"]
)
def test_numbers_have_their_ranges(stack: LocalStack, path: str) -> None:
    assert ask(stack, path).status == 400


def test_a_database_without_tables_is_told_and_breaks_nothing(stack: LocalStack) -> None:
    assert ask(stack, "events").status == 503
    assert ask(stack, "queues").status == 200


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-13-01", "-"])
def test_a_day_that_is_none_is_told(stack: LocalStack, day: str) -> None:
    assert ask(stack, f"restaurants/harbour/days/{day}").status == 400


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "Bé <b@example.com>", "Tisch für 2"
    mail["Date"] = "Fri, 04 Dec 2026 19:00:00 +0100"
    mail.set_content("Hello")
    mail.add_alternative("<script>alert(1)</script><b>Hello</b>", subtype="html")
    mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="booking.ics")
    (tmp_path / f"18f-{uuid4()}.eml").write_bytes(mail.as_bytes())
    (tmp_path / f"18e-{uuid4()}.eml").write_bytes(b"Date: nonsense\n\nno headers to speak of")
    (tmp_path / ".18d-half").write_bytes(b"being written")
    return tmp_path


def test_letters_are_listed_newest_first_and_read(letters: Path) -> None:
    box = Mailbox(letters)
    listed = box.newest()
    first, second = listed["items"]
    assert listed["count"] == 2
    assert (first["subject"], first["to"], first["at"]) == ("Tisch für 2", "Bé <b@example.com>", 1796407200.0)
    assert second["subject"] == ""
    letter = box.read(first["id"])
    assert (letter["text"], letter["html"], letter["attached"]) == ("Hello\n", True, ["booking.ics"])
    with pytest.raises(LookupError):
        box.html(second["id"])
    for name in ("../issuer", "18f", f"18f-{uuid4()}", ""):
        with pytest.raises(LookupError):
            box.read(name)


def test_a_letters_html_comes_with_a_policy_that_lets_nothing_run(stack: LocalStack, letters: Path) -> None:
    (newest, *_) = sorted(letters.glob("*.eml"), reverse=True)
    kept = stack.home / "mail" / newest.name
    kept.write_bytes(newest.read_bytes())
    reply = ask(stack, f"mail/{newest.stem}/html")
    kept.unlink()
    assert b"<script>" in reply.body, "as it was sent"
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "allow-" not in policy
    assert "script" not in policy
