"""What the full planner would have decided where the plain one did. It cannot write: it has no store."""

from dataclasses import replace
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from maitred.domain.booking import Flow
from maitred.domain.reasons import Category, ReasonCode
from maitred.services.assignment.attempt import Attempt, PlannerRun, Quote, quote_event, strategy_json
from maitred.services.budget import Budget
from maitred.services.ports import Event, Json


class Kind(StrEnum):
    """How the full planner's decision differs. ``undecided``: its time was over; ``failed``: a defect."""

    SAME = "same"
    OTHER_TABLES = "other_tables"
    WOULD_CONFIRM = "would_confirm"
    WOULD_REFUSE = "would_refuse"
    OTHER_REASON = "other_reason"
    UNDECIDED = "undecided"
    FAILED = "failed"


class FullPlanner(Protocol):
    def fully(self, quote: Quote, budget: Budget) -> Quote:
        """The same question about the same day, to the full planner."""


class Shadow:
    """``planner``: what would decide if the flag were ``on``; of a request's attempts, or of the job's."""

    def __init__(self, planner: FullPlanner) -> None:
        self._planner = planner

    def compare(self, attempt: Attempt, booking_id: UUID | None) -> tuple[Quote, Event] | None:
        """Decide once more, fully, on what the attempt's last decision was made from.

        None if the planner was not asked, or if the attempt's budget is over.
        """
        plain, budget = attempt.deciding, attempt.context.budget
        if not isinstance(plain, Quote) or budget.expired():
            return None
        full = self._planner.fully(plain, budget)
        shadowed = replace(
            attempt,
            context=replace(attempt.context, flow=Flow.SHADOW),
            strategy=strategy_json(full.index.floor.policy, full.problem.options, full.plan),
        )
        event = quote_event(shadowed, full, booking_id)
        difference = _difference(plain, full)
        return full, replace(event, context={**event.context, "difference": difference})


def _difference(plain: PlannerRun, full: PlannerRun) -> Json:
    return {
        "kind": _kind(plain, full).value,
        "moves": len(full.plan.moves) if full.plan else 0,
        "plain": _decision_json(plain),
        "full": _decision_json(full),
    }


def _decision_json(run: PlannerRun) -> Json:
    plan, refusal = run.plan, run.refusal
    return {
        "tables": list(plan.tables) if plan else None,
        "score": plan.score if plan else None,
        "reason": refusal.code.value if refusal else None,
    }


def _kind(plain: PlannerRun, full: PlannerRun) -> Kind:
    refusal = full.refusal
    if refusal is not None and refusal.code is ReasonCode.PLANNER_ERROR:
        return Kind.FAILED
    if refusal is not None and refusal.category is not Category.DETERMINISTIC:
        return Kind.UNDECIDED
    if plain.plan is not None and full.plan is not None:
        same = plain.plan.tables == full.plan.tables and not full.plan.moves
        return Kind.SAME if same else Kind.OTHER_TABLES
    if full.plan is not None:
        return Kind.WOULD_CONFIRM
    if plain.plan is not None:
        return Kind.WOULD_REFUSE
    same = plain.refusal is not None and refusal is not None and plain.refusal.code is refusal.code
    return Kind.SAME if same else Kind.OTHER_REASON
