"""What a creation writes and answers, for each way it can end. Data in, data out."""

from dataclasses import dataclass, replace
from datetime import timedelta

from maitred.contracts import responses
from maitred.contracts.responses import Json
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.floor import Policy
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.planner.model import Plan
from maitred.services import confirmation, ports
from maitred.services.attempt import (
    Attempt,
    Outcome,
    assignment_json,
    attempt_row,
    last_result,
    strategy_json,
)
from maitred.services.inline_run import DayReading, InlineRun
from maitred.services.moving import carried_out, table_allocations, with_moves
from maitred.services.replies import Reply, to_store
from maitred.telemetry import attempts, events

_RECEIVED_AFTER = timedelta(minutes=2)  # "received" is only told to a guest who still waits by then
_STEPS = (None, State.CREATED, State.ASSIGNMENT_IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Seat:
    """A plan, the reading of the day it was made on, and the claim to that day (None: the day is held)."""

    plan: Plan
    snapshot: ports.Snapshot
    claim: ports.DayClaim | None


def confirmed(
    run: InlineRun, reading: DayReading, seat: Seat, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The booking with its tables, the moves it needs, its mail, and the reply."""
    plan, index = seat.plan, reading.index
    attempt = _attempt(run, reading.index.floor.policy, Outcome.CONFIRMED, None)
    draft = _booking(run, reading, State.CONFIRMED)
    booking = replace(draft, tables=plan.tables, zone=plan.zone)
    notes, outbox = confirmation.mail(
        booking, confirmation.CONFIRMED, confirmation.STANDARD, attempt.correlation_id, ids, run.now
    )
    effects, reply = _effects(run, reading, booking, attempt, confirmation.STANDARD if notes else None)
    moved = carried_out(plan, index, seat.snapshot, booking, attempt.correlation_id)
    effects = replace(
        effects,
        claim=seat.claim,
        allocations=table_allocations(index, plan, booking.id, reading.window),
        notifications=notes,
        outbox=outbox,
    )
    return with_moves(effects, moved), reply, attempt


def pending(
    run: InlineRun, reading: DayReading, reason: Reason, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The booking without tables, and the message that makes the job work on it."""
    attempt = _attempt(run, reading.index.floor.policy, Outcome.DEFERRED, reason)
    booking = _booking(run, reading, State.ASSIGNMENT_PENDING)
    effects, reply = _effects(run, reading, booking, attempt, None)
    job = confirmation.assign_row(booking, Trigger.CREATION, 1, attempt.correlation_id, run.now)
    notes, outbox = confirmation.mail(
        booking, "request_received", None, attempt.correlation_id, ids, run.now + _RECEIVED_AFTER
    )
    return replace(effects, notifications=notes, outbox=[job, *outbox]), reply, attempt


def refused(run: InlineRun, reading: DayReading, reason: Reason) -> tuple[Attempt, list[ports.Event], Json]:
    """Nothing is kept; ``more`` goes into the problem document."""
    attempt = _attempt(run, reading.index.floor.policy, Outcome.REFUSED, reason)
    more = {
        "reason": responses.reason_json(reason),
        "alternatives": responses.alternatives_json(attempt.alternatives, reading.index.floor.timezone),
    }
    return attempt, _events(run, attempt, None, email_skipped=True), more


def ended(run: InlineRun, result: str, reason: str) -> list[ports.Event]:
    """A run that leaves nothing behind: its planner calls, and its summary."""
    policy = run.quotes[-1].index.floor.policy if run.quotes else Policy()
    attempt = _attempt(run, policy, Outcome.REFUSED, None)
    restaurant_id, correlation = run.wish.restaurant_id, run.context.correlation_id
    summary = events.Summary(
        result=result,
        flow=Flow.INLINE,
        trigger=attempt.trigger,
        attempts_used=1 if run.quotes else 0,
        max_attempts=1,
        total_ms=attempt.duration_ms,
        reason=reason,
    )
    quotes = attempts.quote_events(attempt, restaurant_id, None)
    return [*quotes, summary.event(restaurant_id, None, correlation)]


def _attempt(run: InlineRun, policy: Policy, outcome: Outcome, reason: Reason | None) -> Attempt:
    plan = run.quotes[-1].decision.plan if run.quotes and reason is None else None
    return Attempt(
        id=run.attempt_id,
        flow=Flow.INLINE,
        trigger=Trigger.INLINE_CREATION,
        number=1,
        outcome=outcome,
        reason=reason,
        quotes=tuple(run.quotes),
        strategy=strategy_json(policy, run.options, plan),
        duration_ms=run.budget.spent_ms(),
        correlation_id=run.context.correlation_id,
        alternatives=run.alternatives,
    )


def _booking(run: InlineRun, reading: DayReading, state: State) -> Booking:
    wish, window = run.wish, reading.window
    return Booking(
        id=run.booking_id,
        reference=run.reference,
        restaurant_id=wish.restaurant_id,
        state=state,
        version=len(_STEPS),
        request_version=1,
        party_size=wish.party_size,
        start_at=window.start,
        end_at=window.end,
        duration_minutes=wish.duration_minutes,
        service_id=window.service.id,
        service_date=window.service_date,
        pinned=False,
        guest=wish.guest,
        preferences=wish.preferences,
        notes=wish.notes,
        last_result=None,
        created_at=run.now,
        timezone=reading.index.floor.timezone.key,
    )


def _effects(
    run: InlineRun, reading: DayReading, draft: Booking, attempt: Attempt, variant: str | None
) -> tuple[ports.Effects, Reply]:
    """What both kept outcomes share: the row, its history, the attempt, events, and the stored reply."""
    booking = replace(draft, last_result=last_result(attempt, draft.version, run.now, variant))
    steps = confirmation.steps_through((*_STEPS, booking.state), 1)
    metadata: Json = {"attemptId": str(attempt.id), "tables": list(booking.tables)}
    reason = attempt.reason.code.value if attempt.reason else None
    reply = _reply(reading, booking, attempt)
    actor = run.context.actor
    effects = ports.Effects(
        new_booking=booking,
        history=confirmation.history_rows(booking, steps, actor, reason, metadata),
        attempts=[attempt_row(attempt, booking)],
        events=[
            *_events(run, attempt, booking, email_skipped=variant is None),
            *events.state_changed(booking, attempt.correlation_id, steps, actor),
        ],
        reply=to_store(run.context.key, reply),
    )
    return effects, reply


def _events(
    run: InlineRun, attempt: Attempt, booking: Booking | None, *, email_skipped: bool
) -> list[ports.Event]:
    restaurant_id = run.wish.restaurant_id
    booking_id = booking.id if booking else None
    summary = events.Summary(
        result=attempt.outcome.value,
        flow=Flow.INLINE,
        trigger=attempt.trigger,
        attempts_used=1,
        max_attempts=1,
        total_ms=attempt.duration_ms,
        reason=attempt.reason.code.value if attempt.reason else None,
        email_skipped=email_skipped,
    )
    return [
        *attempts.attempt_events(attempt, restaurant_id, booking_id, round(run.db_ms, 3)),
        attempts.inline_event(attempt, run.budget_ms, run.stage, restaurant_id, booking_id),
        summary.event(restaurant_id, booking_id, attempt.correlation_id),
    ]


def _reply(reading: DayReading, booking: Booking, attempt: Attempt) -> Reply:
    body = {
        "booking": responses.booking_json(booking),
        "assignment": assignment_json(attempt),
        "alternatives": responses.alternatives_json(attempt.alternatives, reading.index.floor.timezone),
        "warnings": responses.notices_json(reading.notices),
    }
    return Reply(201, responses.dumps(body), {"location": f"/bookings/{booking.id}"})
