"""The maintenance run's reads and deletes in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.database import Call, Database
from maitred.adapters.postgres.guests import erase_long_over
from maitred.domain.booking import Booking
from maitred.services.upkeep.maintain import Retention
from maitred.services.upkeep.rooms import RoomFigures


class PostgresMaintenance:
    """Implements services.upkeep.maintain.Maintenance and services.upkeep.rooms.Rooms."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def stuck(self, before: datetime, limit: int) -> Sequence[tuple[Booking, int]]:
        found = self._db.read("stuck_bookings", {"before": before, "limit": limit})
        return [(rows.booking_of(row[:-1]), row[-1]) for row in found]

    def lost(self, before: datetime, now: datetime, limit: int) -> Sequence[Booking]:
        found = self._db.read("forgotten_bookings", {"before": before, "now": now, "limit": limit})
        return [rows.booking_of(row) for row in found]

    def count_reviews(self, now: datetime, until: datetime) -> tuple[int, int]:
        [row] = self._db.read("awaiting_a_person", {"now": now, "until": until})
        return row[0], row[1]

    def unnotified(self, now: datetime, until: datetime, limit: int) -> Sequence[tuple[Booking, str]]:
        found = self._db.read("untold_restaurants", {"now": now, "until": until, "limit": limit})
        return [(rows.booking_of(row[:-1]), row[-1]) for row in found]

    def unanswered(self, now: datetime, limit: int) -> Sequence[Booking]:
        found = self._db.read("unanswered_bookings", {"now": now, "limit": limit})
        return [rows.booking_of(row) for row in found]

    def end_blocks_in_the_way(self, now: datetime) -> None:
        self._db.transact([Call("end_blocks_in_the_way", {"now": now})])

    def to_plan_again(self, now: datetime, limit: int) -> Sequence[tuple[str, date]]:
        found = self._db.read("rooms_to_plan_again", {"now": now, "limit": limit})
        return [(row[0], row[1]) for row in found]

    def figures(self, now: datetime) -> RoomFigures:
        [row] = self._db.read("room_figures", {"now": now})
        return RoomFigures(*row)

    def at_broken_tables(self, now: datetime, until: datetime, limit: int) -> Sequence[Booking]:
        found = self._db.read("at_broken_tables", {"now": now, "until": until, "limit": limit})
        return [rows.booking_of(row) for row in found]

    def learn_demand(self, now: datetime, before: datetime, limit: int) -> int:
        params = {"now": now, "before": before, "limit": limit}
        [learnt] = self._db.transact([Call("learn_demand", params)])
        return int(learnt[0][0])

    def prune(self, now: datetime, retention: Retention) -> int:
        params = {"now": now, **asdict(retention)}
        names = ("prune_idempotency", "prune_outbox", "prune_holds", "prune_optimizations", "prune_changes")
        return sum(result[0][0] for result in self._db.transact([Call(name, params) for name in names]))

    def wake_webhooks(self, now: datetime, correlation_id: str, limit: int) -> int:
        params = {"now": now, "id": correlation_id, "limit": limit}
        [woken] = self._db.transact([Call("wake_webhooks", params)])
        return int(woken[0][0])

    def rotate_event_months(self, now: datetime, days: int) -> int:
        [[(_, dropped)]] = self._db.transact([Call("turn_event_months", {"now": now, "days": days})])
        return int(dropped)

    def erase_guests(self, before: datetime, limit: int, actor: str) -> int:
        return erase_long_over(self._db, before, limit, actor)

    def prune_limits(self) -> None:
        self._db.transact([Call(name, {}) for name in ("tidy_in_flight", "tidy_rate_limits")])
