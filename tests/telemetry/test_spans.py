"""Which spans a call opens, and what each of them covers."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from maitred.adapters.telemetry.recorder import Recorder
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import house


@pytest.fixture
def desk(database: TestDatabase) -> Iterator[Desk]:
    """One table for four."""
    desk = open_desk(database, RecordingQueue())
    assert desk.put("harbour", house(4)) == 201
    yield desk
    desk.database.close()


@pytest.fixture
def spans(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every span, where it begins (``+``) and ends (``-``)."""
    seen: list[str] = []

    @contextmanager
    def span(self: Recorder, name: str, **annotations: str) -> Iterator[None]:
        seen.append(f"+{name}")
        yield
        seen.append(f"-{name}")

    monkeypatch.setattr(Recorder, "span", span)
    return seen


def test_a_confirmation_ends_before_its_messages_are_sent(
    database: TestDatabase, desk: Desk, spans: list[str]
) -> None:
    assert desk.booking(wish(4)) == 201
    first: UUID = database.value("select id from bookings")
    assert desk.booking(wish(4)) == 201
    spans.clear()
    assert desk.modify(first, wish(4, "21:00")) == 200  # its old table is free for the second party
    assert spans == ["+snapshot", "-snapshot", "+plan", "-plan", "+confirm", "-confirm", "+relay", "-relay"]


def test_a_booking_on_its_hold_is_planned_too(database: TestDatabase, desk: Desk, spans: list[str]) -> None:
    assert desk.hold(wish(4)) == 201
    spans.clear()
    assert desk.booking(wish(4, hold_id=database.value("select id from holds"))) == 201
    assert spans == ["+snapshot", "-snapshot", "+plan", "-plan", "+confirm", "-confirm"]
