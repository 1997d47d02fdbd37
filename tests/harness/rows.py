"""Rows as the application would write them, for tests that speak SQL."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.harness.databases import TestDatabase

Connection = psycopg.Connection[tuple[Any, ...]]

SEVEN = datetime(2030, 5, 4, 19, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)


def add_restaurant(
    conn: Connection, restaurant_id: str = "harbour", *capacities: int, layout: int = 1
) -> None:
    """A restaurant, or its next layout, with tables T1.. of ``capacities`` (default 2, 4)."""
    with conn.transaction():
        conn.execute(
            b"insert into restaurants (id, name, timezone, layout_version) values (%s, 'Room', 'UTC', %s)"
            b" on conflict (id) do update set layout_version = excluded.layout_version",
            [restaurant_id, layout],
        )
        conn.execute(
            b"insert into layouts (restaurant_id, layout_version, document) values (%s, %s, '{}')",
            [restaurant_id, layout],
        )
        for number, capacity in enumerate(capacities or (2, 4), 1):
            conn.execute(
                b"insert into layout_tables values (%s, %s, %s, 'main', %s)",
                [restaurant_id, layout, f"T{number}", capacity],
            )


def add_booking(
    conn: Connection,
    state: str = "assignment_pending",
    *,
    restaurant_id: str = "harbour",
    start: datetime = SEVEN,
    end: datetime | None = None,
    party: int = 2,
    booking_id: UUID | None = None,
) -> UUID:
    booking_id = booking_id or uuid4()
    leased = state == "assignment_in_progress"
    conn.execute(
        b"insert into bookings (id, reference, restaurant_id, state, version, party_size, start_at, end_at,"
        b" service_id, service_date, lease_token, lease_until)"
        b" values (%s, %s, %s, %s, 1, %s, %s, %s, 'dinner', %s, %s, %s)",
        [
            booking_id, booking_id.hex[:12], restaurant_id, state, party, start, end or start + TWO_HOURS,
            start.date(), uuid4() if leased else None, start if leased else None,
        ],
    )  # fmt: skip
    return booking_id


def add_hold(conn: Connection, expires_at: datetime, start: datetime = SEVEN) -> UUID:
    hold_id = uuid4()
    conn.execute(
        b"insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id, service_date,"
        b" expires_at) values (%s, 'harbour', 2, %s, %s, 'dinner', %s, %s)",
        [hold_id, start, start + TWO_HOURS, start.date(), expires_at],
    )
    return hold_id


def allocate(conn: Connection, **columns: Any) -> None:
    """One row of the ledger: table T1 of layout 1 (capacity 2) from 19:00 to 21:00, unless told otherwise."""
    row: dict[str, Any] = {
        "restaurant_id": "harbour",
        "layout_version": 1,
        "table_id": "T1",
        "capacity": 2,
        "booking_id": None,
        "hold_id": None,
        "occupied": stay(),
        "overrides": [],
        "live": True,
        "released_at": None,
    } | columns
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    conn.execute(f"insert into allocations ({names}) values ({values})".encode(), row)


def stay(start: datetime = SEVEN, length: timedelta = TWO_HOURS) -> str:
    """A half-open range of PostgreSQL's."""
    return f"[{start.isoformat()},{(start + length).isoformat()})"


def seated_booking(conn: Connection, state: str = "confirmed", **columns: Any) -> UUID:
    """A booking with its table, committed together."""
    own = {name: columns.pop(name) for name in ("start", "party") if name in columns}
    restaurant_id = columns.setdefault("restaurant_id", "harbour")
    with conn.transaction():
        booking_id = add_booking(conn, state, restaurant_id=restaurant_id, **own)
        allocate(conn, booking_id=booking_id, **columns)
    return booking_id


def work_on(conn: Connection, booking_id: str, lease: str) -> None:
    """As a worker leaves a pending booking that dies with it in its hands; ``lease``: until when from now."""
    conn.execute(
        b"with held as (update bookings set state = 'assignment_in_progress', version = version + 1,"
        b" lease_token = gen_random_uuid(), lease_until = now() + %s::interval where id = %s::uuid"
        b" returning id, version)"
        b" insert into booking_state_history (booking_id, from_state, to_state, version, actor_id)"
        b" select id, 'assignment_pending', 'assignment_in_progress', version, 'assign' from held",
        [lease, booking_id],
    )


def pause_over(database: TestDatabase) -> None:
    """Open circuits may be probed now."""
    database.query("update circuits set open_until = now() where open_until is not null")


def refused(code: str) -> pytest.RaisesExc[psycopg.Error]:
    """The statement fails with this SQLSTATE."""
    return pytest.RaisesExc(psycopg.Error, check=lambda error: error.sqlstate == code)
