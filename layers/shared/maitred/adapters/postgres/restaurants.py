"""Restaurants and their layouts in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.booking_store import calls_of, own_rows
from maitred.adapters.postgres.database import Call, Commit, Database, Rows
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
    """Implements services.staff.restaurants.Restaurants."""

    def __init__(self, database: Database, source: str) -> None:
        self._db = database
        self._source = source

    @contextmanager
    def locked(self, restaurant_id: str, now: datetime) -> Iterator["LockedPostgresRestaurant"]:
        params = {"restaurant_id": restaurant_id, "now": now}
        calls = [Call(name, params) for name in _LOCKING]
        with self._db.session(calls, _BUDGET_MS) as ((_, current, confirmed, overridden, waiting), commit):
            yield LockedPostgresRestaurant(
                current=_stored(current),
                confirmed=tuple(rows.booking_of(row) for row in confirmed),
                overridden={row[0]: frozenset(row[1]) for row in overridden},
                waiting=rows.waiting_of(waiting),
                commit=commit,
                source=self._source,
            )


@dataclass(frozen=True, slots=True)
class LockedPostgresRestaurant:
    """Implements services.staff.restaurants.LockedRestaurant."""

    current: StoredLayout | None
    confirmed: Sequence[Booking]
    overridden: Mapping[UUID, frozenset[str]]
    waiting: Sequence[ports.WaitingParty]
    commit: Commit
    source: str

    def replace(
        self, floor: Floor, document: Mapping[str, Any], changes: ports.Changes
    ) -> tuple[ports.LeasedMessage, ...]:
        calls = [*_layout_calls(floor, document), *calls_of(changes, self.source)]
        return own_rows(changes, calls, self.commit(calls))


def _stored(found: Rows) -> StoredLayout | None:
    return StoredLayout(*found[0]) if found else None


def _layout_calls(floor: Floor, document: Mapping[str, Any]) -> list[Call]:
    key = {"restaurant_id": floor.restaurant_id, "layout_version": floor.layout_version}
    restaurant = {
        "name": floor.name,
        "timezone": floor.timezone.key,
        "locale": floor.locale,
        "contact_email": floor.contact_email,
    }
    tables = [{"id": t.id, "zone": t.zone, "capacity": t.capacity} for t in floor.tables]
    return [
        Call("put_restaurant", {**key, **restaurant}),
        Call("insert_layout", {**key, "document": rows.jsonb(dict(document))}),
        Call("insert_layout_tables", {**key, "rows": rows.jsonb(tables)}),
    ]
