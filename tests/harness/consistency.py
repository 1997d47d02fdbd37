"""What must be true of the book after anything that happened to it."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg

from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.invariants import PostgresInvariants
from maitred.services.upkeep.checks import ALWAYS, Check, InspectionScope, inspect


class BookingStore(Protocol):
    """A database that can be looked at, as its owner."""

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """In autocommit mode."""


def inspected(
    database: BookingStore, names: Mapping[str, str] = ALWAYS, patience: timedelta = timedelta()
) -> list[Check]:
    """The invariants, of all that ever happened here."""
    connection = Database(database.connect)
    now = datetime.now(UTC)
    scope = InspectionScope(now, now - timedelta(days=400), patience)
    try:
        return inspect(PostgresInvariants(connection), scope, names)
    finally:
        connection.close()


def assert_consistent(database: BookingStore) -> None:
    """All that must be true at every moment."""
    assert [check for check in inspected(database) if check.wrong] == []


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Poll until ``condition`` holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def stays(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Poll for ``seconds``; fails as soon as ``condition`` does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what
        time.sleep(0.02)
