"""One HTTP client on one connection that stays open, as an application server would have it."""

import http.client
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from demo.model import Answer, Document, Step

SECONDS = 60.0
PAGE = 200


class ApiError(RuntimeError):
    """The API did not do what the demo needs; the message holds its answer."""


class Client:
    """Not thread-safe. Close it, or use it as a context manager."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()

    def put_restaurant(self, restaurant_id: str, document: Document) -> None:
        """Create or replace a restaurant. Raises ApiError."""
        self._ask("PUT", f"/restaurants/{quote(restaurant_id)}", document)

    def bookings(self, restaurant_id: str) -> Iterator[Document]:
        """All bookings of a restaurant, page by page. Raises ApiError."""
        query = {"limit": str(PAGE)}
        while True:
            page = self._ask("GET", f"/restaurants/{quote(restaurant_id)}/bookings?{urlencode(query)}")
            yield from page["items"]
            if page["nextCursor"] is None:
                return
            query["cursor"] = page["nextCursor"]

    def assignments(self, restaurant_id: str) -> Document:
        """The report on the last days' assignments. Raises ApiError."""
        return self._ask("GET", f"/restaurants/{quote(restaurant_id)}/reports/assignments")

    def play(self, step: Step, booking_id: str | None) -> Answer:
        """Send a step's request, timed; ``booking_id`` is what a cancellation cancels."""
        path = f"/bookings/{booking_id}/cancel" if booking_id else f"/restaurants/{step.restaurant}/bookings"
        body = step.body()
        began = time.perf_counter()
        try:
            status, answer = self._send("POST", path, body, {"idempotency-key": f"demo-{step.number}"})
        except (OSError, http.client.HTTPException, ValueError, ApiError) as error:
            self._connection.close()
            status, answer = 0, {"code": f"no answer: {error!r}"}
        return Answer(step, status, answer, (time.perf_counter() - began) * 1000)

    def _ask(self, method: str, path: str, body: Document | None = None) -> Document:
        try:
            status, answer = self._send(method, path, body, {})
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError(f"{method} {path}: {error!r}") from error
        if not HTTPStatus(status).is_success:
            raise ApiError(f"{method} {path} answered {status}: {json.dumps(answer)[:500]}")
        return answer

    def _send(
        self, method: str, path: str, body: Document | None, more: dict[str, str]
    ) -> tuple[int, Document]:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, self._headers | more)
        response = self._connection.getresponse()
        answer: Any = json.loads(response.read() or b"{}")
        if not isinstance(answer, dict):
            raise ApiError("the answer is not a JSON object")
        return response.status, answer
