"""The parts that creating, changing and holding share: a budget, one reading of the day, the planner's runs.

Nothing of an attempt commits after its budget. Each use case says itself what it writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.windows import Window, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Covers, PartyRequest, Plan
from maitred.services import ports
from maitred.services.assignment.attempt import (
    Attempt,
    AttemptContext,
    Outcome,
    PlannerRun,
    Quote,
    Summary,
    attempt_events,
    attempt_of,
    attempt_row,
    inline_event,
    quote_events,
)
from maitred.services.assignment.comparing import compare
from maitred.services.assignment.day import Floors, day_of, version_of
from maitred.services.assignment.failures import reason_of
from maitred.services.assignment.planning import Planning, party_request, problem_of
from maitred.services.assignment.shadow import Shadow
from maitred.services.booking.request import (
    BookingRequest,
    DayReading,
    InlineCall,
    earliest_start,
    stay,
    unknown_words,
)
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, problem_reply, repeat, to_store
from maitred.services.unit_of_work import commit

GRACE_MS = 1500  # for writing the outcome once the attempt is over
_TRIES = 3  # the layout changing under one request is rare; twice is the end
_RETRY_AFTER = 5  # seconds until a refusal that is not final may be another
_SUPERSEDED: Mapping[type[Exception], str] = {
    ports.DuplicateRequest: "duplicate_request",
    ports.HoldGone: "hold_gone",
    ports.StaleVersion: "stale_version",
}


class TryAgain(MaitredError):
    """Refused for now only: nothing was proven. 503 with the reason's own code."""

    status = 503
    title = "Not decided in time"
    retry_after = _RETRY_AFTER

    def __init__(self, reason: Reason, more: ports.Json) -> None:
        super().__init__(reason.detail)
        self.code = reason.code.value
        self.more = more


class OnHold(TryAgain):
    """Refused while others hold the last tables: 409, to be tried again when the first hold ends."""

    status = 409
    title = "No table at this time"

    def __init__(self, reason: Reason, more: ports.Json, retry_after: int) -> None:
        super().__init__(reason, more)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """No tables were confirmed. ``unanswered``: the reply of a commit whose answer got lost, if one did."""

    reason: Reason
    unanswered: Reply | None = None


class Inline:
    """``budget_ms`` bounds each attempt."""

    def __init__(self, deps: Dependencies, floors: Floors, planning: Planning, budget_ms: int) -> None:
        self._deps = deps
        self._floors = floors
        self._planning = planning
        self._budget_ms = budget_ms
        self._shadow = Shadow(planning)

    def begin(
        self,
        request: BookingRequest,
        context: RequestContext,
        trigger: Trigger,
        changed: Booking | None = None,
    ) -> InlineCall:
        """``changed``: the booking that is modified."""
        deps = self._deps
        budget = Budget(deps.clock, self._budget_ms)  # before the flags, which may have to be read
        flags = self._planning.flags.flags_for(request.restaurant_id)
        booking_id = changed.id if changed else deps.ids.uuid()
        if trigger is not Trigger.INLINE_HOLD:
            deps.telemetry.know(booking_id=str(booking_id))
        attempt = AttemptContext(
            id=deps.ids.uuid(),
            restaurant_id=request.restaurant_id,
            flow=Flow.INLINE,
            trigger=trigger,
            number=1,
            options=self._planning.allowed(flags.options),
            flags=flags.recorded_inline,
            correlation_id=context.correlation_id,
            budget=budget,
        )
        return InlineCall(request, context, attempt, deps.clock.now(), booking_id, changed)

    @contextmanager
    def faults_recorded(self, call: InlineCall, runs: Sequence[PlannerRun]) -> Iterator[None]:
        """Record the summary of a call that a fault or a twin ends. ``runs``: its planner runs so far."""
        try:
            yield
        except MaitredError:
            raise  # an answer: recorded where it was given, or the request breaks a rule
        except Exception as error:
            superseded = _SUPERSEDED.get(type(error))
            result = "superseded" if superseded else "error"
            self._deps.telemetry.later(_ended(call, runs, result, superseded or type(error).__name__))
            raise

    # --- reading the day ---

    def read(self, call: InlineCall) -> DayReading | Reply:
        """The day as it is now, in one round trip if the floor is known; or the reply this key had before.

        That the day could not be read in time is part of the answer. Raises MaitredError if the request
        breaks a rule of the current layout, StoreError if the layout could not be read.
        """
        index: FloorIndex | Reply | None = self._floors.latest(call.request.restaurant_id)
        cache_hit, db_ms = index is not None, 0.0
        admission: ports.Admission | None = ports.Admission(call.attempt.id, call.context.actor)
        for _ in range(_TRIES):
            index = index or self._floor(call, None)
            if isinstance(index, Reply):
                return index
            try:
                window, notices = stay(
                    call.request, index, call.now, call.changed, is_staff=call.context.is_staff
                )
                notices = (*notices, *unknown_words(index, call.request.preferences))
            except MaitredError:
                newer = self._floor(call, index) if cache_hit else index
                if newer is index:
                    raise
                index, cache_hit = newer, False
                continue
            began = call.attempt.budget.spent_ms()
            read = self._snapshot(call, index, window, admission)
            db_ms += call.attempt.budget.spent_ms() - began
            admission = None  # one admission an attempt
            if isinstance(read, Reply):
                return read
            if isinstance(read, Reason) or read.document is None:
                return DayReading(index, window, notices, read, cache_hit, db_ms)
            index = self._floors.keep(call.request.restaurant_id, read.layout_version, read.document)
            cache_hit = False
        raise ports.Conflict("the layout keeps changing")

    def _floor(self, call: InlineCall, known: FloorIndex | None) -> FloorIndex | Reply:
        restaurant_id, left = call.request.restaurant_id, call.attempt.budget.remaining_ms()
        read = self._deps.store.layout(restaurant_id, version_of(known), call.context.key, left)
        answered = repeat(call.context.key, read.reply) if read else None
        return answered or self._floors.current(restaurant_id, known, read)

    def _snapshot(
        self, call: InlineCall, index: FloorIndex, window: Window, admission: ports.Admission | None
    ) -> ports.Snapshot | Reason | Reply:
        day = day_of(index.floor, window, call.now)
        version, left = index.floor.layout_version, call.attempt.budget.remaining_ms()
        try:
            with self._deps.telemetry.span("snapshot", restaurant=day.restaurant_id):
                read = self._deps.store.snapshot(day, version, call.context.key, left, admission)
        except ports.RateLimited as error:
            raise errors.TooManyRequests(error.wait_seconds) from error
        except ports.CircuitOpen as error:
            raise errors.ServiceUnavailable(error.wait_seconds) from error
        except (ports.DeadlinePassed, ports.LockTimeout) as error:
            return reason_of(error, call.attempt.budget)
        if read is None:
            raise errors.RestaurantNotFound
        return repeat(call.context.key, read.reply) or read

    # --- planning ---

    def quote(self, call: InlineCall, reading: DayReading, snapshot: ports.Snapshot) -> PlannerRun:
        """Ask the planner about ``snapshot``, which is without the party's own tables."""
        with self._deps.telemetry.span("plan", restaurant=call.request.restaurant_id):
            problem = problem_of(reading.index, request_of(call, reading), call.attempt.options, snapshot)
            problem = replace(problem, owned=_owned(call))
            run = self._planning.quote(
                reading.index, problem, call.attempt.budget, cache_hit=reading.cache_hit
            )
        self._deps.telemetry.milliseconds("PlannerDuration", run.duration_ms, flow=Flow.INLINE.value)
        return run

    def keep_tables(
        self, call: InlineCall, reading: DayReading, snapshot: ports.Snapshot, tables: Sequence[str]
    ) -> PlannerRun:
        """As `quote`, but the party gets exactly these tables: its own hold's."""
        with self._deps.telemetry.span("plan", restaurant=call.request.restaurant_id):
            problem = problem_of(reading.index, request_of(call, reading), call.attempt.options, snapshot)
            run = self._planning.keep_hold(reading.index, problem, tables, cache_hit=reading.cache_hit)
        self._deps.telemetry.milliseconds("PlannerDuration", run.duration_ms, flow=Flow.INLINE.value)
        return run

    def alternatives(self, call: InlineCall, runs: Sequence[PlannerRun]) -> tuple[Alternative, ...]:
        """Other starts, from what the last quote was made from; none if the planner was not asked."""
        last = runs[-1] if runs else None
        if not isinstance(last, Quote):
            return ()
        earliest = earliest_start(last.index.floor, call.now, is_staff=call.context.is_staff)
        return self._planning.alternatives(last, call.request.duration_minutes, earliest, call.attempt.budget)

    # --- after the commit, or without one ---

    def not_confirmed(
        self, call: InlineCall, error: ports.StoreError, unanswered: Reply | None
    ) -> Reply | Unconfirmed:
        """Why the commit failed; the reply itself if it succeeded and only its answer got lost."""
        lost = unanswered if isinstance(error, ports.Unavailable) else None
        if lost is not None and self.committed(call) is Outcome.CONFIRMED:
            return lost
        return Unconfirmed(reason_of(error, call.attempt.budget), lost)

    def committed(self, call: InlineCall) -> Outcome | None:
        """The outcome that this very attempt has committed for its booking, if any."""
        booking = self._deps.store.booking(call.booking_id)
        result = booking.last_result if booking else None
        if result is None or result.get("attemptId") != str(call.attempt.id):
            return None
        return Outcome(result["outcome"])

    def answer_of(
        self, call: InlineCall, error: ports.StoreError, deferred: Reply, unconfirmed: Unconfirmed
    ) -> Reply:
        """The reply to what was committed although its answer got lost. Raises ``error`` if nothing was."""
        match self.committed(call):
            case Outcome.CONFIRMED if unconfirmed.unanswered is not None:
                return unconfirmed.unanswered
            case Outcome.DEFERRED:
                return deferred
            case _:
                raise error

    def confirmed(self, call: InlineCall, attempt: Attempt, plan: Plan) -> None:
        """Count what a commit has just confirmed."""
        if plan.moves:
            self._deps.telemetry.count("Moves", len(plan.moves))
        if attempt.context.trigger is not Trigger.INLINE_HOLD:
            self._deps.telemetry.count("CoversSeated", call.request.party_size, flow=Flow.INLINE.value)
        self.ended(call, attempt)

    def ended(self, call: InlineCall, attempt: Attempt) -> None:
        """Count how the attempt ended, and have the shadow look at it if the restaurant's flag says so."""
        telemetry = self._deps.telemetry
        telemetry.milliseconds("InlineQuoteConfirm", call.attempt.budget.spent_ms())
        telemetry.count("AssignOutcome", flow=Flow.INLINE.value, outcome=attempt.outcome.value)
        if attempt.reason is not None:
            telemetry.count("AssignReason", category=attempt.reason.category.value)
            if attempt.reason.code in (ReasonCode.TIMEOUT, ReasonCode.LOCK_TIMEOUT):
                telemetry.count("InlineTimeouts")
        if attempt.context.is_shadowed:
            on_hold, refused = call.attempt.trigger is Trigger.INLINE_HOLD, attempt.outcome is Outcome.REFUSED
            booking_id = None if call.changed is None and (on_hold or refused) else call.booking_id
            compare(self._shadow, telemetry, attempt, booking_id)

    def _first_hold_ends(self, call: InlineCall, reading: DayReading) -> int:
        """Seconds until the first hold in the party's way ends; a few if it has just done so."""
        ends = self._deps.store.first_hold_end(_holds_at(reading))
        return max(1, ceil((ends - call.now).total_seconds())) if ends else _RETRY_AFTER

    def refuse(
        self,
        call: InlineCall,
        reading: DayReading,
        runs: Sequence[PlannerRun],
        reason: Reason,
        alternatives: tuple[Alternative, ...] = (),
        *,
        final: bool,
    ) -> Reply:
        """Keep nothing but the answer and, for a booking that exists, the attempt.

        A refusal that is not ``final`` is not kept for the key either: raises TryAgain, or OnHold.
        """
        attempt = attempt_of(call.attempt, Outcome.REFUSED, reason, runs, reading.index, alternatives)
        emitted = inline_events(attempt, call.changed, reading.db_ms, email_skipped=True)
        more: ports.Json = {
            "reason": responses.reason_json(reason),
            "alternatives": responses.alternatives_json(alternatives, reading.index.floor.timezone),
            **responses.warnings_json(reading.notices),
        }
        if not final:
            self._deps.telemetry.later(emitted)
            self.ended(call, attempt)
            if reason.code is ReasonCode.HOLD_CONFLICT:
                raise OnHold(reason, more, self._first_hold_ends(call, reading))
            raise TryAgain(reason, more)
        code, title, context = reason.code.value, "No table at this time", call.context
        reply = problem_reply(409, code, title, reason.detail, context.correlation_id, more)
        changes = ports.Changes(
            attempts=[attempt_row(attempt, call.changed)] if call.changed else [],
            events=emitted,
            reply=to_store(context.key, reply),
        )
        commit(self._deps, changes, GRACE_MS)
        self.ended(call, attempt)
        return reply


def _holds_at(reading: DayReading) -> list[UUID]:
    """The live holds of tables during the stay and its buffers."""
    if isinstance(reading.snapshot, Reason):
        return []
    policy, window = reading.index.floor.policy, reading.window
    start = to_minutes(window.start) - policy.buffer_before_minutes
    end = to_minutes(window.end) + policy.buffer_after_minutes
    rows = reading.snapshot.allocations
    return [UUID(row.hold_id) for row in rows if row.hold_id and row.start < end and start < row.end]


def _owned(call: InlineCall) -> Covers | None:
    """What the booking that is changed has in the book already."""
    changed = call.changed
    if changed is None or not changed.tables:
        return None
    return Covers(to_minutes(changed.start_at), changed.party_size)


def request_of(call: InlineCall, reading: DayReading) -> PartyRequest:
    return party_request(call.request.party_size, reading.window, call.request.preferences)


def inline_events(
    attempt: Attempt, booking: Booking | None, db_ms: float, *, email_skipped: bool
) -> list[ports.Event]:
    """The planner's runs, the attempt, how it ended, and its one summary. ``booking``: if one is kept."""
    booking_id, result, spent = booking.id if booking else None, attempt.outcome.value, attempt.duration_ms
    summary = Summary(attempt.context, result, spent, attempt.reason_code, email_skipped=email_skipped)
    return [
        *attempt_events(attempt, booking_id, round(db_ms, 3)),
        inline_event(attempt, _stage(attempt.runs), booking_id),
        summary.event(booking_id),
    ]


def _ended(call: InlineCall, runs: Sequence[PlannerRun], result: str, reason: str) -> list[ports.Event]:
    """A call that leaves nothing behind: its planner runs, that it was called off, and its summary."""
    last = runs[-1] if runs else None
    index = last.index if last else None
    attempt = attempt_of(call.attempt, Outcome.REFUSED, None, runs, index)
    called_off = replace(attempt, reason=Reason(ReasonCode.ABORTED, "The attempt was called off."))
    booking_id = call.changed.id if call.changed else None
    summary = Summary(call.attempt, result, attempt.duration_ms, reason, used=1 if runs else 0)
    return [
        *quote_events(attempt, booking_id),
        inline_event(called_off, _stage(runs), booking_id),
        summary.event(booking_id),
    ]


def _stage(runs: Sequence[PlannerRun]) -> str:
    """How far an attempt got: a plan is followed by its confirmation."""
    if not runs:
        return "snapshot"
    return "plan" if runs[-1].plan is None else "confirm"
