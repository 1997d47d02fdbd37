"""What the full planner would have decided where the plain one did. It cannot write: it has no book."""

from dataclasses import replace
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from maitred.domain.booking import Flow
from maitred.domain.reasons import Category, ReasonCode
from maitred.planner.model import Decision
from maitred.services.assignment.attempt import Attempt, Quote, strategy_json
from maitred.services.assignment.attempt_events import quote_event
from maitred.services.assignment.budget import Budget
from maitred.services.ports import Event, Json
from maitred.services.rollout import Flag, Pipeline


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

    def compare(
        self, attempt: Attempt, restaurant_id: str, booking_id: UUID | None, budget: Budget
    ) -> tuple[Quote, Event] | None:
        """Decide once more, fully, on what the attempt's last decision was made from; None: nothing is told.

        ``budget``: what is left of the attempt's own; nothing is begun after it.
        """
        plain = attempt.quote
        if attempt.held.get(Flag.PIPELINE) != Pipeline.SHADOW:
            return None
        if not isinstance(plain, Quote) or budget.expired():
            return None
        full = self._planner.fully(plain, budget)
        decision = full.decision
        told = replace(
            attempt,
            flow=Flow.SHADOW,
            strategy=strategy_json(full.index.floor.policy, full.inputs.options, decision.plan),
        )
        event = quote_event(told, full, restaurant_id, booking_id)
        difference = _difference(plain.decision, decision)
        return full, replace(event, context={**event.context, "difference": difference})


def _difference(plain: Decision, full: Decision) -> Json:
    return {
        "kind": _kind(plain, full).value,
        "moves": len(full.plan.moves) if full.plan else 0,
        "plain": _told(plain),
        "full": _told(full),
    }


def _told(decision: Decision) -> Json:
    plan, refusal = decision.plan, decision.refusal
    return {
        "tables": list(plan.tables) if plan else None,
        "score": plan.score if plan else None,
        "reason": refusal.code.value if refusal else None,
    }


def _kind(plain: Decision, full: Decision) -> Kind:
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
