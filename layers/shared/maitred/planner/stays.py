"""Everybody on the floor on one day, as bits: who overlaps whom, and who sits at which table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Built once a snapshot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from maitred.planner.enumeration import bit_positions
from maitred.planner.floor_index import Candidates, FloorIndex
from maitred.planner.model import Allocation, MovableBooking
from maitred.planner.occupancy import Occupancy, Span


@dataclass(slots=True)  # not frozen, for speed: there are hundreds a snapshot
class Stay:
    """``[start, end)`` with buffers at ``tables`` (bits). ``unfit``: tables it may not be moved to."""

    booking: MovableBooking | None
    start: int
    end: int
    tables: int
    unfit: int = 0


@dataclass(slots=True)  # not frozen, for speed
class Option:
    """A set that a party could have if the stays ``conflicts`` (bits, all movable) were elsewhere.

    ``order`` is its place among the candidates of the party's size: lower is better.
    """

    order: int
    bits: int
    conflicts: int


@dataclass(slots=True)
class _Around:
    """Never changed: a party's sets, who else is there at its time (``others``), where, and what is free."""

    candidates: Candidates
    others: int
    conflicts: list[int]
    free: int
    unfit: int


@dataclass(slots=True)
class Stays:
    """The stays of one snapshot.

    ``movable``: how many of them may move; ``shortest``: the shortest of those, in minutes;
    ``at_table``: the stays, as bits, by table.
    """

    index: FloorIndex
    span: Span
    stays: tuple[Stay, ...]
    movable: int
    at_table: tuple[int, ...]
    _starts: list[int]
    _started: list[int]
    _ends: list[int]
    _ended: list[int]
    _joined: int
    shortest: int
    _near: int | None = None
    _asked: int = 0
    _have_free: int = 0
    _fits: dict[int, int] = field(default_factory=dict)
    _around: dict[int, "_Around"] = field(default_factory=dict)
    _day: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)

    @classmethod
    def build(cls, index: FloorIndex, occupancy: Occupancy, movable: Iterable[MovableBooking]) -> "Stays":
        """Number the stays. A booking whose allocations are not all known, or not as it says, stays put."""
        movers = {each.booking_id: each for each in movable}
        moving: dict[str, list[Allocation]] = {}
        fixed: list[Stay] = []
        for row in occupancy.allocations:
            if row.booking_id in movers and row.hold_id is None:
                moving.setdefault(row.booking_id, []).append(row)
            else:
                fixed.append(_fixed(index, row))
        stays: list[Stay] = []
        unfit = _Unfit(index, occupancy)
        for booking_id in sorted(moving):
            rows, booking = moving[booking_id], movers[booking_id]
            if _hangs_together(booking, rows, occupancy.span):
                bits = index.bits_of(booking.tables)
                stays.append(Stay(booking, rows[0].start, rows[0].end, bits, unfit.of(booking)))
            else:
                fixed += [_fixed(index, row) for row in rows]
        return cls._numbered(index, occupancy.span, (*stays, *fixed), len(stays))

    @classmethod
    def _numbered(cls, index: FloorIndex, span: Span, stays: tuple[Stay, ...], movable: int) -> "Stays":
        at_table = [0] * len(index.tables)
        joined = 0
        for number, stay in enumerate(stays):
            bits = stay.tables
            if bits & bits - 1:
                joined |= 1 << number
                for position in bit_positions(bits):
                    at_table[position] |= 1 << number
            elif bits:
                at_table[bits.bit_length() - 1] |= 1 << number
        starts, started = _running([stay.start for stay in stays])
        ends, ended = _running([stay.end for stay in stays])
        shortest = min([stay.end - stay.start for stay in stays[:movable]], default=1)
        return cls(
            index, span, stays, movable, tuple(at_table), starts, started, ends, ended, joined, shortest
        )

    @property
    def movers(self) -> int:
        """The stays that may move, as bits."""
        return (1 << self.movable) - 1

    def overlapping(self, start: int, end: int) -> int:
        """The stays, as bits, that share a minute with ``[start, end)``."""
        return self._started[bisect_left(self._starts, end)] & ~self._ended[bisect_right(self._ends, start)]

    def options(self, number: int, blocked: int, leavers: int) -> Iterator[Option]:
        """What a movable stay could have instead, best first, if ``leavers`` (bits) were elsewhere."""
        around = self._around_of(number)
        return self._open_sets(around, around.unfit | blocked, leavers)

    def options_for(self, candidates: Candidates, window: Span, unfit: int, leavers: int) -> Iterator[Option]:
        """The sets without a table of ``unfit`` where over ``window`` only ``leavers`` sit, best first."""
        around = self._around_window(candidates, self.overlapping(*window), unfit)
        return self._open_sets(around, unfit, leavers)

    def overlap(self, number: int) -> int:
        """The other stays, as bits, that share a minute with this one."""
        stay = self.stays[number]
        return self.overlapping(stay.start, stay.end) & ~(1 << number)

    def _around_of(self, number: int) -> "_Around":
        around = self._around.get(number)
        if around is None:
            stay = self.stays[number]
            size = stay.booking.party_size if stay.booking is not None else 0
            candidates = self.index.candidates(size)
            around = self._around_window(candidates, self.overlap(number), stay.unfit)
            self._around[number] = around
        return around

    def _around_window(self, candidates: Candidates, others: int, unfit: int) -> "_Around":
        conflicts = [here & others for here in self.at_table]
        free = 0
        for position, here in enumerate(conflicts):
            if not here:
                free |= 1 << position
        return _Around(candidates, others, conflicts, free & self.index.assignable, unfit)

    def _open_sets(self, around: "_Around", unfit: int, leavers: int) -> Iterator[Option]:
        leavers &= around.others
        conflicts, open_tables = around.conflicts, around.free
        for position in bit_positions(self._tables_of(leavers)):
            if not conflicts[position] & ~leavers:
                open_tables |= 1 << position
        open_tables &= ~unfit
        candidates = around.candidates
        if not open_tables & candidates.single and not open_tables & open_tables - 1:
            return
        closed, sets = ~open_tables, candidates.sets
        for order, bits in enumerate(candidates.bits):
            if not bits & closed:
                conflict = 0
                for position in sets[order].positions:
                    conflict |= conflicts[position]
                yield Option(order, bits, conflict)

    def _tables_of(self, numbers: int) -> int:
        if numbers.bit_count() > len(self.at_table):
            return self.index.assignable
        tables = 0
        for number in bit_positions(numbers):
            tables |= self.stays[number].tables
        return tables

    def landing(self, moved: int, among: int) -> int:
        """Those of ``among`` that may find tables when ``moved`` leave and nobody else does, as bits.

        None that finds some is missing: whoever moves takes a set that is free already, or one with a table
        that ``moved`` leave, or had several tables and keeps some.
        """
        found = self._joined & among
        for position in bit_positions(self._tables_of(moved)):
            found |= self._fitting(position, moved) & ~self._fitting(position, 0) & among
        return found | self._settled(among & ~found & self._near_free())

    def _near_free(self) -> int:
        """The stays for whose whole window some table is free."""
        if self._near is None:
            near = 0
            for position in bit_positions(self.index.assignable):
                near |= self._fitting(position, 0)
            self._near = near
        return self._near

    def _settled(self, numbers: int) -> int:
        """Those that have a whole set free."""
        for number in bit_positions(numbers & ~self._asked):
            around = self._around_of(number)
            closed = ~around.free | around.unfit
            if any(not bits & closed for bits in around.candidates.bits):
                self._have_free |= 1 << number
        self._asked |= numbers
        return numbers & self._have_free

    def _fitting(self, position: int, moved: int) -> int:
        """Stays whose whole window is free at a table, if ``moved`` leave it."""
        if not moved and position in self._fits:
            return self._fits[position]
        here = self._day.get(position)
        if here is None:
            stays = self.stays
            numbers = bit_positions(self.at_table[position])
            here = sorted([(stays[number].start, stays[number].end, number) for number in numbers])
            here.append((self.span[1], 0, len(stays)))
            self._day[position] = here
        fitting, free_from, least = 0, self.span[0], self.shortest
        for start, end, number in here:
            if moved >> number & 1:
                continue
            if start - free_from >= least:
                inside = self._ended[bisect_right(self._ends, start)]
                fitting |= inside & ~self._started[bisect_left(self._starts, free_from)]
            free_from = max(free_from, end)
        if not moved:
            self._fits[position] = fitting
        return fitting


class Movers:
    """The stays of a snapshot, numbered when somebody has to be moved and not before."""

    def __init__(self, index: FloorIndex, occupancy: Occupancy, movable: Sequence[MovableBooking]) -> None:
        """Keep what ``stays`` is made of."""
        self._index, self._occupancy = index, occupancy
        self._movable = movable
        self._stays: Stays | None = None

    def __bool__(self) -> bool:
        """May anybody be moved at all?"""
        return bool(self._movable)

    def stays(self) -> Stays:
        if self._stays is None:
            self._stays = Stays.build(self._index, self._occupancy, self._movable)
        return self._stays


def movers_of(index: FloorIndex, occupancy: Occupancy, movable: Sequence[MovableBooking] | Movers) -> Movers:
    """The bookings as ``Movers``, unless they are already."""
    return movable if isinstance(movable, Movers) else Movers(index, occupancy, movable)


class _Unfit:
    """The tables that a booking may not be moved to, worked out once for equal promises."""

    def __init__(self, index: FloorIndex, occupancy: Occupancy) -> None:
        self._index, self._occupancy = index, occupancy
        self._known: dict[tuple[str | None, frozenset[str], frozenset[str]], int] = {}

    def of(self, booking: MovableBooking) -> int:
        key = (booking.zone, booking.attributes, booking.required)
        unfit = self._known.get(key)
        if unfit is None:
            unfit = ~self._index.matching(booking.zone, booking.attributes | booking.required)
            self._known[key] = unfit
        if self._index.floor.closures:
            return unfit | self._occupancy.closed_mask(booking.start, booking.end)
        return unfit


def _fixed(index: FloorIndex, row: Allocation) -> Stay:
    return Stay(None, row.start, row.end, 1 << index.position[row.table_id])


def _hangs_together(booking: MovableBooking, rows: Sequence[Allocation], span: Span) -> bool:
    """Is what is known of a booking complete, and as it says?"""
    first = rows[0]
    if not (span[0] <= first.start <= booking.start and booking.end <= first.end <= span[1]):
        return False
    if len(rows) == 1:
        return booking.tables == (first.table_id,)
    same_time = all(row.start == first.start and row.end == first.end for row in rows)
    return same_time and {row.table_id for row in rows} == set(booking.tables)


def _running(moments: Sequence[int]) -> tuple[list[int], list[int]]:
    """The moments in order, and for each place the bits of those before it."""
    order = sorted(range(len(moments)), key=moments.__getitem__)
    before, bits = [0], 0
    for number in order:
        bits |= 1 << number
        before.append(bits)
    return [moments[number] for number in order], before
