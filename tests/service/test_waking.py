"""Who waits hears of freed capacity, whatever is going on at that moment."""

from collections.abc import Iterator
from typing import Any

import pytest

from maitred.domain.booking import Trigger
from maitred.planner.answer.quote import quote
from maitred.planner.model import Decision
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import house

_HOPELESS = 20  # as many as one cancellation wakes


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def owner(database: TestDatabase, queue: RecordingQueue) -> Iterator[Desk]:
    desk = open_desk(database, queue)
    yield desk
    desk.database.close()


def states(database: TestDatabase) -> list[str]:
    return [row[0] for row in database.query("select state from bookings order by created_at, id")]


@pytest.mark.parametrize("freed_by", ["cancel", "layout"])
def test_who_is_being_worked_on_is_woken_too(
    database: TestDatabase, queue: RecordingQueue, owner: Desk, freed_by: str
) -> None:
    """Its last attempt has read the day already: without the message it would wait for ever."""
    assert owner.put("harbour", house(4)) == 201
    assert owner.booking(wish(4)) == 201
    first = database.value("select id from bookings")
    assert owner.booking(wish(4)) == 201
    [message] = queue.take()

    def too_early(*args: Any, **named: Any) -> Decision:
        decision = quote(*args, **named)
        if freed_by == "cancel":
            assert owner.cancel(first) == 200
        else:
            assert owner.put("harbour", house(4, 4)) == 200
        return decision

    worker = open_desk(database, queue, decide=too_early)
    assert worker.work(message) == "manual_review"
    worker.database.close()

    [woken] = queue.take()
    assert woken.trigger is Trigger.CAPACITY_FREED
    assert owner.work(woken) == "confirmed"


def test_those_who_could_never_use_a_table_do_not_keep_it_from_those_who_could(
    database: TestDatabase, queue: RecordingQueue, owner: Desk
) -> None:
    assert owner.put("harbour", house(2, 4)) == 201
    assert [owner.booking(wish(size)) for size in (4, 2)] == [201, 201]
    [small] = database.query("select id from bookings where party_size = 2")
    assert [owner.booking(wish(6)) for _ in range(_HOPELESS)] == [201] * _HOPELESS
    assert owner.booking(wish(2)) == 201
    for message in queue.take():
        assert owner.work(message) == "manual_review"

    assert owner.cancel(small[0]) == 200
    woken = queue.take()
    assert len(woken) == _HOPELESS
    results = [owner.work(message) for message in woken]
    assert results.count("confirmed") == 1
    assert states(database)[-1] == "confirmed"
