"""One attempt to find tables for a party: its planner runs, its outcome, and every record of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID
from zoneinfo import ZoneInfo

from maitred.contracts import responses
from maitred.contracts.responses import reason_json
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.floor import Adjacency, Policy
from maitred.domain.reasons import Reason
from maitred.domain.windows import Notice
from maitred.planner.answer.explanation import explanation_data, strategies_data
from maitred.planner.answer.replay import record
from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Decision, Plan, Refusal
from maitred.planner.options import PlannerOptions
from maitred.services.budget import Budget
from maitred.services.feature_flags import Flag, Pipeline, RecordedFlags
from maitred.services.idempotency import Reply
from maitred.services.ports import Event, Json
from maitred.services.ports.names import EventType


class Outcome(StrEnum):
    CONFIRMED = "confirmed"
    DEFERRED = "deferred"
    REFUSED = "refused"
    MANUAL_REVIEW = "manual_review"


@dataclass(frozen=True, slots=True)
class PlannerRun:
    """A decision and what it cost: the planner's own, or its judgement of a person's choice.

    ``cache_hit``: the floor was kept from an earlier request, not read for this one.
    """

    decision: Decision
    duration_ms: float
    cache_hit: bool
    index: FloorIndex

    @property
    def plan(self) -> Plan | None:
        return self.decision if isinstance(self.decision, Plan) else None

    @property
    def refusal(self) -> Reason | None:
        return self.decision.reason if isinstance(self.decision, Refusal) else None

    @property
    def replay(self) -> str | None:
        """All that the decision was made from, to make it again; None for what a person chose."""
        return None


@dataclass(frozen=True, slots=True)
class Quote(PlannerRun):
    """One planner call: its decision, and what it was made from.

    ``day``: the day as it was drawn, for further questions about it; None if drawing it failed.
    """

    problem: Problem
    day: DrawnDay | None

    @property
    def replay(self) -> str:
        return record(self.index, self.problem, self.decision)


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """An attempt under way. ``number`` counts its flow's attempts from 1; ``flags``: as they were read once.

    ``options``: how much of the planner it may use.
    """

    id: UUID
    restaurant_id: str
    flow: Flow
    trigger: Trigger
    number: int
    options: PlannerOptions
    flags: RecordedFlags
    correlation_id: str
    budget: Budget

    @property
    def is_shadowed(self) -> bool:
        """Does the full planner say afterwards what it would have done?"""
        return self.flags.get(Flag.PIPELINE) == Pipeline.SHADOW


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has ended. ``reason`` is None exactly if confirmed; ``runs`` are its planner calls."""

    context: AttemptContext
    outcome: Outcome
    reason: Reason | None
    runs: tuple[PlannerRun, ...]
    strategy: Json
    duration_ms: float
    alternatives: tuple[Alternative, ...] = ()

    @property
    def confirmed(self) -> bool:
        return self.outcome is Outcome.CONFIRMED

    @property
    def reason_code(self) -> str | None:
        return self.reason.code.value if self.reason else None

    @property
    def deciding(self) -> PlannerRun | None:
        """The planner call that decided."""
        return self.runs[-1] if self.runs else None

    @property
    def alternates(self) -> int:
        plan = self.deciding.plan if self.deciding else None
        return plan.alternates if plan else 0

    @property
    def explanation(self) -> str:
        if self.reason is not None:
            return self.reason.detail
        return self.deciding.decision.explanation if self.deciding else ""


def attempt_of(
    context: AttemptContext,
    outcome: Outcome,
    reason: Reason | None,
    runs: Sequence[PlannerRun],
    index: FloorIndex | None,
    alternatives: tuple[Alternative, ...] = (),
) -> Attempt:
    """The attempt as it ended just now. ``index``: None if it ended before the floor was read."""
    plan = runs[-1].plan if runs and reason is None else None
    strategy = strategy_json(index.floor.policy if index else Policy(), context.options, plan)
    duration = context.budget.spent_ms()
    return Attempt(context, outcome, reason, tuple(runs), strategy, duration, alternatives)


def strategy_json(policy: Policy, options: PlannerOptions, plan: Plan | None) -> Json:
    """How the planner was asked; ``name`` is the strategy that decided, or the first one if none did."""
    return {
        "name": plan.strategy if plan else options.strategies[0],
        "requireAdjacency": policy.adjacency is not Adjacency.NONE,
        "maxTables": policy.max_tables,
        "maxMoves": options.moves_allowed(policy),
    }


def last_result(attempt: Attempt, version: int, at: datetime, email_variant: str | None) -> Json:
    """``bookings.auto_assign_last_result``. ``email_variant`` None: no mail was queued."""
    return {
        "schema": 1,
        "source": attempt.context.flow.value,
        "attemptId": str(attempt.context.id),
        "correlationId": attempt.context.correlation_id,
        "at": at.isoformat(),
        "success": attempt.confirmed,
        "outcome": attempt.outcome.value,
        "reason": reason_json(attempt.reason),
        "trigger": attempt.context.trigger.value,
        "strategy": attempt.strategy,
        "alternates": attempt.alternates,
        "durationMs": attempt.duration_ms,
        "bookingVersion": version,
        "emailSent": email_variant is not None,
        "emailVariant": email_variant,
    }


def attempt_row(attempt: Attempt, booking: Booking) -> Json:
    """A row of ``booking_assignment_attempts``, by column."""
    return {
        "id": attempt.context.id,
        "booking_id": booking.id,
        "restaurant_id": booking.restaurant_id,
        "attempt_no": attempt.context.number,
        "flow": attempt.context.flow.value,
        "trigger": attempt.context.trigger.value,
        "outcome": attempt.outcome.value,
        "reason": reason_json(attempt.reason),
        "strategy": attempt.strategy,
        "strategies": strategies(attempt),
        "explanation": _explanation(attempt),
        "replay": attempt.deciding.replay if attempt.deciding else None,
        "duration_ms": attempt.duration_ms,
        "booking_version": booking.version,
        "correlation_id": attempt.context.correlation_id,
        "flags": dict(attempt.context.flags),
    }


def assignment_json(attempt: Attempt) -> Json:
    """The attempt as the caller sees it."""
    plan = attempt.deciding.plan if attempt.deciding and attempt.confirmed else None
    return {
        "attemptId": str(attempt.context.id),
        "trigger": attempt.context.trigger.value,
        "outcome": attempt.outcome.value,
        "strategy": plan.strategy if plan else None,
        "score": plan.score if plan else None,
        "reason": reason_json(attempt.reason),
        "durationMs": attempt.duration_ms,
        "alternates": attempt.alternates,
        "moves": len(plan.moves) if plan else 0,
        "explanation": attempt.explanation,
    }


def attempt_reply(
    status: int, booking: Booking, attempt: Attempt, now: datetime, notices: Sequence[Notice] = ()
) -> Reply:
    """The reply to a request for tables: the booking, how the attempt ended, and other starts."""
    body = {
        "booking": responses.booking_json(booking, now),
        "assignment": assignment_json(attempt),
        "alternatives": responses.alternatives_json(attempt.alternatives, ZoneInfo(booking.timezone)),
        "warnings": responses.notices_json(notices),
    }
    headers = {"location": f"/bookings/{booking.id}"} if status == HTTPStatus.CREATED else {}
    return Reply(status, responses.dumps(body), headers)


def strategies(attempt: Attempt) -> list[Json]:
    """What each strategy found, of the planner call that decided."""
    if attempt.deciding is None:
        return []
    return [
        {**each, "chosen": each["chosen"] and attempt.confirmed}
        for each in strategies_data(attempt.deciding.decision)
    ]


def _explanation(attempt: Attempt) -> Json:
    """The decision's own, unless something other than the planner ended the attempt."""
    deciding = attempt.deciding
    if deciding is not None and (attempt.confirmed or deciding.refusal == attempt.reason):
        return explanation_data(deciding.decision)
    return no_decision(attempt.explanation, attempt.reason_code)


def no_decision(summary: str, refused_by: str | None = None) -> Json:
    """The explanation where the planner decided nothing."""
    return {
        "summary": summary,
        "decision": "none",
        "chosen": None,
        "scoreTerms": {},
        "losers": [],
        "refusedBy": refused_by,
        "moves": [],
    }


# --- its events ---

_ENDED: Mapping[str | None, EventType] = {
    None: "inline_auto_assign.succeeded",
    "timeout": "inline_auto_assign.timeout",
    "lock_timeout": "inline_auto_assign.timeout",
    "aborted": "inline_auto_assign.aborted",
}


def _event(context: AttemptContext, event_type: EventType, body: Json, booking_id: UUID | None) -> Event:
    return Event(event_type, body, "info", context.restaurant_id, booking_id, context.correlation_id)


def attempt_events(attempt: Attempt, booking_id: UUID | None, db_ms: float) -> list[Event]:
    """One ``auto_assign.quote`` a planner call, then ``auto_assign.attempt``."""
    body: Json = {
        "attemptIndex": attempt.context.number,
        "success": attempt.confirmed,
        "reason": attempt.reason_code,
        "strategies": strategies(attempt),
        "dbMs": db_ms,
        "totalMs": attempt.duration_ms,
    }
    ended = _event(attempt.context, "auto_assign.attempt", body, booking_id)
    return [*quote_events(attempt, booking_id), ended]


def quote_events(attempt: Attempt, booking_id: UUID | None) -> list[Event]:
    """One ``auto_assign.quote`` a planner call."""
    return [quote_event(attempt, run, booking_id) for run in attempt.runs]


def quote_event(attempt: Attempt, run: PlannerRun, booking_id: UUID | None) -> Event:
    context, decision, refusal = attempt.context, run.decision, run.refusal
    body: Json = {
        "plannerDurationMs": run.duration_ms,
        "plannerSuccess": run.plan is not None,
        "plannerReason": refusal.code.value if refusal else None,
        "plannerReasonCategory": refusal.category.value if refusal else None,
        "plannerStrategy": attempt.strategy,
        "trigger": context.trigger.value,
        "flow": context.flow.value,
        "attemptIndex": context.number,
        "attemptId": str(context.id),
        "candidates": decision.candidates,
        "evaluated": decision.candidates,
        "cacheHit": run.cache_hit,
        "searchTruncated": decision.truncated,
        "flags": dict(context.flags),
    }
    return _event(context, "auto_assign.quote", body, booking_id)


def inline_event(attempt: Attempt, stage: str, booking_id: UUID | None) -> Event:
    """How the inline attempt ended: succeeded, failed, timeout or aborted."""
    code, context = attempt.reason_code, attempt.context
    body: Json = {
        "durationMs": attempt.duration_ms,
        "budgetMs": context.budget.total_ms,
        "stage": stage,
        "reason": code,
    }
    return _event(context, _ENDED.get(code, "inline_auto_assign.failed"), body, booking_id)


@dataclass(frozen=True, slots=True)
class Summary:
    """``auto_assign.summary``: exactly one a run, on every exit. ``allowed``: attempts, if reduced fewer."""

    context: AttemptContext
    result: str
    total_ms: float
    reason: str | None = None
    used: int = 1
    allowed: int = 1
    reduced_by: str | None = None
    email_skipped: bool = True
    inline_attempt_id: str | None = None

    def event(self, booking_id: UUID | None) -> Event:
        body: Json = {
            "result": self.result,
            "attemptsUsed": self.used,
            "maxAttempts": self.allowed,
            "totalDurationMs": self.total_ms,
            "trigger": self.context.trigger.value,
            "flow": self.context.flow.value,
            "reason": self.reason,
            "reducedBy": self.reduced_by,
            "emailSkipped": self.email_skipped,
            "inlineAttemptId": self.inline_attempt_id,
            "flags": dict(self.context.flags),
        }
        event = _event(self.context, "auto_assign.summary", body, booking_id)
        return replace(event, severity="error") if self.result == "error" else event
