"""A client of the running stack: HTTP in front, SQL and queues to look behind it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg

from localstack.stack import LocalStack
from tests.harness.service import house, party

PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.1


class Guest:
    def __init__(self, stack: LocalStack, restaurant: str) -> None:
        self.stack = stack
        self.restaurant = restaurant
        self._token = stack.token()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request; returns status and JSON body."""
        request = urllib.request.Request(  # noqa: S310 - the stack's own address
            self.stack.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def put_house(self, *capacities: int) -> None:
        status, answer = self.call("PUT", f"/restaurants/{self.restaurant}", house(*capacities))
        assert status in (200, 201), answer

    def book(self, size: int, key: str | None = None) -> tuple[int, Any]:
        headers = {} if key is None else {"idempotency-key": key}
        return self.call("POST", f"/restaurants/{self.restaurant}/bookings", party(size), **headers)

    def state(self, booking_id: str) -> str:
        status, answer = self.call("GET", f"/bookings/{booking_id}")
        assert status == 200
        return str(answer["booking"]["state"])

    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.stack.dsn, autocommit=True)

    def value(self, statement: str, *values: Any) -> Any:
        with self.owner() as conn:
            row = conn.execute(statement.encode(), values).fetchone()
        assert row is not None
        return row[0]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds; fail with ``what`` if it does not within patience."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(_PAUSE_SECONDS)
