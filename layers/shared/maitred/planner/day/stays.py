"""Everybody on the floor on one day, as bits: who overlaps whom, and who sits at which table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Built once a snapshot, and before that
for the time of one party alone, which costs less (``Movers`` in planner/places.py).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import or_

from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, MovableBooking


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


@dataclass
class Stays:
    """The stays of one snapshot that share a minute with ``window``; nothing is said of other minutes.

    ``movable``: how many of them may move; ``shortest``: the shortest of those, in minutes; ``at_table``: the
    stays, as bits, by table; ``joined``: those at several tables. ``rooms``: what planner/bounds.py knows
    about the window.
    """

    index: FloorIndex
    occupancy: Occupancy
    window: Span
    stays: tuple[Stay, ...]
    movable: int
    at_table: tuple[int, ...]
    joined: int
    shortest: int
    rooms: dict[str | None, tuple[list[int], list[int]]] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        index: FloorIndex,
        occupancy: Occupancy,
        movable: Iterable[MovableBooking],
        window: Span | None = None,
    ) -> "Stays":
        """Number the stays: all of them, or those that share a minute with ``window``.

        A booking whose allocations are not all known, or not as it says, stays put.
        """
        begin, finish = window or occupancy.span
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
        movable_stays = len(stays)
        stays += [_fixed(index, row) for row in fixed]
        return cls._numbered(index, occupancy, (begin, finish), tuple(stays), movable_stays)

    @classmethod
    def _numbered(
        cls, index: FloorIndex, occupancy: Occupancy, window: Span, stays: tuple[Stay, ...], movable: int
    ) -> "Stays":
        at_table = [0] * len(index.tables)
        joined, bit = 0, 1
        for stay in stays:
            positions = stay.positions
            for position in positions:
                at_table[position] |= bit
            if len(positions) > 1:
                joined |= bit
            bit <<= 1
        shortest = min([stay.end - stay.start for stay in stays[:movable]], default=1)
        return cls(index, occupancy, window, stays, movable, tuple(at_table), joined, shortest)

    @property
    def movers(self) -> int:
        """The stays that may move, as bits."""
        return (1 << self.movable) - 1

    def overlapping(self, start: int, end: int) -> int:
        """The stays, as bits, that share a minute with ``[start, end)``, which lies within the window."""
        if (start, end) == self.window:
            return (1 << len(self.stays)) - 1
        starts, started = self._begun
        ends, ended = self._over
        return started[bisect_left(starts, end)] & ~ended[bisect_right(ends, start)]

    def elsewhere(self, number: int, lost: int) -> int:
        """The best tables, as bits, for one that must leave some of its own; 0: none are free for it.

        ``lost``: tables that it cannot have, one of its own at least. Nobody else moves.
        """
        stay, index = self.stays[number], self.index
        candidates = index.candidates(stay.party_size)
        busy = self.occupancy.busy_mask(stay.start, stay.end) & ~stay.tables
        fitting = candidates.within(index.assignable & ~(busy | stay.unfit | lost))
        return candidates.bits[fitting[0]] if fitting else 0

    def within(self, start: int, end: int) -> int:
        """The stays, as bits, that begin and end in ``[start, end]``."""
        starts, started = self._begun
        ends, ended = self._over
        return ended[bisect_right(ends, end)] & ~started[bisect_left(starts, start)]

    @cached_property
    def _begun(self) -> tuple[list[int], list[int]]:
        return _running([stay.start for stay in self.stays])

    @cached_property
    def _over(self) -> tuple[list[int], list[int]]:
        return _running([stay.end for stay in self.stays])


def _moving(
    index: FloorIndex,
    occupancy: Occupancy,
    bookings: Iterable[tuple[MovableBooking, Sequence[Allocation]]],
    fixed: list[Allocation],
) -> list[Stay]:
    """The stays that may be moved. To ``fixed`` go those of which not all is known, or not as it says."""
    stays, (begin, finish), closures = [], occupancy.span, bool(index.floor.closures)
    promises: dict[tuple[str | None, frozenset[str], frozenset[str]], int] = {}
    for booking, rows in bookings:
        start, end = rows[0].start, rows[0].end
        inside = begin <= start <= booking.start and booking.end <= end <= finish
        if not inside or not _as_told(booking, rows):
            fixed += rows
            continue
        key = (booking.zone, booking.attributes, booking.required)
        unfit = promises.get(key)
        if unfit is None:  # equal promises are looked at once
            unfit = promises[key] = ~index.matching(booking.zone, booking.attributes | booking.required)
        if closures:
            unfit |= occupancy.closed_mask(booking.start, booking.end)
        positions = tuple([index.position[row.table_id] for row in rows])
        tables = 1 << positions[0] if len(rows) == 1 else index.bits_of(booking.tables)
        stays.append(Stay(booking, start, end, tables, positions, unfit, booking.party_size))
    return stays


def _as_told(booking: MovableBooking, rows: Sequence[Allocation]) -> bool:
    """Are these the booking's tables, all for the same time?"""
    first = rows[0]
    if len(rows) == 1:
        return booking.tables == (first.table_id,)
    same_time = all(row.start == first.start and row.end == first.end for row in rows)
    return same_time and {row.table_id for row in rows} == set(booking.tables)


def _fixed(index: FloorIndex, row: Allocation) -> Stay:
    position = index.position[row.table_id]
    return Stay(None, row.start, row.end, 1 << position, (position,))


def _running(moments: Iterable[int]) -> tuple[list[int], list[int]]:
    """The moments of the stays in order, and for each place the bits of those before it."""
    at: dict[int, int] = defaultdict(int)
    bit = 1
    for moment in moments:
        at[moment] |= bit
        bit <<= 1
    order = sorted(at)
    return order, list(accumulate([at[moment] for moment in order], or_, initial=0))
