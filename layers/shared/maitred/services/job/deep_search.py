"""The background job's search: the planner, and an exact solver where its time is over before a proof."""

import logging
from dataclasses import replace

from maitred.domain.floor import Policy
from maitred.planner.answer.settle import exact_question, settled
from maitred.planner.day.drawn_day import Problem, draw_day
from maitred.planner.day.exact import ExactSolver
from maitred.planner.floor.index import FloorIndex
from maitred.planner.options import FULL, PlannerOptions
from maitred.services.assignment.attempt import Quote
from maitred.services.assignment.planning import Planning
from maitred.services.budget import Budget
from maitred.services.ports import Clock

logger = logging.getLogger(__name__)

#: Of an attempt's time. Nearly every search of the planner's ends within milliseconds.
_PLANNER = 0.5
#: Of what is left after that; the rest is for confirming.
_SOLVER = 0.8


class DeepSearch:
    """Asks the planner; where that ends undecided, the solver. What the solver says is checked by rule."""

    def __init__(self, planning: Planning, solver: ExactSolver, clock: Clock) -> None:
        self._planning = planning
        self._solver = solver
        self._clock = clock

    def quote(self, index: FloorIndex, problem: Problem, budget: Budget, *, deeply: bool) -> Quote:
        """The planner's decision, or ``deeply`` the one that the solver settled, which takes seconds."""
        if not deeply:
            return self._planning.quote(index, problem, budget, cache_hit=True)
        planners = _planners_part(problem.options, index.floor.policy, budget)
        return self._proven(self._planning.quote(index, problem, planners, cache_hit=True), budget)

    def fully(self, quote: Quote, budget: Budget) -> Quote:
        """The same question about the same day, to the full planner and the solver."""
        planners = _planners_part(FULL, quote.index.floor.policy, budget)
        return self._proven(self._planning.fully(quote, planners), budget)

    def _proven(self, first: Quote, budget: Budget) -> Quote:
        if first.decision.checks is None:
            return first  # no deadline ended it
        began = self._clock.monotonic()
        try:
            quote = self._settled(first, budget)
        except Exception:
            logger.exception("the exact solver failed")
            return first
        spent = round((self._clock.monotonic() - began) * 1000, 3)
        return replace(quote, duration_ms=first.duration_ms + spent)

    def _settled(self, quote: Quote, budget: Budget) -> Quote:
        day = draw_day(quote.index, quote.problem)
        asked = exact_question(day, quote.problem)
        if asked is None:
            return quote
        answer = self._solver.rearrange(asked, budget.part(_SOLVER).remaining_ms() / 1000)
        decision = settled(day, quote.problem, quote.decision, answer)
        return replace(quote, decision=decision, problem=replace(quote.problem, exact=answer))


def _planners_part(options: PlannerOptions, policy: Policy, budget: Budget) -> Budget:
    """All of it where nobody may be moved: then there is nothing for the solver to find."""
    return budget.part(_PLANNER if options.moves_allowed(policy) > 0 else 1.0)
