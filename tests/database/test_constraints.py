"""What the database refuses, whatever the application does: each rule by a statement that must fail."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.harness.databases import TestDatabase
from tests.harness.rows import (
    SEVEN,
    TWO_HOURS,
    Connection,
    add_booking,
    add_hold,
    add_restaurant,
    allocate,
    refused,
    seated_booking,
    stay,
)

SOON = SEVEN + timedelta(minutes=5)


# --- B2, B3, B4: one ledger, no overlap -----------------------------------------------------------


@pytest.mark.parametrize(
    "occupied",
    [
        pytest.param(stay(), id="the same stay"),
        pytest.param(stay(SEVEN - TWO_HOURS, TWO_HOURS + timedelta(minutes=1)), id="one minute into it"),
        pytest.param(stay(SEVEN + TWO_HOURS - timedelta(minutes=1)), id="one minute before it ends"),
        pytest.param(stay(SEVEN + timedelta(minutes=30), timedelta(minutes=15)), id="inside"),
        pytest.param(stay(SEVEN - timedelta(days=1), timedelta(days=2)), id="across midnight, around it"),
    ],
)
def test_b2_b3_a_table_is_never_given_twice(conn: Connection, occupied: str) -> None:
    seated_booking(conn)
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.ExclusionViolation):
        allocate(conn, hold_id=hold, occupied=occupied)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"occupied": stay(SEVEN + TWO_HOURS)}, id="right after"),
        pytest.param({"occupied": stay(SEVEN - TWO_HOURS)}, id="right before"),
        pytest.param({"table_id": "T2", "capacity": 4}, id="another table"),
    ],
)
def test_b2_what_does_not_overlap_is_taken(conn: Connection, columns: dict[str, Any]) -> None:
    seated_booking(conn)
    allocate(conn, hold_id=add_hold(conn, SOON), **columns)


@pytest.mark.parametrize("state", ["confirmed", "seated"])
def test_b4_a_seated_party_blocks_its_table_as_a_confirmed_one_does(conn: Connection, state: str) -> None:
    seated_booking(conn, state)
    with pytest.raises(errors.ExclusionViolation):
        seated_booking(conn)


def test_b5_h1_a_hold_and_a_booking_never_overlap(conn: Connection) -> None:
    allocate(conn, hold_id=add_hold(conn, SOON))
    with pytest.raises(errors.ExclusionViolation):
        seated_booking(conn)


def test_two_holds_never_overlap(conn: Connection) -> None:
    allocate(conn, hold_id=add_hold(conn, SOON))
    with pytest.raises(errors.ExclusionViolation):
        allocate(conn, hold_id=add_hold(conn, SOON))


def test_b4_a_released_table_is_free_again(conn: Connection) -> None:
    first = seated_booking(conn)
    with conn.transaction():
        conn.execute(
            b"update allocations set live = false, released_at = now() where booking_id = %s", [first]
        )
        conn.execute(b"update bookings set state = 'cancelled', version = 2 where id = %s", [first])
    seated_booking(conn)
    with pytest.raises(errors.ExclusionViolation):
        conn.execute(b"update allocations set live = true, released_at = null where booking_id = %s", [first])


def test_b2_an_overlap_is_refused_by_the_statement_not_at_commit(conn: Connection) -> None:
    assert conn.execute(
        b"select condeferrable, convalidated from pg_constraint where conname = 'allocations_no_overlap'"
    ).fetchall() == [(False, True)]


def test_another_restaurants_table_of_the_same_name_is_another_table(conn: Connection) -> None:
    add_restaurant(conn, "forest")
    seated_booking(conn)
    seated_booking(conn, restaurant_id="forest")


# --- B2: windows that would escape the exclusion --------------------------------------------------


@pytest.mark.parametrize(
    "occupied",
    [
        pytest.param("empty", id="empty"),
        pytest.param("(,)", id="all of time"),
        pytest.param(f"[{SEVEN.isoformat()},)", id="without an end"),
        pytest.param(f"[,{SEVEN.isoformat()})", id="without a beginning"),
        pytest.param(f"[{SEVEN.isoformat()},infinity)", id="until infinity"),
        pytest.param(f"[-infinity,{SEVEN.isoformat()})", id="since infinity"),
        pytest.param(f"[{SEVEN.isoformat()},{(SEVEN + TWO_HOURS).isoformat()}]", id="with its end"),
        pytest.param(f"({SEVEN.isoformat()},{(SEVEN + TWO_HOURS).isoformat()})", id="without its start"),
    ],
)
def test_b2_a_window_that_is_no_stay_is_refused(conn: Connection, occupied: str) -> None:
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.CheckViolation, match="allocations_window_check"):
        allocate(conn, hold_id=hold, occupied=occupied)


def test_b2_a_null_window_is_refused(conn: Connection) -> None:
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.NotNullViolation):
        allocate(conn, hold_id=hold, occupied=None)


@pytest.mark.parametrize("column", ["restaurant_id", "table_id", "live"])
def test_b2_nothing_that_the_exclusion_compares_is_null(conn: Connection, column: str) -> None:
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.NotNullViolation):
        allocate(conn, hold_id=hold, **{column: None})


@pytest.mark.parametrize(("live", "released_at"), [(True, SEVEN), (False, None)])
def test_b14_live_and_released_never_contradict(conn: Connection, live: bool, released_at: object) -> None:
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.CheckViolation, match="allocations_released_check"):
        allocate(conn, hold_id=hold, live=live, released_at=released_at)


def test_an_allocation_has_exactly_one_owner(conn: Connection) -> None:
    booking, hold = add_booking(conn), add_hold(conn, SOON)
    for owners in ({}, {"booking_id": booking, "hold_id": hold}):
        with pytest.raises(errors.CheckViolation, match="allocations_owner_check"):
            allocate(conn, **owners)


# --- B6, B10: the table exists and is as large as claimed -----------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"capacity": 6}, id="a table larger than it is"),
        pytest.param({"table_id": "T9"}, id="a table that does not exist"),
        pytest.param({"layout_version": 2}, id="a layout that does not exist"),
        pytest.param(
            {"table_id": "T2", "capacity": 4, "restaurant_id": "forest"}, id="a table of another restaurant"
        ),
    ],
)
def test_b6_b10_the_ledger_holds_only_tables_of_the_layout(conn: Connection, columns: dict[str, Any]) -> None:
    add_restaurant(conn, "forest", 2)
    with pytest.raises(errors.ForeignKeyViolation, match="allocations_table_fkey"):
        seated_booking(conn, **columns)


def test_b10_a_table_of_an_earlier_layout_only_is_refused_in_the_new_one(conn: Connection) -> None:
    add_restaurant(conn, "harbour", 2, layout=2)
    with pytest.raises(errors.ForeignKeyViolation, match="allocations_table_fkey"):
        seated_booking(conn, table_id="T2", capacity=4, layout_version=2)


def test_a_booking_of_another_tenant_never_gets_a_table(conn: Connection) -> None:
    add_restaurant(conn, "forest")
    with pytest.raises(errors.ForeignKeyViolation, match="allocations_booking_fkey"), conn.transaction():
        allocate(conn, booking_id=add_booking(conn, "confirmed", restaurant_id="forest"))


def test_a_hold_of_another_tenant_never_gets_a_table(conn: Connection) -> None:
    add_restaurant(conn, "forest")
    hold = add_hold(conn, SOON)
    with pytest.raises(errors.ForeignKeyViolation, match="allocations_hold_fkey"):
        allocate(conn, hold_id=hold, restaurant_id="forest")


def test_a_restaurants_layout_exists(conn: Connection) -> None:
    with pytest.raises(errors.ForeignKeyViolation, match="restaurants_layout_fkey"):
        conn.execute(b"update restaurants set layout_version = 7")


# --- B1, B6: confirmed <=> allocated --------------------------------------------------------------


@pytest.mark.parametrize("state", ["confirmed", "seated"])
def test_b1_no_booking_is_confirmed_without_tables(conn: Connection, state: str) -> None:
    with refused("MTI01"):
        add_booking(conn, state)


def test_b1_no_pending_booking_becomes_confirmed_without_tables(conn: Connection) -> None:
    booking = add_booking(conn)
    with refused("MTI01"):
        conn.execute(b"update bookings set state = 'confirmed' where id = %s", [booking])


@pytest.mark.parametrize(
    "state",
    [
        "created",
        "assignment_pending",
        "assignment_in_progress",
        "manual_review",
        "completed",
        "no_show",
        "cancelled",
    ],
)
def test_b1_b4_no_booking_holds_tables_without_being_confirmed(conn: Connection, state: str) -> None:
    with refused("MTI04"):
        seated_booking(conn, state)


def test_b4_a_cancelled_booking_lets_its_tables_go(conn: Connection) -> None:
    booking = seated_booking(conn)
    with refused("MTI04"):
        conn.execute(b"update bookings set state = 'cancelled' where id = %s", [booking])


@pytest.mark.parametrize(
    "statement",
    [
        "update allocations set live = false, released_at = now() where booking_id = %s",
        "delete from allocations where booking_id = %s",
    ],
)
def test_b1_b9_no_confirmed_booking_loses_its_tables(conn: Connection, statement: str) -> None:
    booking = seated_booking(conn)
    with refused("MTI01"):
        conn.execute(statement.encode(), [booking])


def test_b1_tables_are_not_moved_from_one_booking_to_another(conn: Connection) -> None:
    first, second = seated_booking(conn), add_booking(conn)
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(b"update allocations set booking_id = %s where booking_id = %s", [second, first])
    assert caught.value.sqlstate in ("MTI01", "MTI04")


def test_b6_a_party_has_a_seat_for_everybody(conn: Connection) -> None:
    with refused("MTI02"):
        seated_booking(conn, party=3)


def test_b6_a_confirmed_party_does_not_outgrow_its_tables(conn: Connection) -> None:
    booking = seated_booking(conn)
    with refused("MTI02"):
        conn.execute(b"update bookings set party_size = 3 where id = %s", [booking])


def test_b6_two_tables_seat_what_one_does_not(conn: Connection) -> None:
    with conn.transaction():
        booking = add_booking(conn, "confirmed", party=6)
        allocate(conn, booking_id=booking)
        allocate(conn, booking_id=booking, table_id="T2", capacity=4)


def test_b6_only_a_stored_override_lifts_the_rule(conn: Connection) -> None:
    seated_booking(conn, party=3, overrides=["capacity"])
    with refused("MTI02"):
        seated_booking(conn, party=9, overrides=["adjacency"], table_id="T2", capacity=4)


@pytest.mark.parametrize(
    "occupied",
    [
        pytest.param(stay(SEVEN + TWO_HOURS), id="after"),
        pytest.param(stay(SEVEN + timedelta(minutes=1)), id="a minute late"),
        pytest.param(stay(SEVEN, TWO_HOURS - timedelta(minutes=1)), id="a minute short"),
    ],
)
def test_the_tables_are_for_the_bookings_own_time(conn: Connection, occupied: str) -> None:
    with refused("MTI03"):
        seated_booking(conn, occupied=occupied)


def test_b13_a_confirmed_booking_does_not_move_away_from_its_tables(conn: Connection) -> None:
    booking = seated_booking(conn)
    with refused("MTI03"):
        conn.execute(
            b"update bookings set start_at = start_at + interval '1 day', end_at = end_at + interval '1 day'"
            b" where id = %s",
            [booking],
        )


def test_b1_a_cancellation_and_an_allocation_that_race_do_not_both_commit(
    conn: Connection, database: TestDatabase
) -> None:
    """Each sees the other's rows as they were, so the check must not be a mere look."""
    booking = seated_booking(conn)
    with database.connect() as rival:
        rival.execute(b"begin")
        allocate(rival, booking_id=booking, table_id="T2", capacity=4)
        conn.execute(b"begin")
        conn.execute(
            b"update allocations set live = false, released_at = now() where booking_id = %s", [booking]
        )
        conn.execute(b"update bookings set state = 'cancelled', version = 2 where id = %s", [booking])
        conn.execute(b"set constraints all immediate")
        rival.execute(b"set local lock_timeout = '100ms'")
        with pytest.raises(errors.LockNotAvailable):
            rival.execute(b"set constraints all immediate")
        rival.execute(b"rollback")
        conn.execute(b"commit")
    assert conn.execute(b"select count(*) from allocations where live").fetchone() == (0,)
