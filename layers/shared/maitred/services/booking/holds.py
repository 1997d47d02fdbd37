"""``POST /restaurants/{id}/holds`` and ``DELETE /holds/{id}``: tables kept for some minutes.

A hold is found and raced for as a booking is, but no booking is moved for it. It ends by the clock: an
expired hold blocks nothing, and the next writer that needs its tables deletes its rows.
"""

from datetime import timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain.booking import Trigger
from maitred.domain.hold import Hold
from maitred.domain.reasons import Category, Reason, ReasonCode
from maitred.planner.model import Plan, Refusal
from maitred.services import ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import Attempt, Outcome, PlannerRun, attempt_of
from maitred.services.assignment.failures import LOST, reason_of
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.booking.inline import Inline, inline_events
from maitred.services.booking.request import BookingRequest, DayReading, InlineCall
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import (
    Reply,
    RequestContext,
    reply_of_duplicate,
    stored_reply,
    to_store,
)
from maitred.services.unit_of_work import Try, remember, tries

_CREATED, _NO_CONTENT = 201, 204


class Holds:
    def __init__(self, deps: Dependencies, inline: Inline, waitlist: Waitlist) -> None:
        """``inline``: its planner moves nobody."""
        self._deps = deps
        self._inline = inline
        self._waitlist = waitlist

    def make(self, request: BookingRequest, context: RequestContext) -> Reply:
        """Hold tables, or refuse. Raises TryAgain, or MaitredError for what could not be booked either."""
        call = self._inline.begin(request, context, Trigger.INLINE_HOLD)
        runs: list[PlannerRun] = []
        try:
            with self._inline.faults_recorded(call, runs):
                return self._make(call, runs)
        except ports.DuplicateRequest:
            return reply_of_duplicate(self._deps.store, context.key)

    def give_back(self, hold: Hold, context: RequestContext) -> Reply:
        """Free the tables and wake the parties that wait for some. A hold that is over or used stays so."""
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        reply = Reply(_NO_CONTENT, "")
        try:
            if hold.expired or hold.used_by is not None:
                return remember(self._deps, context, reply)
            changes, now = _given_back(hold, context, reply), self._deps.clock.now()
            self._waitlist.commit(changes, hold, context.correlation_id, now)
        except ports.DuplicateRequest:
            return reply_of_duplicate(self._deps.store, context.key)
        return reply

    def _make(self, call: InlineCall, runs: list[PlannerRun]) -> Reply:
        reading = self._inline.read(call)
        if isinstance(reading, Reply):
            return reading
        reason = self._confirm(call, reading, runs, self._deps.ids.uuid())
        if isinstance(reason, Reply):
            return reason
        alternatives = self._inline.alternatives(call, runs)
        return self._inline.refuse(call, reading, runs, reason, alternatives, final=_is_proven(reason))

    def _confirm(
        self, call: InlineCall, reading: DayReading, runs: list[PlannerRun], hold_id: UUID
    ) -> Reply | Reason:
        """Find tables and commit the hold on them, or say why not."""
        if isinstance(reading.snapshot, Reason):
            return reading.snapshot
        reply: Reply | None = None
        try:
            with tries(self._deps, reading.snapshot, call.attempt.budget) as days:
                for day in days:
                    run = self._inline.quote(call, reading, day.snapshot)
                    runs.append(run)
                    decision = run.decision
                    if isinstance(decision, Refusal):
                        return decision.reason
                    attempt = attempt_of(call.attempt, Outcome.CONFIRMED, None, runs, reading.index)
                    changes, reply = _made(call, reading, day, decision, attempt, hold_id)
                    if day.commit(changes):
                        self._inline.confirmed(call, attempt, decision)
                        return reply
            raise ports.Conflict("both races were lost")
        except LOST as error:
            # A hold that was committed blocks its tables: its guest must learn of it.
            answer_lost = isinstance(error, ports.Unavailable)
            if reply is not None and answer_lost and self._deps.store.hold(hold_id).hold is not None:
                return reply
            return reason_of(error, call.attempt.budget)


def _is_proven(reason: Reason) -> bool:
    """Is nothing free at this time? Other holds may expire, but that is for another request to find out."""
    return reason.category is Category.DETERMINISTIC or reason.code is ReasonCode.HOLD_CONFLICT


def _made(
    call: InlineCall, reading: DayReading, day: Try, plan: Plan, attempt: Attempt, hold_id: UUID
) -> tuple[ports.Changes, Reply]:
    """The hold, its tables in the ledger, and the reply. No booking, so no history and no attempt row."""
    window, floor = reading.window, reading.index.floor
    hold = Hold(
        id=hold_id,
        restaurant_id=call.request.restaurant_id,
        party_size=call.request.party_size,
        start_at=window.start,
        end_at=window.end,
        service_id=window.service.id,
        service_date=window.service_date,
        expires_at=call.now + timedelta(seconds=floor.policy.hold_seconds),
        timezone=floor.timezone.key,
        layout_version=floor.layout_version,
        tables=plan.tables,
    )
    reply = Reply(
        _CREATED, responses.dumps(responses.hold_json(hold) | responses.warnings_json(reading.notices))
    )
    changes = ports.Changes(
        claim=day.claim,
        new_hold=hold,
        allocations=records.table_allocations(reading.index, hold),
        events=inline_events(attempt, None, reading.db_ms, email_skipped=True),
        reply=to_store(call.context.key, reply),
    )
    return changes, reply


def _given_back(hold: Hold, context: RequestContext, reply: Reply) -> ports.Changes:
    """The hold ends now, and its tables are free."""
    return ports.Changes(
        touched_days=[(hold.restaurant_id, hold.service_date)],
        drop_holds=[hold.id],
        reply=to_store(context.key, reply),
    )
