"""Where the stays of a day could be instead: the gaps between them, and what opens when some leave.

Sets of tables and sets of stays are integers, a bit each.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

from maitred.domain.floor import Adjacency
from maitred.planner.day.open_sets import Neighbourhood, Option
from maitred.planner.day.stays import Stays
from maitred.planner.floor.joins import bit_positions

#: Tables that a search has given away, and the stays that overlap with their new use.
type Claim = tuple[int, int]


class Places:
    """Answers about the stays of one day; what was worked out for one question serves all later ones.

    ``no_way_out`` is the search's own memory (search/rearrange.py): have these stays no way out?
    """

    def __init__(self, stays: Stays) -> None:
        self.stays = stays
        self.no_way_out: dict[tuple[int, int, int, int], bool] = {}
        self._index = stays.index
        self._neighbourhoods: dict[int, Neighbourhood] = {}
        self._fits: dict[tuple[int, int], int] = {}
        self._candidates: dict[tuple[int, int], int] = {}
        self._users: dict[int, tuple[int, int]] = {}
        self._checked = 0
        self._can_use_free = 0

    def options(self, number: int, blocked: int, leavers: int, most: int) -> list[Option]:
        """The sets that a stay could have instead of its own tables, best first.

        Only ``leavers`` would have to be elsewhere, at most ``most`` of them. ``blocked``: tables that the
        stay cannot have, at least one of its own.
        """
        around = self._neighbourhood(number)
        found = around.open_sets(self._tables_of(leavers & around.others), leavers, most)
        return [each for each in found if not each.bits & blocked]

    def overlapping(self, number: int) -> int:
        """The other stays that share a minute with this one."""
        return self._neighbourhood(number).others

    def can_relocate(self, moved: int, among: int, claims: Sequence[Claim]) -> int:
        """The stays of ``among`` that may find other tables when ``moved`` leave and no others do.

        ``claims``: what is given away already, even if ``moved`` leave it. Every stay that can find tables
        is in the result: it takes either a set that is free already (its own tables count as free), or a
        set with a table that ``moved`` leave.
        """
        stays, gaps = self.stays.stays, self._gaps
        found = 0
        for number in bit_positions(moved):
            for position in stays[number].positions:
                gained = self._fitting(position, moved) & among & ~gaps.get(position, 0)
                if gained:
                    found |= self._gaining(position, gained & ~found, moved, claims)
        return found | self._with_free_set(among & ~found)

    def can_move(self, moved: int) -> bool:
        """May all of these find other tables if each must leave its own? False is certain.

        A stay at one table leaves nothing to the others: that table is what all of them must leave. A stay
        at several tables may leave some to the others.
        """
        if moved & self.stays.joined and moved & moved - 1:
            return True
        return not moved & self.immovable and moved == self._with_free_set(moved)

    def candidates_for(self, tables: int, moved: int) -> int:
        """The stays that might take one of these tables when ``moved`` leave and no others do.

        Every stay that could is in the result; some in it could not.
        """
        known = self._candidates.get((tables, moved))
        if known is None:
            known = 0
            for position in bit_positions(tables):
                alone, joined = self._users_of(position)
                known |= (alone | joined) & self._fitting(position, moved)
            self._candidates[tables, moved] = known
        return known

    @cached_property
    def immovable(self) -> int:
        """The stays at a single table for which no other table is free that may serve them."""
        alone, near = self._near_free
        return ~(self.stays.joined | alone | near)

    def _neighbourhood(self, number: int) -> Neighbourhood:
        known = self._neighbourhoods.get(number)
        if known is not None:
            return known
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
        free &= self._index.assignable & ~unfit
        known = self._neighbourhoods[number] = Neighbourhood(candidates, others, at_table, free, unfit)
        return known

    def _tables_of(self, numbers: int) -> Iterable[int]:
        """The positions of these stays' tables; of all tables if the stays are many."""
        if numbers.bit_count() > len(self.stays.at_table) // 4:
            return range(len(self.stays.at_table))
        tables = 0
        for number in bit_positions(numbers):
            tables |= self.stays.stays[number].tables
        return bit_positions(tables)

    def _with_free_set(self, numbers: int) -> int:
        """The stays of these that could move to a set of tables that are free already, or their own."""
        alone, near = self._near_free
        unsure = numbers & (near | self.stays.joined) & ~alone
        for number in bit_positions(unsure & ~self._checked):
            own = self.stays.stays[number].tables
            if any(each.bits != own for each in self._neighbourhood(number).open_sets((), 0, 0)):
                self._can_use_free |= 1 << number
        self._checked |= unsure
        return numbers & (alone | self._can_use_free)

    @cached_property
    def _near_free(self) -> tuple[int, int]:
        """The stays that a free table serves alone, and those that may use one joined to another."""
        alone = near = 0
        for position, fitting in self._gaps.items():
            served, joined = self._served(position, fitting & ~alone, 0)
            alone |= served
            near |= joined
        return alone, near & ~alone

    def _gaining(self, position: int, numbers: int, moved: int, claims: Sequence[Claim]) -> int:
        """The stays of ``numbers`` that a table left by ``moved`` may serve, unless it is claimed."""
        for tables, excluded in claims:
            if tables >> position & 1:
                numbers &= ~excluded
        if not numbers:
            return 0
        alone, joined = self._served(position, numbers, moved)
        return alone | joined

    def _served(self, position: int, numbers: int, moved: int) -> tuple[int, int]:
        """The stays of ``numbers`` that a free table serves alone, and those it may serve joined to another.

        The table is free for all of ``numbers`` when ``moved`` leave.
        """
        alone, joined = self._users_of(position)
        alone &= numbers
        left = numbers & joined & ~alone
        if left:
            beside = 0
            for other in bit_positions(self._beside(position)):
                beside |= self._fitting(other, moved)
            left &= beside | self.stays.joined  # a stay at several tables may keep one beside it
        return alone, left

    def _beside(self, position: int) -> int:
        """Tables of which every join with this table has at least one."""
        index, rules = self._index, self._index.rules
        own = 1 << position
        if index.floor.combinations:
            return index.assignable & ~own
        if rules.mode is not Adjacency.NONE:
            return rules.neighbours[position] & index.assignable
        return next((pool for pool in rules.pools if pool & own), 0) & ~own

    def _users_of(self, position: int) -> tuple[int, int]:
        """The movable stays that this table may serve alone, and joined to others."""
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
        """Movable stays that the same tables serve: the stays, tables alone, tables joined."""
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
        """By table, the stays that would fit between those at it; a table without any has no entry."""
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
        """The stays whose whole window is free at a table when ``moved`` leave it."""
        moved &= self.stays.at_table[position]
        if not moved:
            return self._gaps.get(position, 0)
        known = self._fits.get((position, moved))
        if known is None:
            known = self._gaps.get(position, 0)
            leaving = [self.stays.stays[number] for number in bit_positions(moved)]
            spans = [(stay.start, stay.end) for stay in leaving]
            for start, end in self.stays.occupancy.left_free(position, spans):
                known |= self.stays.within(start, end)
            self._fits[position, moved] = known
        return known
