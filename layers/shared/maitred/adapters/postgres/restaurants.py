"""Restaurants and their layouts in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.book import effect_calls, own_rows
from maitred.adapters.postgres.database import Call, Database, Rows, Session
from maitred.domain.booking import Booking
from maitred.domain.floor import Floor
from maitred.services import ports
from maitred.services.staff.restaurants import StoredLayout

_BUDGET_MS = 8000
_LOCKING = (
    "lock_restaurant",
    "read_restaurant_for_update",
    "upcoming_confirmed",
    "upcoming_overridden",
    "upcoming_waiting",
)


class PostgresRestaurants:
    """Implements services.restaurants.Restaurants."""

    def __init__(self, database: Database, source: str) -> None:
        self._db = database
        self._source = source

    def layout(self, restaurant_id: str) -> StoredLayout | None:
        return _stored(self._db.read("read_restaurant", {"restaurant_id": restaurant_id}))

    @contextmanager
    def locked(self, restaurant_id: str, now: datetime) -> Iterator["LockedPostgresRestaurant"]:
        params = {"restaurant_id": restaurant_id, "now": now}
        calls = [Call(name, params) for name in _LOCKING]
        with self._db.session(calls, _BUDGET_MS) as ((_, current, confirmed, overridden, waiting), session):
            bookings = tuple(rows.booking_of(row) for row in confirmed)
            locked = LockedPostgresRestaurant(_stored(current), bookings, session, self._source)
            locked.overridden = {row[0]: frozenset(row[1]) for row in overridden}
            locked.waiting = tuple((row[0], row[1]) for row in waiting)
            yield locked


class LockedPostgresRestaurant:
    def __init__(
        self, current: StoredLayout | None, confirmed: Sequence[Booking], session: Session, source: str
    ) -> None:
        self.current = current
        self.confirmed = confirmed
        self.overridden: Mapping[UUID, frozenset[str]] = {}
        self.waiting: Sequence[tuple[UUID, int]] = ()
        self._session = session
        self._source = source

    def replace(
        self, floor: Floor, document: Mapping[str, Any], effects: ports.Effects
    ) -> tuple[ports.SentBy, ...]:
        calls = [*_layout_calls(floor, document), *effect_calls(effects, self._source)]
        return own_rows(effects, calls, self._session.commit(calls))


def _stored(found: Rows) -> StoredLayout | None:
    return StoredLayout(*found[0]) if found else None


def _layout_calls(floor: Floor, document: Mapping[str, Any]) -> list[Call]:
    key = {"restaurant_id": floor.restaurant_id, "layout_version": floor.layout_version}
    house = {
        "name": floor.name,
        "timezone": floor.timezone.key,
        "locale": floor.locale,
        "contact_email": floor.contact_email,
    }
    tables = [{"id": t.id, "zone": t.zone, "capacity": t.capacity} for t in floor.tables]
    return [
        Call("put_restaurant", {**key, **house}),
        Call("insert_layout", {**key, "document": rows.jsonb(dict(document))}),
        Call("insert_layout_tables", {**key, "rows": rows.jsonb(tables)}),
    ]
