"""Holds in races and faults: one owner a table, a hold used once, and what was committed is told."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from maitred.services.ports import (
    BookingStore,
    Changes,
    HoldGone,
    HoldRead,
    IdempotencyKey,
    LeasedMessage,
    Unavailable,
)
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, all_at_once, wish
from tests.harness.service import house
from tests.harness.wire import WireTap

CLIENTS = 12
KEY = IdempotencyKey("tester", "harbour", "one", "print")


@pytest.fixture
def desk(desks: Callable[..., list[Desk]]) -> Desk:
    """With one table for four."""
    [desk] = desks(1)
    assert desk.put("harbour", house(4)) == 201
    return desk


def on_hold(desk: Desk, size: int = 4) -> UUID:
    assert desk.hold(wish(size)) == 201
    return UUID(json.loads(desk.answers[-1].body)["holdId"])


def summaries(database: TestDatabase) -> list[tuple[str, str | None]]:
    return database.query(
        "select context ->> 'result', context ->> 'reason' from observability_events"
        " where event_type = 'auto_assign.summary' order by id"
    )


def live_owners(database: TestDatabase) -> list[tuple[int, int]]:
    """How many tables bookings and holds have."""
    return database.query("select count(booking_id), count(hold_id) from allocations where live")


# --- races ---


def test_two_holds_never_get_one_table(database: TestDatabase, desks: Callable[..., list[Desk]]) -> None:
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2, 2, 4)) == 201
    times = ["19:00", "19:15", "18:45"]
    statuses = all_at_once([partial(desk.hold, wish(2, times[n % 3])) for n, desk in enumerate(clients)])
    assert Counter(statuses) == {201: 3, 409: CLIENTS - 3}
    assert live_owners(database) == [(0, 3)]
    assert_consistent(database)


def test_a_hold_and_a_booking_never_get_one_table(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2, 2, 4)) == 201
    calls = [partial(desk.hold if n % 2 else desk.booking, wish(2)) for n, desk in enumerate(clients)]
    statuses = all_at_once(calls)
    assert set(statuses) <= {201, 409}
    [(booked, on_hold_)] = live_owners(database)
    assert booked + on_hold_ == 3
    assert_consistent(database)


def test_a_hold_becomes_one_booking_however_many_ask(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    """Others want the table too: at no moment is it free for them."""
    clients = desks(CLIENTS)
    assert clients[0].put("harbour", house(2)) == 201
    hold_id = on_hold(clients[0], 2)
    users, others = clients[::2], clients[1::2]
    statuses = all_at_once(
        [
            *(partial(desk.booking, wish(2, hold_id=hold_id)) for desk in users),
            *(partial(desk.booking, wish(2, refuse=True)) for desk in others),
        ]
    )
    assert Counter(statuses[: len(users)]) == {201: 1, 409: len(users) - 1}
    assert set(statuses[len(users) :]) <= {409, 503}
    assert database.query("select state, id = (select used_by from holds) from bookings") == [
        ("confirmed", True)
    ]
    assert_consistent(database)


def test_h2_twins_with_one_key_make_one_booking_of_a_hold(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    clients = desks(8)
    assert clients[0].put("harbour", house(2)) == 201
    mine = wish(2, hold_id=on_hold(clients[0], 2))
    statuses = all_at_once([partial(desk.booking, mine, KEY) for desk in clients])
    assert statuses == [201] * len(clients)
    assert len({desk.answers[-1].body for desk in clients}) == 1
    assert database.value("select count(*) from bookings") == 1


def test_giving_back_races_a_booking(database: TestDatabase, desks: Callable[..., list[Desk]]) -> None:
    guest, other = desks(2)
    assert guest.put("harbour", house(2)) == 201
    for _ in range(12):
        hold_id = on_hold(guest, 2)
        booked, given_back = all_at_once(
            [partial(guest.booking, wish(2, hold_id=hold_id)), partial(other.give_back, hold_id)]
        )
        assert given_back == 204
        assert booked in (201, 410)
        assert live_owners(database) == [(1 if booked == 201 else 0, 0)]
        assert_consistent(database)
        for (booking_id,) in database.query("select id from bookings where state = 'confirmed'"):
            assert guest.cancel(booking_id) == 200


def test_b10_a_new_layout_races_a_booking_of_a_hold(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    guest, operator = desks(2)
    for _ in range(8):
        assert operator.put("harbour", house(2, 2)) in (200, 201)
        hold_id = on_hold(guest, 2)
        booked, put = all_at_once(
            [partial(guest.booking, wish(2, hold_id=hold_id)), partial(operator.put, "harbour", house(4, 2))]
        )
        assert put == 200
        assert booked in (201, 503)
        assert_consistent(database)
        for (booking_id,) in database.query("select id from bookings where state <> 'cancelled'"):
            assert guest.cancel(booking_id) == 200
        assert operator.give_back(hold_id) == 204
        assert live_owners(database) == [(0, 0)]


# --- what happens between the reading and the commit ---


class Between:
    """Runs something once, after the hold was read as alive."""

    def __init__(self, book: BookingStore, run: Callable[[], object]) -> None:
        self._book = book
        self._run = [run]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def hold(
        self, hold_id: UUID, key: IdempotencyKey | None = None, budget_ms: int | None = None
    ) -> HoldRead:
        read = self._book.hold(hold_id, key, budget_ms)
        if self._run:
            self._run.pop()()
        return read


def interrupted(
    desks: Callable[..., list[Desk]], database: TestDatabase, statement: bytes, desk: Desk
) -> tuple[Desk, UUID]:
    """A sandbox in whose first look at the hold ``statement`` is slipped in, as the owner."""
    hold_id = on_hold(desk)

    def run() -> None:
        with database.connect() as owner:
            owner.execute(statement, {"hold": hold_id})

    [slow] = desks(1, wrap=lambda book: Between(book, run))
    return slow, hold_id


def test_h1_a_hold_that_expires_between_reading_and_commit_is_410(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk
) -> None:
    statement = b"update holds set expires_at = now() where id = %(hold)s"
    slow, hold_id = interrupted(desks, database, statement, desk)
    with slow.recorder.invocation("c1"):
        assert slow.booking(wish(4, hold_id=hold_id)) == 410
    assert database.value("select count(*) from bookings") == 0
    assert summaries(database)[-1] == ("superseded", "hold_gone")
    assert desk.booking(wish(4)) == 201


def test_h1_a_hold_whose_tables_another_has_taken_meanwhile_is_410(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk
) -> None:
    """The day's revision changes too, so the second look is taken holding the day."""
    hold_id = on_hold(desk)

    def take() -> None:
        with database.connect() as owner:
            owner.execute(b"update holds set expires_at = now()")
        assert desk.booking(wish(4)) == 201

    [slow] = desks(1, wrap=lambda book: Between(book, take))
    assert slow.booking(wish(4, hold_id=hold_id)) == 410
    assert live_owners(database) == [(1, 0)]
    assert_consistent(database)


def test_a_change_of_the_day_meanwhile_costs_a_second_look_and_nothing_else(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk
) -> None:
    slow, hold_id = interrupted(desks, database, b"update service_days set revision = revision + 1", desk)
    assert slow.booking(wish(4, hold_id=hold_id)) == 201
    assert live_owners(database) == [(1, 0)]


# --- faults ---


class NothingKept:
    """A book that can be read, and takes nothing."""

    def __init__(self, book: BookingStore) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def apply(self, changes: Changes, budget_ms: int | None = None) -> tuple[LeasedMessage, ...]:
        raise Unavailable


def test_h2_a_hold_survives_an_attempt_that_could_not_be_finished(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk
) -> None:
    """A pending booking would have to let the tables go; so the guest keeps the hold, and tries again."""
    hold_id = on_hold(desk)
    [mute] = desks(1, wrap=NothingKept)
    with mute.recorder.invocation("c1"):
        assert mute.booking(wish(4, hold_id=hold_id)) == 503
    assert summaries(database)[-1] == ("refused", "database_unavailable")
    assert live_owners(database) == [(0, 1)]
    assert desk.booking(wish(4, hold_id=hold_id)) == 201


def test_h2_a_hold_that_could_not_be_written_blocks_nobody(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk
) -> None:
    [mute] = desks(1, wrap=NothingKept)
    with mute.recorder.invocation("c1"):
        assert mute.hold(wish(4)) == 503
    assert summaries(database) == [("refused", "database_unavailable")]
    assert live_owners(database) == [(0, 0)]
    assert desk.booking(wish(4)) == 201


@pytest.mark.parametrize("what", ["hold", "booking"])
def test_what_was_committed_is_told_though_the_answer_was_lost(
    database: TestDatabase, desks: Callable[..., list[Desk]], desk: Desk, what: str
) -> None:
    hold_id = on_hold(desk) if what == "booking" else None
    with WireTap(database.port) as tap:
        [cut] = desks(1, port=tap.port)
        if what == "hold":
            tap.lose_answer(3)  # layout, snapshot, confirmation
            assert cut.hold(wish(4)) == 201
        else:
            tap.lose_answer(4)  # hold, layout, snapshot, confirmation
            assert cut.booking(wish(4, hold_id=hold_id)) == 201
    assert live_owners(database) == [(0, 1) if what == "hold" else (1, 0)]


class GoneAtTheCommit:
    """A book whose holds are all gone when a booking is made of them."""

    def __init__(self, book: BookingStore) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def apply(self, changes: Changes, budget_ms: int | None = None) -> tuple[LeasedMessage, ...]:
        if changes.use_hold is not None:
            raise HoldGone
        return self._book.apply(changes, budget_ms)


def test_a_booking_whose_hold_was_gone_says_by_which_policy_it_was_planned(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    [guest] = desks(1, wrap=GoneAtTheCommit)
    assert guest.put("harbour", house(2)) == 201
    hold_id = on_hold(guest, 2)
    with guest.recorder.invocation("c1"):
        assert guest.booking(wish(2, hold_id=hold_id)) == 410
    strategies = database.query(
        "select context -> 'plannerStrategy' ->> 'maxTables' from observability_events"
        " where event_type = 'auto_assign.quote'"
    )
    assert strategies == [("1",), ("1",)]  # the hold's, and the booking's
