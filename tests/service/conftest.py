"""The service on a database of its own, with a restaurant to book."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk
from tests.harness.fixtures import harbour, running, service
from tests.harness.service import slow_stopwatch

__all__ = ["harbour", "running", "service"]


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def desks(
    database: TestDatabase, queue: RecordingQueue, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., list[Desk]]]:
    """Opens sandboxes, each with a connection of its own; they are closed after the test."""
    slow_stopwatch(monkeypatch)
    opened: list[Desk] = []

    def open_many(count: int, **options: Any) -> list[Desk]:
        new = [open_desk(database, queue, **options) for _ in range(count)]
        opened.extend(new)
        return new

    yield open_many
    for desk in opened:
        desk.database.close()
