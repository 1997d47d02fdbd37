"""A guest's change races the job, another change, and other guests; and the commit nobody heard of."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from maitred.contracts.bookings import IfMatch
from maitred.domain.booking import LocalStart, Preferences
from maitred.planner.answer.quote import quote
from maitred.planner.model import Decision
from maitred.services.booking.request import BookingRequest
from maitred.services.idempotency import RequestContext
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, all_at_once, open_desk, wish
from tests.harness.service import house
from tests.harness.wire import WireTap

_ROUNDS = 20


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def desk(database: TestDatabase, queue: RecordingQueue) -> Iterator[Desk]:
    """One table for four."""
    desk = open_desk(database, queue)
    assert desk.put("harbour", house(4)) == 201
    yield desk
    desk.database.close()


@pytest.fixture
def desks(database: TestDatabase, queue: RecordingQueue) -> Iterator[list[Desk]]:
    found = [open_desk(database, queue) for _ in range(2)]
    yield found
    for each in found:
        each.database.close()


def only(database: TestDatabase) -> UUID:
    found: UUID = database.value("select id from bookings")
    return found


def row(database: TestDatabase) -> tuple[Any, ...]:
    return database.query(
        "select state, version, party_size, request_version, lease_token from bookings"
        " order by created_at desc limit 1"
    )[0]


def next_day(wanted: BookingRequest) -> BookingRequest:
    assert isinstance(wanted.start, LocalStart)
    return replace(wanted, start=replace(wanted.start, day=wanted.start.day + timedelta(days=1)))


def test_b11_what_a_job_planned_for_the_old_request_loses(
    database: TestDatabase, queue: RecordingQueue, desk: Desk
) -> None:
    """The guest grows to four while the job has a table for two in hand."""
    assert desk.booking(wish(4)) == 201
    first = only(database)
    assert desk.booking(wish(2)) == 201
    waiting: UUID = database.value("select id from bookings where party_size = 2")
    assert desk.cancel(first) == 200
    message = queue.take()[-1]

    def meanwhile(*args: Any, **named: Any) -> Decision:
        decision = quote(*args, **named)
        assert desk.modify(waiting, wish(4)) == 200
        return decision

    worker = open_desk(database, queue, decide=meanwhile)
    assert worker.work(message) in ("superseded", "already_confirmed")
    worker.database.close()
    state, _, party, request, lease = row(database)
    assert (state, party, request, lease) == ("confirmed", 4, 2, None)
    assert_consistent(database)


def test_an_edit_takes_the_booking_from_a_worker_that_holds_it(
    database: TestDatabase, queue: RecordingQueue, desk: Desk
) -> None:
    """A note written meanwhile: the worker is superseded, and the job starts anew by a message of its own."""
    assert desk.booking(wish(4)) == 201
    first = only(database)
    assert desk.booking(wish(2)) == 201
    waiting: UUID = database.value("select id from bookings where party_size = 2")
    [message] = queue.take()

    def meanwhile(*args: Any, **named: Any) -> Decision:
        decision = quote(*args, **named)
        assert desk.modify(waiting, replace(wish(2), notes="A birthday")) == 200
        return decision

    worker = open_desk(database, queue, decide=meanwhile)
    assert worker.work(message) == "superseded"
    worker.database.close()
    assert row(database)[0] == "assignment_pending"
    [again] = queue.take()
    assert desk.cancel(first) == 200
    assert desk.work(again) == "confirmed"


def test_of_two_changes_at_once_one_is_made(database: TestDatabase, desk: Desk, desks: list[Desk]) -> None:
    one, other = desks
    assert desk.booking(wish(2)) == 201
    booking = only(database)
    for round_ in range(_ROUNDS):
        before = row(database)[1]
        answers = all_at_once(
            [
                lambda: one.modify(booking, wish(3, "18:00"), IfMatch(frozenset({before}))),  # noqa: B023 - run at once
                lambda: other.modify(booking, wish(4, "20:00"), IfMatch(frozenset({before}))),  # noqa: B023 - run at once
            ]
        )
        assert sorted(answers) == [200, 412], (round_, answers)
        assert row(database)[1] == before + 1
        assert desk.modify(booking, wish(2)) == 200
    assert_consistent(database)


def test_two_bookings_that_swap_evenings(database: TestDatabase, desk: Desk, desks: list[Desk]) -> None:
    """Each lets go what the other wants, in opposite directions: nobody gets lost, nobody deadlocks."""
    today, tomorrow = wish(2), next_day(wish(2))
    assert [desk.booking(each) for each in (today, tomorrow)] == [201, 201]
    [(first,), (second,)] = database.query("select id from bookings order by start_at")
    for _ in range(_ROUNDS):
        answers = all_at_once(
            [
                lambda: desks[0].modify(first, replace(tomorrow, refuse_if_full=True)),
                lambda: desks[1].modify(second, replace(today, refuse_if_full=True)),
            ]
        )
        assert answers == [409, 409]
        assert_consistent(database)
    assert database.query("select distinct state from bookings") == [("confirmed",)]


@pytest.mark.parametrize("full", [False, True])
def test_a_change_whose_answer_is_lost_has_taken_place(
    database: TestDatabase, queue: RecordingQueue, full: bool
) -> None:
    with WireTap(database.port) as tap:
        desk = open_desk(database, queue, port=tap.port)
        assert desk.put("harbour", house(4)) == 201
        assert desk.booking(wish(2)) == 201
        booking = only(database)
        wanted = replace(wish(4, "20:00" if not full else "20:30"), refuse_if_full=False)
        if full:
            assert desk.booking(wish(4, "21:00")) == 201
        tap.lose_answer(4)  # booking, snapshot, who waits, the commit
        assert desk.modify(booking, wanted) == 200
        desk.database.close()
    [(state, party)] = database.query("select state, party_size from bookings where id = %s", booking)
    assert (state, party) == ("assignment_pending" if full else "confirmed", 4)
    assert_consistent(database)


def test_b11_a_must_is_not_granted_by_tables_that_were_moved_away_meanwhile(
    database: TestDatabase, queue: RecordingQueue
) -> None:
    """A move leaves the version: what was read of the tables is compared when it is written."""
    desk = open_desk(database, queue)
    window = [
        {"id": "T1", "zone": "main", "capacity": 2},
        {"id": "T2", "zone": "main", "capacity": 4, "attributes": ["window"]},
    ]
    assert desk.put("harbour", house(tables=window)) == 201
    assert desk.booking(wish(2)) == 201
    first = only(database)
    assert desk.booking(wish(2)) == 201
    moved: UUID = database.value("select id from bookings where id <> %s", first)
    assert desk.cancel(first) == 200
    read = desk.book.booking(moved)
    assert read is not None
    assert read.tables == ("T2",)
    assert desk.booking(wish(4)) == 201
    wanted = replace(wish(2), preferences=Preferences(required=("window",)), refuse_if_full=True)
    context = RequestContext("tester", "correlation")
    answer = desk.modify_booking.modify(read, lambda _: wanted, context, None)
    assert answer.status == 409
    assert database.query("select preferences ->> 'required' from bookings where id = %s", moved) == [("[]",)]
    desk.database.close()
