"""A person against everybody else: other persons, guests, the job, a broken line."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from maitred.contracts.bookings import IfMatch
from maitred.planner.answer.quote import quote
from maitred.services.ports import BookingStore, IdempotencyKey
from maitred.services.staff.restaurants import SeenLayout
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, all_at_once, open_desk, wish
from tests.harness.service import house
from tests.harness.wire import WireTap

KEY = IdempotencyKey("tester", "harbour", "one", "the same request")


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def desks(database: TestDatabase, queue: RecordingQueue) -> Iterator[Callable[..., Desk]]:
    """Opens sandboxes; they are closed after the test."""
    opened: list[Desk] = []

    def open_one(**options: Any) -> Desk:
        opened.append(open_desk(database, queue, **options))
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.database.close()


def waiting(database: TestDatabase, desk: Desk, count: int, size: int = 4) -> list[UUID]:
    """Bookings that were kept while the only large table was taken by one that is cancelled now.

    It is kept for none of them.
    """
    assert desk.booking(wish(size)) == 201
    [[first]] = database.query("select id from bookings")
    for _ in range(count):
        assert desk.booking(wish(size)) == 201
    found = database.query("select id from bookings where id <> %s order by created_at", first)
    assert desk.cancel(first) == 200
    database.query("delete from allocations where hold_id is not null")
    database.query("delete from holds")
    return [row[0] for row in found]


def state(database: TestDatabase, booking: UUID) -> str:
    found: str = database.value("select state from bookings where id = %s", booking)
    return found


def test_many_persons_one_table(database: TestDatabase, desks: Callable[..., Desk]) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    bookings = waiting(database, desk, 8)
    persons = [desks() for _ in bookings]
    statuses = all_at_once(
        [partial(person.assign, each, "T1") for person, each in zip(persons, bookings, strict=True)]
    )
    assert Counter(statuses) == {200: 1, 409: 7}
    assert_consistent(database)
    outcomes = database.query(
        "select outcome, count(*) from booking_assignment_attempts where flow = 'staff' group by 1 order by 1"
    )
    assert outcomes == [("confirmed", 1), ("refused", 7)]


def test_two_persons_one_booking(database: TestDatabase, desks: Callable[..., Desk]) -> None:
    """Both are carried out, one after the other: the booking has one of the tables, never both."""
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    desk.put("harbour", house(4, 4))
    persons = [desks(), desks()]
    assert all_at_once(
        [partial(persons[0].assign, booking, "T1"), partial(persons[1].assign, booking, "T2")]
    ) == [200, 200]
    assert database.value("select count(*) from allocations where live and booking_id = %s", booking) == 1
    assert_consistent(database)


@pytest.mark.parametrize("order", [1, -1])
def test_a_person_and_guests_after_the_last_table(
    database: TestDatabase, desks: Callable[..., Desk], order: int
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    person, guests = desks(), [desks() for _ in range(4)]
    calls: list[Callable[[], Any]] = [partial(person.assign, booking, "T1")]
    calls += [partial(guest.booking, wish(4, refuse=True)) for guest in guests]
    statuses = all_at_once(calls[::order])[::order]
    won = [statuses[0] == 200, *(status == 201 for status in statuses[1:])]
    assert won.count(True) == 1, statuses
    assert [status for status in statuses if status not in (200, 201)] == [409] * 4
    assert_consistent(database)


def test_a_person_while_the_job_is_planning(
    database: TestDatabase, desks: Callable[..., Desk], queue: RecordingQueue
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    person = desks()
    seen: list[int] = []

    def planning(*args: Any, **more: Any) -> Any:
        seen.append(person.assign(booking, "T1"))
        return quote(*args, **more)

    worker = desks(decide=planning)
    assert worker.work(queue.take()[0]) == "confirmed"
    assert seen == [409]
    assert_consistent(database)


class Interrupted:
    """A book during whose reading of ``method`` something else happens, once."""

    def __init__(self, book: BookingStore, method: str, happens: Callable[[], Any]) -> None:
        self._book = book
        self._method = method
        self._happens: Callable[[], Any] | None = happens

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._book, name)
        if name != self._method or self._happens is None:
            return found

        def interrupted(*args: Any, **more: Any) -> Any:
            happens, self._happens = self._happens, None
            answer = found(*args, **more)
            if happens is not None:
                happens()
            return answer

        return interrupted


def test_a_person_just_before_the_job_takes_its_lease(
    database: TestDatabase, desks: Callable[..., Desk], queue: RecordingQueue
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    person = desks()

    def wrap(book: BookingStore) -> Any:
        return Interrupted(book, "booking", lambda: person.assign(booking, "T1"))

    assert desks(wrap=wrap).work(queue.take()[0]) == "already_confirmed"
    assert (
        database.value(
            "select count(*) from notifications where kind = 'confirmed' and booking_id = %s", booking
        )
        == 1
    )
    assert_consistent(database)


def test_a_worker_takes_its_lease_while_a_person_decides(
    database: TestDatabase, desks: Callable[..., Desk]
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)

    def lease() -> None:
        database.query(
            "update bookings set state = 'assignment_in_progress', version = version + 1,"
            " lease_token = gen_random_uuid(), lease_until = now() + interval '1 minute' where id = %s",
            booking,
        )

    person = desks(wrap=lambda book: Interrupted(book, "snapshots", lease))
    assert person.assign(booking, "T1") == 409
    assert state(database, booking) == "assignment_in_progress"
    assert database.value("select count(*) from allocations where live") == 0


def test_a_cancellation_while_a_person_decides(database: TestDatabase, desks: Callable[..., Desk]) -> None:
    """B11: the tables of a booking that is gone are not taken."""
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    person = desks(wrap=lambda book: Interrupted(book, "snapshots", lambda: desk.cancel(booking)))
    assert person.assign(booking, "T1") == 409
    assert state(database, booking) == "cancelled"
    assert database.value("select count(*) from allocations where live") == 0


@pytest.mark.parametrize(("capacities", "status"), [((4, 4), 200), ((2,), 422)])
def test_b10_a_new_floor_while_a_person_decides(
    database: TestDatabase, desks: Callable[..., Desk], capacities: tuple[int, ...], status: int
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    person = desks(
        wrap=lambda book: Interrupted(book, "snapshots", lambda: desk.put("harbour", house(*capacities)))
    )
    assert person.assign(booking, "T1") == status
    assert_consistent(database)


def test_twins_with_one_key(database: TestDatabase, desks: Callable[..., Desk]) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    twins = [desks() for _ in range(4)]
    assert set(all_at_once([partial(twin.assign, booking, "T1", key=KEY) for twin in twins])) == {200}
    assert len({twin.answers[0].body for twin in twins}) == 1
    assert database.value("select count(*) from booking_assignment_attempts where flow = 'staff'") == 1
    assert_consistent(database)


def test_of_two_who_have_read_the_same_document_one_replaces_it(
    database: TestDatabase, desks: Callable[..., Desk]
) -> None:
    desks().put("harbour", house(4))
    people, seen = [desks() for _ in range(3)], SeenLayout(IfMatch(frozenset({1})), strict=True)
    edits = [
        partial(person.put, "harbour", house(4, 4 + number), seen=seen)
        for number, person in enumerate(people)
    ]
    assert sorted(all_at_once(edits)) == [200, 412, 412]
    assert database.value("select layout_version from restaurants") == 2


def test_twins_that_replace_the_document_they_have_read_get_one_answer(
    database: TestDatabase, desks: Callable[..., Desk]
) -> None:
    """The later twin finds the version that the first has made; that is no stranger's."""
    desks().put("harbour", house(4))
    twins, seen = [desks() for _ in range(3)], SeenLayout(IfMatch(frozenset({1})))
    edits = [partial(twin.put, "harbour", house(4, 4), KEY, seen) for twin in twins]
    assert set(all_at_once(edits)) == {200}
    assert len({twin.answers[0].body for twin in twins}) == 1
    assert database.value("select layout_version from restaurants") == 2


def test_an_answer_that_got_lost_is_given_again(database: TestDatabase, desks: Callable[..., Desk]) -> None:
    """Killed just after the commit: the second call finds what the first one did, and one mail."""
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    with WireTap(database.port) as tap:
        person = desks(port=tap.port)
        tap.lose_answer(6)  # booking, earlier answer, who waits, layout, snapshot, confirmation
        assert person.assign(booking, "T1", key=KEY) == 503
        assert state(database, booking) == "confirmed"
        assert person.assign(booking, "T1", key=KEY) == 200
    assert person.answers[0].replayed
    assert (
        database.value(
            "select count(*) from notifications where booking_id = %s and kind = 'confirmed'", booking
        )
        == 1
    )


def test_a_line_that_breaks_before_the_commit_leaves_nothing(
    database: TestDatabase, desks: Callable[..., Desk]
) -> None:
    desk = desks()
    desk.put("harbour", house(4))
    [booking] = waiting(database, desk, 1)
    with WireTap(database.port) as tap:
        person = desks(port=tap.port, wrap=lambda book: Interrupted(book, "snapshots", tap.cut))
        assert person.assign(booking, "T1") == 503
        assert state(database, booking) == "assignment_pending"
        assert person.assign(booking, "T1") == 200
    assert_consistent(database)
