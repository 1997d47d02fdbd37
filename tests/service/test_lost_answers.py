"""The commit took place and nobody heard of it: one booking, one truth, one summary a run."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from maitred.adapters.system import SystemClock
from maitred.services.ports import BookingStore, Changes, LeasedMessage, Unavailable
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import house
from tests.harness.wire import WireTap

_CONFIRM = 5  # of the job's requests: booking, layout, claim, snapshot, confirmation


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def tap(database: TestDatabase) -> Iterator[WireTap]:
    with WireTap(database.port) as tap:
        yield tap


@pytest.fixture
def desk(database: TestDatabase, queue: RecordingQueue, tap: WireTap) -> Iterator[Desk]:
    """One table for four, and it is taken."""
    desk = open_desk(database, queue, port=tap.port)
    assert desk.put("harbour", house(4)) == 201
    assert desk.booking(wish(4)) == 201
    yield desk
    desk.database.close()


def summaries(database: TestDatabase, flow: str) -> list[str]:
    rows = database.query(
        "select context ->> 'result' from observability_events"
        " where event_type = 'auto_assign.summary' and context ->> 'flow' = %s order by id",
        flow,
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(("tables", "result"), [((4, 4), "confirmed"), ((4,), "manual_review")])
def test_a_job_whose_outcome_was_committed_ends_with_it(
    database: TestDatabase,
    queue: RecordingQueue,
    tap: WireTap,
    desk: Desk,
    tables: tuple[int, ...],
    result: str,
) -> None:
    assert desk.booking(wish(4)) == 201
    [message] = queue.take()
    assert desk.put("harbour", house(*tables)) == 200
    tap.lose_answer(_CONFIRM)
    assert desk.work(message) == result
    assert summaries(database, "job") == [result]
    assert_consistent(database)


def test_a_job_whose_cut_off_was_committed_ends_with_it(
    database: TestDatabase,
    queue: RecordingQueue,
    tap: WireTap,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert desk.booking(wish(4)) == 201
    [message] = queue.take()
    start = database.value("select start_at from bookings where state = 'assignment_pending'")
    monkeypatch.setattr(SystemClock, "now", lambda _: start - timedelta(minutes=9))
    tap.lose_answer(3)  # 1 is the booking, 2 the layout
    assert desk.work(message) == "manual_review"
    assert summaries(database, "job") == ["cutoff"]
    assert_consistent(database)


def test_a_job_whose_claim_was_lost_leaves_the_booking_to_the_next_delivery(
    database: TestDatabase, queue: RecordingQueue, tap: WireTap, desk: Desk
) -> None:
    assert desk.booking(wish(4)) == 201
    [message] = queue.take()
    tap.lose_answer(3)
    with pytest.raises(Unavailable):
        desk.work(message)
    assert summaries(database, "job") == ["error"]
    assert desk.work(message) in ("manual_review", "deferred")


def test_a_guest_without_a_key_hears_of_the_booking_that_was_kept_as_pending(
    database: TestDatabase, tap: WireTap, desk: Desk
) -> None:
    tap.lose_answer(2)  # 1 is the snapshot
    with desk.recorder.invocation("c1"):
        assert desk.booking(wish(4)) == 201
    assert '"outcome":"deferred"' in desk.answers[-1].body
    assert database.value("select count(*) from bookings where state = 'assignment_pending'") == 1
    assert summaries(database, "inline") == ["confirmed", "deferred"]


def test_a_job_that_broke_before_it_planned_keeps_the_policy_it_would_have_planned_by(
    database: TestDatabase, queue: RecordingQueue, tap: WireTap, desk: Desk
) -> None:
    assert desk.booking(wish(4)) == 201
    [message] = queue.take()
    tap.lose_answer(3)  # the claim
    with pytest.raises(Unavailable):
        desk.work(message)
    strategies = database.query("select strategy ->> 'maxTables' from booking_assignment_attempts")
    assert set(strategies) == {("1",)}


class SlowCommit:
    """A server that commits only after the broken client has looked for its booking."""

    def __init__(self, book: BookingStore) -> None:
        self._book = book
        self._late: Changes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def apply(self, changes: Changes, budget_ms: int | None = None) -> tuple[LeasedMessage, ...]:
        if changes.claim is not None:
            self._late = changes
            raise Unavailable
        if self._late is not None:
            late, self._late = self._late, None
            self._book.apply(late)
        return self._book.apply(changes, budget_ms)


def test_a_confirmation_that_lands_late_is_the_answer(database: TestDatabase, queue: RecordingQueue) -> None:
    desk = open_desk(database, queue, wrap=SlowCommit)
    assert desk.put("harbour", house(4)) == 201
    with desk.recorder.invocation("c1"):
        assert desk.booking(wish(4)) == 201
    assert '"outcome":"confirmed"' in desk.answers[-1].body
    assert database.query("select state from bookings") == [("confirmed",)]
    assert summaries(database, "inline") == ["confirmed"]
    assert_consistent(database)
    desk.database.close()


class NothingKept:
    """A book that can be read, and takes nothing."""

    def __init__(self, book: BookingStore) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def apply(self, changes: Changes, budget_ms: int | None = None) -> tuple[LeasedMessage, ...]:
        raise Unavailable


def test_o1_a_guest_who_is_sent_away_leaves_a_summary_and_the_planner_calls(
    database: TestDatabase, queue: RecordingQueue, desk: Desk
) -> None:
    mute = open_desk(database, queue, wrap=NothingKept)
    with mute.recorder.invocation("c1"):
        assert mute.booking(wish(4)) == 503
    assert summaries(database, "inline") == ["confirmed", "error"]
    quotes = "select count(*) from observability_events where event_type = 'auto_assign.quote'"
    assert database.value(quotes) == 2
    mute.database.close()
