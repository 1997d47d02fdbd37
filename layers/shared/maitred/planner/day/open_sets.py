"""The sets of tables that a party could have if few enough others were elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from maitred.planner.floor.index import Candidates


@dataclass(slots=True)  # not frozen, for speed
class Option:
    """A set that a party could have if the stays ``conflicts`` (bits, all movable) were elsewhere.

    ``order`` is its place among the candidates of the party's size: lower is better.
    """

    order: int
    bits: int
    conflicts: int


@dataclass(slots=True)
class Neighbourhood:
    """A party's surroundings during its stay: the tables it could have, and the stays at them.

    ``others``: the stays at the same time, as bits; ``at_table``: all stays of the day, as bits, by table;
    ``free`` and ``unfit``: tables, as bits, that it could take as they are, and that it can never have.
    """

    candidates: Candidates
    others: int
    at_table: Sequence[int]
    free: int
    unfit: int
    _known: dict[tuple[int, int], tuple[Option, ...]] = field(default_factory=dict)

    def open_sets(self, tables: Iterable[int], leavers: int, most: int) -> tuple[Option, ...]:
        """The sets where no others than ``leavers`` sit, and at most ``most`` of those, best first.

        ``tables``: at least the positions of all tables where one of ``leavers`` sits.
        """
        opened, others, at_table = self.free, self.others, self.at_table
        staying = others & ~leavers
        for position in tables:
            here = at_table[position]
            if not here & staying and 0 < (here & others).bit_count() <= most:
                opened |= 1 << position
        opened &= ~self.unfit
        known = self._known.get((opened, most))
        if known is None:
            known = self._known[opened, most] = tuple(self._listed(opened, most))
        return known

    def _listed(self, opened: int, most: int) -> Iterator[Option]:
        candidates, at_table, others = self.candidates, self.at_table, self.others
        if not opened & candidates.single and not opened & opened - 1:
            return
        bits, sets = candidates.bits, candidates.sets
        for order in candidates.within(opened):
            conflict = 0
            for position in sets[order].positions:
                conflict |= at_table[position]
            conflict &= others
            if conflict.bit_count() <= most:
                yield Option(order, bits[order], conflict)
