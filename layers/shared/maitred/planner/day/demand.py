"""The parties that a service expects, and how scarce that makes each table.

A profile is learnt from a restaurant's own bookings for one weekday and service. Without bookings it is the
prior of restaurants in general, has no confidence, and makes no table scarcer than another.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.joins import bit_positions

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

    A party wants the smallest single tables that are large enough. The scarcity of a capacity is
    ``wanted / supply / average - 1``, cut to 0 and ``MOST_SCARCE``, times the confidence: ``wanted`` is the
    share of the parties that want tables of this capacity, ``supply`` the number of such tables, ``average``
    the mean of ``wanted / supply`` over all tables.
    """
    if not demand.observed:
        return (0.0,) * len(index.tables)
    supply = Counter(index.tables[position].capacity for position in bit_positions(index.assignable))
    wanted = dict.fromkeys(sorted(supply), 0.0)
    for size, share in demand.shares:
        fitting = min((capacity for capacity in supply if capacity >= size), default=None)
        if fitting is not None:
            wanted[fitting] += share
    average = sum(wanted.values()) / max(1, sum(supply.values()))
    prices = {
        capacity: _price(wanted[capacity] / count, average) * demand.confidence
        for capacity, count in supply.items()
    }
    return tuple(round(prices.get(table.capacity, 0.0), _DIGITS) for table in index.tables)


def _price(wanted_a_table: float, average: float) -> float:
    return min(MOST_SCARCE, max(0.0, wanted_a_table / average - 1)) if average else 0.0
