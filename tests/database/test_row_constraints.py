"""What the database refuses to store of a booking, its lease, its letters and its keys."""

from uuid import uuid4

import pytest
from psycopg import errors

from tests.harness.consistency import eventually
from tests.harness.databases import TestDatabase
from tests.harness.rows import (
    Connection,
    add_booking,
    add_restaurant,
)


@pytest.mark.parametrize(
    "change",
    [
        "party_size = 0",
        "end_at = start_at",
        "end_at = 'infinity'",
        "start_at = '-infinity'",
        "start_at = start_at + interval '1 second'",
        "state = 'lost'",
        "version = 0",
        "restaurant_id = null",
    ],
)
def test_a_booking_without_a_sense_is_refused(conn: Connection, change: str) -> None:
    booking = add_booking(conn)
    with pytest.raises(errors.IntegrityError):
        conn.execute(f"update bookings set {change} where id = %s".encode(), [booking])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("state = 'assignment_in_progress'", id="in progress without a lease"),
        pytest.param(
            "lease_token = gen_random_uuid(), lease_until = now()", id="a lease on a pending booking"
        ),
        pytest.param("state = 'assignment_in_progress', lease_until = now()", id="a lease without a token"),
    ],
)
def test_b11_a_booking_in_progress_and_only_such_a_one_has_a_lease(conn: Connection, change: str) -> None:
    booking = add_booking(conn)
    with pytest.raises(errors.CheckViolation, match="bookings_lease_check"):
        conn.execute(f"update bookings set {change} where id = %s".encode(), [booking])


def test_a_reference_is_unique_in_its_restaurant(conn: Connection) -> None:
    first, second = add_booking(conn), add_booking(conn)
    take = b"update bookings set reference = (select reference from bookings where id = %s) where id = %s"
    with pytest.raises(errors.UniqueViolation, match="bookings_reference_key"):
        conn.execute(take, [first, second])


def test_e1_e4_one_notification_a_booking_kind_and_request_version(conn: Connection) -> None:
    booking = add_booking(conn)

    def notify(kind: str, version: int) -> None:
        conn.execute(
            b"insert into notifications (id, booking_id, restaurant_id, kind, request_version)"
            b" values (%s, %s, 'harbour', %s, %s)",
            [uuid4(), booking, kind, version],
        )

    notify("confirmed", 1)
    notify("cancelled", 1)
    notify("confirmed", 2)
    with pytest.raises(errors.UniqueViolation, match="notifications_once"):
        notify("confirmed", 1)


def test_a_server_error_is_never_stored_as_an_answer(conn: Connection) -> None:
    with pytest.raises(errors.CheckViolation):
        conn.execute(b"insert into idempotency values ('me', 'harbour', 'key', 'print', 503, '{}', 'body')")


def test_a_key_is_one_callers_in_one_restaurant(conn: Connection) -> None:
    statement = b"insert into idempotency values (%s, %s, 'key', 'print', 200, '{}', 'body')"
    for owner in (["me", "harbour"], ["me", "forest"], ["you", "harbour"]):
        conn.execute(statement, owner)
    with pytest.raises(errors.UniqueViolation, match="idempotency_key"):
        conn.execute(statement, ["me", "harbour"])


def test_b10_a_new_layout_waits_for_a_confirmation_on_the_old_one(
    conn: Connection, database: TestDatabase
) -> None:
    """`claim_layout` is what holds it: without the lock the table could go between plan and commit."""
    with database.connect() as rival:
        conn.execute(b"begin")
        conn.execute(b"select 1 from restaurants where id = 'harbour' and layout_version = 1 for share")
        rival.execute(b"set lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            add_restaurant(rival, "harbour", 2, layout=2)
        conn.execute(b"commit")
        rival.execute(b"set lock_timeout = 0")
        add_restaurant(rival, "harbour", 2, layout=2)
    eventually(
        lambda: conn.execute(b"select layout_version from restaurants").fetchone() == (2,), "the new layout"
    )
