"""What the background job writes, for each way an attempt can end. Data in, data out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts.messages import AssignMessage
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.floor import Policy
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.planner.model import Plan
from maitred.services import events, ports
from maitred.services.assignment import attempt_events, records
from maitred.services.assignment.attempt import Attempt, Outcome, attempt_row, last_result, strategy_json
from maitred.services.assignment.records import Step
from maitred.services.job.job_run import JobRun
from maitred.services.job.retry_policy import Allowance, Retry
from maitred.services.rollout import Held

ACTOR = "assign"
_LOOK_AGAIN = timedelta(seconds=5)  # most attempts end within a second; a dead worker's lease lasts longer


def claim(run: JobRun) -> tuple[ports.Effects, Booking]:
    """Take the lease. A lease that ran out is taken over in the same state, fenced by its old token."""
    booking = run.booking
    path = _path_to(booking.state, State.ASSIGNMENT_IN_PROGRESS)
    steps = records.steps_through(path, booking.version + 1)
    held = replace(
        booking,
        state=State.ASSIGNMENT_IN_PROGRESS,
        version=booking.version + len(steps),
        lease_token=run.lease.token,
        lease_until=run.lease.until,
    )
    change = ports.BookingChange(
        booking.id,
        booking.version,
        held.version,
        held.state,
        lease_token=booking.lease_token,
        new_lease=run.lease,
    )
    correlation = run.message.correlation_id
    effects = ports.Effects(
        changes=[change],
        history=records.history_rows(booking, steps, ACTOR, run.message.trigger.value, {}),
        events=[
            lock_event(run.message, "acquired", run.budget.spent_ms(), run.lease.token),
            *events.state_changed(booking, correlation, steps, ACTOR),
        ],
    )
    return effects, held


def extension(run: JobRun) -> ports.Effects:
    """The same lease for longer. It fails as any write of a worker does that has lost its lease."""
    booking = run.booking
    change = ports.BookingChange(
        booking.id,
        booking.version,
        booking.version,
        booking.state,
        lease_token=run.lease.token,
        new_lease=run.lease,
    )
    return ports.Effects(changes=[change])


def lock_event(message: AssignMessage, result: str, wait_ms: float, token: UUID | None = None) -> ports.Event:
    """``wait_ms``: since this run wanted the booking. ``token``: of the lease that it got or had."""
    return ports.Event(
        "assignment.lock",
        {"result": result, "waitMs": wait_ms, "token": str(token) if token else None},
        "info" if result in ("acquired", "contended") else "warning",
        message.restaurant_id,
        message.booking_id,
        message.correlation_id,
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: its summary's result, the attempts it was allowed, and the mail if one was queued."""

    result: str
    allowed: Allowance
    email_variant: str | None = None
    metadata: ports.Json = field(default_factory=dict)


def confirmed(run: JobRun, plan: Plan, day: ports.DayClaim | None, ids: ports.Ids) -> ports.Effects:
    """State, result and the guest's mail."""
    attempt = _attempt(run, Outcome.CONFIRMED, None)
    booking = replace(run.booking, tables=plan.tables, zone=plan.zone)
    mailing = records.confirmed_mail(booking, attempt.correlation_id, ids, run.now)
    metadata: ports.Json = {"attemptId": str(attempt.id), "tables": list(plan.tables)}
    ending = Ending("confirmed", Allowance(run.max_attempts, None), mailing.variant, metadata)
    effects = _outcome(run, attempt, (State.CONFIRMED,), ending)
    return replace(effects, claim=day, notifications=mailing.notifications, outbox=mailing.outbox)


def deferred(run: JobRun, reason: Reason, step: Retry) -> ports.Effects:
    """Back to pending, with the next attempt as a new, delayed message."""
    attempt = _attempt(run, Outcome.DEFERRED, reason)
    effects = _outcome(run, attempt, (State.ASSIGNMENT_PENDING,), Ending("deferred", step.allowed))
    waiting = replace(run.booking, version=run.booking.version + 1)
    # Only the wake itself works on whatever version there is; its retries have a version like all others.
    freed = run.message.trigger is Trigger.CAPACITY_FREED
    trigger = Trigger.RETRY if freed else run.message.trigger
    correlation, delay = attempt.correlation_id, step.at - run.now
    retry = records.assign_row(waiting, trigger, step.attempt, correlation, run.now, delay)
    return replace(effects, outbox=[retry])


def for_a_person(run: JobRun, reason: Reason, result: str, allowed: Allowance) -> ports.Effects:
    """The job is over: a person decides. Also before any claim, when the cut-off has passed."""
    attempt = _attempt(run, Outcome.MANUAL_REVIEW, reason)
    path = _path_to(run.booking.state, State.MANUAL_REVIEW)[1:]
    return _outcome(run, attempt, path, Ending(result, allowed))


def broken(run: JobRun, reason: Reason) -> ports.Effects:
    """A fault: the booking stays in progress for the next delivery, its lease over. No summary."""
    attempt = _attempt(run, Outcome.DEFERRED, reason)
    booking = run.booking
    change = ports.BookingChange(
        booking.id,
        booking.version,
        booking.version,
        booking.state,
        last_result=last_result(attempt, booking.version, run.now, None),
        lease_token=booking.lease_token,
        new_lease=replace(run.lease, until=run.now),
    )
    *quotes, told = attempt_events.attempt_events(attempt, booking.restaurant_id, booking.id, run.db_ms)
    error = replace(told, event_type="auto_assign.attempt_error", severity="error")
    return ports.Effects(changes=[change], attempts=[attempt_row(attempt, booking)], events=[*quotes, error])


def asked(run: JobRun) -> Attempt:
    """A run's planner calls, whatever came of them."""
    return _attempt(run, Outcome.DEFERRED, None)


def planner_calls(run: JobRun) -> list[ports.Event]:
    """The events of a run's planner calls, where nothing else of it is written."""
    return attempt_events.quote_events(asked(run), run.booking.restaurant_id, run.booking.id)


def postponed(message: AssignMessage, booking: Booking, now: datetime, wait_ms: float) -> ports.Effects:
    """The same message again, a little later: the other worker is done by then, or its lease runs out."""
    correlation = message.correlation_id
    row = records.assign_row(
        replace(booking, version=message.booking_version),
        message.trigger,
        message.attempt,
        correlation,
        now,
        _LOOK_AGAIN,
    )
    return ports.Effects(events=[lock_event(message, "contended", wait_ms)], outbox=[row])


def summary_without_attempt(
    message: AssignMessage, held: Held, result: str, total_ms: float, reason: str | None
) -> ports.Event:
    """For runs that end before an attempt was made, or by a fault."""
    summary = events.Summary(
        result=result,
        flow=Flow.JOB,
        trigger=message.trigger,
        attempts_used=message.attempt - 1,
        max_attempts=0,
        total_ms=total_ms,
        held=held,
        reason=reason,
    )
    return summary.event(message.restaurant_id, message.booking_id, message.correlation_id)


def _path_to(source: State, target: State) -> tuple[State, ...]:
    """From ``source`` to ``target``; out of manual review only by way of pending (contract 2)."""
    if source is target:
        return (source,)
    if source is State.MANUAL_REVIEW:
        return (source, State.ASSIGNMENT_PENDING, target)
    return (source, target)


def _attempt(run: JobRun, outcome: Outcome, reason: Reason | None) -> Attempt:
    policy = run.index.floor.policy if run.index else Policy()
    plan = run.quotes[-1].decision.plan if run.quotes and reason is None else None
    return Attempt(
        id=run.attempt_id,
        flow=Flow.JOB,
        trigger=run.message.trigger,
        number=run.number,
        outcome=outcome,
        reason=reason,
        quotes=tuple(run.quotes),
        strategy=strategy_json(policy, run.conduct.options, plan),
        duration_ms=run.budget.spent_ms(),
        correlation_id=run.message.correlation_id,
        held=run.conduct.held_by_job,
    )


def _outcome(run: JobRun, attempt: Attempt, path: Sequence[State], ending: Ending) -> ports.Effects:
    """Along ``path`` from the present state: row, history, result, attempt, events, exactly one summary."""
    booking = run.booking
    steps = records.steps_through((booking.state, *path), booking.version + 1)
    version = booking.version + len(steps)
    reason = attempt.reason.code.value if attempt.reason else None
    change = ports.BookingChange(
        booking.id,
        booking.version,
        version,
        steps[-1][1] if steps else booking.state,
        last_result=last_result(attempt, version, run.now, ending.email_variant),
        lease_token=booking.lease_token,
    )
    return ports.Effects(
        changes=[change],
        history=records.history_rows(
            booking, steps, ACTOR, reason, {"attemptId": str(attempt.id), **ending.metadata}
        ),
        attempts=[attempt_row(attempt, booking)],
        events=_events(run, attempt, steps, ending),
    )


def _events(run: JobRun, attempt: Attempt, steps: Sequence[Step], ending: Ending) -> list[ports.Event]:
    booking, correlation = run.booking, attempt.correlation_id
    summary = events.Summary(
        result=ending.result,
        flow=Flow.JOB,
        trigger=attempt.trigger,
        attempts_used=attempt.number if run.quotes else attempt.number - 1,
        max_attempts=ending.allowed.attempts,
        total_ms=attempt.duration_ms,
        held=attempt.held,
        reason=attempt.reason.code.value if attempt.reason else None,
        reduced_by=ending.allowed.reduced_by,
        email_skipped=ending.email_variant is None,
        inline_attempt_id=run.inline.attempt_id if run.inline else None,
    )
    return [
        *attempt_events.attempt_events(attempt, booking.restaurant_id, booking.id, run.db_ms),
        summary.event(booking.restaurant_id, booking.id, correlation),
        *events.state_changed(booking, correlation, list(steps), ACTOR),
    ]
