"""Is there any allowed set of free tables for a party? Searched for without a list of all sets.

Used where that list was too long to keep, and to find out which rule a refusal depends on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from maitred.domain.floor import Adjacency
from maitred.planner.floor.joins import JoinRules, bit_positions, component
from maitred.planner.model import Deadline

_STEPS_BETWEEN_CHECKS = 64  # a step takes up to 0.1 ms on the largest floors
_SMALLEST_JOIN = 2


class SearchEndedError(Exception):
    """The deadline or the limit of steps came before an answer."""


class Steps:
    """Counts the steps of a search, which ends with ``SearchEndedError`` at its limit or at the deadline.

    ``deadline`` None: the work is short by itself. ``asked``: how often the deadline was asked until it had
    passed, so that a replay can end there too.
    """

    def __init__(self, deadline: Deadline | None = None) -> None:
        self._deadline = deadline
        self._passed = False
        self._limit: int | None = None
        self._taken = 0
        self.asked = 0

    def restart(self, limit: int | None = None) -> None:
        """Count from 0 again, up to ``limit`` steps (None: any number)."""
        self._limit, self._taken = limit, 0

    def check(self) -> None:
        """Look at the deadline now. Once it has passed, it is not asked again."""
        if self._deadline is not None and not self._passed:
            self.asked += 1
            self._passed = self._deadline.expired()
        if self._passed:
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
    return _grow(_Branch(rules, party_size, steps), 0, pool, pool)


def _find_connected(rules: JoinRules, pool: int, party_size: int, steps: Steps) -> int:
    for island in _islands(rules, pool):
        if rules.seats(island) < party_size:
            continue
        if rules.max_tables >= island.bit_count() >= _SMALLEST_JOIN:
            return island
        branch, left = _Branch(rules, party_size, steps), island
        for position in bit_positions(island):
            left &= ~(1 << position)
            found = _grow(branch, 1 << position, rules.neighbours[position] & left, left)
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


def _grow(branch: _Branch, bits: int, fringe: int, left: int) -> int:
    """``left``: tables outside the set, not ruled out on this branch; ``fringe``: those that may be next."""
    branch.steps.take()
    if branch.seats_enough(bits):
        return bits
    if branch.hopeless(bits, left):
        return 0
    pairwise = branch.rules.mode is Adjacency.PAIRWISE
    for position in bit_positions(fringe):
        added = 1 << position
        left &= ~added
        fringe &= ~added
        near = branch.rules.neighbours[position] & left
        found = _grow(branch, bits | added, near if pairwise else fringe | near, near if pairwise else left)
        if found:
            return found
    return 0


_FINDERS: dict[Adjacency, Callable[[JoinRules, int, int, Steps], int]] = {
    Adjacency.NONE: _find_any,
    Adjacency.NEIGHBORS: _find_star,
    Adjacency.PAIRWISE: _find_clique,
    Adjacency.CONNECTED: _find_connected,
}
