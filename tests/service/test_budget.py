"""The inline budget: an answer in time, and nothing of a timed-out attempt ever commits (T1)."""

import time
from collections.abc import Iterator

import pytest

from tests.harness.consistency import assert_consistent, eventually, stays
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import house

BUDGET_MS = 300
GRACE_S = 1.5  # what keeping the booking as pending may take


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def desk(database: TestDatabase, queue: RecordingQueue) -> Iterator[Desk]:
    """A sandbox with a budget of 300 ms and a warm floor of two tables."""
    desk = open_desk(database, queue, budget_ms=BUDGET_MS)
    assert desk.put("harbour", house(2, 4)) == 201
    assert desk.booking(wish(2, "17:00")) == 201
    assert database.value("select state from bookings") == "confirmed"
    yield desk
    desk.database.close()


def timed(desk: Desk) -> float:
    began = time.monotonic()
    assert desk.booking(wish(4)) == 201
    return time.monotonic() - began


def reason_of_the_last(database: TestDatabase) -> str:
    """The reason code in the last result of the booking made last; it must be pending, without tables."""
    [(state, reason, tables)] = database.query(
        "select b.state, b.auto_assign_last_result -> 'reason' ->> 'code',"
        " (select count(*) from allocations a where a.booking_id = b.id)"
        " from bookings b order by created_at desc limit 1"
    )
    assert (state, tables) == ("assignment_pending", 0)
    return str(reason)


LOCKS = {
    "the day": "select 1 from service_days for update",
    "the restaurant": "select 1 from restaurants for no key update",  # as a new floor document does
    "the ledger": "lock table allocations in exclusive mode",
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_t1_a_lock_that_lasts_ends_as_timeout_within_the_budget(
    database: TestDatabase, desk: Desk, queue: RecordingQueue, lock: str
) -> None:
    with database.connect() as rival:
        rival.execute(b"begin")
        rival.execute(lock.encode())
        spent = timed(desk)
        assert BUDGET_MS / 1000 <= spent < BUDGET_MS / 1000 + GRACE_S
        assert reason_of_the_last(database) == "timeout"
        rival.execute(b"rollback")
    one_pending(database)
    [message] = queue.take()
    assert desk.work(message) == "confirmed"
    assert_consistent(database)


SLOW = {
    "one slow statement": ("allocations", 30.0),
    "a slow commit": ("deferred", 30.0),
    "many statements, each within the budget": ("all", 0.2),
}


@pytest.mark.parametrize(("where", "seconds"), SLOW.values(), ids=SLOW)
def test_t1_a_slow_database_ends_as_timeout_within_the_budget(
    database: TestDatabase, desk: Desk, where: str, seconds: float
) -> None:
    slow_down(database, where, seconds)
    spent = timed(desk)
    assert spent < BUDGET_MS / 1000 + GRACE_S
    assert reason_of_the_last(database) == "timeout"
    attempt = "select max((auto_assign_last_result ->> 'durationMs')::float) from bookings"
    assert database.value(attempt) < BUDGET_MS + 250
    one_pending(database)


def test_t1_a_snapshot_that_cannot_be_read_in_time_ends_as_timeout(
    database: TestDatabase, desk: Desk
) -> None:
    with database.connect() as rival:
        rival.execute(b"begin")
        rival.execute(b"lock table holds in access exclusive mode")  # only the snapshot reads holds
        spent = timed(desk)
        assert spent < BUDGET_MS / 1000 + GRACE_S
        assert reason_of_the_last(database) == "timeout"
        rival.execute(b"rollback")
    one_pending(database)


def test_t1_an_event_tells_the_timeout(database: TestDatabase, desk: Desk) -> None:
    slow_down(database, "allocations", 30.0)
    timed(desk)
    [context] = database.query(
        "select context from observability_events where event_type = 'inline_auto_assign.timeout'"
    )[0]
    assert context["budgetMs"] == BUDGET_MS
    assert context["stage"] == "confirm"
    assert context["durationMs"] >= BUDGET_MS * 0.9


def test_a_slow_database_that_refuses_in_time_keeps_nothing(database: TestDatabase, desk: Desk) -> None:
    slow_down(database, "allocations", 30.0)
    began = time.monotonic()
    assert desk.booking(wish(4, refuse=True)) == 503
    assert time.monotonic() - began < BUDGET_MS / 1000 + GRACE_S
    stays(lambda: database.value("select count(*) from bookings") == 1, "nothing is kept", 0.3)


def one_pending(database: TestDatabase) -> None:
    """No backend still works for the attempt, and none of it appears later."""
    eventually(
        lambda: (
            database.value(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and application_name = 'maitred-desk' and state <> 'idle'"
            )
            == 0
        ),
        "the attempt is over",
    )
    stays(
        lambda: (
            database.query("select state from bookings order by created_at")
            == [("confirmed",), ("assignment_pending",)]
            and database.value("select count(*) from allocations where live") == 1
        ),
        "the timed-out attempt committed",
        0.3,
    )


def slow_down(database: TestDatabase, where: str, seconds: float) -> None:
    """Sleep in the database: when tables are given, when that is checked, or in every statement.

    Only for bookings with tables, so that keeping one as pending is as fast as ever.
    """
    with database.connect() as owner:
        owner.execute(
            f"create function dawdle() returns trigger language plpgsql as"
            f" 'begin perform pg_sleep({seconds}); return null; end'".encode()
        )
        if where == "deferred":
            owner.execute(
                b"create constraint trigger zz_dawdle after insert on allocations"
                b" deferrable initially deferred for each row execute function dawdle()"
            )
            return
        owner.execute(b"create trigger dawdle after insert on allocations execute function dawdle()")
        if where == "all":
            # A second live allocation is there only while the confirmation is being written.
            owner.execute(
                b"create function dawdle_if_confirmed() returns trigger language plpgsql as 'begin"
                b" if exists (select from allocations where live offset 1) then"
                b" perform pg_sleep(0.2); end if; return null; end'"
            )
            for table in (
                "booking_state_history",
                "booking_assignment_attempts",
                "observability_events",
                "outbox",
            ):
                trigger = f"create trigger dawdle after insert on {table}"
                owner.execute(f"{trigger} execute function dawdle_if_confirmed()".encode())
