"""Many sandboxes after the same tables: each test has real threads on connections of their own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from maitred.services.ports import BookingStore, Snapshot
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, all_at_once, wish
from tests.harness.service import house

CLIENTS = 32


class EmptyFloor:
    """A book whose snapshot says that nobody is there: the application's own check, switched off."""

    def __init__(self, book: BookingStore) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def snapshot(self, *arguments: Any) -> Snapshot | None:
        read = self._book.snapshot(*arguments)
        return read and replace(read, allocations=(), covers=())


class BlindClaims(EmptyFloor):
    """Moreover, nothing compares the day's revision: only the exclusion constraint is left."""

    def apply(self, changes: Any, budget_ms: int | None = None) -> Any:
        return self._book.apply(replace(changes, claim=None), budget_ms)


def states(database: TestDatabase) -> Counter[str]:
    return Counter(row[0] for row in database.query("select state from bookings"))


def test_32_clients_fight_for_the_last_tables_of_an_evening(
    database: TestDatabase, desks: Callable[..., list[Desk]], queue: RecordingQueue
) -> None:
    """Five tables for two and one stay each: 20 could be seated one after the other, 5 at the same time."""
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2, 2, 2, 2, 2)) == 201
    times = ["19:00", "19:15", "19:30", "18:45"]  # all overlap: 90 minutes each
    statuses = all_at_once([partial(desk.booking, wish(2, times[n % 4])) for n, desk in enumerate(clients)])

    assert statuses == [201] * CLIENTS
    assert states(database) == {"confirmed": 5, "assignment_pending": CLIENTS - 5}
    assert_consistent(database)
    assert len(queue.take()) == CLIENTS - 5


def test_32_clients_who_want_a_refusal_get_one(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2, 2, 4)) == 201
    statuses = all_at_once([partial(desk.booking, wish(2, refuse=True)) for desk in clients])

    assert Counter(statuses) == {201: 3, 409: CLIENTS - 3}
    assert states(database) == {"confirmed": 3}
    assert_consistent(database)


def test_32_clients_across_midnight_and_services_do_not_share_a_table(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    """B3: a stay that passes midnight and one of the next service day take different days' rows."""
    services = [
        {"id": "late", "opens": "18:00", "closes": "02:00", "allowOverrun": True},
        {"id": "early", "opens": "02:00", "closes": "04:00", "allowOverrun": True},
    ]
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2, 2, services=services)) == 201
    times = ["23:30", "23:45", "22:45", "22:30"]
    statuses = all_at_once([partial(desk.booking, wish(2, times[n % 4])) for n, desk in enumerate(clients)])
    assert statuses == [201] * CLIENTS
    assert states(database)["confirmed"] >= 2
    assert_consistent(database)


@pytest.mark.parametrize("blind", [EmptyFloor, BlindClaims])
def test_the_database_alone_lets_no_table_be_taken_twice(
    database: TestDatabase, desks: Callable[..., list[Desk]], blind: type[EmptyFloor]
) -> None:
    """The planner is told that the house is empty, so it always offers the same table."""
    owner, *_ = desks(1)
    assert owner.put("harbour", house(2, 2)) == 201
    clients = desks(CLIENTS, wrap=blind)
    statuses = all_at_once([partial(desk.booking, wish(2)) for desk in clients])

    assert statuses == [201] * CLIENTS
    assert 1 <= states(database)["confirmed"] <= 2
    assert_consistent(database)


def test_t4_two_workers_on_one_booking_confirm_it_once(
    database: TestDatabase, desks: Callable[..., list[Desk]], queue: RecordingQueue
) -> None:
    owner, *workers = desks(4)
    assert owner.put("harbour", house(2)) == 201
    assert owner.booking(wish(2)) == 201
    for tables in range(1, 13):
        assert owner.booking(wish(2)) == 201  # all tables are taken
        [message] = queue.take()
        assert owner.put("harbour", house(*[2] * (tables + 1))) == 200
        results = all_at_once([partial(worker.work, message) for worker in workers])
        assert Counter(results)["confirmed"] == 1, results
        assert set(results) <= {"confirmed", "already_confirmed", "superseded", "deferred"}
        queue.take()
    assert (
        database.value(
            "select max(n) from (select count(*) n from allocations where live group by booking_id) c"
        )
        == 1
    )
    assert (
        database.value("select count(*) from notifications where kind = 'confirmed'")
        == states(database)["confirmed"]
    )
    assert_consistent(database)


def test_b11_a_cancellation_races_the_job(
    database: TestDatabase, desks: Callable[..., list[Desk]], queue: RecordingQueue
) -> None:
    """Whoever is first: the guest's word stands, and no table stays with a cancelled booking."""
    owner, guest, worker = desks(3)
    for _ in range(12):
        assert owner.put("harbour", house(4)) in (200, 201)
        assert owner.booking(wish(4)) == 201
        assert owner.booking(wish(4)) == 201  # waits
        [message] = queue.take()
        assert owner.put("harbour", house(4, 4)) == 200
        status, result = all_at_once(
            [partial(guest.cancel, message.booking_id), partial(worker.work, message)]
        )
        assert status == 200
        assert result in ("confirmed", "cancelled"), result
        assert database.query("select state from bookings where id = %s", message.booking_id) == [
            ("cancelled",)
        ]
        for (booking_id,) in database.query("select id from bookings where state <> 'cancelled'"):
            assert guest.cancel(booking_id) == 200
        queue.take()
    assert database.value("select count(*) from allocations where live") == 0
    assert_consistent(database)


def test_b10_a_new_layout_races_confirmations(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    """No confirmed guest sits at a table that the restaurant took away."""
    *clients, operator = desks(9)
    large, small = house(*[2] * 10), house(*[2] * 3)
    assert operator.put("harbour", large) == 201
    for round_ in range(5):
        statuses = all_at_once(
            [
                *(partial(desk.booking, wish(2, "17:00")) for desk in clients),
                partial(operator.put, "harbour", small),
            ]
        )
        assert set(statuses) <= {200, 201}, statuses
        lost = database.query(
            "select b.id from bookings b join allocations a on a.booking_id = b.id and a.live"
            " where b.state = 'confirmed' and a.table_id not in ('T1', 'T2', 'T3')"
        )
        assert lost == [], round_
        assert_consistent(database)
        for (booking_id,) in database.query("select id from bookings where state <> 'cancelled'"):
            assert operator.cancel(booking_id) == 200
        assert operator.put("harbour", large) == 200
