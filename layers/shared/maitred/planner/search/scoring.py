"""The cost of a set of tables for a party, term by term (floor/weights.py names and weighs the terms)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest

from maitred.planner.day.demand import Demand, scarcities
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.floor.joins import bit_positions
from maitred.planner.floor.weights import (
    ATTRIBUTES_MISSED,
    BALANCE,
    DEAD_TIME,
    EXTRA_TABLES,
    JOINS,
    MOVES,
    SCARCITY,
    UNASKED,
    WASTED_SEATS,
    ZONE_MISSED,
)
from maitred.planner.model import Loser, Move, PartyRequest, Plan, StrategyResult
from maitred.planner.search.situation import Situation

SCORE_DIGITS = 6
#: How many free sets the strategies weigh: those that fit best, by the terms of ``best_fit``.
SHORTLIST = 48


@dataclass(frozen=True, slots=True)
class Preference:
    """A preference of the party's: the tables (bits) that do not meet it, and what missing it costs."""

    term: str
    without: int
    cost: float


class SetCosts:
    """What sets cost one party, whoever sits beside it. ``demand`` None: no table is scarcer than another."""

    def __init__(self, index: FloorIndex, request: PartyRequest, demand: Demand | None) -> None:
        self._index, self._request = index, request
        self.preferences = _preferences(index, request)
        asked = request.attributes | request.required
        # The floor's lists count what nobody asked for; this party may have asked for some of it.
        self._asked = asked if any(index.keeps(each) for each in asked) else frozenset()
        self._prices: tuple[float, ...] | None = None
        if demand is not None and demand.observed and index.weights[SCARCITY]:
            self._prices = index.prices(demand, lambda: scarcities(index, demand))

    @property
    def as_listed(self) -> bool:
        """Is the fit of every set the cost that the floor's list has?"""
        return not self.preferences and not self._asked

    def fit(self, each: TableSet) -> float:
        """The cost of empty seats, tables beyond the first, scarce things, and preferences missed."""
        if self.as_listed:
            return each.cost
        missed = sum(wanted.cost for wanted in self.preferences if each.bits & wanted.without)
        if self._asked:
            missed += self._unasked(each) - self._index.cost_of_unasked(each.bits)
        return round(each.cost + missed, SCORE_DIGITS)

    def scarcity(self, each: TableSet) -> float:
        """The cost of taking tables that other parties are expected to need."""
        prices = self._prices
        if prices is None:
            return 0.0
        price = sum([prices[position] for position in each.positions])
        return round(price * self._index.weights[SCARCITY], SCORE_DIGITS)

    def terms_of(self, chosen: TableSet, dead_time: float = 0.0, balance: float = 0.0) -> dict[str, float]:
        """The costs by name; those beyond seats and tables only if they are not 0.

        ``dead_time`` and ``balance`` are what the other parties add.
        """
        weights = self._index.weights
        terms = {
            WASTED_SEATS: (chosen.seats - self._request.party_size) * weights[WASTED_SEATS],
            EXTRA_TABLES: (len(chosen.positions) - 1) * weights[EXTRA_TABLES],
        }
        for wanted in self.preferences:
            if chosen.bits & wanted.without:
                terms[wanted.term] = terms.get(wanted.term, 0.0) + wanted.cost
        extra = {
            JOINS: self._index.cost_of_joins(chosen.bits),
            UNASKED: self._unasked(chosen),
            DEAD_TIME: dead_time,
            SCARCITY: self.scarcity(chosen),
            BALANCE: balance,
        }
        terms |= {name: cost for name, cost in extra.items() if cost}
        return {name: round(cost, SCORE_DIGITS) for name, cost in terms.items()}

    def _unasked(self, each: TableSet) -> float:
        return self._index.cost_of_unasked(each.bits, self._asked)


@dataclass(slots=True)  # not frozen, for speed: a quote weighs dozens
class Weighed:
    """A free set with its costs. ``fit``: seats, tables, scarce things, preferences not met."""

    set: TableSet
    fit: float
    dead_time: float
    scarcity: float
    balance: float
    score: float


class Scoring(SetCosts):
    """The costs of sets in one situation.

    The terms beyond the fit count only if some strategy looks at them (``PlannerOptions.wide``).
    """

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._wide = situation.problem.options.wide
        demand = situation.problem.demand if self._wide else None
        super().__init__(situation.index, situation.request, demand)

    @cached_property
    def _loads(self) -> list[float]:
        return _loads(self._situation)

    def shortlist(self, free: Sequence[TableSet]) -> list[tuple[float, TableSet]]:
        """The free sets that fit best, with their fit, best first; ``free`` is sorted by cost alone."""
        if self.as_listed:
            return [(each.cost, each) for each in free[:SHORTLIST]]
        near: list[tuple[float, TableSet]] = []
        best, less = float("inf"), self._index.weights[UNASKED] if self._asked else 0.0
        for each in free:
            # The fit is never below the cost but for what was asked for, so all sets that follow are worse.
            if each.cost > best + less and len(near) >= SHORTLIST:
                break
            fit = self.fit(each)
            best = min(best, fit)
            near.append((fit, each))
        return nsmallest(SHORTLIST, near, key=lambda one: (one[0], one[1].priority, one[1].positions))

    def weigh(self, each: TableSet, fit: float | None = None) -> Weighed:
        """All the costs of a set. ``fit``: if it is known already."""
        if fit is None:
            fit = self.fit(each)
        if not self._wide:
            return Weighed(each, fit, 0.0, 0.0, 0.0, fit)
        dead, scarcity = self._dead_time(each), self.scarcity(each)
        balance = self._loads[each.positions[0]] if self._loads else 0.0
        score = round(fit + dead + scarcity + balance, SCORE_DIGITS)
        return Weighed(each, fit, dead, scarcity, balance, score)

    def terms(self, weighed: Weighed) -> dict[str, float]:
        """The costs by name; those beyond seats and tables only if they are not 0."""
        return self.terms_of(weighed.set, weighed.dead_time, weighed.balance)

    def plan(
        self,
        chosen: Weighed,
        strategy: str,
        *,
        strategies: tuple[StrategyResult, ...] = (),
        moves: tuple[Move, ...] = (),
        alternates: int = 0,
        losers: tuple[Loser, ...] = (),
    ) -> Plan:
        """The set as a plan, not explained yet. Its moves are among the terms of its score."""
        index, positions, terms = self._index, chosen.set.positions, self.terms(chosen)
        if moves:
            terms[MOVES] = len(moves) * index.weights[MOVES]
        return Plan(
            tables=index.names(positions),
            seats=chosen.set.seats,
            zone=index.tables[positions[0]].zone,
            strategy=strategy,
            score=round(sum(terms.values()), SCORE_DIGITS),
            terms=tuple(terms.items()),
            moves=moves,
            alternates=alternates,
            losers=losers,
            candidates=len(self._situation.candidates.sets),
            explanation="",
            truncated=index.truncated,
            strategies=strategies,
        )

    def _dead_time(self, each: TableSet) -> float:
        """The weighed share of two shortest stays a table that is lost in gaps too short for any stay."""
        request, index = self._request, self._index
        shortest, gaps = index.shortest_stay, self._situation.occupancy.gaps
        lost = 0
        for position in each.positions:
            for gap in gaps(position, request.start, request.end):
                if gap is not None and gap < shortest:
                    lost += gap
        if not lost:
            return 0.0
        share = lost / (2 * shortest * len(each.positions))
        return round(share * index.weights[DEAD_TIME], SCORE_DIGITS)


def _loads(situation: Situation) -> list[float]:
    """For each table, how much fuller its section (or zone) is than the emptiest one, weighed.

    Empty on a floor of one section or zone.
    """
    index = situation.index
    if len(index.shares) <= 1:
        return []
    taken, weight = situation.booked | situation.on_hold, index.weights[BALANCE]
    full = [(taken & bits).bit_count() / bits.bit_count() for bits in index.shares]
    least, loads = min(full), [0.0] * len(index.tables)
    for bits, load in zip(index.shares, full, strict=True):
        for position in bit_positions(bits):
            loads[position] = round((load - least) * weight, SCORE_DIGITS)
    return loads


def _preferences(index: FloorIndex, request: PartyRequest) -> list[Preference]:
    weights, wanted = index.weights, []
    if request.zone is not None and not request.zone_required:
        wanted.append(Preference(ZONE_MISSED, ~index.matching(request.zone, ()), weights[ZONE_MISSED]))
    for attribute in sorted(request.attributes):
        without = ~index.matching(None, (attribute,))
        wanted.append(Preference(ATTRIBUTES_MISSED, without, weights[ATTRIBUTES_MISSED]))
    return wanted
