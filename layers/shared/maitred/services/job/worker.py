"""The background job: one message, one attempt, one summary, on every exit.

A planner outcome is never an exception: the next attempt is a new, delayed message. Only faults leave
as exceptions; the queue delivers the message again and parks it in the dead-letter queue after five.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts.messages import AssignMessage
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, MailKind, Trigger
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.states import State
from maitred.domain.windows import Window, promised_window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import PartyRequest, Plan, Refusal
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import (
    Attempt,
    AttemptContext,
    Outcome,
    Quote,
    Summary,
    attempt_events,
    attempt_of,
    attempt_row,
    last_result,
    quote_events,
)
from maitred.services.assignment.comparing import compare
from maitred.services.assignment.day import Floors, Reading, day_of, read_floor
from maitred.services.assignment.failures import reason_of
from maitred.services.assignment.planning import party_request, problem_of
from maitred.services.assignment.shadow import Shadow
from maitred.services.assignment.waitlist import Waitlist, Woken, created_after, leaves_lease
from maitred.services.assignment.waking import seated, stay_of
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import FeatureFlags, FlagSource
from maitred.services.job.deep_search import DeepSearch
from maitred.services.job.retry_policy import (
    Allowance,
    Failed,
    GiveUp,
    InlineResult,
    Retry,
    RetryRules,
    Stop,
    fresh_inline_result,
    next_step,
)
from maitred.services.unit_of_work import Try, commit, tries

ACTOR = "assign"
_GRACE_MS = 5000  # for writing an outcome once the attempt's budget is over
#: An attempt that these end is tried again; nothing is wrong with the job.
_LOST = (ports.Conflict, ports.DeadlinePassed, ports.LockTimeout, ports.NotAdmitted)
_TOO_LARGE = "The party is larger than all seats that are not kept for walk-ins: a person decides."
_LOOK_AGAIN = timedelta(seconds=5)  # most attempts end within a second; a dead worker's lease lasts longer


class JobFault(Exception):
    """This attempt broke; the queue shall deliver the message again."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """``budget_ms``: of one attempt. ``lease_seconds``: how long this worker may have the booking."""

    max_attempts: int
    budget_ms: int
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class _Job:
    """One delivery of a message. ``now``: when it began, UTC. ``lease``: the one that this worker takes."""

    message: AssignMessage
    attempt: AttemptContext
    flags: FeatureFlags
    now: datetime
    lease: ports.Lease
    max_attempts: int

    @property
    def budget(self) -> Budget:
        return self.attempt.budget


@dataclass(frozen=True, slots=True)
class _Missed:
    """The attempt did not confirm. ``first_expiry``: when the first live hold of that day expires.

    ``leased``: tables were kept for the party all the same.
    """

    reason: Reason
    db_ms: float = 0.0
    first_expiry: datetime | None = None
    leased: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """The stay, and the reading of its day. ``parties``: who else waits, if tables are kept for this one."""

    window: Window
    reading: Reading
    parties: Sequence[ports.WaitingParty]

    @property
    def db_ms(self) -> float:
        return self.reading.db_ms


class AssignJob:
    def __init__(
        self,
        deps: Dependencies,
        floors: Floors,
        search: DeepSearch,
        limits: JobLimits,
        flags: FlagSource,
        waitlist: Waitlist,
    ) -> None:
        self._deps = deps
        self._floors = floors
        self._search = search
        self._limits = limits
        self._flags = flags
        self._shadow = Shadow(search)
        self._waitlist = waitlist

    def run(self, message: AssignMessage) -> str:
        """Work on one message; returns the summary's result. Raises StoreError, JobFault or a defect."""
        job, telemetry = self._begin(message), self._deps.telemetry
        age = (job.now - message.enqueued_at) / timedelta(milliseconds=1)
        telemetry.milliseconds("QueueAge", max(0.0, age))
        runs: list[Quote] = []
        try:
            result = self._run(job, runs)
        except Exception as error:
            self._nothing_written(job, "error", _fault_name(error, job.budget))
            raise
        finally:
            telemetry.milliseconds("JobDuration", job.budget.spent_ms())
        if runs and job.attempt.is_shadowed:
            compare(self._shadow, telemetry, _asked(job, runs), message.booking_id)
        return result

    def _begin(self, message: AssignMessage) -> _Job:
        deps = self._deps
        budget = Budget(deps.clock, self._limits.budget_ms)
        now, flags = deps.clock.now(), self._flags.flags_for(message.restaurant_id)
        lease = ports.Lease(deps.ids.uuid(), now + timedelta(seconds=self._limits.lease_seconds))
        attempt = AttemptContext(
            id=deps.ids.uuid(),
            restaurant_id=message.restaurant_id,
            flow=Flow.JOB,
            trigger=message.trigger,
            number=message.attempt,
            options=flags.options,
            flags=flags.recorded_by_job,
            correlation_id=message.correlation_id,
            budget=budget,
        )
        return _Job(message, attempt, flags, now, lease, self._limits.max_attempts)

    def _run(self, job: _Job, runs: list[Quote]) -> str:
        booking = self._booking(job)
        if booking is None or booking.restaurant_id != job.message.restaurant_id:
            return self._nothing_written(job, "not_found")
        settled = already_settled(booking, job.message)
        if settled is not None:
            return self._nothing_written(job, settled)
        if booking.lease_until is not None and booking.lease_until > job.now:
            return self._postpone(job, booking)
        left = job.budget.remaining_ms()
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id, left)
        if job.now > last_start(booking, index):
            return self._cut_off(job, booking, index)
        return self._claim_and_assign(job, booking, index, runs)

    def _claim_and_assign(self, job: _Job, booking: Booking, index: FloorIndex, runs: list[Quote]) -> str:
        claimed, claimed_here, db_ms = _claimed(job, booking), False, 0.0
        try:
            claimed_here = self._claim(job, booking, claimed)
            if not claimed_here:
                return self._superseded(job, runs)
            self._deps.telemetry.count("AssignAttempts", flow=Flow.JOB.value)
            read = self._read(job, claimed, index)
            db_ms = read.db_ms
            missed = read if isinstance(read, _Missed) else self._confirm(job, claimed, read, runs)
            if missed is None:
                return self._count(Outcome.CONFIRMED, None)
            return self._settle(job, claimed, index, runs, missed)
        except ports.StaleVersion:
            if claimed_here:
                self._record_lock(job, "lost", job.lease.token)
            return self._superseded(job, runs)
        except ports.Unavailable as error:  # letting go first waits for a commit that is still under way
            self._let_go(job, claimed, _broken_attempt(job, index, runs, error), db_ms)
            return self._outcome_committed(error, job, claimed)
        except Exception as error:
            self._let_go(job, claimed, _broken_attempt(job, index, runs, error), db_ms)
            raise

    # --- before the attempt ---

    def _booking(self, job: _Job) -> Booking | None:
        try:
            return self._deps.store.booking(job.message.booking_id)
        except ports.StoreError:
            self._record_lock(job, "unavailable")
            raise

    def _postpone(self, job: _Job, booking: Booking) -> str:
        """Another worker has the booking: look again a little later."""
        self._deps.telemetry.count("LockContention")
        commit(self._deps, _postponed(job, booking))
        return self._nothing_written(job, "deferred", ReasonCode.LOCK_TIMEOUT.value)

    def _cut_off(self, job: _Job, booking: Booking, index: FloorIndex) -> str:
        reason = Reason(ReasonCode.CUTOFF, "The start is too near for another automatic attempt.")
        attempt = attempt_of(job.attempt, Outcome.MANUAL_REVIEW, reason, (), index)
        allowed = Allowance(job.max_attempts, None)
        try:
            commit(self._deps, _for_a_person(job, booking, attempt, allowed, 0.0), _GRACE_MS)
        except ports.StaleVersion:
            return self._superseded(job, ())
        except ports.Unavailable as error:
            return self._outcome_committed(error, job, booking)
        return self._count(attempt.outcome, reason)

    def _claim(self, job: _Job, booking: Booking, claimed: Booking) -> bool:
        """Take the lease; from here on the booking is in progress and fenced by the lease's token.

        False if another writer was faster.
        """
        before = job.budget.spent_ms()
        try:
            commit(self._deps, _claim(job, booking, claimed))
        except ports.StaleVersion:
            self._deps.telemetry.count("LockContention")
            self._record_lock(job, "contended")
            return False
        except ports.StoreError:
            self._record_lock(job, "unavailable")
            raise
        finally:
            self._deps.telemetry.milliseconds("LockWait", job.budget.spent_ms() - before)
        return True

    # --- the attempt ---

    def _read(self, job: _Job, booking: Booking, index: FloorIndex) -> _Read | _Missed:
        """The day of the stay that was promised, or why it cannot be planned."""
        window = _window(booking, index)
        if isinstance(window, Reason):
            return _Missed(window)
        day, admission = day_of(index.floor, window, job.now), ports.Admission(job.attempt.id)
        began, version, left = job.budget.spent_ms(), index.floor.layout_version, job.budget.remaining_ms()
        try:
            snapshot = self._deps.store.snapshot(day, version, None, left, admission)
            leased = snapshot is not None and bool(snapshot.leased_to(booking.id))
            parties = self._waitlist.parties(booking, job.now) if leased else ()
        except _LOST as error:
            return _Missed(reason_of(error, job.budget))
        db_ms = round(job.budget.spent_ms() - began, 3)
        if snapshot is None or snapshot.document is not None:
            return _Missed(reason_of(ports.Conflict("the layout changed"), job.budget), db_ms)
        return _Read(window, Reading(index, snapshot, cache_hit=True, db_ms=db_ms), parties)

    def _confirm(self, job: _Job, booking: Booking, read: _Read, runs: list[Quote]) -> _Missed | None:
        """Find tables and commit them; None if that succeeded."""
        reading, index, db_ms = read.reading, read.reading.index, read.db_ms
        party = party_request(booking.party_size, read.window, booking.preferences)
        try:
            self._keep_lease(job, booking)
            with tries(self._deps, reading.snapshot, job.budget) as days:
                for day in days:
                    run = self._quote(job, booking, index, party, day)
                    runs.append(run)
                    decision = run.decision
                    if isinstance(decision, Refusal):
                        leased = bool(day.snapshot.leased_to(booking.id))
                        return _Missed(decision.reason, db_ms, day.snapshot.first_expiry, leased)
                    attempt = attempt_of(job.attempt, Outcome.CONFIRMED, None, runs, index)
                    changes = _confirmed(job, booking, reading, day, decision, attempt)
                    woken = self._woken(job, booking, read, day, decision, changes)
                    if day.commit(woken.added_to(changes)):
                        self._count_seated(booking, decision)
                        return None
            return _Missed(reason_of(ports.Conflict(), job.budget), db_ms)
        except _LOST as error:
            return _Missed(reason_of(error, job.budget), db_ms)

    def _woken(
        self, job: _Job, booking: Booking, read: _Read, day: Try, plan: Plan, changes: ports.Changes
    ) -> Woken:
        """Those who can use what was kept for the booking and what it does not take."""
        if not leaves_lease(day.snapshot, booking, changes.allocations):
            return Woken()
        index, party = read.reading.index, party_request(booking.party_size, read.window, booking.preferences)
        stay = stay_of(str(booking.id), booking.version + 1, party, booking.preferences)
        after = seated(index, day.snapshot.without(booking), stay, plan.tables, plan.moves)
        return self._waitlist.woken(index, after, read.parties, job.message.correlation_id, job.now)

    def _keep_lease(self, job: _Job, booking: Booking) -> None:
        """Extend the lease if it might end before the attempt does."""
        left = job.budget.remaining_ms()
        needed = self._deps.clock.now() + timedelta(milliseconds=left + _GRACE_MS)
        if job.lease.until < needed:  # fails as any write does of a worker that has lost its lease
            lease = ports.Lease(job.lease.token, needed)
            extended = ports.BookingUpdate(booking, booking, lease_token=lease.token, new_lease=lease)
            self._deps.store.apply(ports.Changes(updates=[extended]), left)

    def _quote(self, job: _Job, booking: Booking, index: FloorIndex, party: PartyRequest, day: Try) -> Quote:
        """Search deeply, but not while the day is locked, for which others wait."""
        snapshot = day.snapshot.without(booking)  # what is kept for it is not in its way
        problem = problem_of(index, party, job.attempt.options, snapshot)
        with self._deps.telemetry.span("plan", restaurant=job.message.restaurant_id):
            run = self._search.quote(index, problem, job.budget, deeply=day.locked is None)
        self._deps.telemetry.milliseconds("PlannerDuration", run.duration_ms, flow=Flow.JOB.value)
        return run

    # --- after the attempt ---

    def _settle(
        self, job: _Job, booking: Booking, index: FloorIndex, runs: Sequence[Quote], missed: _Missed
    ) -> str:
        """Try again later, or leave the booking to a person, as the retry policy says."""
        reason, deps = missed.reason, self._deps
        failed = Failed(
            reason,
            job.message.attempt,
            _inline_result(job, booking),
            deps.clock.now(),
            last_start(booking, index),
            deps.ids.jitter(1.0),
            on_hold_until=missed.first_expiry,
            never=index.never_seats(booking.party_size),
        )
        match next_step(RetryRules(job.max_attempts, informed=job.flags.informed), failed):
            case Retry() as retry:
                attempt = attempt_of(job.attempt, Outcome.DEFERRED, reason, runs, index)
                commit(deps, _deferred(job, booking, attempt, retry, missed.db_ms), _GRACE_MS)
                return self._count(attempt.outcome, reason)
            case GiveUp(reason=final, allowed=allowed):
                attempt = attempt_of(job.attempt, Outcome.MANUAL_REVIEW, final, runs, index)
                changes = _for_a_person(job, booking, attempt, allowed, missed.db_ms)
                self._give_up(job, booking, changes, leased=missed.leased)
                return self._count(attempt.outcome, final)
            case Stop():
                raise JobFault(reason.detail)

    def _give_up(self, job: _Job, booking: Booking, changes: ports.Changes, *, leased: bool) -> None:
        """Leave the booking to a person. What was kept for it is offered to those who came later.

        Not to all: two parties that the job refuses would wake each other for ever.
        """
        if not leased:
            commit(self._deps, changes, _GRACE_MS)
            return
        later = created_after(booking, self._waitlist.parties(booking, job.now))
        correlation = job.message.correlation_id
        self._waitlist.commit(changes, booking, correlation, job.now, later, _GRACE_MS)

    def _superseded(self, job: _Job, runs: Sequence[Quote]) -> str:
        """The booking changed under this worker: nothing of the attempt was written. Say what it became."""
        booking = self._deps.store.booking(job.message.booking_id)
        settled = already_settled(booking, None) if booking else "not_found"
        self._deps.telemetry.later(quote_events(_asked(job, runs), job.message.booking_id))
        return self._nothing_written(job, settled or "superseded")

    def _outcome_committed(self, error: ports.Unavailable, job: _Job, booking: Booking) -> str:
        """The connection broke. An outcome that was committed all the same has its summary."""
        found = self._deps.store.booking(booking.id)
        result = found.last_result if found else None
        ours = result is not None and result.get("attemptId") == str(job.attempt.id)
        if found is None or result is None or not ours or found.state is State.ASSIGNMENT_IN_PROGRESS:
            raise error
        return str(result["outcome"])

    def _let_go(self, job: _Job, booking: Booking, attempt: Attempt, db_ms: float) -> None:
        """End the lease at once, so that the next delivery need not wait for it, and say what happened."""
        try:
            commit(self._deps, _broken(job, booking, attempt, db_ms), _GRACE_MS)
        except ports.StoreError:
            return  # the lease ends by its clock

    # --- records without a unit of work ---

    def _record_lock(self, job: _Job, result: str, token: UUID | None = None) -> None:
        self._deps.telemetry.later([lock_event(job.message, result, job.budget.spent_ms(), token)])

    def _nothing_written(self, job: _Job, result: str, reason: str | None = None) -> str:
        """The summary of a run that ended before an attempt was made, or by a fault."""
        message, spent = job.message, job.budget.spent_ms()
        summary = Summary(job.attempt, result, spent, reason, used=message.attempt - 1, allowed=0)
        self._deps.telemetry.later([summary.event(message.booking_id)])
        return result

    def _count(self, outcome: Outcome, reason: Reason | None) -> str:
        self._deps.telemetry.count("AssignOutcome", flow=Flow.JOB.value, outcome=outcome.value)
        if reason is not None:
            self._deps.telemetry.count("AssignReason", category=reason.category.value)
        return _result(outcome, reason)

    def _count_seated(self, booking: Booking, plan: Plan) -> None:
        if plan.moves:
            self._deps.telemetry.count("Moves", len(plan.moves))
        self._deps.telemetry.count("CoversSeated", booking.party_size, flow=Flow.JOB.value)


# --- what there is to do ---


def already_settled(booking: Booking, message: AssignMessage | None) -> str | None:
    """Why there is nothing to do for ``message``, as the summary's result; None if there is."""
    match booking.state:
        case State.CANCELLED:
            return "cancelled"
        case State.CONFIRMED | State.SEATED | State.COMPLETED | State.NO_SHOW:
            return "already_confirmed"
        case State.DECLINED:
            return "superseded"
        case State.MANUAL_REVIEW if message is not None and message.trigger is not Trigger.CAPACITY_FREED:
            return "superseded"
        case State.ASSIGNMENT_PENDING if message is not None and _outdated(booking, message):
            return "superseded"
        case _:
            return None


def _outdated(booking: Booking, message: AssignMessage) -> bool:
    """Every entry into pending writes a message of its own, so one of another version has a successor."""
    return message.trigger is not Trigger.CAPACITY_FREED and booking.version != message.booking_version


def last_start(booking: Booking, index: FloorIndex) -> datetime:
    """No job attempt begins after this."""
    return booking.start_at - timedelta(minutes=index.floor.policy.start_cutoff_minutes)


def _window(booking: Booking, index: FloorIndex) -> Window | Reason:
    """The stay that was promised, in the service that is responsible for it now."""
    if booking.party_size > index.floor.seats():
        return Reason(ReasonCode.PARTY_TOO_LARGE, _TOO_LARGE)
    try:
        return promised_window(index.floor, booking.start_at, booking.end_at)
    except errors.MaitredError as error:
        return Reason(ReasonCode(error.code), error.detail)


def _inline_result(job: _Job, booking: Booking) -> InlineResult | None:
    """Of the message's version: a claim whose worker died has raised the booking's, for the same request."""
    return fresh_inline_result(booking.last_result, job.now, job.message.booking_version)


def _asked(job: _Job, runs: Sequence[Quote]) -> Attempt:
    """A run's planner calls, where no outcome is written."""
    return attempt_of(job.attempt, Outcome.DEFERRED, None, runs, runs[-1].index if runs else None)


def _broken_attempt(job: _Job, index: FloorIndex, runs: Sequence[Quote], error: Exception) -> Attempt:
    reason = Reason(ReasonCode.PLANNER_ERROR, "The attempt broke; the queue delivers it again.")
    if isinstance(error, ports.StoreError):
        reason = reason_of(error, job.budget)
    return attempt_of(job.attempt, Outcome.DEFERRED, reason, runs, index)


def _result(outcome: Outcome, reason: Reason | None) -> str:
    return "cutoff" if reason is not None and reason.code is ReasonCode.CUTOFF else outcome.value


def _fault_name(error: Exception, budget: Budget) -> str:
    """A fault in the summary: its reason's code, or the name of a defect."""
    if isinstance(error, ports.StoreError):
        return reason_of(error, budget).code.value
    return type(error).__name__


# --- what each step and each outcome writes ---


def _claimed(job: _Job, booking: Booking) -> Booking:
    claimed = _brought_to(State.ASSIGNMENT_IN_PROGRESS, booking)
    return replace(claimed, lease_token=job.lease.token, lease_until=job.lease.until)


def _claim(job: _Job, booking: Booking, claimed: Booking) -> ports.Changes:
    """The lease. One that ran out is taken over in the same state, fenced by its old token."""
    message, token = job.message, booking.lease_token
    history = _history(booking, claimed, message.trigger.value, {})
    return ports.Changes(
        updates=[ports.BookingUpdate(booking, claimed, lease_token=token, new_lease=job.lease)],
        history=history,
        events=[
            lock_event(message, "acquired", job.budget.spent_ms(), job.lease.token),
            *events.state_changed(history, booking.restaurant_id, message.correlation_id),
        ],
    )


def _confirmed(
    job: _Job, booking: Booking, reading: Reading, day: Try, plan: Plan, attempt: Attempt
) -> ports.Changes:
    """State, tables, the moves that the plan needs, and the guest's confirmation."""
    correlation, index = job.message.correlation_id, reading.index
    after = replace(_brought_to(State.CONFIRMED, booking), tables=plan.tables, zone=plan.zone)
    notifications, outbox = records.mail(after, MailKind.CONFIRMED, correlation, day.deps.ids, job.now)
    variant, allowed = records.variant_of(notifications), Allowance(job.max_attempts, None)
    moved = records.moved_by(plan, index, day.snapshot, booking)
    metadata = records.attempt_metadata(attempt.context.id, after)
    history = [*_history(booking, after, None, metadata), *moved.history]
    return ports.Changes(
        claim=day.claim,
        updates=[_update(job, booking, after, attempt, variant)],
        moves=moved.moves,
        release=moved.release,
        allocations=[*records.table_allocations(index, after), *moved.allocations],
        history=history,
        attempts=[attempt_row(attempt, booking)],
        events=[
            *_events(job, booking, attempt, allowed, reading.db_ms, email_skipped=variant is None),
            *events.state_changed(history, booking.restaurant_id, correlation),
        ],
        notifications=notifications,
        outbox=outbox,
    )


def _deferred(job: _Job, booking: Booking, attempt: Attempt, retry: Retry, db_ms: float) -> ports.Changes:
    """Back to pending, with the next attempt as a new, delayed message."""
    waiting = _brought_to(State.ASSIGNMENT_PENDING, booking)
    # Only the wake itself works on whatever version there is; its retries have a version like all others.
    freed = job.message.trigger is Trigger.CAPACITY_FREED
    trigger = Trigger.RETRY if freed else job.message.trigger
    correlation, delay = job.message.correlation_id, retry.at - job.now
    again = records.assign_row(waiting, trigger, retry.attempt, correlation, job.now, delay)
    changes = _unconfirmed(job, booking, waiting, attempt, retry.allowed, db_ms)
    return replace(changes, outbox=[again])


def _for_a_person(
    job: _Job, booking: Booking, attempt: Attempt, allowed: Allowance, db_ms: float
) -> ports.Changes:
    """The job is over: a person decides. Also before any claim, when the cut-off has passed."""
    return _unconfirmed(job, booking, _brought_to(State.MANUAL_REVIEW, booking), attempt, allowed, db_ms)


def _unconfirmed(
    job: _Job, booking: Booking, after: Booking, attempt: Attempt, allowed: Allowance, db_ms: float
) -> ports.Changes:
    """The attempt, and the state that it left the booking in."""
    metadata = {"attemptId": str(attempt.context.id)}
    history = _history(booking, after, attempt.reason_code, metadata)
    return ports.Changes(
        updates=[_update(job, booking, after, attempt, None)],
        history=history,
        attempts=[attempt_row(attempt, booking)],
        events=[
            *_events(job, booking, attempt, allowed, db_ms, email_skipped=True),
            *events.state_changed(history, booking.restaurant_id, job.message.correlation_id),
        ],
    )


def _broken(job: _Job, booking: Booking, attempt: Attempt, db_ms: float) -> ports.Changes:
    """A fault: the booking stays in progress for the next delivery, its lease over. No summary."""
    *quotes, ended = attempt_events(attempt, booking.id, db_ms)
    error = replace(ended, event_type="auto_assign.attempt_error", severity="error")
    lease = replace(job.lease, until=job.now)
    return ports.Changes(
        updates=[replace(_update(job, booking, booking, attempt, None), new_lease=lease)],
        attempts=[attempt_row(attempt, booking)],
        events=[*quotes, error],
    )


def _postponed(job: _Job, booking: Booking) -> ports.Changes:
    """The same message again, a little later: the other worker is done by then, or its lease runs out."""
    message, correlation = job.message, job.message.correlation_id
    same = replace(booking, version=message.booking_version)
    again = records.assign_row(same, message.trigger, message.attempt, correlation, job.now, _LOOK_AGAIN)
    return ports.Changes(
        events=[lock_event(message, "contended", job.budget.spent_ms())],
        outbox=[again],
    )


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


def _update(
    job: _Job, before: Booking, after: Booking, attempt: Attempt, email_variant: str | None
) -> ports.BookingUpdate:
    result = last_result(attempt, after.version, job.now, email_variant)
    return ports.BookingUpdate(before, after, result, lease_token=before.lease_token)


def _events(
    job: _Job, booking: Booking, attempt: Attempt, allowed: Allowance, db_ms: float, *, email_skipped: bool
) -> list[ports.Event]:
    """The planner's calls, the attempt, and exactly one summary."""
    inline, number = _inline_result(job, booking), job.message.attempt
    summary = Summary(
        job.attempt,
        _result(attempt.outcome, attempt.reason),
        attempt.duration_ms,
        attempt.reason_code,
        used=number if attempt.runs else number - 1,
        allowed=allowed.attempts,
        reduced_by=allowed.reduced_by,
        email_skipped=email_skipped,
        inline_attempt_id=inline.attempt_id if inline else None,
    )
    return [*attempt_events(attempt, booking.id, db_ms), summary.event(booking.id)]


def _brought_to(state: State, booking: Booking) -> Booking:
    return replace(booking, state=state, version=booking.version + len(_through(booking.state, state)))


def _history(
    before: Booking, after: Booking, reason: str | None, metadata: ports.Json
) -> list[ports.HistoryRow]:
    return records.history_rows(after, _through(before.state, after.state), ACTOR, reason, metadata)


def _through(source: State, target: State) -> tuple[State, ...]:
    """The states that are left on the way to ``target``; out of manual review only by way of pending."""
    if source is target:
        return ()
    if source is State.MANUAL_REVIEW:
        return (source, State.ASSIGNMENT_PENDING)
    return (source,)
