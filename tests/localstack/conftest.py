"""One local stack with the fixture's functions, for all tests that do not stop it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from localstack.stack import LocalStack, Options

FIXTURE = Path(__file__).parent / "fixture" / "template.yaml"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(
    url: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        pairs = [(name.lower(), value) for name, value in response.getheaders()]
        cookies = tuple(value for name, value in pairs if name == "set-cookie")
        return Reply(response.status, dict(pairs), cookies, response.read())
    finally:
        connection.close()


def eventually[T](probe: Callable[[], T], *, seconds: float = 120) -> T:
    """The first true value of ``probe``; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := probe()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = Options(built=FIXTURE, durable=False, schedules=False, sandboxes=3)
    with LocalStack(tmp_path_factory.mktemp("home"), options=options) as running:
        yield running
