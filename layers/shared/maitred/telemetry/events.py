"""The events of contract 6, each built in one place. Contexts hold no guest data."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.states import State
from maitred.services.attempt import Attempt, Quote, strategies
from maitred.services.ports import Event, Json


def booking_event(
    booking: Booking, correlation_id: str, event_type: str, context: Json, severity: str = "info"
) -> Event:
    return Event(event_type, context, severity, booking.restaurant_id, booking.id, correlation_id)


def quote_context(attempt: Attempt, quote: Quote) -> Json:
    decision = quote.decision
    refusal = decision.refusal
    return {
        "plannerDurationMs": quote.duration_ms,
        "plannerSuccess": decision.plan is not None,
        "plannerReason": refusal.code.value if refusal else None,
        "plannerReasonCategory": refusal.category.value if refusal else None,
        "plannerStrategy": attempt.strategy,
        "trigger": attempt.trigger.value,
        "flow": attempt.flow.value,
        "attemptIndex": attempt.number,
        "attemptId": str(attempt.id),
        "candidates": decision.candidates,
        "evaluated": decision.evaluated,
        "cacheHit": quote.cache_hit,
        "searchTruncated": decision.truncated,
    }


def attempt_events(
    attempt: Attempt, restaurant_id: str, booking_id: UUID | None, db_ms: float
) -> list[Event]:
    """One ``auto_assign.quote`` a planner call, then ``auto_assign.attempt``."""

    def event(event_type: str, context: Json) -> Event:
        return Event(event_type, context, "info", restaurant_id, booking_id, attempt.correlation_id)

    context: Json = {
        "attemptIndex": attempt.number,
        "success": attempt.confirmed,
        "reason": attempt.reason.code.value if attempt.reason else None,
        "strategies": strategies(attempt),
        "dbMs": db_ms,
        "totalMs": attempt.duration_ms,
    }
    quotes = [event("auto_assign.quote", quote_context(attempt, quote)) for quote in attempt.quotes]
    return [*quotes, event("auto_assign.attempt", context)]


@dataclass(frozen=True, slots=True)
class Summary:
    """``auto_assign.summary``: exactly one a run, on every exit. ``max_attempts`` is after any reduction."""

    result: str
    flow: Flow
    trigger: Trigger
    attempts_used: int
    max_attempts: int
    total_ms: float
    reason: str | None = None
    reduced_by: str | None = None
    email_skipped: bool = True
    inline_attempt_id: str | None = None

    def event(self, restaurant_id: str, booking_id: UUID | None, correlation_id: str) -> Event:
        severity = "error" if self.result == "error" else "info"
        context: Json = {
            "result": self.result,
            "attemptsUsed": self.attempts_used,
            "maxAttempts": self.max_attempts,
            "totalDurationMs": self.total_ms,
            "trigger": self.trigger.value,
            "flow": self.flow.value,
            "reason": self.reason,
            "reducedBy": self.reduced_by,
            "emailSkipped": self.email_skipped,
            "inlineAttemptId": self.inline_attempt_id,
        }
        return Event("auto_assign.summary", context, severity, restaurant_id, booking_id, correlation_id)


def state_context(source: State | None, target: State, version: int, actor: str) -> Json:
    return {"from": source.value if source else None, "to": target.value, "version": version, "actor": actor}


def state_changed(
    booking: Booking, correlation_id: str, steps: list[tuple[State | None, State, int]], actor: str
) -> list[Event]:
    return [
        booking_event(booking, correlation_id, "booking.state_changed", state_context(*step, actor))
        for step in steps
    ]


def inline_event(
    attempt: Attempt, budget_ms: int, stage: str, restaurant_id: str, booking_id: UUID | None
) -> Event:
    """How the inline attempt ended: succeeded, failed, timeout or aborted."""
    code = attempt.reason.code.value if attempt.reason else None
    kind = {None: "succeeded", "timeout": "timeout", "lock_timeout": "timeout", "aborted": "aborted"}.get(
        code, "failed"
    )
    context: dict[str, Any] = {
        "durationMs": attempt.duration_ms,
        "budgetMs": budget_ms,
        "stage": stage,
        "reason": code,
    }
    return Event(
        f"inline_auto_assign.{kind}", context, "info", restaurant_id, booking_id, attempt.correlation_id
    )
