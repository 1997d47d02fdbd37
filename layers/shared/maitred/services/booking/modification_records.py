"""What a modification writes, for each way it can end. Data in, data out."""

from dataclasses import replace
from datetime import datetime

from maitred.contracts import responses
from maitred.domain.booking import Booking, Trigger
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import Attempt, Outcome, attempt_row
from maitred.services.assignment.records import Step
from maitred.services.booking import outcome
from maitred.services.booking.outcome import Kept, Seat
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, to_store

MODIFIED = "modified"
DETAILS = "details_changed"
_OK = 200

#: The way to an attempt from each state that a guest may change a booking in.
_TO_ATTEMPT = {
    State.CREATED: (State.ASSIGNMENT_IN_PROGRESS,),
    State.ASSIGNMENT_PENDING: (State.ASSIGNMENT_IN_PROGRESS,),
    State.MANUAL_REVIEW: (State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS),
    State.ASSIGNMENT_IN_PROGRESS: (),
    State.CONFIRMED: (),
}
CHANGEABLE = frozenset(_TO_ATTEMPT)


def confirmed(
    run: InlineRun, reading: DayReading, seat: Seat, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The new request with its tables; the old ones are let go in the same transaction."""
    before = _before(run)
    attempt = outcome.attempt_of(run, Outcome.CONFIRMED, None, reading.index.floor.policy)
    steps = _steps(before, State.CONFIRMED)
    pinned = before.pinned and seat.plan.tables == before.tables
    booking = replace(
        _requested(run, reading, State.CONFIRMED, steps),
        tables=seat.plan.tables,
        zone=seat.plan.zone,
        pinned=pinned,
    )
    mailing = records.confirmed_mail(booking, attempt.correlation_id, ids, run.now)
    effects, reply = _effects(run, reading, Kept(booking, steps, attempt, mailing.variant, _OK), mailing)
    return outcome.seated(effects, reading, seat, booking), reply, attempt


def pending(
    run: InlineRun, reading: DayReading, reason: Reason, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The new request waits for the job; the old tables are let go."""
    before = _before(run)
    attempt = outcome.attempt_of(run, Outcome.DEFERRED, reason, reading.index.floor.policy)
    steps = _steps(before, State.ASSIGNMENT_PENDING)
    booking = replace(
        _requested(run, reading, State.ASSIGNMENT_PENDING, steps), tables=(), zone=None, pinned=False
    )
    job = records.assign_row(booking, Trigger.MODIFICATION, 1, attempt.correlation_id, run.now)
    later = run.now + outcome.WAITS_AFTER
    mailing = records.mail(booking, "modification_pending", None, attempt.correlation_id, ids, later)
    effects, reply = _effects(run, reading, Kept(booking, steps, attempt, None, _OK), mailing)
    return replace(effects, outbox=[job, *effects.outbox]), reply, attempt


def refused(run: InlineRun, attempt: Attempt, told: list[ports.Event], reply: Reply) -> ports.Effects:
    """The booking stays as it was; that a change was tried is kept."""
    return ports.Effects(
        attempts=[attempt_row(attempt, _before(run))], events=told, reply=to_store(run.context.key, reply)
    )


def details(
    before: Booking, wish: BookingWish, context: RequestContext, now: datetime
) -> tuple[ports.Effects, Reply]:
    """Guest, notes, or wishes that the present tables grant: no attempt, and the tables stay.

    Who waits gets a new message, since the job's old one is of another version.
    """
    target = State.ASSIGNMENT_PENDING if before.state is State.ASSIGNMENT_IN_PROGRESS else before.state
    after = replace(
        before,
        state=target,
        version=before.version + 1,
        guest=wish.guest,
        notes=wish.notes,
        preferences=wish.preferences,
        lease_token=None,
        lease_until=None,
    )
    step: Step = (before.state, target, after.version)
    reply = kept_reply(after, "Nothing changes at the table.")
    waits = target is State.ASSIGNMENT_PENDING
    correlation = context.correlation_id
    job = records.assign_row(after, Trigger.MODIFICATION, 1, correlation, now)
    effects = ports.Effects(
        changes=[
            ports.BookingChange(
                before.id,
                before.version,
                after.version,
                target,
                last_result=_still_fresh(before, after),
                tables=before.tables,
            )
        ],
        requests=[after],
        history=records.history_rows(before, [step], context.actor, DETAILS, {"tables": list(before.tables)}),
        events=events.state_changed(before, correlation, [step], context.actor),
        outbox=[job] if waits else [],
        reply=to_store(context.key, reply),
    )
    return effects, reply


def _still_fresh(before: Booking, after: Booking) -> ports.Json | None:
    """Party and times are the same: the result of the inline attempt is still this request's."""
    last = before.last_result
    if last is None or last.get("bookingVersion") != before.version:
        return None
    return {**last, "bookingVersion": after.version}


def kept_reply(booking: Booking, explanation: str) -> Reply:
    """The answer of a modification that needed no attempt."""
    outcome = Outcome.CONFIRMED if booking.state is State.CONFIRMED else Outcome.DEFERRED
    body = {
        "booking": responses.booking_json(booking),
        "assignment": {
            "attemptId": None,
            "trigger": Trigger.INLINE_MODIFICATION.value,
            "outcome": outcome.value,
            "strategy": None,
            "score": None,
            "reason": None,
            "durationMs": 0,
            "alternates": 0,
            "moves": 0,
            "explanation": explanation,
        },
        "alternatives": [],
        "warnings": [],
    }
    return Reply(_OK, responses.dumps(body))


def _before(run: InlineRun) -> Booking:
    if run.changed is None:
        raise ValueError("a modification is one of a booking")
    return run.changed


def _steps(before: Booking, target: State) -> list[Step]:
    """Through an attempt; from confirmed the attempt leaves no trace of its own."""
    path = (before.state, *_TO_ATTEMPT[before.state], target)
    return records.steps_through(path, before.version + 1)


def _requested(run: InlineRun, reading: DayReading, state: State, steps: list[Step]) -> Booking:
    """The booking as the guest wants it now."""
    before, wish, window = _before(run), run.wish, reading.window
    return replace(
        before,
        state=state,
        version=before.version + len(steps),
        request_version=before.request_version + 1,
        party_size=wish.party_size,
        start_at=window.start,
        end_at=window.end,
        service_id=window.service.id,
        service_date=window.service_date,
        guest=wish.guest,
        preferences=wish.preferences,
        notes=wish.notes,
        confirmation_queued=False,
        lease_token=None,
        lease_until=None,
    )


def _effects(
    run: InlineRun, reading: DayReading, kept: Kept, mailing: records.Mailing
) -> tuple[ports.Effects, Reply]:
    before, booking = _before(run), kept.booking
    change = ports.BookingChange(
        before.id,
        before.version,
        booking.version,
        booking.state,
        last_result=outcome.result_of(run, kept),
        tables=before.tables,
    )
    effects, reply = outcome.told(run, reading, kept, MODIFIED)
    freed = bool(before.tables)
    return replace(
        effects,
        touched_days=[(before.restaurant_id, before.service_date)] if freed else [],
        changes=[change],
        requests=[booking],
        release=[before.id] if freed else [],
        notifications=mailing.notifications,
        outbox=mailing.outbox,
    ), reply
