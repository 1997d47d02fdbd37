"""Where the stays of a day could be instead: the gaps between them, and what opens when somebody leaves."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from maitred.domain.floor import Adjacency
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.open_sets import Around, Option
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import MovableBooking

#: Tables that are given away, and the stays that overlap with that; both bits.
type Given = tuple[int, int]


class Places:
    """Answers about the stays of one snapshot; what was worked out for one question serves all later ones.

    ``stuck``: what planner/rearrange.py knows about who cannot leave.
    """

    def __init__(self, stays: Stays) -> None:
        """Nothing is known yet but who is where."""
        self.stays = stays
        self.stuck: dict[tuple[int, int, int, int], bool] = {}
        self._index = stays.index
        self._asked = 0
        self._have_free = 0
        self._fits: dict[tuple[int, int], int] = {}
        self._around: dict[int, Around] = {}
        self._takers: dict[tuple[int, int], int] = {}
        self._users: dict[int, tuple[int, int]] = {}

    def options(self, number: int, blocked: int, leavers: int, most: int) -> list[Option]:
        """What a stay that must leave a table of its own could have instead, best first.

        Only ``leavers`` (bits) would have to be elsewhere, and at most ``most`` of them. ``blocked``: tables
        that it cannot have, one of its own at least.
        """
        around = self._around_of(number)
        found = around.open_sets(self._tables_of(leavers & around.others), leavers, most)
        return [each for each in found if not each.bits & blocked]

    def overlap(self, number: int) -> int:
        """The other stays, as bits, that share a minute with this one."""
        return self._around_of(number).others

    def landing(self, moved: int, among: int, given: Sequence[Given]) -> int:
        """Those of ``among`` that may find tables when ``moved`` leave and nobody else does, as bits.

        ``given``: tables that somebody has already, though others leave them, and whom that hinders.
        None that finds some is missing: whoever moves takes a set that is free already (but for tables of
        its own), or one with a table that ``moved`` leave.
        """
        stays, gaps = self.stays.stays, self._gaps
        found = 0
        for number in bit_positions(moved):
            for position in stays[number].positions:
                gained = self._fitting(position, moved) & among & ~gaps.get(position, 0)
                if gained:
                    found |= self._taking(position, gained & ~found, moved, given)
        return found | self._settled(among & ~found)

    def mobile(self, moved: int) -> bool:
        """May all of these find tables if each must leave its own? False is certain.

        Those with one table each leave nothing to one another but what they all must leave; one with
        several may leave some to the others.
        """
        if moved & self.stays.joined and moved & moved - 1:
            return True
        return not moved & self.rooted and moved == self._settled(moved)

    def takers(self, tables: int, moved: int) -> int:
        """The stays, as bits, that might take one of these tables when ``moved`` leave and nobody else does.

        Some that cannot may be among them; nobody is missing.
        """
        known = self._takers.get((tables, moved))
        if known is None:
            known = 0
            for position in bit_positions(tables):
                alone, joined = self._users_of(position)
                known |= (alone | joined) & self._fitting(position, moved)
            self._takers[tables, moved] = known
        return known

    @cached_property
    def rooted(self) -> int:
        """The stays, as bits, at a single table for which no other one is free that may serve them."""
        alone, near = self._near_free
        return ~(self.stays.joined | alone | near)

    def _around_of(self, number: int) -> Around:
        around = self._around.get(number)
        if around is None:
            around = self._around[number] = self._look_around(number)
        return around

    def _look_around(self, number: int) -> Around:
        stay, at_table = self.stays.stays[number], self.stays.at_table
        others = self.stays.overlapping(stay.start, stay.end) & ~(1 << number)
        free, unfit = 0, stay.unfit
        for position, fitting in self._gaps.items():
            if fitting >> number & 1:
                free |= 1 << position
        if len(stay.positions) == 1:
            unfit |= stay.tables  # its one table is what it must leave
        else:
            for position in stay.positions:
                if not at_table[position] & others:
                    free |= 1 << position
        candidates = self._index.candidates(stay.party_size)
        return Around(candidates, others, at_table, free & self._index.assignable & ~unfit, unfit)

    def _tables_of(self, numbers: int) -> Iterable[int]:
        if numbers.bit_count() > len(self.stays.at_table) // 4:
            return range(len(self.stays.at_table))
        tables = 0
        for number in bit_positions(numbers):
            tables |= self.stays.stays[number].tables
        return bit_positions(tables)

    def _settled(self, numbers: int) -> int:
        """Those that could move to a set of tables that are free as it is, or their own."""
        alone, near = self._near_free
        unsure = numbers & (near | self.stays.joined) & ~alone
        for number in bit_positions(unsure & ~self._asked):
            own = self.stays.stays[number].tables
            if any(each.bits != own for each in self._around_of(number).open_sets((), 0, 0)):
                self._have_free |= 1 << number
        self._asked |= unsure
        return numbers & (alone | self._have_free)

    @cached_property
    def _near_free(self) -> tuple[int, int]:
        """The stays for which a table is free that serves them alone; others that may join a free one."""
        alone = near = 0
        for position, fitting in self._gaps.items():
            served, joined = self._served(position, fitting & ~alone, 0)
            alone |= served
            near |= joined
        return alone, near & ~alone

    def _taking(self, position: int, numbers: int, moved: int, given: Sequence[Given]) -> int:
        """Those of ``numbers`` whom a table that is left to them may serve, unless somebody else has it."""
        for tables, hindered in given:
            if tables >> position & 1:
                numbers &= ~hindered
        if not numbers:
            return 0
        alone, joined = self._served(position, numbers, moved)
        return alone | joined

    def _served(self, position: int, numbers: int, moved: int) -> tuple[int, int]:
        """Of stays for which a table is free: those it serves alone, those it may serve joined to another."""
        alone, joined = self._users_of(position)
        alone &= numbers
        left = numbers & joined & ~alone
        if left:
            beside = 0
            for other in bit_positions(self._beside(position)):
                beside |= self._fitting(other, moved)
            left &= beside | self.stays.joined  # who has several tables may keep one beside it
        return alone, left

    def _beside(self, position: int) -> int:
        """The tables, as bits, one of which at least is in any join with this one."""
        index, rules = self._index, self._index.rules
        own = 1 << position
        if index.floor.combinations:
            return index.assignable & ~own
        if rules.mode is not Adjacency.NONE:
            return rules.neighbours[position] & index.assignable
        return next((pool for pool in rules.pools if pool & own), 0) & ~own

    def _users_of(self, position: int) -> tuple[int, int]:
        """The movable stays, as bits, that this table may serve alone, and joined to others."""
        known = self._users.get(position)
        if known is None:
            alone = joined = 0
            for numbers, single, together in self._kinds:
                if single >> position & 1:
                    alone |= numbers
                if together >> position & 1:
                    joined |= numbers
            known = self._users[position] = alone, joined
        return known

    @cached_property
    def _kinds(self) -> list[tuple[int, int, int]]:
        """Movable stays that are served by the same tables: who, tables alone, tables joined (all bits)."""
        alike: dict[tuple[int, int], int] = {}
        bit = 1
        for stay in self.stays.stays[: self.stays.movable]:
            key = (stay.party_size, stay.unfit)
            alike[key] = alike.get(key, 0) | bit
            bit <<= 1
        kinds = []
        for (size, unfit), numbers in alike.items():
            candidates = self._index.candidates(size)
            kinds.append((numbers, candidates.single & ~unfit, candidates.joined & ~unfit))
        return kinds

    @cached_property
    def _gaps(self) -> dict[int, int]:
        """By table, the stays (bits) that would fit between those who sit there; none: no entry."""
        stays = self.stays
        gaps: dict[int, int] = {}
        moving = stays.stays[: stays.movable]
        window = min([stay.start for stay in moving]), max([stay.end for stay in moving])
        tables = bit_positions(self._index.assignable)
        for position, start, end in stays.occupancy.free_runs(tables, window, stays.shortest):
            fitting = stays.within(start, end)
            if fitting:
                gaps[position] = gaps.get(position, 0) | fitting
        return gaps

    def _fitting(self, position: int, moved: int) -> int:
        """Stays whose whole window is free at a table, if ``moved`` leave it."""
        moved &= self.stays.at_table[position]
        if not moved:
            return self._gaps.get(position, 0)
        known = self._fits.get((position, moved))
        if known is None:
            known = self._fits[position, moved] = self._find_fitting(position, moved)
        return known

    def _find_fitting(self, position: int, moved: int) -> int:
        leaving = [self.stays.stays[number] for number in bit_positions(moved)]
        spans = [(stay.start, stay.end) for stay in leaving]
        fitting = self._gaps.get(position, 0)
        for start, end in self.stays.occupancy.left_free(position, spans):
            fitting |= self.stays.within(start, end)
        return fitting


class Movers:
    """The stays of a snapshot and their places, numbered when somebody has to be moved and not before."""

    def __init__(self, index: FloorIndex, occupancy: Occupancy, movable: Sequence[MovableBooking]) -> None:
        """Keep what ``places`` is made of."""
        self.index, self.occupancy = index, occupancy
        self._movable = movable
        self._asked = False

    def __bool__(self) -> bool:
        """May anybody be moved at all?"""
        return bool(self._movable)

    def around(self, start: int, end: int) -> Stays:
        """The stays that share a minute with ``[start, end)``, or more.

        The first who asks gets no more than these: mostly they are enough, and only half of a day's. It is
        worth numbering the whole day for whoever asks again.
        """
        if self._asked:
            return self.places.stays
        self._asked = True
        return Stays.build(self.index, self.occupancy, self._movable, (start, end))

    @property
    def numbered(self) -> bool:
        """Has the whole day been numbered?"""
        return "places" in self.__dict__

    @cached_property
    def places(self) -> Places:
        """Where they could be, on the whole day."""
        return Places(Stays.build(self.index, self.occupancy, self._movable))


def movers_of(index: FloorIndex, occupancy: Occupancy, movable: Sequence[MovableBooking] | Movers) -> Movers:
    """The bookings as ``Movers``, unless they are already."""
    return movable if isinstance(movable, Movers) else Movers(index, occupancy, movable)
