"""Everybody on the floor on one day, as bits: who overlaps whom, and who sits at which table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Built once a snapshot; for each stay
the sets it could have are worked out when first asked for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maitred.planner.enumeration import bit_positions
from maitred.planner.floor_index import Candidates, FloorIndex
from maitred.planner.model import Allocation, MovableBooking
from maitred.planner.occupancy import Occupancy


@dataclass(frozen=True, slots=True)
class Stay:
    """``[start, end)`` with buffers at ``tables`` (bits). ``unfit``: tables it may not be moved to."""

    booking: MovableBooking | None
    start: int
    end: int
    tables: int
    unfit: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """A set that a party could have if the stays ``conflicts`` (bits, all movable) were elsewhere.

    ``order`` is its place among the candidates of the party's size: lower is better.
    """

    order: int
    bits: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Options:
    """All options of a party with at most so many conflicts, best first, and the same by conflicts."""

    all: tuple[Option, ...]
    by_conflicts: dict[int, tuple[Option, ...]]


@dataclass(slots=True)
class Stays:
    """The stays of one snapshot. ``movable``: how many of them may move; ``at_table``: stays by table."""

    index: FloorIndex
    stays: tuple[Stay, ...]
    movable: int
    at_table: tuple[int, ...]
    _starts: list[int]
    _started: list[int]
    _ends: list[int]
    _ended: list[int]
    _options: dict[tuple[int, int], Options] = field(default_factory=dict)

    @classmethod
    def build(cls, index: FloorIndex, occupancy: Occupancy, movable: Iterable[MovableBooking]) -> "Stays":
        """Number the stays. A booking whose allocations are not all known, or not as it says, stays put."""
        movers = {each.booking_id: each for each in movable}
        moving: dict[str, list[Allocation]] = {}
        fixed: list[Stay] = []
        for each in occupancy.allocations:
            if each.booking_id is not None and each.hold_id is None and each.booking_id in movers:
                moving.setdefault(each.booking_id, []).append(each)
            else:
                fixed.append(_fixed(index, each))
        stays: list[Stay] = []
        for booking_id in sorted(moving):
            rows = moving[booking_id]
            stay = _mover(index, occupancy, movers[booking_id], rows)
            if stay is None:
                fixed += [_fixed(index, row) for row in rows]
            else:
                stays.append(stay)
        return cls._numbered(index, (*stays, *fixed), len(stays))

    @classmethod
    def _numbered(cls, index: FloorIndex, stays: tuple[Stay, ...], movable: int) -> "Stays":
        at_table = [0] * len(index.tables)
        for number, stay in enumerate(stays):
            for position in bit_positions(stay.tables):
                at_table[position] |= 1 << number
        starts, started = _running([stay.start for stay in stays])
        ends, ended = _running([stay.end for stay in stays])
        return cls(index, stays, movable, tuple(at_table), starts, started, ends, ended)

    def overlapping(self, start: int, end: int) -> int:
        """The stays, as bits, that share a minute with ``[start, end)``."""
        return self._started[bisect_left(self._starts, end)] & ~self._ended[bisect_right(self._ends, start)]

    def options(self, number: int, most: int) -> Options:
        """What a movable stay could have instead, with at most ``most`` conflicts."""
        known = self._options.get((number, most))
        if known is None:
            stay = self.stays[number]
            assert stay.booking is not None  # noqa: S101 - only movable stays are asked about
            candidates = self.index.candidates(stay.booking.party_size)
            others = self.overlapping(stay.start, stay.end) & ~(1 << number)
            known = self._options[number, most] = self.find_options(candidates, others, stay.unfit, most)
        return known

    def find_options(self, candidates: Candidates, others: int, unfit: int, most: int) -> Options:
        """The sets without a table of ``unfit`` that at most ``most`` of ``others``, all movable, occupy."""
        fixed = others >> self.movable << self.movable
        conflicts = [here & others for here in self.at_table]
        for position, here in enumerate(conflicts):
            if here and (here & fixed or here.bit_count() > most):
                unfit |= 1 << position
        sets = candidates.sets
        found = []
        for order, bits in enumerate(candidates.bits):
            if not bits & unfit:
                conflict = 0
                for position in sets[order].positions:
                    conflict |= conflicts[position]
                if conflict.bit_count() <= most:
                    found.append(Option(order, bits, conflict))
        grouped: dict[int, list[Option]] = {}
        for option in found:
            grouped.setdefault(option.conflicts, []).append(option)
        return Options(tuple(found), {key: tuple(group) for key, group in grouped.items()})


def _fixed(index: FloorIndex, row: Allocation) -> Stay:
    return Stay(None, row.start, row.end, 1 << index.position[row.table_id])


def _mover(
    index: FloorIndex, occupancy: Occupancy, booking: MovableBooking, rows: Sequence[Allocation]
) -> Stay | None:
    """The stay of a booking that can move, or None if what is known of it does not hang together."""
    first, span = rows[0], occupancy.span
    same_time = all((row.start, row.end) == (first.start, first.end) for row in rows)
    inside = span[0] <= first.start <= booking.start and booking.end <= first.end <= span[1]
    if not (same_time and inside and {row.table_id for row in rows} == set(booking.tables)):
        return None
    allowed = index.matching(booking.zone, booking.attributes | booking.required)
    unfit = ~allowed | occupancy.closed_mask(booking.start, booking.end)
    return Stay(booking, first.start, first.end, index.bits_of(booking.tables), unfit)


def _running(moments: Sequence[int]) -> tuple[list[int], list[int]]:
    """The moments in order, and for each place the bits of those before it."""
    order = sorted(range(len(moments)), key=lambda number: moments[number])
    before, bits = [0], 0
    for number in order:
        bits |= 1 << number
        before.append(bits)
    return [moments[number] for number in order], before
