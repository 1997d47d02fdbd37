"""Telemetry costs a guest no turn to the database; its share of the time: ``make bench-telemetry``."""

from dataclasses import replace
from typing import Any

import pytest

from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.bootstrap.bookings import services
from maitred.services import ports
from tests.harness.service import Service, party


def trips(service: Service, size: int, **wish: Any) -> int:
    database = services().runtime.database
    before = database.round_trips
    assert service.book("harbour", party(size, **wish)).status == 201
    return database.round_trips - before


def test_events_of_a_booking_add_no_round_trip(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    harbour.book("harbour", party(2, "17:00"))
    confirmed, waiting = trips(harbour, 4), trips(harbour, 4)
    apply = PostgresBookingStore.apply

    def without_events(self: PostgresBookingStore, effects: ports.Changes, *more: Any) -> Any:
        return apply(self, replace(effects, events=()), *more)

    monkeypatch.setattr(PostgresBookingStore, "apply", without_events)
    assert (trips(harbour, 4, time="21:00"), trips(harbour, 4, time="21:00")) == (confirmed, waiting)
    assert confirmed == 2
