"""Six ways to look at the same free sets; each proposes its best, and one of the proposals is chosen.

Each strategy has an objective of its own: the fit (seats, tables, preferences) plus twice the cost it cares
about. Proposals are compared by the one score that counts all terms, then by the tables' priority, the
order of the strategies and the tables' ids. ``rearrange`` proposes only when nothing is free
(search/rearrange.py), so it has no objective here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from maitred.planner.floor.index import TableSet
from maitred.planner.model import Loser, Move, StrategyResult
from maitred.planner.options import BALANCE, BEST_FIT, CONTIGUOUS, PREFERENCE, REARRANGE, SCARCITY
from maitred.planner.search.scoring import SCORE_DIGITS, Scoring, Weighed
from maitred.planner.search.situation import Situation

_LOSERS = 3

type Objective = Callable[[Weighed], float]

#: ``best_fit`` is the fit and nothing else.
OBJECTIVES: Mapping[str, Objective] = MappingProxyType(
    {
        BEST_FIT: lambda each: each.fit,
        CONTIGUOUS: lambda each: each.fit + 2 * each.dead_time,
        SCARCITY: lambda each: each.fit + 2 * each.scarcity,
        PREFERENCE: lambda each: each.score + each.missed,
        BALANCE: lambda each: each.fit + 2 * each.balance,
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """A set for the party and how it was found.

    ``terms``: the named parts of its score. ``results``: what every strategy had to offer. ``alternates``:
    how many other sets are free.
    """

    set: TableSet
    strategy: str
    terms: Mapping[str, float]
    results: tuple[StrategyResult, ...]
    moves: tuple[Move, ...] = ()
    alternates: int = 0
    losers: tuple[Loser, ...] = ()


def choose(situation: Situation, scoring: Scoring, free: Sequence[TableSet]) -> Found:
    """The best proposal of the problem's strategies for ``free`` sets: at least one, sorted by cost."""
    strategies, names = situation.problem.options.strategies, situation.index.names
    weighed = [scoring.weigh(fit, each) for fit, each in scoring.shortlist(free)]
    proposals = [(name, _best(weighed, OBJECTIVES[name])) for name in strategies if name in OBJECTIVES]
    number = min(
        range(len(proposals)),
        key=lambda i: (proposals[i][1].score, proposals[i][1].set.priority, i),
    )
    strategy, chosen = proposals[number]
    results = [
        StrategyResult(name, len(weighed), names(best.set.positions), best.score, name == strategy)
        for name, best in proposals
    ]
    if REARRANGE in strategies:
        results += idle_results((REARRANGE,))
    return Found(
        chosen.set,
        strategy,
        scoring.terms(chosen),
        tuple(results),
        alternates=len(free) - 1,
        losers=_losers(situation, scoring, chosen, weighed),
    )


def idle_results(strategies: Sequence[str]) -> tuple[StrategyResult, ...]:
    """The results of strategies that had nothing to weigh."""
    return tuple(StrategyResult(name, 0, None, None, chosen=False) for name in strategies)


def _best(weighed: Sequence[Weighed], objective: Objective) -> Weighed:
    least = min([objective(each) for each in weighed]) + 10**-SCORE_DIGITS / 2
    equals = [each for each in weighed if objective(each) <= least]
    return min(equals, key=_order)


def _order(each: Weighed) -> tuple[float, int, tuple[int, ...]]:
    return each.score, each.set.priority, each.set.positions


def _losers(
    situation: Situation, scoring: Scoring, chosen: Weighed, weighed: Sequence[Weighed]
) -> tuple[Loser, ...]:
    """The next best sets by score, and the term in which each lost most."""
    others = sorted(
        (each for each in weighed if each is not chosen and each.score >= chosen.score), key=_order
    )
    won = scoring.terms(chosen)
    losers = []
    for each in others[:_LOSERS]:
        term, by = _lost_by(won, scoring.terms(each), chosen, each)
        losers.append(Loser(situation.index.names(each.set.positions), each.score, term, by))
    return tuple(losers)


def _lost_by(
    won: Mapping[str, float], lost: Mapping[str, float], chosen: Weighed, each: Weighed
) -> tuple[str, float]:
    if each.score > chosen.score:
        name = max(lost, key=lambda term: lost[term] - won.get(term, 0.0))
        return name, round(lost[name] - won.get(name, 0.0), SCORE_DIGITS)
    return ("priority" if each.set.priority != chosen.set.priority else "order"), 0.0
