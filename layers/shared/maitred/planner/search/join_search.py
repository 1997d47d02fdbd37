"""Is there any allowed set of free tables for a party? Searched for without a list of all sets.

Used where that list was too long to keep, and to find out which rule a refusal depends on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from maitred.domain.floor import Adjacency
from maitred.planner.floor.joins import JoinRules, adjacency_holds, bit_positions, component
from maitred.planner.model import Deadline

_STEPS_BETWEEN_CHECKS = 64  # a step takes up to 0.1 ms on the largest floors
_SMALLEST_JOIN = 2


class SearchEndedError(Exception):
    """The deadline or the limit of steps came before an answer."""


class Steps:
    """Counts the steps of a search; raises ``SearchEndedError`` at ``limit`` (None: no limit) or deadline."""

    def __init__(self, deadline: Deadline, limit: int | None = None) -> None:
        self._deadline = deadline
        self._limit = limit
        self._taken = 0

    def check(self) -> None:
        """Look at the deadline now."""
        if self._deadline.expired():
            raise SearchEndedError

    def take(self) -> None:
        """Count one step, and look at the deadline every so often."""
        self._taken += 1
        if self._limit is not None and self._taken > self._limit:
            raise SearchEndedError
        if self._taken % _STEPS_BETWEEN_CHECKS == 0:
            self.check()


def find_joined(rules: JoinRules, free: int, party_size: int, steps: Steps) -> int:
    """Some allowed set of two or more free tables with enough seats, as bits; 0 if there is none."""
    for pool in rules.pools:
        steps.take()
        bits = _FINDERS[rules.mode](rules, pool & free, party_size, steps)
        if bits.bit_count() >= _SMALLEST_JOIN:
            return bits
    return 0


def smallest_part(rules: JoinRules, bits: int, party_size: int) -> int:
    """The first allowed join within an allowed set that seats the party too, by size and then ids."""
    positions = tuple(bit_positions(bits))
    for size in range(_SMALLEST_JOIN, len(positions)):
        for part in combinations(positions, size):
            part_bits = sum(1 << position for position in part)
            if rules.seats(part_bits) >= party_size and adjacency_holds(
                rules.mode, rules.neighbours, part_bits
            ):
                return part_bits
    return bits


def _largest(rules: JoinRules, pool: int, count: int) -> int:
    """The ``count`` largest tables of the pool, as bits."""
    positions = sorted(bit_positions(pool), key=lambda position: (-rules.capacities[position], position))
    return sum(1 << position for position in positions[: max(count, 0)])


def _find_any(rules: JoinRules, pool: int, party_size: int, steps: Steps) -> int:
    steps.take()
    bits = _largest(rules, pool, rules.max_tables)
    return bits if rules.seats(bits) >= party_size else 0


def _find_star(rules: JoinRules, pool: int, party_size: int, steps: Steps) -> int:
    for position in bit_positions(pool):
        steps.take()
        leaves = _largest(rules, rules.neighbours[position] & pool, rules.max_tables - 1)
        bits = leaves | 1 << position
        if leaves and rules.seats(bits) >= party_size:
            return bits
    return 0


def _find_clique(rules: JoinRules, pool: int, party_size: int, steps: Steps) -> int:
    return _grow_clique(_Branch(rules, party_size, steps), 0, pool)


def _find_connected(rules: JoinRules, pool: int, party_size: int, steps: Steps) -> int:
    for island in _islands(rules, pool):
        if rules.seats(island) < party_size:
            continue
        if rules.max_tables >= island.bit_count() >= _SMALLEST_JOIN:
            return island
        branch, left = _Branch(rules, party_size, steps), island
        for position in bit_positions(island):
            left &= ~(1 << position)
            found = _grow_connected(branch, 1 << position, rules.neighbours[position] & left, left)
            if found:
                return found
    return 0


def _islands(rules: JoinRules, pool: int) -> Iterator[int]:
    while pool:
        island = component(rules.neighbours, pool, pool & -pool)
        pool &= ~island
        yield island


@dataclass(frozen=True, slots=True)
class _Branch:
    """The parts of a search that stay the same while it grows one set."""

    rules: JoinRules
    party_size: int
    steps: Steps

    def seats_enough(self, bits: int) -> bool:
        """Is it a joined set with enough seats?"""
        return bits & (bits - 1) != 0 and self.rules.seats(bits) >= self.party_size

    def hopeless(self, bits: int, left: int) -> bool:
        """Are even the largest of the tables left too few or too small?"""
        room = self.rules.max_tables - bits.bit_count()
        most = self.rules.seats(bits) + self.rules.seats(_largest(self.rules, left, room))
        return room <= 0 or most < self.party_size


def _grow_clique(branch: _Branch, bits: int, left: int) -> int:
    """``left``: tables that touch all of the set and are not ruled out on this branch."""
    branch.steps.take()
    if branch.seats_enough(bits):
        return bits
    if branch.hopeless(bits, left):
        return 0
    for position in bit_positions(left):
        left ^= 1 << position
        found = _grow_clique(branch, bits | 1 << position, left & branch.rules.neighbours[position])
        if found:
            return found
    return 0


def _grow_connected(branch: _Branch, bits: int, fringe: int, left: int) -> int:
    """``left``: tables not in the set and not ruled out on this branch; ``fringe``: those that touch it."""
    branch.steps.take()
    if branch.seats_enough(bits):
        return bits
    if branch.hopeless(bits, left):
        return 0
    for position in bit_positions(fringe):
        added = 1 << position
        left &= ~added
        fringe &= ~added
        wider = fringe | branch.rules.neighbours[position] & left
        found = _grow_connected(branch, bits | added, wider, left)
        if found:
            return found
    return 0


_FINDERS: dict[Adjacency, Callable[[JoinRules, int, int, Steps], int]] = {
    Adjacency.NONE: _find_any,
    Adjacency.NEIGHBORS: _find_star,
    Adjacency.PAIRWISE: _find_clique,
    Adjacency.CONNECTED: _find_connected,
}
