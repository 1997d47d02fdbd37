"""The parties that a service expects, and how scarce that makes each table.

A profile is learnt from a restaurant's own bookings for one weekday and service. Without bookings it is the
prior of restaurants in general, has no confidence, and makes no table scarcer than another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.joins import bit_positions
from maitred.planner.floor.weights import JOINS

#: Shares of party sizes that restaurants in general see.
PRIOR_SHARES: Mapping[int, float] = MappingProxyType(
    {1: 0.03, 2: 0.43, 3: 0.15, 4: 0.18, 5: 0.06, 6: 0.06, 7: 0.02, 8: 0.03, 10: 0.04}
)
#: This many bookings of the restaurant's own weigh as much as the prior.
PRIOR_STRENGTH = 30
#: No table is scarcer than this, however lopsided the demand.
MOST_SCARCE = 4.0

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Demand:
    """Expected party sizes of one service: ``(size, share)``, sorted by size; the shares add up to 1.

    ``observed``: how many bookings it was learnt from.
    """

    shares: tuple[tuple[int, float], ...]
    observed: int = 0

    @property
    def confidence(self) -> float:
        """0 for the prior alone; it approaches 1 with many bookings."""
        return self.observed / (self.observed + PRIOR_STRENGTH)


def learn_demand(counts: Mapping[int, int]) -> Demand:
    """The profile of a service in which ``counts[size]`` parties of each size were booked."""
    observed = sum(counts.values())
    sizes = sorted(PRIOR_SHARES.keys() | counts.keys())
    total = observed + PRIOR_STRENGTH
    weights = ((size, counts.get(size, 0) + PRIOR_STRENGTH * PRIOR_SHARES.get(size, 0.0)) for size in sizes)
    return Demand(tuple((size, round(weight / total, _DIGITS)) for size, weight in weights), observed)


PRIOR = learn_demand({})


def scarcities(index: FloorIndex, demand: Demand) -> tuple[float, ...]:
    """For each table (by position), from 0 to ``MOST_SCARCE``: how much scarcer it is than the average one.

    A party wants the smallest single tables that are large enough, or else, if only joined tables seat it,
    as many of those that can be joined as it needs at least. A table is ``wanted`` by the share of the
    parties that want tables of its kind, divided by the number of such tables. Its scarcity is
    ``wanted / average - 1``, cut to 0 and ``MOST_SCARCE``, times the confidence; ``average`` is the mean of
    all tables. The weight 0 for ``joins`` leaves out the parties that only joined tables seat.
    """
    if not demand.observed:
        return (0.0,) * len(index.tables)
    usable = list(bit_positions(index.assignable))
    wanted = dict.fromkeys(usable, 0.0)
    most_joined = index.most_joined() if index.weights[JOINS] else 0
    for size, share in demand.shares:
        positions, count = _wanted(index, usable, size, most_joined)
        for position in positions:
            wanted[position] += share * count / len(positions)
    average = sum(wanted.values()) / max(1, len(usable))
    # Tables that are not assignable have the price of their like.
    like = {index.tables[position].capacity: wanted[position] for position in reversed(usable)}
    return tuple(
        round(
            _price(wanted.get(position, like.get(table.capacity, 0.0)), average) * demand.confidence, _DIGITS
        )
        for position, table in enumerate(index.tables)
    )


def _wanted(
    index: FloorIndex, usable: Sequence[int], size: int, most_joined: int
) -> tuple[Sequence[int], int]:
    """The tables that a party of this size wants, and how many of them it takes."""
    tables = index.tables
    for fits in (
        [position for position in usable if tables[position].capacity >= size],
        [position for position in usable if tables[position].max_party >= size],
    ):
        if fits:
            least = min(tables[position].capacity for position in fits)
            return [position for position in fits if tables[position].capacity == least], 1
    if size > most_joined:
        return (), 0
    joined = list(bit_positions(index.joinable))
    largest = max(tables[position].capacity for position in joined)
    return joined, min(len(joined), ceil(size / largest))


def _price(wanted_a_table: float, average: float) -> float:
    return min(MOST_SCARCE, max(0.0, wanted_a_table / average - 1)) if average else 0.0
