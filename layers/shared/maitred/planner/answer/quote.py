"""The planner's one question: which tables for this party, and if none, why not."""

from collections.abc import Sequence

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.explanation import explain
from maitred.planner.answer.refusal import binding_reason
from maitred.planner.day.drawn_day import DrawnDay, draw_day
from maitred.planner.day.problem import Problem
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Deadline, Decision, Plan, Refusal, StrategyResult
from maitred.planner.search.finding import find_set
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.scoring import total
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import Found, idle_results

_ENDED = Reason(ReasonCode.SEARCH_TRUNCATED, "The search ran out of time before it found an answer")
_UNLISTED = Reason(
    ReasonCode.SEARCH_TRUNCATED,
    "This floor allows too many combinations of tables to try every move of other bookings",
)


def quote(index: FloorIndex, problem: Problem, deadline: Deadline, day: DrawnDay | None = None) -> Decision:
    """Decide where the party sits, or prove that it cannot and say which rule binds.

    If no set is free, up to ``options.moves_allowed`` of the movable bookings are moved for the party.
    ``day`` is the problem's day, if ``draw_day`` has drawn it before: several questions about one day share
    what each of them works out. A deadline that passes gives the refusal ``search_truncated``, never a claim
    without proof.
    Raises ``ValueError`` if the problem's span does not cover the stay with its buffers.
    """
    day = day or draw_day(index, problem)
    request = problem.request
    if request.party_size > index.seats:
        text = f"A party of {request.party_size} is larger than the restaurant, which has {index.seats} seats"
        return refused(Reason(ReasonCode.PARTY_TOO_LARGE, text), candidates=0)
    if day.occupancy.restaurant_closed(request.start, request.end):
        text = "The restaurant is closed during part of this stay"
        return refused(Reason(ReasonCode.CLOSED, text), candidates=0)
    counted = CountedDeadline(deadline)
    try:
        return _decide(Situation.of(day, problem), counted)
    except SearchEndedError:
        return refused(_ENDED, candidates=0, truncated=True, checks=counted.asked)


class CountedDeadline:
    """Counts how often a deadline is asked until it has passed, so that a replay can end there too."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._passed = False
        self.asked = 0

    def expired(self) -> bool:
        """Has it passed? Once it has, it is not asked again."""
        if not self._passed:
            self.asked += 1
            self._passed = self._deadline.expired()
        return self._passed


def _decide(situation: Situation, deadline: Deadline) -> Decision:
    strategies = situation.problem.options.strategies
    candidates, full = len(situation.candidates.sets), situation.slot_full()
    found = None if full else find_set(situation, Steps(deadline))
    if found is not None:
        return planned(situation, found)
    if not full and situation.index.truncated and situation.most_moves:
        return refused(_UNLISTED, candidates, idle_results(strategies), truncated=True)
    return refused(binding_reason(situation, deadline), candidates, idle_results(strategies))


def planned(situation: Situation, found: Found) -> Plan:
    """The plan for the set that was found among the party's candidates."""
    candidates, truncated = len(situation.candidates.sets), situation.index.truncated
    text = explain(situation, found)
    return make_plan(situation, found, text, candidates=candidates, truncated=truncated)


def make_plan(
    situation: Situation, found: Found, explanation: str, *, candidates: int = 1, truncated: bool = False
) -> Plan:
    """The set as a plan. A set that was chosen before, by staff or a hold, is the only candidate."""
    index, terms = situation.index, tuple(found.terms.items())
    return Plan(
        tables=index.names(found.set.positions),
        seats=found.set.seats,
        zone=index.tables[found.set.positions[0]].zone,
        strategy=found.strategy,
        score=total(terms),
        terms=terms,
        moves=found.moves,
        alternates=found.alternates,
        losers=found.losers,
        candidates=candidates,
        truncated=truncated,
        explanation=explanation,
        strategies=found.results,
    )


def refused(
    reason: Reason,
    candidates: int,
    strategies: Sequence[StrategyResult] = (),
    *,
    truncated: bool = False,
    checks: int | None = None,
) -> Refusal:
    """A refusal for this reason."""
    return Refusal(
        reason,
        candidates=candidates,
        explanation=f"{reason.detail}.",
        truncated=truncated,
        strategies=tuple(strategies),
        checks=checks,
    )
