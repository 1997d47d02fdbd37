"""The least that a party takes of a floor, wherever it sits: for proofs of fullness (search/rearrange.py).

Seats are counted, and for each capacity the tables of that capacity or more. All counts share one integer,
a field each, with a guard bit on top that a subtraction clears when there was not enough.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maitred.planner.floor.joins import bit_positions

_FIELD = 24  # bits a count: the seats of a restaurant stay far below the guard bit at 2**23
_MASK = (1 << _FIELD) - 1
_KEPT = 10_000


@dataclass(slots=True)
class Needs:
    """The counts of one floor. ``of_table``: those of each table, by position.

    ``known``: the least that a party takes, by the tables (bits) it sits at and its size.
    """

    of_table: tuple[int, ...]
    guard: int
    _least: dict[int, int | None] = field(default_factory=dict)
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def build(cls, capacities: Sequence[int]) -> "Needs":
        """Count for these capacities of tables, by position."""
        kinds = sorted(set(capacities))
        of_table = tuple(
            capacity + sum(1 << _FIELD * place for place, kind in enumerate(kinds, 1) if capacity >= kind)
            for capacity in capacities
        )
        guard = sum(1 << _FIELD * (place + 1) - 1 for place in range(len(kinds) + 1))
        return cls(of_table, guard)

    def of(self, bits: int) -> int:
        """The counts of these tables together."""
        return sum([self.of_table[position] for position in bit_positions(bits)])

    def at_most(self, bits: int, party_size: int, least: int | None) -> int:
        """Count by count, the smaller of what these tables have and the size's ``least``; remembered."""
        if len(self.known) >= _KEPT:
            self.known.clear()
        own = self.of(bits)
        self.known[bits, party_size] = own = own if least is None else smaller(own, least)
        return own

    def least(self, party_size: int, sets: Iterable[tuple[int, ...]]) -> int | None:
        """The least that any of ``sets`` (positions) takes, count by count; None: there is no set.

        It is worked out once a party size.
        """
        if party_size not in self._least:
            least: int | None = None
            of_table = self.of_table
            for taken in {sum([of_table[position] for position in positions]) for positions in sets}:
                least = taken if least is None else smaller(least, taken)
            self._least[party_size] = least
        return self._least[party_size]


def smaller(one: int, other: int) -> int:
    """Count by count, the smaller of two."""
    result = shift = 0
    while one >> shift and other >> shift:
        result |= min(one >> shift & _MASK, other >> shift & _MASK) << shift
        shift += _FIELD
    return result
