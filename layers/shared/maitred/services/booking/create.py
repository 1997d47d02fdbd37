"""``POST /restaurants/{id}/bookings``: one snapshot read, a plan in memory, one confirm transaction.

A party that is not confirmed within the budget is kept as pending with a message for the background job, in
one transaction too, or refused if the caller asked for that.
"""

from dataclasses import replace
from zoneinfo import ZoneInfo

from maitred.domain import errors
from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.hold import Hold
from maitred.domain.reasons import Category, Reason
from maitred.domain.states import State
from maitred.domain.windows import moment_of
from maitred.planner.floor.rules import check_tables
from maitred.planner.model import Plan, Refusal
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import (
    Attempt,
    Outcome,
    PlannerRun,
    attempt_of,
    attempt_reply,
    attempt_row,
    last_result,
)
from maitred.services.assignment.failures import LOST, reason_of
from maitred.services.booking.inline import (
    GRACE_MS,
    Inline,
    Unconfirmed,
    inline_events,
    request_of,
)
from maitred.services.booking.request import BookingRequest, DayReading, InlineCall
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, repeat, reply_of_duplicate, to_store
from maitred.services.unit_of_work import Try, commit, tries

_PATH = (State.CREATED, State.ASSIGNMENT_IN_PROGRESS)
_CREATED = 201
_REFERENCES = 3  # a random reference in use is rare; three in a row are not random


class CreateBooking:
    def __init__(self, deps: Dependencies, inline: Inline) -> None:
        self._deps = deps
        self._inline = inline

    def create(self, request: BookingRequest, context: RequestContext) -> Reply:
        """Confirm, keep as pending, or refuse. Raises MaitredError for what cannot be booked at all."""
        call = self._inline.begin(request, context, Trigger.INLINE_CREATION)
        runs: list[PlannerRun] = []
        try:
            with self._inline.faults_recorded(call, runs):
                return self._create(call, runs)
        except ports.DuplicateRequest:
            return reply_of_duplicate(self._deps.store, context.key)
        except ports.HoldGone:  # to whom? it may have been this very request's twin
            found = self._hold(call)
            if isinstance(found, Reply):
                return found
            raise errors.HoldExpired from None

    def _create(self, call: InlineCall, runs: list[PlannerRun]) -> Reply:
        hold = self._hold(call)
        if isinstance(hold, Reply):
            return hold
        reading = self._inline.read(call)
        if isinstance(reading, Reply):
            return reading
        use = ports.HoldUse(hold, _keeps_tables(call, reading, hold)) if hold else None
        confirmed = self._confirm(call, reading, runs, use)
        if isinstance(confirmed, Reply):
            return confirmed
        reason = confirmed.reason
        if use is not None and use.keeps_tables:  # a pending booking would have to give them back
            return self._inline.refuse(call, reading, runs, reason, final=False)
        alternatives = self._inline.alternatives(call, runs)
        if call.request.refuse_if_full:
            final = reason.category is Category.DETERMINISTIC
            return self._inline.refuse(call, reading, runs, reason, alternatives, final=final)
        deferred = attempt_of(call.attempt, Outcome.DEFERRED, reason, runs, reading.index, alternatives)
        return self._keep_pending(call, reading, deferred, confirmed, use)

    def _hold(self, call: InlineCall) -> Hold | Reply | None:
        """The hold that the request names, None if it names none; or the reply this key had before.

        Raises HoldNotFound, HoldUsed, HoldExpired, and HoldMismatch for another party or start.
        """
        request = call.request
        if request.hold_id is None:
            return None
        found = self._deps.store.hold(request.hold_id, call.context.key, call.attempt.budget.remaining_ms())
        answered = repeat(call.context.key, found.reply)
        if answered is not None:
            return answered
        hold = found.hold
        if hold is None or hold.restaurant_id != request.restaurant_id:
            raise errors.HoldNotFound
        if hold.used_by is not None:
            raise errors.HoldUsed
        if hold.expired:
            raise errors.HoldExpired
        start, _ = moment_of(request.start, ZoneInfo(hold.timezone))
        if (request.party_size, start) != (hold.party_size, hold.start_at):
            raise errors.HoldMismatch("the hold is for another party or another time")
        return hold

    def _confirm(
        self,
        call: InlineCall,
        reading: DayReading,
        runs: list[PlannerRun],
        use: ports.HoldUse | None,
        references: int = _REFERENCES,
    ) -> Reply | Unconfirmed:
        """Find tables and commit the booking on them, or say why not."""
        if isinstance(reading.snapshot, Reason):
            return Unconfirmed(reading.snapshot)
        reply: Reply | None = None
        try:
            with tries(self._deps, reading.snapshot, call.attempt.budget) as days:
                for day in days:
                    run = self._plan(call, reading, day.snapshot, use)
                    runs.append(run)
                    decision = run.decision
                    if isinstance(decision, Refusal):
                        return Unconfirmed(decision.reason)
                    attempt = attempt_of(call.attempt, Outcome.CONFIRMED, None, runs, reading.index)
                    changes, reply = _confirmed(call, reading, day, decision, attempt, use)
                    if day.commit(changes):
                        self._inline.confirmed(call, attempt, decision)
                        return reply
            raise ports.Conflict("both races were lost")
        except ports.ReferenceTaken as error:
            if references == 1:
                return Unconfirmed(reason_of(error, call.attempt.budget))
            return self._confirm(call, reading, runs, use, references - 1)
        except LOST as error:
            return self._inline.not_confirmed(call, error, reply)

    def _plan(
        self, call: InlineCall, reading: DayReading, snapshot: ports.Snapshot, use: ports.HoldUse | None
    ) -> PlannerRun:
        if use is None:
            return self._inline.quote(call, reading, snapshot)
        without = snapshot.without(use.hold)
        if use.keeps_tables:
            return self._inline.keep_tables(call, reading, without, use.hold.tables)
        return self._inline.quote(call, reading, without)

    def _keep_pending(
        self,
        call: InlineCall,
        reading: DayReading,
        attempt: Attempt,
        unconfirmed: Unconfirmed,
        use: ports.HoldUse | None,
    ) -> Reply:
        references = _REFERENCES
        while True:
            changes, reply = _pending(call, reading, attempt, use, self._deps.ids)
            try:
                commit(self._deps, changes, GRACE_MS)
            except ports.ReferenceTaken:
                references -= 1
                if not references:
                    raise
            except (ports.Unavailable, ports.Conflict) as error:
                return self._inline.answer_of(call, error, reply, unconfirmed)
            else:
                self._inline.ended(call, attempt)
                return reply


# --- what each outcome writes ---


def _confirmed(
    call: InlineCall, reading: DayReading, day: Try, plan: Plan, attempt: Attempt, use: ports.HoldUse | None
) -> tuple[ports.Changes, Reply]:
    """The booking with its tables, the moves that it needs, the guest's confirmation, and the reply."""
    ids, correlation = day.deps.ids, call.context.correlation_id
    draft = _booking(call, reading, State.CONFIRMED, ids.reference())
    booking = replace(draft, tables=plan.tables, zone=plan.zone)
    notifications, outbox = records.mail(booking, MailKind.CONFIRMED, correlation, ids, call.now)
    variant = records.variant_of(notifications)
    keeps_tables = use is not None and use.keeps_tables
    own = () if keeps_tables else records.table_allocations(reading.index, booking)
    moved = records.moved_by(plan, reading.index, day.snapshot, booking)
    history = [*_history(call, booking, attempt), *moved.history]
    reply = attempt_reply(_CREATED, booking, attempt, call.now, reading.notices)
    changes = ports.Changes(
        claim=day.claim,
        new_booking=replace(booking, last_result=last_result(attempt, booking.version, call.now, variant)),
        use_hold=use,
        moves=moved.moves,
        release=moved.release,
        allocations=[*own, *moved.allocations],
        history=history,
        attempts=[attempt_row(attempt, booking)],
        events=[
            *inline_events(attempt, booking, reading.db_ms, email_skipped=variant is None),
            *events.state_changed(history, booking.restaurant_id, correlation),
        ],
        notifications=notifications,
        outbox=outbox,
        reply=to_store(call.context.key, reply),
    )
    return changes, reply


def _pending(
    call: InlineCall, reading: DayReading, attempt: Attempt, use: ports.HoldUse | None, ids: ports.Ids
) -> tuple[ports.Changes, Reply]:
    """The booking without tables, and the message that makes the job work on it."""
    correlation, later = call.context.correlation_id, call.now + records.WAITS_AFTER
    booking = _booking(call, reading, State.ASSIGNMENT_PENDING, ids.reference())
    notifications, outbox = records.mail(booking, MailKind.REQUEST_RECEIVED, correlation, ids, later)
    job = records.assign_row(booking, Trigger.CREATION, 1, correlation, call.now)
    history = _history(call, booking, attempt)
    reply = attempt_reply(_CREATED, booking, attempt, call.now, reading.notices)
    changes = ports.Changes(
        new_booking=replace(booking, last_result=last_result(attempt, booking.version, call.now, None)),
        use_hold=use,
        history=history,
        attempts=[attempt_row(attempt, booking)],
        events=[
            *inline_events(attempt, booking, reading.db_ms, email_skipped=True),
            *events.state_changed(history, booking.restaurant_id, correlation),
        ],
        notifications=notifications,
        outbox=[job, *outbox],
        reply=to_store(call.context.key, reply),
    )
    return changes, reply


def _history(call: InlineCall, booking: Booking, attempt: Attempt) -> list[ports.HistoryRow]:
    actor, metadata = call.context.actor, records.attempt_metadata(attempt.context.id, booking)
    created = ports.HistoryRow(booking.id, None, State.CREATED, 1, actor, None)
    return [created, *records.history_rows(booking, _PATH, actor, attempt.reason_code, metadata)]


def _booking(call: InlineCall, reading: DayReading, state: State, reference: str) -> Booking:
    request, window = call.request, reading.window
    return Booking(
        id=call.booking_id,
        reference=reference,
        restaurant_id=request.restaurant_id,
        state=state,
        version=1 + len(_PATH),
        request_version=1,
        party_size=request.party_size,
        start_at=window.start,
        end_at=window.end,
        duration_minutes=request.duration_minutes,
        service_id=window.service.id,
        service_date=window.service_date,
        pinned=False,
        guest=request.guest,
        preferences=request.preferences,
        notes=request.notes,
        last_result=None,
        created_at=call.now,
        updated_at=call.now,
        timezone=reading.index.floor.timezone.key,
        locale=reading.index.floor.locale,
    )


# --- a booking that is made of a hold ---


def _keeps_tables(call: InlineCall, reading: DayReading, hold: Hold) -> bool:
    """Does the booking take the hold's tables as they are?

    Not if the floor has changed since and they, or the stay, are no longer allowed: then the planner looks
    for others. On the floor of the hold the request can differ only by its end or what it requires: raises
    HoldMismatch.
    """
    broken = check_tables(reading.index, hold.tables, request_of(call, reading))
    if reading.window.end == hold.end_at and not broken:
        return True
    if hold.layout_version == reading.index.floor.layout_version:
        raise errors.HoldMismatch(broken[0].message if broken else "the hold is for a stay of another length")
    return False
