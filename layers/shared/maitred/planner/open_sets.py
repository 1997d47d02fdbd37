"""The sets of tables that a party could have if few enough others were elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from maitred.planner.enumeration import bit_positions
from maitred.planner.floor_index import Candidates

_FEW_TABLES = 12  # beyond so many, looking at all sets is faster than at those of each table


@dataclass(slots=True)  # not frozen, for speed
class Option:
    """A set that a party could have if the stays ``conflicts`` (bits, all movable) were elsewhere.

    ``order`` is its place among the candidates of the party's size: lower is better.
    """

    order: int
    bits: int
    conflicts: int


@dataclass(slots=True)
class Around:
    """A party's sets, who else is there at its time (``others``), where, and what is free.

    ``open_sets``: the sets within some tables where few enough sit, as far as they were asked for;
    ``free_sets``: the numbers of those within free tables.
    """

    candidates: Candidates
    others: int
    conflicts: list[int]
    free: int
    unfit: int
    open_sets: dict[tuple[int, int], tuple[Option, ...]] = field(default_factory=dict)
    free_sets: list[int] | None = None


def listed(around: Around, opened: int, most: int) -> Iterator[Option]:
    """The sets within the ``opened`` tables at which at most ``most`` others sit, best first."""
    candidates, conflicts = around.candidates, around.conflicts
    if not opened & candidates.single and not opened & opened - 1:
        return
    closed, bits, sets = ~opened, candidates.bits, candidates.sets
    for order in _near(around, opened):
        if not bits[order] & closed:
            conflict = 0
            for position in sets[order].positions:
                conflict |= conflicts[position]
            if conflict.bit_count() <= most:
                yield Option(order, bits[order], conflict)


def _near(around: Around, opened: int) -> Iterable[int]:
    """The sets that may lie within ``opened``, in order: those of free tables, and those with another one."""
    candidates, free = around.candidates, around.free
    if around.free_sets is None:
        closed = ~free
        none = not free & candidates.single and not free & free - 1
        around.free_sets = (
            [] if none else [order for order, bits in enumerate(candidates.bits) if not bits & closed]
        )
    added = opened & ~free
    if not added:
        return around.free_sets
    if added.bit_count() > _FEW_TABLES:
        return range(len(candidates.bits))
    near = set(around.free_sets)
    at_table = candidates.at_table(len(around.conflicts))
    for position in bit_positions(added):
        near.update(at_table[position])
    return sorted(near)
