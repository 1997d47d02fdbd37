"""``GET /restaurants/{id}/floor``: every table at one moment, as a host sees it from the door."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.floor import Floor, Table
from maitred.domain.states import State
from maitred.domain.windows import closed_until
from maitred.services.assignment.day import Floors
from maitred.services.idempotency import Reply
from maitred.services.ports import Book, Clock, Json, TableUse


class Status(StrEnum):
    FREE = "free"
    HELD = "held"
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
    def __init__(self, book: Book, clock: Clock, floors: Floors) -> None:
        self._book = book
        self._clock = clock
        self._floors = floors

    def at(self, restaurant_id: str, moment: datetime | None, *, include_holds: bool) -> Reply:
        """The floor at ``moment`` (None: now), as the ledger has it now. Raises RestaurantNotFound."""
        now = self._clock.now()
        at = moment or now
        known = self._floors.latest(restaurant_id)
        version = known.floor.layout_version if known else None
        read = self._book.floor(restaurant_id, version, at)
        if read is None:
            raise errors.RestaurantNotFound
        if read.document is not None:
            known = self._floors.keep(restaurant_id, read.layout_version, read.document)
        if known is None:
            raise errors.RestaurantNotFound
        uses = [use for use in read.uses if include_holds or use.booking_id is not None]
        return Reply(200, responses.dumps(_body(known.floor, uses, at, now)))


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
            for zone in floor.zones
        ],
        "totals": _counts(seen),
    }


def _seen(floor: Floor, table: Table, uses: Sequence[TableUse], at: datetime) -> _Seen:
    """Who sits there comes first, whatever the floor document says of the table."""
    present = min((use for use in uses if use.start <= at), key=_precedence, default=None)
    if present is not None:
        until = present.end if present.end > at else None  # who stays too long: nobody knows
        return _Seen(table, _status(present), until, present.booking_id)
    if table.out_of_service or not table.active:
        return _Seen(table, Status.OUT_OF_SERVICE)
    closed = closed_until(floor, table, at)
    if closed is not None:
        return _Seen(table, Status.CLOSED, closed)
    return _Seen(table, Status.FREE, min((use.start for use in uses), default=None))


def _precedence(use: TableUse) -> int:
    return (Status.SEATED, Status.BOOKED, Status.HELD).index(_status(use))


def _status(use: TableUse) -> Status:
    if use.booking_id is None:
        return Status.HELD
    return Status.SEATED if use.state is State.SEATED else Status.BOOKED


def _table_json(seen: _Seen, floor: Floor) -> Json:
    told: Json = {"id": seen.table.id, "status": seen.status.value}
    if seen.booking_id is not None:
        told["bookingId"] = seen.booking_id
    if seen.until is not None:
        told["until"] = responses.local(seen.until, floor.timezone)
    return told


#: How the statuses are called where they are counted.
_NAMES: Mapping[Status, str] = {status: status.value for status in Status} | {
    Status.OUT_OF_SERVICE: "outOfService"
}


def _counts(seen: Sequence[_Seen]) -> Json:
    """Tables by status, and seats: of all that are in use, and of those that are free."""
    tables = Counter(each.status for each in seen)
    usable = [each for each in seen if each.status is not Status.OUT_OF_SERVICE]
    return {
        "tables": len(seen),
        "seats": sum(each.table.capacity for each in usable),
        "freeSeats": sum(each.table.capacity for each in usable if each.status is Status.FREE),
        **{name: tables[status] for status, name in _NAMES.items()},
    }
