"""Everybody on the floor on one day, as bits: who overlaps whom, and who sits at which table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Built once a snapshot.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maitred.planner.floor_index import FloorIndex
from maitred.planner.model import Allocation, MovableBooking
from maitred.planner.occupancy import Occupancy


@dataclass(slots=True)  # not frozen, for speed: there are hundreds a snapshot
class Stay:
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


@dataclass(slots=True)
class Stays:
    """The stays of one snapshot.

    ``movable``: how many of them may move; ``shortest``: the shortest of those, in minutes; ``at_table``: the
    stays, as bits, by table; ``joined``: those at several tables. ``rooms``: what planner/bounds.py knows
    about the day.
    """

    index: FloorIndex
    occupancy: Occupancy
    stays: tuple[Stay, ...]
    movable: int
    at_table: tuple[int, ...]
    joined: int
    shortest: int
    _starts: list[int]
    _started: list[int]
    _ends: list[int]
    _ended: list[int]
    rooms: dict[str | None, tuple[list[int], list[int]]] = field(default_factory=dict)

    @classmethod
    def build(cls, index: FloorIndex, occupancy: Occupancy, movable: Iterable[MovableBooking]) -> "Stays":
        """Number the stays. A booking whose allocations are not all known, or not as it says, stays put."""
        movers = {each.booking_id: each for each in movable}
        moving: dict[str, tuple[Allocation, ...]] = {}
        fixed: list[Allocation] = []
        for row in occupancy.allocations:
            name = row.booking_id if row.hold_id is None else None
            if name is not None and name in movers:
                moving[name] = (*moving[name], row) if name in moving else (row,)
            else:
                fixed.append(row)
        stays: list[Stay] = []
        maker = _Moving(index, occupancy)
        for booking_id in sorted(moving):
            stay = maker.stay(movers[booking_id], moving[booking_id])
            if stay is not None:
                stays.append(stay)
            else:
                fixed += moving[booking_id]
        movable_stays = len(stays)
        stays += [_fixed(index, row) for row in fixed]
        return cls._numbered(index, occupancy, tuple(stays), movable_stays)

    @classmethod
    def _numbered(
        cls, index: FloorIndex, occupancy: Occupancy, stays: tuple[Stay, ...], movable: int
    ) -> "Stays":
        at_table = [0] * len(index.tables)
        starting: dict[int, int] = defaultdict(int)
        ending: dict[int, int] = defaultdict(int)
        joined, bit = 0, 1
        for stay in stays:
            starting[stay.start] |= bit
            ending[stay.end] |= bit
            positions = stay.positions
            if len(positions) > 1:
                joined |= bit
            for position in positions:
                at_table[position] |= bit
            bit <<= 1
        shortest = min([stay.end - stay.start for stay in stays[:movable]], default=1)
        started, ended = _running(starting), _running(ending)
        return cls(index, occupancy, stays, movable, tuple(at_table), joined, shortest, *started, *ended)

    @property
    def movers(self) -> int:
        """The stays that may move, as bits."""
        return (1 << self.movable) - 1

    def overlapping(self, start: int, end: int) -> int:
        """The stays, as bits, that share a minute with ``[start, end)``."""
        return self._started[bisect_left(self._starts, end)] & ~self._ended[bisect_right(self._ends, start)]

    def within(self, start: int, end: int) -> int:
        """The stays, as bits, that begin and end in ``[start, end]``."""
        return self._ended[bisect_right(self._ends, end)] & ~self._started[bisect_left(self._starts, start)]


class _Moving:
    """Makes stays of bookings that may be moved; equal promises are looked at once."""

    def __init__(self, index: FloorIndex, occupancy: Occupancy) -> None:
        self._index, self._occupancy = index, occupancy
        self._closures = bool(index.floor.closures)
        self._unfit: dict[tuple[str | None, frozenset[str], frozenset[str]], int] = {}

    def stay(self, booking: MovableBooking, rows: Sequence[Allocation]) -> Stay | None:
        """None if what is known of the booking is not complete, or not as it says."""
        first, span = rows[0], self._occupancy.span
        start, end = first.start, first.end
        if not (span[0] <= start <= booking.start and booking.end <= end <= span[1]):
            return None
        if not (booking.tables == (first.table_id,) if len(rows) == 1 else _together(booking, rows)):
            return None
        bits, positions = 0, []
        for row in rows:
            position = self._index.position[row.table_id]
            bits |= 1 << position
            positions.append(position)
        key = (booking.zone, booking.attributes, booking.required)
        unfit = self._unfit[key] if key in self._unfit else self._find_unfit(key)
        if self._closures:
            unfit |= self._occupancy.closed_mask(booking.start, booking.end)
        return Stay(booking, start, end, bits, tuple(positions), unfit, booking.party_size)

    def _find_unfit(self, key: tuple[str | None, frozenset[str], frozenset[str]]) -> int:
        zone, attributes, required = key
        unfit = self._unfit[key] = ~self._index.matching(zone, attributes | required)
        return unfit


def _together(booking: MovableBooking, rows: Sequence[Allocation]) -> bool:
    """Are these the booking's tables, all for the same time?"""
    first = rows[0]
    same_time = all(row.start == first.start and row.end == first.end for row in rows)
    return same_time and {row.table_id for row in rows} == set(booking.tables)


def _fixed(index: FloorIndex, row: Allocation) -> Stay:
    position = index.position[row.table_id]
    return Stay(None, row.start, row.end, 1 << position, (position,))


def _running(at: dict[int, int]) -> tuple[list[int], list[int]]:
    """The moments in order, and for each place the bits of those before it."""
    order = sorted(at)
    before, bits = [0], 0
    for moment in order:
        bits |= at[moment]
        before.append(bits)
    return order, before
