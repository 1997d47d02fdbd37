"""The events of one attempt to seat a booking (contract 6)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from maitred.services.assignment.attempt import Attempt, Verdict, strategies
from maitred.services.ports import Event, Json
from maitred.services.ports.names import EventType

_ENDED: Mapping[str | None, EventType] = {
    None: "inline_auto_assign.succeeded",
    "timeout": "inline_auto_assign.timeout",
    "lock_timeout": "inline_auto_assign.timeout",
    "aborted": "inline_auto_assign.aborted",
}


def quote_context(attempt: Attempt, quote: Verdict) -> Json:
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
        "flags": dict(attempt.held),
    }


def attempt_events(
    attempt: Attempt, restaurant_id: str, booking_id: UUID | None, db_ms: float
) -> list[Event]:
    """One ``auto_assign.quote`` a planner call, then ``auto_assign.attempt``."""

    context: Json = {
        "attemptIndex": attempt.number,
        "success": attempt.confirmed,
        "reason": attempt.reason.code.value if attempt.reason else None,
        "strategies": strategies(attempt),
        "dbMs": db_ms,
        "totalMs": attempt.duration_ms,
    }
    told = Event("auto_assign.attempt", context, "info", restaurant_id, booking_id, attempt.correlation_id)
    return [*quote_events(attempt, restaurant_id, booking_id), told]


def quote_events(attempt: Attempt, restaurant_id: str, booking_id: UUID | None) -> list[Event]:
    """One ``auto_assign.quote`` a planner call."""
    return [quote_event(attempt, quote, restaurant_id, booking_id) for quote in attempt.quotes]


def quote_event(attempt: Attempt, quote: Verdict, restaurant_id: str, booking_id: UUID | None) -> Event:
    """One planner call."""
    context = quote_context(attempt, quote)
    return Event("auto_assign.quote", context, "info", restaurant_id, booking_id, attempt.correlation_id)


def inline_event(
    attempt: Attempt, budget_ms: int, stage: str, restaurant_id: str, booking_id: UUID | None
) -> Event:
    """How the inline attempt ended: succeeded, failed, timeout or aborted."""
    code = attempt.reason.code.value if attempt.reason else None
    context: dict[str, Any] = {
        "durationMs": attempt.duration_ms,
        "budgetMs": budget_ms,
        "stage": stage,
        "reason": code,
    }
    ended = _ENDED.get(code, "inline_auto_assign.failed")
    return Event(ended, context, "info", restaurant_id, booking_id, attempt.correlation_id)
