"""One try to seat one booking, and everything that is stored and told about it afterwards."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.floor import Adjacency, Policy
from maitred.domain.reasons import Reason
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.replay import record
from maitred.planner.day.places import Movers
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Decision, Plan
from maitred.planner.options import PlannerOptions
from maitred.services.ports import AttemptRow, Json
from maitred.services.rollout import Held


class Outcome(StrEnum):
    CONFIRMED = "confirmed"
    DEFERRED = "deferred"
    REFUSED = "refused"
    MANUAL_REVIEW = "manual_review"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision and what it cost: the planner's own, or its judgement of a person's choice."""

    decision: Decision
    duration_ms: float
    cache_hit: bool

    @property
    def replay(self) -> str | None:
        """All that the decision was made from, to make it again; None for what a person chose."""
        return None


@dataclass(frozen=True, slots=True)
class Quote(Verdict):
    """One planner call: its decision, and what it was made from.

    ``movers``: what is known of the day, for further questions about it; None if the planner failed before.
    """

    index: FloorIndex
    inputs: PlannerInputs
    movers: Movers | None

    @property
    def replay(self) -> str:
        return record(self.index, self.inputs, self.decision)


@dataclass(frozen=True, slots=True)
class Attempt:
    """``reason`` is None exactly if confirmed. ``number`` counts this flow's attempts from 1.

    ``held``: the flags that it heeded, as they were.
    """

    id: UUID
    flow: Flow
    trigger: Trigger
    number: int
    outcome: Outcome
    reason: Reason | None
    quotes: tuple[Verdict, ...]
    strategy: Json
    duration_ms: float
    correlation_id: str
    held: Held
    alternatives: tuple[Alternative, ...] = ()

    @property
    def confirmed(self) -> bool:
        return self.outcome is Outcome.CONFIRMED

    @property
    def quote(self) -> Verdict | None:
        """The planner call that decided."""
        return self.quotes[-1] if self.quotes else None

    @property
    def alternates(self) -> int:
        return self.quote.decision.alternates if self.quote else 0

    @property
    def explanation(self) -> str:
        if self.reason is not None:
            return self.reason.detail
        return self.quote.decision.explanation if self.quote else ""


def strategy_json(policy: Policy, options: PlannerOptions, plan: Plan | None) -> Json:
    """How the planner was asked; ``name`` is the strategy that decided, or the first one if none did."""
    return {
        "name": plan.strategy if plan else options.strategies[0],
        "requireAdjacency": policy.adjacency is not Adjacency.NONE,
        "maxTables": policy.max_tables,
        "maxMoves": options.moves_allowed(policy),
    }


def stored_reason(reason: Reason | None) -> Json | None:
    if reason is None:
        return None
    return {"code": reason.code.value, "category": reason.category.value, "detail": reason.detail}


def last_result(attempt: Attempt, version: int, at: datetime, email_variant: str | None) -> Json:
    """``bookings.auto_assign_last_result`` (contract 4). ``email_variant`` None: no mail was queued."""
    return {
        "schema": 1,
        "source": attempt.flow.value,
        "attemptId": str(attempt.id),
        "correlationId": attempt.correlation_id,
        "at": at.isoformat(),
        "success": attempt.confirmed,
        "outcome": attempt.outcome.value,
        "reason": stored_reason(attempt.reason),
        "trigger": attempt.trigger.value,
        "strategy": attempt.strategy,
        "alternates": attempt.alternates,
        "durationMs": attempt.duration_ms,
        "bookingVersion": version,
        "emailSent": email_variant is not None,
        "emailVariant": email_variant,
    }


def attempt_row(attempt: Attempt, booking: Booking) -> AttemptRow:
    return AttemptRow(
        id=attempt.id,
        booking_id=booking.id,
        restaurant_id=booking.restaurant_id,
        attempt_no=attempt.number,
        flow=attempt.flow.value,
        trigger=attempt.trigger.value,
        outcome=attempt.outcome.value,
        reason=stored_reason(attempt.reason),
        strategy=attempt.strategy,
        strategies=strategies(attempt),
        explanation=_explanation(attempt),
        replay=attempt.quote.replay if attempt.quote else None,
        duration_ms=attempt.duration_ms,
        booking_version=booking.version,
        correlation_id=attempt.correlation_id,
        flags=dict(attempt.held),
    )


def assignment_json(attempt: Attempt) -> Json:
    """How the caller is told of the attempt (contract 1.2)."""
    plan = attempt.quote.decision.plan if attempt.quote and attempt.confirmed else None
    return {
        "attemptId": str(attempt.id),
        "trigger": attempt.trigger.value,
        "outcome": attempt.outcome.value,
        "strategy": plan.strategy if plan else None,
        "score": plan.score if plan else None,
        "reason": stored_reason(attempt.reason),
        "durationMs": attempt.duration_ms,
        "alternates": attempt.alternates,
        "moves": len(plan.moves) if plan else 0,
        "explanation": attempt.explanation,
    }


def strategies(attempt: Attempt) -> list[Json]:
    """What each strategy found, of the planner call that decided."""
    if attempt.quote is None:
        return []
    return [
        {
            "name": each.name,
            "considered": each.considered,
            "best": list(each.best) if each.best is not None else None,
            "score": each.score,
            "chosen": each.chosen and attempt.confirmed,
        }
        for each in attempt.quote.decision.strategies
    ]


def _explanation(attempt: Attempt) -> Json:
    """The decision's own, unless something other than the planner ended the attempt."""
    refusal = attempt.quote.decision.refusal if attempt.quote else None
    if attempt.quote is not None and (attempt.confirmed or refusal == attempt.reason):
        return explanation_data(attempt.quote.decision)
    code = attempt.reason.code.value if attempt.reason else None
    return {
        "summary": attempt.explanation,
        "decision": "none",
        "chosen": None,
        "scoreTerms": {},
        "losers": [],
        "refusedBy": code,
        "moves": [],
    }
