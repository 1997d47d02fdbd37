"""What a new time zone means for the bookings that were made in the one before.

They keep what their guests read on the clock, so that the moments change, or they keep their moments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from maitred.domain.booking import Booking
from maitred.domain.errors import MaitredError
from maitred.domain.windows import on_other_clock, promised_window
from maitred.planner.floor.index import FloorIndex
from maitred.services.ports import TableAllocation


class Keep(StrEnum):
    """What bookings keep when the time zone changes."""

    LOCAL_TIME = "keep_local_time"
    INSTANT = "keep_instant"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A table taken over ``[start, end)``, buffers included; ``end`` None: until the party leaves.

    ``booking_id``: None for a live hold. ``overrides``: the rules that a person set aside for it.
    """

    table_id: str
    start: datetime
    end: datetime | None
    booking_id: UUID | None
    overrides: Sequence[str]


def in_new_timezone(before: Booking, index: FloorIndex, keep: Keep) -> Booking:
    """The booking with the stay, service and service date that it has on this floor.

    A stay that no service holds any more gets the calendar date of its start.
    """
    floor, booking = index.floor, replace(before, timezone=index.floor.timezone.key)
    if keep is Keep.LOCAL_TIME:
        start, end = (
            on_other_clock(moment, ZoneInfo(before.timezone), floor.timezone)
            for moment in (before.start_at, before.end_at)
        )
        if end <= start:  # both in an hour that one of the clocks skips
            end = start + (before.end_at - before.start_at)
        booking = replace(booking, start_at=start, end_at=end)
    try:
        window = promised_window(floor, booking.start_at, booking.end_at)
    except MaitredError:
        return replace(booking, service_date=booking.start_at.astimezone(floor.timezone).date())
    return replace(booking, service_id=window.service.id, service_date=window.service_date)


class Ledger:
    """The tables that are taken once some bookings have moved, each in the order in which it is asked for.

    ``rows``: the present ones. ``moving``: bookings whose own rows no longer count.
    """

    def __init__(self, rows: Sequence[LedgerRow], moving: Iterable[UUID]) -> None:
        moved = frozenset(moving)
        self._taken: dict[str, list[tuple[datetime, datetime | None]]] = {}
        self._own: dict[UUID, list[LedgerRow]] = {}
        for row in rows:
            if row.booking_id is not None and row.booking_id in moved:
                self._own.setdefault(row.booking_id, []).append(row)
            else:
                self._take(row.table_id, row.start, row.end)

    def move(self, before: Booking, after: Booking, index: FloorIndex) -> tuple[TableAllocation, ...] | str:
        """The same tables with the same buffers at the new time; or which of them is taken then."""
        moved = tuple(_moved(row, before, after, index) for row in self._own.get(before.id, ()))
        for row in moved:
            taken = self._taken.get(row.table_id, ())
            if any((end is None or row.start < end) and start < row.end for start, end in taken):
                return f"Table {row.table_id} is taken at the new time"
        for row in moved:
            self._take(row.table_id, row.start, row.end)
        return moved

    def _take(self, table_id: str, start: datetime, end: datetime | None) -> None:
        self._taken.setdefault(table_id, []).append((start, end))


def _moved(row: LedgerRow, before: Booking, after: Booking, index: FloorIndex) -> TableAllocation:
    return TableAllocation(
        restaurant_id=before.restaurant_id,
        layout_version=index.floor.layout_version,
        table_id=row.table_id,
        capacity=index.tables[index.position[row.table_id]].capacity,
        booking_id=before.id,
        start=after.start_at - (before.start_at - row.start),
        end=after.end_at + ((row.end or before.end_at) - before.end_at),
        overrides=tuple(row.overrides),
    )
