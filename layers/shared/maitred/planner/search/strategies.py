"""The plan for a party: six ways to look at the same free sets; each proposes its best, and one is chosen.

Each strategy has an objective of its own: the fit (seats, tables, preferences) plus twice the cost it cares
about. Proposals are compared by the one score that counts all terms, then by the tables' priority, the
order of the strategies and the tables' ids. ``rearrange`` proposes only when nothing is free
(search/rearrange.py), so it has no objective here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from maitred.planner.floor.index import TableSet
from maitred.planner.model import Loser, Plan, StrategyResult
from maitred.planner.options import BALANCE, BEST_FIT, CONTIGUOUS, PREFERENCE, REARRANGE, SCARCITY
from maitred.planner.search.join_search import Steps
from maitred.planner.search.rearrange import Arrangement, rearrange
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
        PREFERENCE: lambda each: each.score + (each.fit - each.set.cost),
        BALANCE: lambda each: each.fit + 2 * each.balance,
    }
)


def find_plan(situation: Situation, steps: Steps) -> Plan | None:
    """The best free set, or else one that moves of others make free, not explained yet; None: there is none.

    None is a proof, unless the floor's list of sets was cut short. The pacing slot is not looked at. Raises
    ``SearchEndedError``.
    """
    scoring = Scoring(situation)
    free = situation.free_sets(situation.blocked, steps)
    if free:
        return _best_plan(situation, scoring, free)
    if not situation.most_moves:
        return None
    steps.check()
    arrangement = rearrange(situation, scoring, steps)
    return None if arrangement is None else plan_by_moves(situation, scoring, arrangement, REARRANGE)


def plan_by_moves(situation: Situation, scoring: Scoring, arrangement: Arrangement, strategy: str) -> Plan:
    """The arrangement's set, with the cost of its moves among the terms."""
    plan = scoring.plan(scoring.weigh(arrangement.set), strategy, moves=arrangement.moves)
    own = StrategyResult(strategy, arrangement.considered, plan.tables, plan.score, chosen=True)
    names = situation.problem.options.strategies
    names = names if strategy in names else (*names, strategy)
    return replace(
        plan, strategies=tuple(own if name == strategy else StrategyResult(name) for name in names)
    )


def _best_plan(situation: Situation, scoring: Scoring, free: Sequence[TableSet]) -> Plan:
    """The best proposal of the problem's strategies for ``free`` sets: at least one, sorted by cost."""
    strategies, names = situation.problem.options.strategies, situation.index.names
    weighed = [scoring.weigh(each, fit) for fit, each in scoring.shortlist(free)]
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
        results.append(StrategyResult(REARRANGE))
    return scoring.plan(
        chosen,
        strategy,
        strategies=tuple(results),
        alternates=len(free) - 1,
        losers=tuple(_losers(situation, scoring, chosen, weighed)),
    )


def _best(weighed: Sequence[Weighed], objective: Objective) -> Weighed:
    costs = [objective(each) for each in weighed]
    least = min(costs) + 10**-SCORE_DIGITS / 2
    return min([each for each, cost in zip(weighed, costs, strict=True) if cost <= least], key=_order)


def _order(each: Weighed) -> tuple[float, int, tuple[int, ...]]:
    return each.score, each.set.priority, each.set.positions


def _losers(
    situation: Situation, scoring: Scoring, chosen: Weighed, weighed: Sequence[Weighed]
) -> Iterator[Loser]:
    """The next best sets by score, and the term in which each lost most."""
    others = [each for each in weighed if each is not chosen and each.score >= chosen.score]
    won = scoring.terms(chosen)
    for each in sorted(others, key=_order)[:_LOSERS]:
        if each.score > chosen.score:
            lost = {name: cost - won.get(name, 0.0) for name, cost in scoring.terms(each).items()}
            term, by = max(lost.items(), key=lambda item: item[1])
        else:
            term, by = "priority" if each.set.priority != chosen.set.priority else "order", 0.0
        yield Loser(situation.index.names(each.set.positions), each.score, term, round(by, SCORE_DIGITS))
