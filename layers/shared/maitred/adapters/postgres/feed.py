"""The changes of bookings in PostgreSQL, which its triggers record in the transaction of the change."""

from collections.abc import Sequence
from typing import Any

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.database import Database
from maitred.domain.changes import change_type_of
from maitred.services import ports


class PostgresFeed:
    """Implements services.ports.Feed."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def changes(self, restaurant_id: str, after: int, limit: int) -> list[ports.BookingChange] | None:
        params = {"restaurant_id": restaurant_id, "after": after, "limit": limit}
        found = self._db.read("read_changes", params)
        if not found:
            return None
        return [change_of(row) for row in found if row[0] is not None]


def change_of(row: Sequence[Any]) -> ports.BookingChange:
    position, change_type, at, recorded = row
    booking = rows.recorded_booking_of(recorded, at)
    return ports.BookingChange(position, change_type_of(change_type), at, booking)
