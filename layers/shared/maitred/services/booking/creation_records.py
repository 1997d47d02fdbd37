"""What a creation writes, for both ways it can be kept. Data in, data out."""

from dataclasses import replace

from maitred.domain.booking import Booking, Trigger
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.services import ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import Attempt, Outcome
from maitred.services.booking import outcome
from maitred.services.booking.outcome import Kept, Seat
from maitred.services.booking.request import DayReading, InlineRun
from maitred.services.idempotency import Reply

_STEPS = (None, State.CREATED, State.ASSIGNMENT_IN_PROGRESS)
_CREATED = 201


def confirmed(
    run: InlineRun, reading: DayReading, seat: Seat, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The booking with its tables, the moves it needs, its mail, and the reply."""
    attempt = outcome.attempt_of(run, Outcome.CONFIRMED, None, reading.index.floor.policy)
    draft = _booking(run, reading, State.CONFIRMED)
    booking = replace(draft, tables=seat.plan.tables, zone=seat.plan.zone)
    mailing = records.confirmed_mail(booking, attempt.correlation_id, ids, run.now)
    effects, reply = _effects(run, reading, booking, attempt, mailing)
    if run.keeps_held:
        effects = replace(effects, claim=seat.claim)
    else:
        effects = outcome.seated(effects, reading, seat, booking)
    return replace(effects, use_hold=_use(run)), reply, attempt


def pending(
    run: InlineRun, reading: DayReading, reason: Reason, ids: ports.Ids
) -> tuple[ports.Effects, Reply, Attempt]:
    """The booking without tables, and the message that makes the job work on it."""
    attempt = outcome.attempt_of(run, Outcome.DEFERRED, reason, reading.index.floor.policy)
    booking = _booking(run, reading, State.ASSIGNMENT_PENDING)
    job = records.assign_row(booking, Trigger.CREATION, 1, attempt.correlation_id, run.now)
    later = run.now + outcome.WAITS_AFTER
    mailing = records.mail(booking, "request_received", None, attempt.correlation_id, ids, later)
    effects, reply = _effects(run, reading, booking, attempt, mailing)
    return replace(effects, outbox=[job, *effects.outbox], use_hold=_use(run)), reply, attempt


def _use(run: InlineRun) -> ports.HoldUse | None:
    if run.hold is None:
        return None
    return ports.HoldUse(run.hold.id, run.booking_id, run.keeps_held)


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
        locale=reading.index.floor.locale,
    )


def _effects(
    run: InlineRun, reading: DayReading, booking: Booking, attempt: Attempt, mailing: records.Mailing
) -> tuple[ports.Effects, Reply]:
    steps = records.steps_through((*_STEPS, booking.state), 1)
    kept = Kept(booking, steps, attempt, mailing.variant, _CREATED)
    effects, reply = outcome.told(run, reading, kept)
    stored = replace(booking, last_result=outcome.result_of(run, kept))
    return replace(
        effects, new_booking=stored, notifications=mailing.notifications, outbox=mailing.outbox
    ), reply
