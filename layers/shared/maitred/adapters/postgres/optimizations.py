"""The shift's own reads in PostgreSQL; what it writes is a unit of work like any other."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.database import Database
from maitred.domain.booking import Booking
from maitred.services import ports
from maitred.services.shift.ports import StoredOptimization

_MOST_WAITING = 500


class PostgresOptimizations:
    """Implements services.shift.ports.Optimizations."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def waiting(self, restaurant_id: str, service_date: date, now: datetime) -> Sequence[Booking]:
        params = {
            "restaurant_id": restaurant_id,
            "service_date": service_date,
            "now": now,
            "limit": _MOST_WAITING,
        }
        return [rows.booking_of(row) for row in self._db.read("waiting_on", params)]

    def references(self, restaurant_id: str, booking_ids: Sequence[UUID]) -> Mapping[str, str]:
        params = {"restaurant_id": restaurant_id, "booking_ids": list(booking_ids)}
        found = self._db.read("references_of", params) if booking_ids else []
        return {str(booking_id): reference for booking_id, reference in found}

    def bookings(self, restaurant_id: str, booking_ids: Sequence[UUID]) -> Sequence[Booking]:
        params = {"restaurant_id": restaurant_id, "booking_ids": list(booking_ids)}
        return [rows.booking_of(row) for row in self._db.read("bookings_of", params)]

    def read(self, optimization_id: UUID) -> StoredOptimization | None:
        found = self._db.read("read_optimization", {"id": optimization_id})
        return _stored(found[0]) if found else None

    def was_run(self, restaurant_id: str, run: str) -> bool:
        [(found,)] = self._db.read("optimization_of_run", {"restaurant_id": restaurant_id, "run": run})
        return bool(found)

    def page(
        self, restaurant_id: str, before: tuple[datetime, UUID], limit: int
    ) -> Sequence[StoredOptimization]:
        params = {
            "restaurant_id": restaurant_id,
            "before": before[0],
            "before_id": before[1],
            "limit": limit,
        }
        return [_stored(row) for row in self._db.read("list_optimizations", params)]

    def due(self, now: datetime, limit: int) -> Sequence[tuple[str, date]]:
        return [(row[0], row[1]) for row in self._db.read("shifts_due", {"now": now, "limit": limit})]


def _stored(row: Sequence[Any]) -> StoredOptimization:
    *made, undone_at, undone_by = row
    return StoredOptimization(ports.Optimization(*made), undone_at, undone_by)
