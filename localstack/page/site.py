"""``/_local/`` over HTTP: one page, the data that it shows, one action, and a token for the API.

What a host does on the page goes through the API like any client's calls, with that token.

It shows guests' data, so it answers only a browser of this machine, sent by the page itself or by its user. A
foreign Host (a name that an attacker points at this machine) and requests from other sites are refused.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from localstack.page.mailbox import Mailbox
from localstack.page.metrics import Metrics
from localstack.page.queues import Queues
from localstack.page.records import Records

ROOT = "/_local/"
TOKEN_HEADER = "x-page-token"  # noqa: S105 - a header's name
STATIC = Path(__file__).parent / "static"
THREADS = 4
LONGEST_MINUTES = 180
API_TOKEN_SECONDS = 900
HOST = "local-host"  # who acted, in the history of what was done on the page
_KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_HOSTS = {"127.0.0.1", "localhost"}
_YEARS = range(2000, 2100)  # far from where the calendar ends, and with it its arithmetic
_FROM_HERE = {"same-origin", "none"}  # from the page itself; typed or bookmarked by the user
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LETTER_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _PAGE_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}

type Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    body: bytes
    kind: str = "application/json"
    status: int = 200
    policy: str = _PAGE_POLICY


class Refused(Exception):
    """The request is not answered; the message says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Page:
    """The page of one running stack. ``mint``: a new token for the API, good for `API_TOKEN_SECONDS`."""

    def __init__(
        self, *, metrics: Metrics, records: Records, queues: Queues, mailbox: Mailbox, mint: Callable[[], str]
    ) -> None:
        self._metrics = metrics
        self._records = records
        self._queues = queues
        self._mailbox = mailbox
        self._mint = mint
        self._token = secrets.token_urlsafe()
        self._threads = ThreadPoolExecutor(THREADS, "page")  # its own: the stack never waits for the page
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Reply]]] = [
            ("GET", re.compile(""), self._index),
            ("GET", re.compile(r"static/(?P<name>[\w./-]+)"), self._static),
            ("GET", re.compile("metrics"), self._figures),
            ("GET", re.compile("events"), self._events),
            ("GET", re.compile("restaurants"), lambda _: _json(self._records.restaurants())),
            ("GET", re.compile(r"restaurants/(?P<restaurant>[\w-]+)/days"), self._days),
            ("GET", re.compile(r"restaurants/(?P<restaurant>[\w-]+)/days/(?P<day>[\d-]+)"), self._floor),
            ("GET", re.compile("queues"), lambda _: _json(self._queues.all())),
            ("POST", re.compile(r"queues/(?P<queue>\w+)/redrive"), self._redrive),
            ("POST", re.compile("token"), self._api_token),
            ("GET", re.compile("mail"), lambda _: _json(self._mailbox.newest())),
            ("GET", re.compile(r"mail/(?P<name>[\w-]+)"), self._letter),
            ("GET", re.compile(r"mail/(?P<name>[\w-]+)/html"), self._letter_html),
        ]

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a request's path is the page's, and not the API's."""
        return path.startswith(ROOT) or path == ROOT.rstrip("/")

    def close(self) -> None:
        """Take no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if not http.path.startswith(ROOT):  # the page's own addresses are relative
            return web.Response(status=308, headers=_HEADERS | {"location": ROOT})
        reply = await self._reply(http)
        headers = _HEADERS | {"content-security-policy": reply.policy}
        return web.Response(
            status=reply.status, body=reply.body, content_type=reply.kind, charset="utf-8", headers=headers
        )

    async def _reply(self, http: web.BaseRequest) -> Reply:
        try:
            self._admit(http)
            work, found = self._route(http.method, http.path.removeprefix(ROOT))
            call = asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: work(http.query, **found)
            )
            return await call
        except Refused as error:
            return _json({"message": str(error)}, error.status)
        except LookupError as error:
            return _json({"message": str(error.args[0])}, 404)
        except ClientError as error:
            return _json({"message": error.response["Error"]["Message"]}, 409)
        except (psycopg.Error, BotoCoreError, OSError) as error:
            return _json({"message": f"not reachable right now: {error}"}, 503)

    def _admit(self, http: web.BaseRequest) -> None:
        host = http.headers.get("host", "")
        if _hostname(host) not in _HOSTS:
            raise Refused(421, "this page answers only requests of this machine")
        if http.headers.get("sec-fetch-site", "none") not in _FROM_HERE:
            raise Refused(403, "another site sent this request")
        if http.method in {"GET", "HEAD"}:
            return
        given = http.headers.get(TOKEN_HEADER, "")
        own = http.headers.get("origin", "") == f"http://{host}"
        if not own or not secrets.compare_digest(
            given.encode(errors="surrogateescape"), self._token.encode()
        ):
            raise Refused(403, "this request did not come from the page: reload it")

    def _route(self, method: str, path: str) -> tuple[Callable[..., Reply], dict[str, str]]:
        known = [
            (each, work, match.groupdict())
            for each, pattern, work in self._routes
            if (match := pattern.fullmatch(path))
        ]
        for each, work, found in known:
            if each == method:
                return work, found
        raise Refused(405 if known else 404, "not found")

    def _index(self, _query: Query) -> Reply:
        page = (STATIC / "index.html").read_text(encoding="utf-8")
        return Reply(page.replace("{{token}}", self._token).encode(), "text/html")

    def _static(self, _query: Query, name: str) -> Reply:
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC) or not path.is_file() or path.suffix not in _KINDS:
            raise LookupError("no such file")
        return Reply(path.read_bytes(), _KINDS[path.suffix])

    def _figures(self, query: Query) -> Reply:
        return _json(self._metrics.figures(_number(query, "minutes", 15, LONGEST_MINUTES) * 60))

    def _events(self, query: Query) -> Reply:
        return _json(self._records.events(query.get("find", "").strip(), _number(query, "limit", 100, 500)))

    def _days(self, _query: Query, restaurant: str) -> Reply:
        return _json(self._records.days(restaurant))

    def _floor(self, _query: Query, restaurant: str, day: str) -> Reply:
        try:
            service_day = date.fromisoformat(day)
        except ValueError:
            raise Refused(400, f"{day} is not a date") from None
        if service_day.year not in _YEARS:
            raise Refused(400, f"{day} is outside the years 2000 to 2099")
        return _json(self._records.floor(restaurant, service_day))

    def _redrive(self, _query: Query, queue: str) -> Reply:
        self._queues.redrive(queue)
        return _json({"redriven": queue}, 202)

    def _api_token(self, _query: Query) -> Reply:
        return _json({"token": self._mint(), "seconds": API_TOKEN_SECONDS})

    def _letter(self, _query: Query, name: str) -> Reply:
        return _json(self._mailbox.read(name))

    def _letter_html(self, _query: Query, name: str) -> Reply:
        return Reply(self._mailbox.html(name).encode(), "text/html", policy=_LETTER_POLICY)


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False).encode(), status=status)


def _number(query: Query, name: str, default: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and 0 < int(text) <= most:
        return int(text)
    raise Refused(400, f"{name} must be a number from 1 to {most}")
