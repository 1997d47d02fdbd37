"""What a set of tables costs a party, term by term (planner/weights.py names and weighs the terms)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from maitred.planner.day.demand import Demand, scarcities
from maitred.planner.floor.index import TableSet
from maitred.planner.floor.weights import (
    ATTRIBUTES_MISSED,
    BALANCE,
    DEAD_TIME,
    EXTRA_TABLES,
    SCARCITY,
    WASTED_SEATS,
    ZONE_MISSED,
)
from maitred.planner.search.situation import Situation

SCORE_DIGITS = 6
#: Strategies weigh so many of the free sets: those that fit best, by the terms of ``best_fit``.
SHORTLIST = 48


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish as the tables that do not grant it, and what it costs not to."""

    term: str
    without: int
    cost: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """A free set with its costs. ``fit``: seats, tables and wishes (``wishes`` is part of it)."""

    set: TableSet
    fit: float
    wishes: float
    dead_time: float
    scarcity: float
    balance: float
    score: float


class Scoring:
    """Costs of sets for one situation. ``wide``: the terms beyond the fit count as well."""

    def __init__(self, asked: Situation, demand: Demand, *, wide: bool) -> None:
        """Prepare what all sets have in common."""
        self._asked = asked
        self._wide = wide
        self.wishes = _wishes(asked)
        self._prices: tuple[float, ...] | None = None
        if wide and demand.observed and asked.index.weights.scarcity:
            self._prices = asked.index.prices(demand, lambda: scarcities(asked.index, demand))
        self._loads = _zone_loads(asked) if wide else {}

    def fit(self, each: TableSet) -> float:
        """Seats, tables and wishes."""
        if not self.wishes:
            return each.cost
        missed = sum(wish.cost for wish in self.wishes if each.bits & wish.without)
        return round(each.cost + missed, SCORE_DIGITS)

    def shortlist(self, free: Sequence[TableSet]) -> list[tuple[float, TableSet]]:
        """Of free sets, best first but for wishes, the ones that fit best with their wishes, best first."""
        if not self.wishes:
            return [(each.cost, each) for each in free[:SHORTLIST]]
        near: list[tuple[float, TableSet]] = []
        best = float("inf")
        for each in free:
            # The fit is never below the cost, so that all that follow are worse than the best so far.
            if each.cost > best and len(near) >= SHORTLIST:
                break
            fit = self.fit(each)
            best = min(best, fit)
            near.append((fit, each))
        return nsmallest(SHORTLIST, near, key=lambda one: (one[0], one[1].priority, one[1].positions))

    def weigh(self, fit: float, each: TableSet) -> Weighed:
        """All the costs of a set whose fit is known."""
        wishes = fit - each.cost
        if not self._wide:
            return Weighed(each, fit, wishes, 0.0, 0.0, 0.0, fit)
        dead, scarcity, balance = self._dead_time(each), self._scarcity(each), self._balance(each)
        score = round(fit + dead + scarcity + balance, SCORE_DIGITS)
        return Weighed(each, fit, wishes, dead, scarcity, balance, score)

    def terms(self, weighed: Weighed) -> dict[str, float]:
        """The costs by name; those beyond seats and tables only where there are any."""
        asked, weights, chosen = self._asked, self._asked.index.weights, weighed.set
        terms = {
            WASTED_SEATS: (chosen.seats - asked.request.party_size) * weights.wasted_seats,
            EXTRA_TABLES: (len(chosen.positions) - 1) * weights.extra_tables,
        }
        for wish in self.wishes:
            if chosen.bits & wish.without:
                terms[wish.term] = terms.get(wish.term, 0.0) + wish.cost
        extra = {DEAD_TIME: weighed.dead_time, SCARCITY: weighed.scarcity, BALANCE: weighed.balance}
        terms |= {name: cost for name, cost in extra.items() if cost}
        return {name: round(cost, SCORE_DIGITS) for name, cost in terms.items()}

    def _dead_time(self, each: TableSet) -> float:
        """The mean over the tables of the share of two shortest stays that is lost beside this one."""
        request, index = self._asked.request, self._asked.index
        shortest, gaps = index.shortest_stay, self._asked.occupancy.gaps
        lost = 0
        for position in each.positions:
            for gap in gaps(position, request.start, request.end):
                if gap is not None and gap < shortest:
                    lost += gap
        if not lost:
            return 0.0
        share = lost / (2 * shortest * len(each.positions))
        return round(share * index.weights.dead_time, SCORE_DIGITS)

    def _scarcity(self, each: TableSet) -> float:
        prices = self._prices
        if prices is None:
            return 0.0
        price = sum([prices[position] for position in each.positions])
        return round(price * self._asked.index.weights.scarcity, SCORE_DIGITS)

    def _balance(self, each: TableSet) -> float:
        if not self._loads:
            return 0.0
        return self._loads[self._asked.index.tables[each.positions[0]].zone]


def _wishes(asked: Situation) -> list[Wish]:
    index, request, weights = asked.index, asked.request, asked.index.weights
    wishes = []
    if request.zone is not None and not request.zone_required:
        wishes.append(Wish(ZONE_MISSED, ~index.matching(request.zone, ()), weights.zone_missed))
    for attribute in sorted(request.attributes):
        without = ~index.matching(None, (attribute,))
        wishes.append(Wish(ATTRIBUTES_MISSED, without, weights.attributes_missed))
    return wishes


def _zone_loads(asked: Situation) -> dict[str, float]:
    """How much fuller than the emptiest zone each is at this time, weighed; empty if there is one zone."""
    zones = asked.index.zone_bits
    if len(zones) <= 1:
        return {}
    taken = asked.taken.booked | asked.taken.held
    share = {zone: (taken & bits).bit_count() / bits.bit_count() for zone, bits in zones.items()}
    least, weight = min(share.values()), asked.index.weights.balance
    return {zone: round((load - least) * weight, SCORE_DIGITS) for zone, load in share.items()}


def total(terms: Iterable[tuple[str, float]]) -> float:
    """The score that these terms make."""
    return round(sum(cost for _, cost in terms), SCORE_DIGITS)
