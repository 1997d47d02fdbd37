"""The events of contract 6, each built in one place. Contexts hold no guest data."""

from dataclasses import dataclass
from uuid import UUID

from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.states import State
from maitred.services.ports import Event, Json
from maitred.services.ports.names import EventType, Severity
from maitred.services.rollout import Held


def booking_event(
    booking: Booking, correlation_id: str, event_type: EventType, context: Json, severity: Severity = "info"
) -> Event:
    return Event(event_type, context, severity, booking.restaurant_id, booking.id, correlation_id)


@dataclass(frozen=True, slots=True)
class Summary:
    """``auto_assign.summary``: exactly one a run, on every exit.

    ``max_attempts`` is after any reduction. ``held``: the flags that the run heeded, as they were.
    """

    result: str
    flow: Flow
    trigger: Trigger
    attempts_used: int
    max_attempts: int
    total_ms: float
    held: Held
    reason: str | None = None
    reduced_by: str | None = None
    email_skipped: bool = True
    inline_attempt_id: str | None = None

    def event(self, restaurant_id: str, booking_id: UUID | None, correlation_id: str) -> Event:
        severity: Severity = "error" if self.result == "error" else "info"
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
            "flags": dict(self.held),
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
