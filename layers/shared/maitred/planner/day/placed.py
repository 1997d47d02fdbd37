"""Stays at their tables, made from the rows of the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, MovableBooking


@dataclass(slots=True)  # not frozen, for speed: a day has hundreds
class PlacedStay:
    """``[start, end)`` with buffers at ``tables`` (bits; ``positions`` says the same).

    ``unfit``: tables it may not be moved to. ``party_size`` is 0 for a stay that may not be moved.
    """

    booking: MovableBooking | None
    start: int
    end: int
    tables: int
    positions: tuple[int, ...]
    unfit: int = 0
    party_size: int = 0


def placed_stays(
    index: FloorIndex, occupancy: Occupancy, movable: Iterable[MovableBooking], window: Span
) -> tuple[list[PlacedStay], list[PlacedStay]]:
    """The stays that share a minute with ``window``: those that may move, by booking id, and the others.

    A booking whose allocations are not all known, or differ from what it says, does not move.
    """
    begin, finish = window
    rows = [row for row in occupancy.allocations if row.start < finish and begin < row.end]
    movers = {each.booking_id: each for each in movable}
    moving: dict[str, tuple[Allocation, ...]] = {}
    fixed: list[Allocation] = []
    for row in rows:
        name = row.booking_id if row.hold_id is None else None
        if name is not None and name in movers:
            moving[name] = (*moving[name], row) if name in moving else (row,)
        else:
            fixed.append(row)
    stays = _moving(index, occupancy, [(movers[name], moving[name]) for name in sorted(moving)], fixed)
    return stays, [_fixed(index, row) for row in fixed]


def _moving(
    index: FloorIndex,
    occupancy: Occupancy,
    bookings: Iterable[tuple[MovableBooking, Sequence[Allocation]]],
    fixed: list[Allocation],
) -> list[PlacedStay]:
    """The stays that may be moved; the rows of bookings that do not move are added to ``fixed``."""
    stays, (begin, finish), closures = [], occupancy.span, bool(index.floor.closures or index.floor.pauses)
    # A move must not fill up another zone's slot, so nobody moves into a zone with a limit of covers.
    limited = index.matching_zones(index.floor.policy.pacing.per_zone)
    promises: dict[tuple[str | None, frozenset[str], frozenset[str]], int] = {}
    for booking, rows in bookings:
        start, end = rows[0].start, rows[0].end
        inside = begin <= start <= booking.start and booking.end <= end <= finish
        if not inside or not _as_booked(booking, rows):
            fixed += rows
            continue
        key = (booking.zone, booking.attributes, booking.required)
        unfit = promises.get(key)
        if unfit is None:  # equal promises are looked at once
            unfit = promises[key] = ~index.matching(booking.zone, booking.attributes | booking.required)
        if closures:
            unfit |= index.closed(booking.start, booking.end) | index.paused(booking.start)
        if limited:
            unfit |= limited & ~index.zones_of(index.bits_of(booking.tables))
        positions = tuple([index.position[row.table_id] for row in rows])
        tables = 1 << positions[0] if len(rows) == 1 else index.bits_of(booking.tables)
        stays.append(PlacedStay(booking, start, end, tables, positions, unfit, booking.party_size))
    return stays


def _as_booked(booking: MovableBooking, rows: Sequence[Allocation]) -> bool:
    """Are these rows the booking's tables, all for the same time?"""
    first = rows[0]
    if len(rows) == 1:
        return booking.tables == (first.table_id,)
    same_time = all(row.start == first.start and row.end == first.end for row in rows)
    return same_time and {row.table_id for row in rows} == set(booking.tables)


def _fixed(index: FloorIndex, row: Allocation) -> PlacedStay:
    position = index.position[row.table_id]
    return PlacedStay(None, row.start, row.end, 1 << position, (position,))
