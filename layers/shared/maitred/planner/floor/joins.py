"""Every set of tables that a floor allows to be joined, exactly: no sampling, no early break.

Tables are bits of an integer. Sets are grown by one table at a time: in each mode every allowed set of
n+1 tables contains an allowed set of n (a connected set has a table whose loss keeps it connected, a
star can lose a leaf, every part of a clique is a clique), so growing all sets of n finds all of n+1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from maitred.domain.floor import Adjacency

_SMALLEST_JOIN = 2
_MOST_PARTS = 5_000  # of one combination: 40 tables of which any three may be joined have twice as many

type Growth = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class JoinRules:
    """The rules for joining tables.

    ``neighbours[i]``: the tables that touch table ``i``, as bits. ``pools``: groups of tables, as bits; a
    set lies within one of them (by the floor's own rules: the movable tables of one zone).
    """

    mode: Adjacency
    max_tables: int
    pools: tuple[int, ...]
    neighbours: tuple[int, ...]
    capacities: tuple[int, ...]

    def seats(self, bits: int) -> int:
        """The sum of seats of these tables."""
        return sum(self.capacities[position] for position in bit_positions(bits))


@dataclass(slots=True)
class JoinedSet:
    """Tables joined. ``most_below``: the most seats of an allowed joined proper subset (0: there is none)."""

    bits: int
    seats: int
    most_below: int


def bit_positions(bits: int) -> Iterator[int]:
    """The positions of the bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def joinable_tables(rules: JoinRules) -> int:
    """The tables, as bits, that may be joined with at least one other."""
    found = 0
    for pool in rules.pools if rules.max_tables >= _SMALLEST_JOIN else ():
        for position in bit_positions(pool):
            others = pool & ~(1 << position)
            if rules.mode is Adjacency.NONE or rules.neighbours[position] & others:
                found |= bool(others) << position
    return found


def joined_sets(rules: JoinRules, limit: int) -> tuple[list[JoinedSet], bool]:
    """All allowed sets of two or more tables, smaller ones first, and whether ``limit`` ended the search.

    If it did, the list is complete up to some number of tables and has no larger sets.
    """
    found: list[JoinedSet] = []
    grow = _growth(rules)
    levels = [
        [JoinedSet(1 << position, rules.capacities[position], 0) for position in bit_positions(pool)]
        for pool in rules.pools
    ]
    for _ in range(_SMALLEST_JOIN, rules.max_tables + 1):
        room = limit - len(found)
        for number, pool in enumerate(rules.pools):
            levels[number] = _next_level(levels[number], pool, grow, rules.capacities, room)
            room -= len(levels[number])
            if room < 0:
                return found, True
        for level in levels:
            found += level
    return found, False


def _next_level(
    level: list[JoinedSet], pool: int, grow: Growth, capacities: tuple[int, ...], room: int
) -> list[JoinedSet]:
    """All allowed sets of one table more; more than ``room`` of them means that there are too many."""
    grown: dict[int, JoinedSet] = {}
    for smaller in level:
        alone = smaller.bits & (smaller.bits - 1) == 0
        below = 0 if alone else smaller.seats
        fresh = grow(smaller.bits) & pool & ~smaller.bits
        while fresh:
            added = fresh & -fresh
            fresh ^= added
            bits = smaller.bits | added
            known = grown.get(bits)
            if known is None:
                seats = smaller.seats + capacities[added.bit_length() - 1]
                grown[bits] = JoinedSet(bits, seats, below)
            elif known.most_below < below:
                known.most_below = below
        if len(grown) > room:
            break
    return list(grown.values())


def _growth(rules: JoinRules) -> Growth:
    """For an allowed set, the tables that each make it a larger allowed set."""
    neighbours = rules.neighbours

    def touching_any(bits: int) -> int:
        reach = 0
        for position in bit_positions(bits):
            reach |= neighbours[position]
        return reach

    def touching_all(bits: int) -> int:
        reach = -1
        for position in bit_positions(bits):
            reach &= neighbours[position]
        return reach

    def touching_a_centre(bits: int) -> int:
        reach = touching_all(bits)  # each of these would be a centre itself
        for position in bit_positions(bits):
            if is_centre(neighbours, bits, position):
                reach |= neighbours[position]
        return reach

    growths: dict[Adjacency, Growth] = {
        Adjacency.CONNECTED: touching_any,
        Adjacency.PAIRWISE: touching_all,
        Adjacency.NEIGHBORS: touching_a_centre,
        Adjacency.NONE: lambda _bits: -1,
    }
    return growths[rules.mode]


def smaller_join(rules: JoinRules, bits: int, party_size: int) -> int:
    """The first allowed join, by size and then ids, of a part of these tables that seats the party.

    As bits; 0 if there is none. A set of more tables than may be joined (a combination of the floor document)
    is searched within bounds: 0 means then that none was found.
    """
    if bits.bit_count() > max(rules.max_tables, _SMALLEST_JOIN):
        within = replace(rules, pools=tuple(pool & bits for pool in rules.pools))
        parts, _ = joined_sets(within, _MOST_PARTS)
        return next((each.bits for each in parts if each.seats >= party_size), 0)
    positions = tuple(bit_positions(bits))
    for size in range(_SMALLEST_JOIN, min(len(positions) - 1, rules.max_tables) + 1):
        for part in combinations(positions, size):
            own = sum(1 << position for position in part)
            in_a_pool = any(not own & ~pool for pool in rules.pools)
            if (
                in_a_pool
                and rules.seats(own) >= party_size
                and adjacency_holds(rules.mode, rules.neighbours, own)
            ):
                return own
    return 0


def is_centre(neighbours: tuple[int, ...], bits: int, position: int) -> bool:
    """Does the table at ``position`` touch all the others of the set?"""
    return not bits & ~(1 << position) & ~neighbours[position]


def adjacency_holds(mode: Adjacency, neighbours: tuple[int, ...], bits: int) -> bool:
    """Do the tables touch each other as the mode requires? One table alone always does."""
    if mode is Adjacency.NONE:
        return True
    positions = list(bit_positions(bits))
    if mode is Adjacency.PAIRWISE:
        return all(is_centre(neighbours, bits, position) for position in positions)
    if mode is Adjacency.NEIGHBORS:
        return any(is_centre(neighbours, bits, position) for position in positions)
    return component(neighbours, bits, bits & -bits) == bits


def component(neighbours: tuple[int, ...], pool: int, seed: int) -> int:
    """All tables of ``pool`` that can be reached from ``seed`` over edges within the pool."""
    reached = frontier = seed
    while frontier:
        lowest = frontier & -frontier
        frontier ^= lowest
        fresh = neighbours[lowest.bit_length() - 1] & pool & ~reached
        reached |= fresh
        frontier |= fresh
    return reached
