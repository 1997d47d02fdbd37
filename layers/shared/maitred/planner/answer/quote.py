"""The planner's one question: which tables for this party, and if none, why not."""

from dataclasses import replace

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.blocking import blocking
from maitred.planner.answer.explanation import explained
from maitred.planner.answer.refusal import binding_reason, paused
from maitred.planner.day.drawn_day import DrawnDay, Problem, draw_day
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Deadline, Decision, Refusal, StrategyResult
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import find_plan

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
        text = (
            f"A party of {request.party_size} can never be planned here: there are {index.seats} seats, "
            "without those that are kept for walk-ins"
        )
        return refused(Reason(ReasonCode.PARTY_TOO_LARGE, text))
    if index.restaurant_closed(request.start, request.end):
        text = "The restaurant is closed during part of this stay"
        return refused(Reason(ReasonCode.CLOSED, text))
    steps = Steps(deadline)
    try:
        return _decide(Situation.of(day, problem), steps)
    except SearchEndedError:
        return refused(_ENDED, truncated=True, checks=steps.asked)


def _decide(situation: Situation, steps: Steps) -> Decision:
    pause = situation.house_pause
    if pause is not None:
        return refused(paused(pause))
    full = situation.slot.full
    plan = None if full else find_plan(situation, steps)
    if plan is not None:
        return explained(situation, plan)
    results = tuple(StrategyResult(name) for name in situation.problem.options.strategies)
    if not full and situation.index.truncated and situation.most_moves:
        return refused(_UNLISTED, len(situation.candidates.sets), results, truncated=True)
    return proven(situation, steps, results)


def proven(situation: Situation, steps: Steps, results: tuple[StrategyResult, ...]) -> Refusal:
    """The refusal of a party that cannot be seated: the rule that binds, and who is in the way."""
    refusal = refused(binding_reason(situation, steps), len(situation.candidates.sets), results)
    return replace(refusal, blocking=blocking(situation))


def refused(
    reason: Reason,
    candidates: int = 0,
    strategies: tuple[StrategyResult, ...] = (),
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
        strategies=strategies,
        checks=checks,
    )
