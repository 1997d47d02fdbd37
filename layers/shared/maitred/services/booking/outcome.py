"""What every inline attempt writes and answers, whatever it was made for. Data in, data out."""

from dataclasses import dataclass, replace
from datetime import timedelta

from maitred.contracts import responses
from maitred.contracts.responses import Json
from maitred.domain.booking import Booking, Flow
from maitred.domain.floor import Policy
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.model import Plan
from maitred.services import events, ports
from maitred.services.assignment import attempt_events, records
from maitred.services.assignment.attempt import (
    Attempt,
    Outcome,
    assignment_json,
    attempt_row,
    last_result,
    strategy_json,
)
from maitred.services.assignment.moves import carried_out, table_allocations, with_moves
from maitred.services.assignment.records import Step
from maitred.services.booking.request import DayReading, InlineRun
from maitred.services.idempotency import Reply, to_store

WAITS_AFTER = timedelta(minutes=2)  # "we are looking" is only told to a guest who still waits by then


@dataclass(frozen=True, slots=True)
class Seat:
    """A plan, the reading of the day it was made on, and the claim to that day (None: the day is held)."""

    plan: Plan
    snapshot: ports.Snapshot
    claim: ports.DayClaim | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A booking as the attempt leaves it, the steps that led there, and the answer's HTTP status."""

    booking: Booking
    steps: list[Step]
    attempt: Attempt
    email_variant: str | None
    status: int


def attempt_of(run: InlineRun, outcome: Outcome, reason: Reason | None, policy: Policy) -> Attempt:
    plan = run.quotes[-1].decision.plan if run.quotes and reason is None else None
    return Attempt(
        id=run.attempt_id,
        flow=Flow.INLINE,
        trigger=run.trigger,
        number=1,
        outcome=outcome,
        reason=reason,
        quotes=tuple(run.quotes),
        strategy=strategy_json(policy, run.options, plan),
        duration_ms=run.budget.spent_ms(),
        correlation_id=run.context.correlation_id,
        held=run.held,
        alternatives=run.alternatives,
    )


def told(
    run: InlineRun, reading: DayReading, kept: Kept, what: str | None = None
) -> tuple[ports.Effects, Reply]:
    """History, the attempt, events and the stored reply: the same for every booking that is kept.

    ``what`` is the history's reason where the attempt has none.
    """
    booking, attempt, actor = kept.booking, kept.attempt, run.context.actor
    metadata: Json = {"attemptId": str(attempt.id), "tables": list(booking.tables)}
    reason = attempt.reason.code.value if attempt.reason else what
    reply = _reply(reading, kept)
    effects = ports.Effects(
        history=records.history_rows(booking, kept.steps, actor, reason, metadata),
        attempts=[attempt_row(attempt, booking)],
        events=[
            *events_of(run, attempt, booking, email_skipped=kept.email_variant is None),
            *events.state_changed(booking, attempt.correlation_id, kept.steps, actor),
        ],
        reply=to_store(run.context.key, reply),
    )
    return effects, reply


def result_of(run: InlineRun, kept: Kept) -> Json:
    return last_result(kept.attempt, kept.booking.version, run.now, kept.email_variant)


def seated(effects: ports.Effects, reading: DayReading, seat: Seat, booking: Booking) -> ports.Effects:
    """``effects`` with the plan's tables for ``booking``, and the moves of others that it needs."""
    allocations = table_allocations(reading.index, seat.plan, booking.id, reading.window)
    correlation = effects.events[0].correlation_id
    moved = carried_out(seat.plan, reading.index, seat.snapshot, booking, correlation)
    return with_moves(replace(effects, claim=seat.claim, allocations=allocations), moved)


def refused(run: InlineRun, reading: DayReading, reason: Reason) -> tuple[Attempt, list[ports.Event], Json]:
    """Nothing is given away; ``more`` goes into the problem document."""
    attempt = attempt_of(run, Outcome.REFUSED, reason, reading.index.floor.policy)
    more = {
        "reason": responses.reason_json(reason),
        "alternatives": responses.alternatives_json(attempt.alternatives, reading.index.floor.timezone),
    }
    return attempt, events_of(run, attempt, run.changed, email_skipped=True), more


def ended(run: InlineRun, result: str, reason: str) -> list[ports.Event]:
    """A run that leaves nothing behind: its planner calls, that it was called off, and its summary."""
    attempt = attempt_of(run, Outcome.REFUSED, None, run.policy)
    called_off = replace(attempt, reason=Reason(ReasonCode.ABORTED, "The attempt was called off."))
    restaurant_id, correlation = run.wish.restaurant_id, run.context.correlation_id
    booking_id = run.changed.id if run.changed else None
    summary = events.Summary(
        result=result,
        flow=Flow.INLINE,
        trigger=run.trigger,
        attempts_used=1 if run.quotes else 0,
        max_attempts=1,
        total_ms=attempt.duration_ms,
        held=run.held,
        reason=reason,
    )
    quotes = attempt_events.quote_events(attempt, restaurant_id, booking_id)
    return [
        *quotes,
        attempt_events.inline_event(called_off, run.budget_ms, run.stage, restaurant_id, booking_id),
        summary.event(restaurant_id, booking_id, correlation),
    ]


def events_of(
    run: InlineRun, attempt: Attempt, booking: Booking | None, *, email_skipped: bool
) -> list[ports.Event]:
    restaurant_id = run.wish.restaurant_id
    booking_id = booking.id if booking else None
    summary = events.Summary(
        result=attempt.outcome.value,
        flow=Flow.INLINE,
        trigger=run.trigger,
        attempts_used=1,
        max_attempts=1,
        total_ms=attempt.duration_ms,
        held=run.held,
        reason=attempt.reason.code.value if attempt.reason else None,
        email_skipped=email_skipped,
    )
    return [
        *attempt_events.attempt_events(attempt, restaurant_id, booking_id, round(run.db_ms, 3)),
        attempt_events.inline_event(attempt, run.budget_ms, run.stage, restaurant_id, booking_id),
        summary.event(restaurant_id, booking_id, attempt.correlation_id),
    ]


def _reply(reading: DayReading, kept: Kept) -> Reply:
    booking, attempt = kept.booking, kept.attempt
    body = {
        "booking": responses.booking_json(booking),
        "assignment": assignment_json(attempt),
        "alternatives": responses.alternatives_json(attempt.alternatives, reading.index.floor.timezone),
        "warnings": responses.notices_json(reading.notices),
    }
    headers = {"location": f"/bookings/{booking.id}"} if kept.status == 201 else {}  # noqa: PLR2004 - created
    return Reply(kept.status, responses.dumps(body), headers)
