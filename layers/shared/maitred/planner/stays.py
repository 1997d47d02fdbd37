"""Everybody on the floor on one day, as bits: who overlaps whom, and who sits at which table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Built once a snapshot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maitred.domain.floor import Adjacency
from maitred.planner.enumeration import bit_positions
from maitred.planner.floor_index import Candidates, FloorIndex
from maitred.planner.model import Allocation, MovableBooking
from maitred.planner.occupancy import Occupancy, Span
from maitred.planner.open_sets import Around, Option, listed


@dataclass(slots=True)  # not frozen, for speed: there are hundreds a snapshot
class Stay:
    """``[start, end)`` with buffers at ``tables`` (bits; ``positions`` says the same).

    ``unfit``: tables it may not be moved to.
    """

    booking: MovableBooking | None
    start: int
    end: int
    tables: int
    positions: tuple[int, ...]
    unfit: int = 0


@dataclass(frozen=True, slots=True)
class Users:
    """For each table the movable stays, as bits, that it may serve ``alone``, and ``joined`` to others."""

    index: FloorIndex
    alone: tuple[int, ...]
    joined: tuple[int, ...]

    @classmethod
    def build(cls, index: FloorIndex, stays: Sequence[Stay]) -> "Users":
        """Look at each kind of stay once."""
        alike: dict[tuple[int, int], int] = {}
        for number, stay in enumerate(stays):
            size = stay.booking.party_size if stay.booking is not None else 0
            alike[size, stay.unfit] = alike.get((size, stay.unfit), 0) | 1 << number
        alone, joined = [0] * len(index.tables), [0] * len(index.tables)
        for (size, unfit), numbers in alike.items():
            candidates = index.candidates(size)
            for position in bit_positions(candidates.single & ~unfit):
                alone[position] |= numbers
            for position in bit_positions(candidates.joined & ~unfit):
                joined[position] |= numbers
        return cls(index, tuple(alone), tuple(joined))

    def beside(self, position: int) -> int:
        """The tables, as bits, one of which at least is in any join with this one."""
        rules = self.index.rules
        if self.index.floor.combinations or rules.mode is Adjacency.NONE:
            return self.index.assignable & ~(1 << position)
        return rules.neighbours[position] & self.index.assignable


@dataclass(slots=True)
class Stays:
    """The stays of one snapshot.

    ``movable``: how many of them may move; ``shortest``: the shortest of those, in minutes;
    ``at_table``: the stays, as bits, by table. ``rooms``: what planner/bounds.py knows about
    the day.
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
    _fits: dict[tuple[int, int], int] = field(default_factory=dict)
    _around: dict[int, Around] = field(default_factory=dict)
    _users: "Users | None" = None
    rooms: dict[str | None, tuple[list[int], list[int]]] = field(default_factory=dict)
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
                stays.append(_moving(index, booking, rows, unfit.of(booking)))
            else:
                fixed += [_fixed(index, row) for row in rows]
        return cls._numbered(index, occupancy.span, (*stays, *fixed), len(stays))

    @classmethod
    def _numbered(cls, index: FloorIndex, span: Span, stays: tuple[Stay, ...], movable: int) -> "Stays":
        at_table = [0] * len(index.tables)
        joined = 0
        for number, stay in enumerate(stays):
            bit = 1 << number
            if len(stay.positions) > 1:
                joined |= bit
            for position in stay.positions:
                at_table[position] |= bit
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

    def options(self, number: int, blocked: int, leavers: int, most: int) -> list[Option]:
        """What a stay that must leave a table of its own could have instead, best first.

        Only ``leavers`` (bits) would have to be elsewhere, and at most ``most`` of them. ``blocked``: tables
        that it cannot have, one of its own at least.
        """
        around = self._around_of(number)
        return [each for each in self._open_sets(around, leavers, most) if not each.bits & blocked]

    def options_for(
        self, candidates: Candidates, window: Span, unfit: int, leavers: int, most: int
    ) -> Sequence[Option]:
        """The sets without a table of ``unfit`` where over ``window`` only ``leavers`` sit, few enough."""
        around = self._around_window(candidates, self.overlapping(*window), unfit)
        return self._open_sets(around, leavers, most)

    def overlap(self, number: int) -> int:
        """The other stays, as bits, that share a minute with this one."""
        return self._around_of(number).others

    def _around_of(self, number: int) -> Around:
        around = self._around.get(number)
        if around is None:
            stay = self.stays[number]
            size = stay.booking.party_size if stay.booking is not None else 0
            others = self.overlapping(stay.start, stay.end) & ~(1 << number)
            unfit = stay.unfit if self._joined >> number & 1 else stay.unfit | stay.tables
            around = self._around_window(self.index.candidates(size), others, unfit)
            self._around[number] = around
        return around

    def _around_window(self, candidates: Candidates, others: int, unfit: int) -> Around:
        conflicts = [here & others for here in self.at_table]
        free, bit = 0, 1
        for here in conflicts:
            if not here:
                free |= bit
            bit <<= 1
        return Around(candidates, others, conflicts, free & self.index.assignable & ~unfit, unfit)

    def _open_sets(self, around: Around, leavers: int, most: int) -> Sequence[Option]:
        conflicts, opened = around.conflicts, around.free
        for position in self._tables_of(leavers & around.others):
            here = conflicts[position]
            if here and not here & ~leavers and here.bit_count() <= most:
                opened |= 1 << position
        opened &= ~around.unfit
        known = around.open_sets.get((opened, most))
        if known is None:
            known = around.open_sets[opened, most] = tuple(listed(around, opened, most))
        return known

    def _tables_of(self, numbers: int) -> Iterable[int]:
        if numbers.bit_count() > len(self.at_table) // 2:
            return range(len(self.at_table))
        positions: set[int] = set()
        while numbers:
            lowest = numbers & -numbers
            numbers ^= lowest
            positions.update(self.stays[lowest.bit_length() - 1].positions)
        return positions

    def landing(self, moved: int, among: int, lost: int, losers: int) -> int:
        """Those of ``among`` that may find tables when ``moved`` leave and nobody else does, as bits.

        ``losers`` (bits) cannot have the tables ``lost``, though somebody leaves them.
        None that finds some is missing: whoever moves takes a set that is free already, or one with a table
        that ``moved`` leave, or had several tables and keeps some.
        """
        found = self._joined & among
        for position in self._tables_of(moved):
            gained = self._fitting(position, moved) & ~self._fitting(position, 0) & among
            if lost >> position & 1:
                gained &= ~losers
            if gained:
                found |= self._served(position, gained & ~found, moved)
        return found | self._settled(among & ~found & self._near_free())

    def mobile(self, moved: int) -> bool:
        """May all of these find tables if each must leave its own? False is certain.

        Those with one table each leave nothing to one another but what they all must leave.
        """
        return bool(moved & self._joined) or not moved & ~self._settled(moved & self._near_free())

    def _served(self, position: int, numbers: int, moved: int) -> int:
        """Those, of stays for which a table is free, that it serves alone or may serve joined to another."""
        users = self._users_of()
        alone = numbers & users.alone[position]
        left = numbers & users.joined[position] & ~alone
        if left:
            beside = 0
            for other in bit_positions(users.beside(position)):
                beside |= self._fitting(other, moved)
            left &= beside
        return alone | left

    def _users_of(self) -> "Users":
        if self._users is None:
            self._users = Users.build(self.index, self.stays[: self.movable])
        return self._users

    def _near_free(self) -> int:
        """The stays for which some table is free that may serve them."""
        if self._near is None:
            near = 0
            for position in bit_positions(self.index.assignable):
                near |= self._served(position, self._fitting(position, 0) & ~near, 0)
            self._near = near
        return self._near

    def _settled(self, numbers: int) -> int:
        """Those that could move to a set that is free as it is."""
        for number in bit_positions(numbers & ~self._asked):
            if self._open_sets(self._around_of(number), 0, 0):
                self._have_free |= 1 << number
        self._asked |= numbers
        return numbers & self._have_free

    def _fitting(self, position: int, moved: int) -> int:
        """Stays whose whole window is free at a table, if ``moved`` leave it."""
        moved &= self.at_table[position]
        known = self._fits.get((position, moved))
        if known is None:
            known = self._fits[position, moved] = self._find_fitting(position, moved)
        return known

    def _find_fitting(self, position: int, moved: int) -> int:
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
    position = index.position[row.table_id]
    return Stay(None, row.start, row.end, 1 << position, (position,))


def _moving(index: FloorIndex, booking: MovableBooking, rows: Sequence[Allocation], unfit: int) -> Stay:
    positions = tuple([index.position[row.table_id] for row in rows])
    bits = 0
    for position in positions:
        bits |= 1 << position
    return Stay(booking, rows[0].start, rows[0].end, bits, positions, unfit)


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
    """The different moments in order, and for each place the bits of those before it."""
    at: dict[int, int] = {}
    bit = 1
    for moment in moments:
        at[moment] = at.get(moment, 0) | bit
        bit <<= 1
    order = sorted(at)
    before, bits = [0], 0
    for moment in order:
        bits |= at[moment]
        before.append(bits)
    return order, before
