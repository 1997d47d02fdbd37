"""Round trips, counted on the wire between the true handler and PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from maitred.adapters.postgres.database import Database
from maitred.bootstrap.bookings import services
from tests.harness.databases import TestDatabase
from tests.harness.service import Service, evening, forget_wiring, house, party, running_service, set_clock
from tests.harness.wire import WireTap


@pytest.fixture
def tap(database: TestDatabase) -> Iterator[WireTap]:
    with WireTap(database.port) as tap:
        yield tap


@pytest.fixture
def tapped(database: TestDatabase, tap: WireTap, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service, its line to the database tapped, with the restaurant ``harbour``."""
    with running_service(database, monkeypatch) as service:
        monkeypatch.setenv("DATABASE_PORT", str(tap.port))
        assert service.put_restaurant("harbour", house(2, 2, 4)).status == 201
        yield service


class Count:
    """Requests and turns on the wire, and what the driver itself counted, since the making."""

    def __init__(self, tap: WireTap, database: Database) -> None:
        tap.reset()
        self._tap = tap
        self._database = database
        self._before = database.round_trips

    def assert_trips(self, expected: int) -> None:
        assert self._tap.requests == expected
        assert self._tap.turns <= expected
        assert self._database.round_trips - self._before == expected


def warm(service: Service) -> Database:
    """The bookings function's database, its connection open and its floor compiled."""
    assert service.book("harbour", party(2, "17:00")).status == 201
    return services().runtime.database


def test_create_and_confirm_takes_two_round_trips(tapped: Service, tap: WireTap) -> None:
    count = Count(tap, warm(tapped))
    answer = tapped.book("harbour", party(4), headers={"idempotency-key": "one"})
    assert answer.json["assignment"]["outcome"] == "confirmed"
    count.assert_trips(2)


def test_create_and_confirm_takes_three_round_trips_in_a_new_sandbox(tapped: Service, tap: WireTap) -> None:
    warm(tapped)
    forget_wiring()
    count = Count(tap, services().runtime.database)
    assert tapped.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    count.assert_trips(3)


def test_create_and_confirm_on_a_new_layout_takes_three_round_trips(tapped: Service, tap: WireTap) -> None:
    database = warm(tapped)
    assert tapped.put_restaurant("harbour", house(2, 2, 4, 6)).status == 200
    count = Count(tap, database)
    assert tapped.book("harbour", party(6)).json["booking"]["tables"] == ["T4"]
    count.assert_trips(3)


def test_create_and_defer_takes_two_round_trips_and_one_to_mark_its_message(
    tapped: Service, tap: WireTap
) -> None:
    database = warm(tapped)
    assert tapped.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    count = Count(tap, database)
    assert tapped.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    count.assert_trips(3)


def test_a_refusal_takes_one_round_trip_and_its_record_one(tapped: Service, tap: WireTap) -> None:
    database = warm(tapped)
    assert tapped.book("harbour", party(4)).status == 201
    count = Count(tap, database)
    assert tapped.book("harbour", party(4, onFull="refuse")).status == 409
    count.assert_trips(2)


def test_a_replay_takes_one_round_trip(tapped: Service, tap: WireTap) -> None:
    database = warm(tapped)
    key = {"idempotency-key": "one"}
    first = tapped.book("harbour", party(4), headers=key)
    count = Count(tap, database)
    assert tapped.book("harbour", party(4), headers=key).text == first.text
    count.assert_trips(1)


HOLD = {name: value for name, value in party(4).items() if name != "guest"}


def test_a_hold_takes_two_round_trips(tapped: Service, tap: WireTap) -> None:
    count = Count(tap, warm(tapped))
    assert tapped.hold("harbour", HOLD, headers={"idempotency-key": "one"}).status == 201
    count.assert_trips(2)


def test_a_hold_takes_three_round_trips_in_a_new_sandbox(tapped: Service, tap: WireTap) -> None:
    warm(tapped)
    forget_wiring()
    count = Count(tap, services().runtime.database)
    assert tapped.hold("harbour", HOLD).status == 201
    count.assert_trips(3)


def test_a_booking_of_a_hold_takes_three_round_trips(tapped: Service, tap: WireTap) -> None:
    database = warm(tapped)
    hold = tapped.hold("harbour", HOLD).json["holdId"]
    count = Count(tap, database)
    answer = tapped.book("harbour", party(4, holdId=hold), headers={"idempotency-key": "one"})
    assert answer.json["assignment"]["strategy"] == "hold"
    count.assert_trips(3)


def test_giving_a_hold_back_takes_three_round_trips(tapped: Service, tap: WireTap) -> None:
    database = warm(tapped)
    hold = tapped.hold("harbour", HOLD).json["holdId"]
    count = Count(tap, database)
    assert tapped.give_back(hold).status == 204
    count.assert_trips(3)


def test_a_cancellation_takes_three_round_trips(tapped: Service, tap: WireTap) -> None:
    booking = tapped.book("harbour", party(4)).json["booking"]
    count = Count(tap, services().runtime.database)
    assert tapped.cancel(booking["id"]).status == 200
    count.assert_trips(3)


def test_availability_takes_one_round_trip(tapped: Service, tap: WireTap) -> None:
    count = Count(tap, warm(tapped))
    assert len(tapped.availability("harbour", partySize=2).json["slots"]) == 22
    count.assert_trips(1)


def test_availability_takes_two_round_trips_in_a_new_sandbox(tapped: Service, tap: WireTap) -> None:
    warm(tapped)
    forget_wiring()
    count = Count(tap, services().runtime.database)
    assert tapped.availability("harbour", partySize=2).status == 200
    count.assert_trips(2)


def test_availability_of_a_month_takes_one_round_trip(tapped: Service, tap: WireTap) -> None:
    count = Count(tap, warm(tapped))
    days = [(date.fromisoformat(evening()) + timedelta(days=number)).isoformat() for number in range(31)]
    assert len(tapped.openings("harbour", 1, 2, 4, dates=days).json["days"]) == len(days)
    count.assert_trips(1)


def test_availability_takes_two_round_trips_if_what_was_kept_is_out_of_date(
    tapped: Service, tap: WireTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = warm(tapped)
    set_clock(monkeypatch, datetime.now(UTC))  # what is kept does not outlast the minute
    tapped.openings("harbour", 2)
    assert tapped.book("harbour", party(2)).status == 201
    count = Count(tap, database)
    assert tapped.openings("harbour", 2).status == 200
    count.assert_trips(2)


def test_availability_of_many_days_takes_two_round_trips_in_a_new_sandbox(
    tapped: Service, tap: WireTap
) -> None:
    warm(tapped)
    forget_wiring()
    count = Count(tap, services().runtime.database)
    assert tapped.openings("harbour", 2, 4).status == 200
    count.assert_trips(2)


def test_the_wire_is_counted_right(database: TestDatabase, tap: WireTap) -> None:
    """The ruler itself: two plain statements, then a pipeline of three."""
    import psycopg  # noqa: PLC0415 - this test speaks the protocol itself

    conninfo = f"host=127.0.0.1 port={tap.port} dbname={database.name} user=postgres sslmode=disable"
    with psycopg.connect(conninfo, autocommit=True) as conn:
        tap.reset()
        conn.execute(b"select 1").fetchall()
        conn.execute(b"select %s::int", [2]).fetchall()
        assert (tap.requests, tap.turns) == (2, 2)
        with conn.pipeline():
            for number in range(3):
                conn.execute(b"select %s::int", [number])
        assert (tap.requests, tap.turns) == (3, 3)
