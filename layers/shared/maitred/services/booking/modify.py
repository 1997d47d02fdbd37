"""``PATCH /bookings/{id}``: a guest's change gets the same care as a new booking.

New tables are taken and old ones let go in one transaction, or nothing changes. A change that alters neither
party nor time, and that the present tables still satisfy, keeps them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from maitred.contracts import responses
from maitred.contracts.bookings import IfMatch
from maitred.domain import errors
from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.reasons import Category, Reason
from maitred.domain.states import State
from maitred.domain.windows import Notice, moment_of
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
from maitred.services.assignment.failures import LOST
from maitred.services.assignment.layout_change import back_by_then
from maitred.services.assignment.waitlist import Waitlist, Woken
from maitred.services.assignment.waking import seated, stay_of
from maitred.services.booking.inline import (
    GRACE_MS,
    Inline,
    Unconfirmed,
    inline_events,
    request_of,
)
from maitred.services.booking.request import BookingRequest, DayReading, InlineCall
from maitred.services.booking.seated import SeatedChange, SeatedRequest
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store, unless_answered
from maitred.services.unit_of_work import Try, change_booking, commit, remember, tries

MODIFIED = "modified"
DETAILS = "details_changed"
_OK = 200

#: Rules of size and joining: the party that sits there has met them, or a person has overridden them.
_SHAPE = frozenset({"capacity", "min_party", "max_tables", "not_movable", "adjacency"})
#: The way to an attempt from each state that a guest may change a booking in.
_TO_ATTEMPT = {
    State.CREATED: (State.ASSIGNMENT_IN_PROGRESS,),
    State.ASSIGNMENT_PENDING: (State.ASSIGNMENT_IN_PROGRESS,),
    State.MANUAL_REVIEW: (State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS),
    State.ASSIGNMENT_IN_PROGRESS: (),
    State.CONFIRMED: (),
}

type ChangeOf = Callable[[Booking], BookingRequest | SeatedRequest]


class ModifyBooking:
    def __init__(self, deps: Dependencies, inline: Inline, waitlist: Waitlist, seated: SeatedChange) -> None:
        self._deps = deps
        self._inline = inline
        self._waitlist = waitlist
        self._seated = seated

    def modify(
        self, booking: Booking, change_of: ChangeOf, context: RequestContext, if_match: IfMatch | None
    ) -> Reply:
        """``change_of``: the whole request, made of the booking as it is.

        Raises VersionMismatch, InvalidTransition, TryAgain, or MaitredError for a request that breaks a rule.
        """

        def modify(current: Booking) -> Reply:
            if if_match is not None and not if_match.allows(current.version):
                raise errors.VersionMismatch(f"the booking has version {current.version}")
            if current.state is not State.SEATED and current.state not in _TO_ATTEMPT:
                raise errors.InvalidTransition(f"a booking that is {current.state.value} cannot be changed")
            wanted = change_of(current)
            if isinstance(wanted, SeatedRequest):
                return self._seated.change(current, wanted, context)
            return self._modify(current, wanted, context)

        return unless_answered(
            self._deps.store, context.key, lambda: change_booking(self._deps, booking, context, modify)
        )

    def _modify(self, booking: Booking, request: BookingRequest, context: RequestContext) -> Reply:
        start = moment_of(request.start, ZoneInfo(booking.timezone))[0]
        asked = (request.party_size, start, request.duration_minutes)
        same_stay = asked == (booking.party_size, booking.start_at, booking.duration_minutes)
        if same_stay and request.preferences == booking.preferences:
            return self._keep_tables(booking, request, context)
        call = self._inline.begin(request, context, Trigger.INLINE_MODIFICATION, booking)
        runs: list[PlannerRun] = []
        with self._inline.faults_recorded(call, runs):
            reading = self._inline.read(call)
            if isinstance(reading, Reply):
                return reading
            if same_stay and _is_granted(call, reading, booking):
                return self._keep_tables(booking, request, context, reading.notices)
            return self._find_tables(call, reading, runs, booking)

    def _keep_tables(
        self,
        booking: Booking,
        request: BookingRequest,
        context: RequestContext,
        notices: Sequence[Notice] = (),
    ) -> Reply:
        """No attempt: neither the stay nor the tables change."""
        now, present = self._deps.clock.now(), (booking.guest, booking.notes, booking.preferences)
        if (request.guest, request.notes, request.preferences) == present:
            reply = _kept_reply(booking, "The booking already is as requested.", now)
            return remember(self._deps, context, reply, booking)
        changes, reply = _details(booking, request, context, notices, now)
        commit(self._deps, changes)
        return reply

    def _find_tables(
        self, call: InlineCall, reading: DayReading, runs: list[PlannerRun], booking: Booking
    ) -> Reply:
        parties = self._waitlist.parties(booking, call.now)
        confirmed = self._confirm(call, reading, runs, booking, parties)
        if isinstance(confirmed, Reply):
            return confirmed
        reason, alternatives = confirmed.reason, self._inline.alternatives(call, runs)
        if call.request.refuse_if_full:
            final = reason.category is Category.DETERMINISTIC
            return self._inline.refuse(call, reading, runs, reason, alternatives, final=final)
        deferred = attempt_of(call.attempt, Outcome.DEFERRED, reason, runs, reading.index, alternatives)
        changes, reply = _pending(call, reading, deferred, booking, self._deps.ids)
        correlation = call.context.correlation_id
        try:
            self._waitlist.commit(changes, booking, correlation, call.now, parties, GRACE_MS)
        except (ports.Unavailable, ports.StaleVersion) as error:
            return self._inline.answer_of(call, error, reply, confirmed)
        self._inline.ended(call, deferred)
        return reply

    def _confirm(
        self,
        call: InlineCall,
        reading: DayReading,
        runs: list[PlannerRun],
        booking: Booking,
        parties: Sequence[ports.WaitingParty],
    ) -> Reply | Unconfirmed:
        """Find tables and commit the change on them, or say why not."""
        if isinstance(reading.snapshot, Reason):
            return Unconfirmed(reading.snapshot)
        reply: Reply | None = None
        try:
            elsewhere = self._woken_elsewhere(call, reading, booking, parties)
            with tries(self._deps, reading.snapshot, call.attempt.budget, _own_day(booking)) as days:
                for day in days:
                    run = self._inline.quote(call, reading, day.snapshot.without(booking))
                    runs.append(run)
                    decision = run.decision
                    if isinstance(decision, Refusal):
                        return Unconfirmed(decision.reason)
                    attempt = attempt_of(call.attempt, Outcome.CONFIRMED, None, runs, reading.index)
                    changes, reply = _confirmed(call, reading, day, decision, attempt, booking)
                    woken = elsewhere or self._woken(call, reading, day, decision, booking, parties)
                    if day.commit(woken.added_to(changes)):
                        self._inline.confirmed(call, attempt, decision)
                        return reply
            raise ports.Conflict("both races were lost")
        except LOST as error:
            return self._inline.not_confirmed(call, error, reply)

    def _woken(
        self,
        call: InlineCall,
        reading: DayReading,
        day: Try,
        plan: Plan,
        booking: Booking,
        parties: Sequence[ports.WaitingParty],
    ) -> Woken:
        """Those who can use what the booking lets go on the day that it stays on."""
        if plan.tables == booking.tables and _covers(reading, booking):
            return Woken()
        request = request_of(call, reading)
        stay = stay_of(str(booking.id), booking.version + 1, request, call.request.preferences)
        after = seated(reading.index, day.snapshot.without(booking), stay, plan.tables, plan.moves)
        return self._waitlist.woken(reading.index, after, parties, call.context.correlation_id, call.now)

    def _woken_elsewhere(
        self, call: InlineCall, reading: DayReading, booking: Booking, parties: Sequence[ports.WaitingParty]
    ) -> Woken | None:
        """Those who can use what the booking lets go if it leaves its day; None if it does not."""
        if not parties or reading.window.service_date == booking.service_date:
            return None
        return self._waitlist.woken_without(booking, parties, call.context.correlation_id, call.now)


# --- do the present tables do? ---


def _is_granted(call: InlineCall, reading: DayReading, booking: Booking) -> bool:
    """Do the present tables grant all that is required and preferred?

    Tables that a person has pinned need not grant preferences.
    """
    if not booking.tables:
        return False
    ignored = _SHAPE | back_by_then(booking, call.now)
    violations = check_tables(reading.index, booking.tables, request_of(call, reading))
    if any(broken.code not in ignored for broken in violations):
        return False
    chosen = [table for table in reading.index.floor.tables if table.id in booking.tables]
    preferred = call.request.preferences
    in_zone = preferred.zone is None or all(table.zone == preferred.zone for table in chosen)
    return booking.pinned or (
        in_zone and all(set(preferred.attributes) <= set(table.attributes) for table in chosen)
    )


def _covers(reading: DayReading, booking: Booking) -> bool:
    """Does the new stay take all of the old one's time?"""
    return reading.window.start <= booking.start_at and reading.window.end >= booking.end_at


# --- what each outcome writes ---


def _confirmed(
    call: InlineCall, reading: DayReading, day: Try, plan: Plan, attempt: Attempt, before: Booking
) -> tuple[ports.Changes, Reply]:
    """The new request with its tables; the old ones are let go in the same transaction."""
    correlation, actor = call.context.correlation_id, call.context.actor
    booking = replace(
        _requested(call, reading, State.CONFIRMED, before),
        tables=plan.tables,
        zone=plan.zone,
        pinned=before.pinned and plan.tables == before.tables,
    )
    notifications, outbox = records.mail(booking, MailKind.CONFIRMED, correlation, day.deps.ids, call.now)
    variant = records.variant_of(notifications)
    moved = records.moved_by(plan, reading.index, day.snapshot, booking)
    metadata = records.attempt_metadata(attempt.context.id, booking)
    own = records.history_rows(booking, _through(before), actor, MODIFIED, metadata)
    history = [*own, *moved.history]
    reply = attempt_reply(_OK, booking, attempt, call.now, reading.notices)
    changes = ports.Changes(
        claim=day.claim,
        touched_days=_own_day(before),
        updates=[_update(call, attempt, booking, before, variant)],
        requests=[booking],
        moves=moved.moves,
        release=[*_own_tables(before), *moved.release],
        allocations=[*records.table_allocations(reading.index, booking), *moved.allocations],
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
    call: InlineCall,
    reading: DayReading,
    attempt: Attempt,
    before: Booking,
    ids: ports.Ids,
) -> tuple[ports.Changes, Reply]:
    """The new request waits for the job; the old tables are let go, and others may use them."""
    correlation, actor = call.context.correlation_id, call.context.actor
    requested = _requested(call, reading, State.ASSIGNMENT_PENDING, before)
    booking = replace(requested, tables=(), zone=None, pinned=False)
    later = call.now + records.WAITS_AFTER
    notifications, outbox = records.mail(booking, MailKind.MODIFICATION_PENDING, correlation, ids, later)
    job = records.assign_row(booking, Trigger.MODIFICATION, 1, correlation, call.now)
    metadata = records.attempt_metadata(attempt.context.id, booking)
    history = records.history_rows(booking, _through(before), actor, attempt.reason_code, metadata)
    reply = attempt_reply(_OK, booking, attempt, call.now, reading.notices)
    changes = ports.Changes(
        touched_days=_own_day(before),
        updates=[_update(call, attempt, booking, before, None)],
        requests=[booking],
        release=_own_tables(before),
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


def _details(
    before: Booking,
    request: BookingRequest,
    context: RequestContext,
    notices: Sequence[Notice],
    now: datetime,
) -> tuple[ports.Changes, Reply]:
    """Guest, notes, or preferences that the present tables grant: no attempt, and the tables stay.

    A booking that waits gets a new message, since the job's old one is of another version.
    """
    target = State.ASSIGNMENT_PENDING if before.state is State.ASSIGNMENT_IN_PROGRESS else before.state
    after = replace(
        before,
        state=target,
        version=before.version + 1,
        updated_at=now,
        guest=request.guest,
        notes=request.notes,
        preferences=request.preferences,
        lease_token=None,
        lease_until=None,
    )
    metadata = {"tables": list(before.tables)}
    row = ports.HistoryRow(before.id, before.state, target, after.version, context.actor, DETAILS, metadata)
    job = records.assign_row(after, Trigger.MODIFICATION, 1, context.correlation_id, now)
    reply = _kept_reply(after, "The tables stay as they are.", now, notices)
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, after, _still_fresh(before, after), tables=before.tables)],
        requests=[after],
        history=[row],
        events=events.state_changed([row], before.restaurant_id, context.correlation_id),
        outbox=[job] if target is State.ASSIGNMENT_PENDING else [],
        reply=to_store(context.key, reply),
    )
    return changes, reply


def _still_fresh(before: Booking, after: Booking) -> ports.Json | None:
    """Party and times are the same: the result of the inline attempt is still this request's."""
    last = before.last_result
    if last is None or last.get("bookingVersion") != before.version:
        return None
    return {**last, "bookingVersion": after.version}


def _kept_reply(booking: Booking, explanation: str, now: datetime, notices: Sequence[Notice] = ()) -> Reply:
    """The answer to a change that needed no attempt."""
    outcome = Outcome.CONFIRMED if booking.state is State.CONFIRMED else Outcome.DEFERRED
    body = {
        "booking": responses.booking_json(booking, now),
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
        "warnings": responses.notices_json(notices),
    }
    return Reply(_OK, responses.dumps(body))


def _through(before: Booking) -> tuple[State, ...]:
    """Through an attempt; from confirmed the attempt leaves no trace of its own."""
    return (before.state, *_TO_ATTEMPT[before.state])


def _requested(call: InlineCall, reading: DayReading, state: State, before: Booking) -> Booking:
    request, window = call.request, reading.window
    return replace(
        before,
        state=state,
        version=before.version + len(_through(before)),
        updated_at=call.now,
        request_version=before.request_version + 1,
        party_size=request.party_size,
        start_at=window.start,
        end_at=window.end,
        duration_minutes=request.duration_minutes,
        service_id=window.service.id,
        service_date=window.service_date,
        guest=request.guest,
        preferences=request.preferences,
        notes=request.notes,
        confirmation_queued=False,
        lease_token=None,
        lease_until=None,
    )


def _update(
    call: InlineCall, attempt: Attempt, booking: Booking, before: Booking, email_variant: str | None
) -> ports.BookingUpdate:
    result = last_result(attempt, booking.version, call.now, email_variant)
    return ports.BookingUpdate(before, booking, result, tables=before.tables)


def _own_day(before: Booking) -> list[tuple[str, date]]:
    return [(before.restaurant_id, before.service_date)] if before.tables else []


def _own_tables(before: Booking) -> list[UUID]:
    return [before.id] if before.tables else []
