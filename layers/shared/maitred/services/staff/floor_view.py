"""``GET /restaurants/{id}/floor``: every table at one moment, as a host sees it from the door."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.floor import Floor, Table, Zone
from maitred.domain.states import State
from maitred.domain.windows import closed_until
from maitred.services.assignment.day import Floors, version_of
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Clock, Json, TableUse


class Status(StrEnum):
    FREE = "free"
    ON_HOLD = "held"
    BOOKED = "booked"
    SEATED = "seated"
    CLOSED = "closed"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One table. ``until``: when this changes, as far as it is known."""

    table: Table
    status: Status
    until: datetime | None = None
    booking_id: str | None = None


class FloorView:
    def __init__(self, store: BookingStore, clock: Clock, floors: Floors) -> None:
        self._store = store
        self._clock = clock
        self._floors = floors

    def at(self, restaurant_id: str, moment: datetime | None, *, include_holds: bool) -> Reply:
        """The floor at ``moment`` (None: now), as the ledger has it now. Raises RestaurantNotFound."""
        now = self._clock.now()
        at = moment or now
        known = self._floors.latest(restaurant_id)
        read = self._store.floor(restaurant_id, version_of(known), at)
        if read is None:
            raise errors.RestaurantNotFound
        index = self._floors.current(restaurant_id, known, read)
        uses = [use for use in read.uses if include_holds or use.booking_id is not None]
        return Reply(200, responses.dumps(_body(index.floor, uses, at, now)))


def _body(floor: Floor, uses: Sequence[TableUse], at: datetime, now: datetime) -> Json:
    by_table: dict[str, list[TableUse]] = {}
    for use in uses:
        by_table.setdefault(use.table_id, []).append(use)
    seen = [_seen(floor, table, by_table.get(table.id, ()), at) for table in floor.tables]
    return {
        "asOf": responses.local(now, floor.timezone),
        "tables": [_table_json(each, floor) for each in seen],
        "zones": [
            {"id": zone.id, "name": zone.name, **_counts([s for s in seen if s.table.zone == zone.id])}
            for zone in sorted(floor.zones, key=_place)
        ],
        "totals": _counts(seen),
    }


def _place(zone: Zone) -> tuple[bool, int]:
    """By position; zones without one come after those, in the document's order."""
    return zone.position is None, zone.position or 0


def _seen(floor: Floor, table: Table, uses: Sequence[TableUse], at: datetime) -> _Seen:
    """A party at the table comes first, whatever the floor document says about the table."""
    present = min((use for use in uses if use.start <= at), key=_precedence, default=None)
    if present is not None:
        until = (
            present.end if present.end > at else None
        )  # when a party that stays too long will leave is not known
        return _Seen(table, _status(present), until, present.booking_id)
    if table.out_of_service or not table.active:
        return _Seen(table, Status.OUT_OF_SERVICE)
    closed = closed_until(floor, table, at)
    if closed is not None:
        return _Seen(table, Status.CLOSED, closed)
    return _Seen(table, Status.FREE, min((use.start for use in uses), default=None))


def _precedence(use: TableUse) -> int:
    return (Status.SEATED, Status.BOOKED, Status.ON_HOLD).index(_status(use))


def _status(use: TableUse) -> Status:
    if use.booking_id is None:
        return Status.ON_HOLD
    return Status.SEATED if use.state is State.SEATED else Status.BOOKED


def _table_json(seen: _Seen, floor: Floor) -> Json:
    body: Json = {"id": seen.table.id, "status": seen.status.value}
    if seen.table.name is not None:
        body["name"] = seen.table.name
    if seen.booking_id is not None:
        body["bookingId"] = seen.booking_id
    if seen.until is not None:
        body["until"] = responses.local(seen.until, floor.timezone)
    return body


#: The statuses' names in the counts.
_NAMES: Mapping[Status, str] = {status: status.value for status in Status} | {
    Status.OUT_OF_SERVICE: "outOfService"
}


def _counts(seen: Sequence[_Seen]) -> Json:
    """Tables by status; seats at all tables in service, and at the free ones."""
    tables = Counter(each.status for each in seen)
    usable = [each for each in seen if each.status is not Status.OUT_OF_SERVICE]
    return {
        "tables": len(seen),
        "seats": sum(each.table.capacity for each in usable),
        "freeSeats": sum(each.table.capacity for each in usable if each.status is Status.FREE),
        **{name: tables[status] for status, name in _NAMES.items()},
    }
