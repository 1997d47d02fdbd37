"""Restaurants and their layouts in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.booking_store import calls_of, own_rows
from maitred.adapters.postgres.database import Call, Database, Rows, Run
from maitred.domain.booking import Booking
from maitred.domain.floor import Floor
from maitred.services import ports
from maitred.services.staff.new_timezone import LedgerRow
from maitred.services.staff.restaurants import StoredLayout

_BUDGET_MS = 8000
_LOCKING = (
    "lock_restaurant",
    "read_restaurant_for_update",
    "upcoming_confirmed",
    "upcoming_waiting",
    "upcoming_ledger",
    "upcoming_chosen",
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
        with self._db.session(calls, _BUDGET_MS) as session:
            _, current, confirmed, waiting, ledger, chosen = session.rows
            yield LockedPostgresRestaurant(
                current=_stored(current),
                confirmed=tuple(rows.booking_of(row) for row in confirmed),
                waiting=tuple(rows.booking_of(row) for row in waiting),
                ledger=tuple(LedgerRow(*row) for row in ledger),
                chosen=frozenset(row[0] for row in chosen),
                now=now,
                commit=session.commit,
                source=self._source,
            )


@dataclass(frozen=True, slots=True)
class LockedPostgresRestaurant:
    """Implements services.staff.restaurants.LockedRestaurant."""

    current: StoredLayout | None
    confirmed: Sequence[Booking]
    waiting: Sequence[Booking]
    ledger: Sequence[LedgerRow]
    chosen: frozenset[UUID]
    now: datetime
    commit: Run
    source: str

    def replace(
        self, floor: Floor, document: Mapping[str, Any], changes: ports.Changes
    ) -> tuple[ports.LeasedMessage, ...]:
        calls = [*_layout_calls(floor, document, self.now), *calls_of(changes, self.source)]
        return own_rows(changes, calls, self.commit(calls))


def _stored(found: Rows) -> StoredLayout | None:
    return StoredLayout(*found[0]) if found else None


def _layout_calls(floor: Floor, document: Mapping[str, Any], now: datetime) -> list[Call]:
    key = {"restaurant_id": floor.restaurant_id, "layout_version": floor.layout_version}
    restaurant = {
        "name": floor.name,
        "timezone": floor.timezone.key,
        "locale": floor.locale,
        "contact_email": floor.contact_email,
        "late_minutes": floor.policy.late_minutes,
        "lookahead_minutes": floor.policy.lookahead_minutes,
        "optimize_mode": floor.policy.optimize.mode.value,
        "optimize_at": f"{floor.policy.optimize.at // 60:02}:{floor.policy.optimize.at % 60:02}",
    }
    tables = [{"id": t.id, "zone": t.zone, "capacity": t.capacity} for t in floor.tables]
    sets = list(_sets_with_more_seats(floor))
    return [
        Call("put_restaurant", {**key, **restaurant}),
        Call("insert_layout", {**key, "document": rows.jsonb(dict(document))}),
        Call("insert_layout_tables", {**key, "rows": rows.jsonb(tables)}),
        *([Call("insert_layout_sets", {**key, "rows": rows.jsonb(sets)})] if sets else ()),
        Call("follow_zones", {**key, "now": now}),
    ]


def _sets_with_more_seats(floor: Floor) -> Iterator[ports.Json]:
    """The sets that seat more than the sum of their tables' capacities, ids in code point order."""
    capacities = {table.id: table.capacity for table in floor.tables}
    for table in floor.tables:
        if table.max_party > table.capacity:
            yield {"tables": [table.id], "seats": table.max_party}
    for row in floor.combinations:
        seats = row.seats or row.max_party
        if seats > sum(capacities[table] for table in row.tables):
            yield {"tables": sorted(row.tables), "seats": seats}
