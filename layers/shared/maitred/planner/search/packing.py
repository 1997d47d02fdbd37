"""How many parties of one size can start together: the most free sets of which no two share a table.

Nobody is moved for them. Tables that seat such a party alone are counted first: no joined set for it contains
one of them. The joined sets are searched table by table, and what fits into the tables left is remembered.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import or_

from maitred.domain.floor import Adjacency
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.joins import bit_positions, component
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.situation import Situation

#: How many more such parties each limited zone takes: its tables, as bits, and the number.
type ZoneRooms = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PartyCount:
    """``parties`` of one size have room together. ``exact``: it is proven that no more do."""

    parties: int
    exact: bool = True


def count_parties(situation: Situation, most: int, steps: Steps) -> PartyCount:
    """How many parties like the situation's find free tables at its start, up to ``most``.

    Pacing is kept for all of them together. The count is not exact if the deadline ends the search, or where
    the floor's list of sets was cut short: then at least so many have room.
    """
    index, size, left = situation.index, situation.request.party_size, situation.slot.left
    if left.in_all is not None:
        most = min(most, left.in_all // size)
    free = index.assignable & ~situation.blocked
    single = situation.candidates.single
    rooms: ZoneRooms = tuple((tables, covers // size) for tables, covers in left.by_zone)
    parties = 0
    for position in bit_positions(free & single):
        if parties < most and free >> position & 1:
            free, rooms, parties = *_without(1 << position, free, rooms), parties + 1
    try:
        for _ in _joined_parties(situation, free & ~single, most - parties, rooms, steps):
            parties += 1
    except SearchEndedError:
        return PartyCount(parties, exact=False)
    return PartyCount(parties, exact=parties == most or not index.truncated)


def _joined_parties(
    situation: Situation, free: int, most: int, rooms: ZoneRooms, steps: Steps
) -> Iterator[None]:
    """Once for each of up to ``most`` parties that joined sets of these tables seat."""
    index = situation.index
    if index.truncated:  # one after the other, since not all sets are known
        for _ in range(most):
            sets = situation.free_sets(~free, steps)
            if not sets:
                return
            free, rooms = _without(sets[0].bits, free, rooms)
            yield
    numbers = situation.candidates.within(free) if most and not index.truncated else ()
    if numbers:
        search = _Packing(index, [situation.candidates.bits[number] for number in numbers], steps)
        for parties in range(1, most + 1):
            if not search.fits(free, parties, rooms):
                return
            yield


def _without(tables: int, free: int, rooms: ZoneRooms) -> tuple[int, ZoneRooms]:
    """What is left when a party takes these tables: free tables in zones that take one more."""
    free &= ~tables
    if not rooms:
        return free, rooms
    rooms = tuple((zone, count - bool(zone & tables)) for zone, count in rooms)
    for zone, count in rooms:
        if count <= 0:
            free &= ~zone
    return free, rooms


class _Packing:
    """The joined sets within some free tables (both as bits), for a search that remembers."""

    def __init__(self, index: FloorIndex, sets: Sequence[int], steps: Steps) -> None:
        self._steps = steps
        self._capacities = index.rules.capacities
        self._fewest = min(each.bit_count() for each in sets)
        self._least = min(index.rules.seats(each) for each in sets)
        beside = [0] * len(index.tables)
        self._by_lowest: dict[int, list[int]] = defaultdict(list)
        for each in sets:
            self._by_lowest[each & -each].append(each)
            for position in bit_positions(each):
                beside[position] |= each
        self._beside = tuple(beside)  # by table, those that it shares a set with
        self._alike = _alike(index, reduce(or_, sets))
        self._known: dict[tuple[int, int, ZoneRooms], bool] = {}

    def fits(self, free: int, parties: int, rooms: ZoneRooms) -> bool:
        """Do so many parties find sets within these tables? Raises ``SearchEndedError``."""
        if not parties:
            return True
        free = self._as_alike(free)
        known = self._known.get((free, parties, rooms))
        if known is None:
            self._steps.take()
            known = self._known[free, parties, rooms] = self._try(free, parties, rooms)
        return known

    def _try(self, free: int, parties: int, rooms: ZoneRooms) -> bool:
        """Some party takes the lowest table that is in a set within these, or no party does."""
        sets: list[int] = []
        lowest = 0
        while not sets:
            free &= ~lowest
            if not free:
                return False
            lowest = free & -free
            sets = [each for each in self._by_lowest.get(lowest, ()) if not each & ~free]
        if self._most(free) < parties:
            return False
        if any(self.fits(*_after(each, free, parties, rooms)) for each in sets):
            return True
        return self.fits(free & ~lowest, parties, rooms)

    def _most(self, free: int) -> int:
        """No more parties than this find sets: each group of tables has so many tables and seats."""
        most = 0
        while free:
            group = component(self._beside, free, free & -free)
            free &= ~group
            seats = sum([self._capacities[position] for position in bit_positions(group)])
            most += min(group.bit_count() // self._fewest, seats // self._least)
        return most

    def _as_alike(self, free: int) -> int:
        """The same, with the last of each group of like tables: which of them are free is all one."""
        for tables, last in self._alike:
            here = free & tables
            if here:
                free = free & ~tables | last[here.bit_count()]
        return free


def _after(tables: int, free: int, parties: int, rooms: ZoneRooms) -> tuple[int, int, ZoneRooms]:
    """What is to be done once a party has these tables."""
    free, rooms = _without(tables, free, rooms)
    return free, parties - 1, rooms


def _alike(index: FloorIndex, tables: int) -> list[tuple[int, tuple[int, ...]]]:
    """Groups of these tables that may stand for each other in every join; for each number, its last ones.

    They have the same seats and touch the same tables; none is in a combination of the floor document.
    """
    rules = index.rules
    combined = index.bits_of(table for row in index.floor.combinations for table in row.tables)
    touching = rules.mode is not Adjacency.NONE
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for pool in rules.pools:
        for position in bit_positions(pool & tables & ~combined):
            near = rules.neighbours[position] & pool if touching else 0
            for around in {near, near | touching << position}:
                groups[pool, rules.capacities[position], around].append(1 << position)
    several = [group for group in groups.values() if len(group) > 1]
    return [(sum(group), tuple(accumulate(reversed(group), initial=0))) for group in several]
