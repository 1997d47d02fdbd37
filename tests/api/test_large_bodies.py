"""Bodies that are too large are turned away before they are read."""

import base64
import json
from typing import Any

import pytest

from tests.harness.events import http_event
from tests.harness.problems import assert_problem, call, invoke, nothing_written
from tests.harness.service import Answer, Service, house, party

PATH = "/restaurants/harbour/bookings"
KILOBYTE = 1024


def padded(body: dict[str, Any], size: int) -> str:
    """The body as JSON of so many bytes."""
    text = json.dumps(body)
    return text + " " * (size - len(text))


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_may_have_64_kilobytes(harbour: Service, *, encoded: bool) -> None:
    def book(size: int) -> Answer:
        text = padded(party(), size)
        event = http_event("POST", PATH, body=text, headers={"idempotency-key": str(size)})
        if encoded:
            event |= {"body": base64.b64encode(text.encode()).decode(), "isBase64Encoded": True}
        return invoke("bookings", event)

    assert book(64 * KILOBYTE).status == 201
    problem = assert_problem(book(64 * KILOBYTE + 1), 413, "too_large")
    assert "65536 bytes" in problem["detail"]


@pytest.mark.parametrize("text", ["é" * 33 * KILOBYTE, "[" * 65 * KILOBYTE], ids=["bytes", "not JSON"])
def test_bytes_are_counted_and_nothing_is_parsed(harbour: Service, text: str) -> None:
    with nothing_written(harbour):
        assert_problem(call("bookings", "POST", PATH, body=text), 413, "too_large")
        assert_problem(call("bookings", "POST", PATH, body=text, scope="openid"), 403, "forbidden")


def test_nor_by_a_call_without_members(harbour: Service) -> None:
    booking = harbour.book("harbour", party()).json["booking"]["id"]
    request = {"body": padded({}, 65 * KILOBYTE), "headers": {"idempotency-key": "large"}}
    for method, path in (("POST", "no-show"), ("POST", "arrive"), ("DELETE", "assignment")):
        answer = call("operations", method, f"/bookings/{booking}/{path}", **request)
        assert_problem(answer, 413, "too_large")


def test_a_floor_document_may_have_a_megabyte(harbour: Service) -> None:
    def put(size: int) -> Answer:
        return call("operations", "PUT", "/restaurants/harbour", body=padded(house(2, 2, 4), size))

    assert put(KILOBYTE * KILOBYTE).status == 200
    assert_problem(put(KILOBYTE * KILOBYTE + 1), 413, "too_large")
