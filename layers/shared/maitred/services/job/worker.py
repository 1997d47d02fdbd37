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
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.floor import Policy
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.states import State
from maitred.domain.windows import Window, resolve_window
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
from maitred.services.assignment.day import Floors, day_of, read_floor
from maitred.services.assignment.failures import reason_of
from maitred.services.assignment.planning import party_request, problem_of
from maitred.services.assignment.records import Step
from maitred.services.assignment.shadow import Shadow
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
    """The attempt did not confirm. ``first_expiry``: when the first live hold of that day expires."""

    reason: Reason
    db_ms: float = 0.0
    first_expiry: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a run ends: its summary's result, the attempts it was allowed, and the mail if one was queued.

    ``db_ms``: how long the day took to read.
    """

    result: str
    allowed: Allowance
    email_variant: str | None = None
    db_ms: float = 0.0


class AssignJob:
    def __init__(
        self, deps: Dependencies, floors: Floors, search: DeepSearch, limits: JobLimits, flags: FlagSource
    ) -> None:
        self._deps = deps
        self._floors = floors
        self._search = search
        self._limits = limits
        self._flags = flags
        self._shadow = Shadow(search)

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
            asked = attempt_of(job.attempt, Outcome.DEFERRED, None, runs, _policy_of(runs))
            compare(self._shadow, telemetry, asked, message.restaurant_id, message.booking_id)
        return result

    def _begin(self, message: AssignMessage) -> _Job:
        deps = self._deps
        budget = Budget(deps.clock, self._limits.budget_ms)
        now, flags = deps.clock.now(), self._flags.flags_for(message.restaurant_id)
        lease = ports.Lease(deps.ids.uuid(), now + timedelta(seconds=self._limits.lease_seconds))
        attempt = AttemptContext(
            id=deps.ids.uuid(),
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
        claimed, claimed_here = _claimed(job, booking), False
        try:
            claimed_here = self._claim(job, booking, claimed)
            if not claimed_here:
                return self._superseded(job, runs)
            missed = self._confirm(job, claimed, index, runs)
            if missed is None:
                return self._count("confirmed", None)
            return self._settle(job, claimed, index, runs, missed)
        except ports.StaleVersion:
            if claimed_here:
                self._record_lock(job, "lost", job.lease.token)
            return self._superseded(job, runs)
        except ports.Unavailable as error:
            return self._outcome_after(error, job, claimed, runs)
        except Exception as error:
            self._let_go(job, claimed, runs, error)
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
        attempt = attempt_of(job.attempt, Outcome.MANUAL_REVIEW, reason, (), index.floor.policy)
        allowed = Allowance(job.max_attempts, None)
        try:
            commit(self._deps, _for_a_person(job, booking, attempt, _Ending("cutoff", allowed)), _GRACE_MS)
        except ports.StaleVersion:
            return self._superseded(job, ())
        return self._count("cutoff", reason)

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

    def _confirm(self, job: _Job, booking: Booking, index: FloorIndex, runs: list[Quote]) -> _Missed | None:
        """Find tables and commit them; None if that succeeded."""
        self._deps.telemetry.count("AssignAttempts", flow=Flow.JOB.value)
        window = _window(booking, index)
        if isinstance(window, Reason):
            return _Missed(window)
        party = party_request(booking.party_size, window, booking.preferences)
        began, db_ms, first_expiry = job.budget.spent_ms(), 0.0, None
        try:
            snapshot = self._snapshot(job, index, window)
            db_ms = round(job.budget.spent_ms() - began, 3)
            self._keep_lease(job, booking)
            with tries(self._deps, snapshot, job.budget) as days:
                for day in days:
                    run = self._quote(job, index, party, day)
                    runs.append(run)
                    first_expiry = day.snapshot.first_expiry
                    decision = run.decision
                    if isinstance(decision, Refusal):
                        return _Missed(decision.reason, db_ms, first_expiry)
                    attempt = attempt_of(job.attempt, Outcome.CONFIRMED, None, runs, index.floor.policy)
                    changes = _confirmed(job, booking, attempt, _Seat(index, window, day, decision, db_ms))
                    if day.commit(changes):
                        self._count_seated(booking, decision)
                        return None
            return _Missed(reason_of(ports.Conflict(), job.budget), db_ms, first_expiry)
        except (ports.Conflict, ports.DeadlinePassed, ports.LockTimeout, ports.NotAdmitted) as error:
            return _Missed(reason_of(error, job.budget), db_ms, first_expiry)

    def _snapshot(self, job: _Job, index: FloorIndex, window: Window) -> ports.Snapshot:
        day, admission = day_of(index.floor, window, job.now), ports.Admission(job.attempt.id)
        version, left = index.floor.layout_version, job.budget.remaining_ms()
        snapshot = self._deps.store.snapshot(day, version, None, left, admission)
        if snapshot is None or snapshot.document is not None:
            raise ports.Conflict("the layout changed")
        return snapshot

    def _keep_lease(self, job: _Job, booking: Booking) -> None:
        """Extend the lease if it might end before the attempt does."""
        left = job.budget.remaining_ms()
        needed = self._deps.clock.now() + timedelta(milliseconds=left + _GRACE_MS)
        if job.lease.until < needed:
            self._deps.store.apply(_extended(booking, ports.Lease(job.lease.token, needed)), left)

    def _quote(self, job: _Job, index: FloorIndex, party: PartyRequest, day: Try) -> Quote:
        """Search deeply, but not while the day is locked, for which others wait."""
        problem = problem_of(index, party, job.attempt.options, day.snapshot)
        with self._deps.telemetry.span("plan", restaurant=job.message.restaurant_id):
            run = self._search.quote(index, problem, job.budget, deeply=day.locked is None)
        self._deps.telemetry.milliseconds("PlannerDuration", run.duration_ms, flow=Flow.JOB.value)
        return run

    # --- after the attempt ---

    def _settle(
        self, job: _Job, booking: Booking, index: FloorIndex, runs: Sequence[Quote], missed: _Missed
    ) -> str:
        """Try again later, or leave the booking to a person, as the retry policy says."""
        reason, policy, deps = missed.reason, index.floor.policy, self._deps
        failed = Failed(
            reason,
            job.message.attempt,
            _inline_result(job, booking),
            deps.clock.now(),
            last_start(booking, index),
            deps.ids.jitter(1.0),
            on_hold_until=missed.first_expiry,
        )
        match next_step(RetryRules(job.max_attempts, informed=job.flags.informed), failed):
            case Retry() as retry:
                attempt = attempt_of(job.attempt, Outcome.DEFERRED, reason, runs, policy)
                commit(deps, _deferred(job, booking, attempt, retry, missed.db_ms), _GRACE_MS)
                return self._count("deferred", reason)
            case GiveUp(reason=final, allowed=allowed):
                result = "cutoff" if final.code is ReasonCode.CUTOFF else "manual_review"
                attempt = attempt_of(job.attempt, Outcome.MANUAL_REVIEW, final, runs, policy)
                ending = _Ending(result, allowed, None, missed.db_ms)
                changes = _for_a_person(job, booking, attempt, ending)
                commit(deps, changes, _GRACE_MS)
                return self._count(result, final)
            case Stop():
                raise JobFault(reason.detail)

    def _superseded(self, job: _Job, runs: Sequence[Quote]) -> str:
        """The booking changed under this worker: nothing of the attempt was written. Say what it became."""
        booking = self._deps.store.booking(job.message.booking_id)
        settled = already_settled(booking, None) if booking else "not_found"
        self._deps.telemetry.later(_planner_calls(job, runs))
        return self._nothing_written(job, settled or "superseded")

    def _outcome_after(
        self, error: ports.Unavailable, job: _Job, booking: Booking, runs: Sequence[Quote]
    ) -> str:
        """The connection broke. An outcome that was committed all the same has its summary.

        Letting go first waits for a commit that is still under way on the server.
        """
        self._let_go(job, booking, runs, error)
        found = self._deps.store.booking(booking.id)
        result = found.last_result if found else None
        ours = result is not None and result.get("attemptId") == str(job.attempt.id)
        if found is None or result is None or not ours or found.state is State.ASSIGNMENT_IN_PROGRESS:
            raise error
        return str(result["outcome"])

    def _let_go(self, job: _Job, booking: Booking, runs: Sequence[Quote], error: Exception) -> None:
        """End the lease at once, so that the next delivery need not wait for it, and say what happened."""
        reason = _fault(error, job.budget)
        attempt = attempt_of(job.attempt, Outcome.DEFERRED, reason, runs, _policy_of(runs))
        try:
            commit(self._deps, _broken(job, booking, attempt), _GRACE_MS)
        except ports.StoreError:
            return  # the lease ends by its clock

    # --- records without a unit of work ---

    def _record_lock(self, job: _Job, result: str, token: UUID | None = None) -> None:
        self._deps.telemetry.later([lock_event(job.message, result, job.budget.spent_ms(), token)])

    def _nothing_written(self, job: _Job, result: str, reason: str | None = None) -> str:
        """The summary of a run that ended before an attempt was made, or by a fault."""
        message, spent = job.message, job.budget.spent_ms()
        summary = Summary(job.attempt, result, spent, reason, used=message.attempt - 1, allowed=0)
        event = summary.event(message.restaurant_id, message.booking_id)
        self._deps.telemetry.later([event])
        return result

    def _count(self, result: str, reason: Reason | None) -> str:
        outcome = Outcome.MANUAL_REVIEW.value if result == "cutoff" else result
        self._deps.telemetry.count("AssignOutcome", flow=Flow.JOB.value, outcome=outcome)
        if reason is not None:
            self._deps.telemetry.count("AssignReason", category=reason.category.value)
        return result

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
        return Reason(ReasonCode.PARTY_TOO_LARGE, "The party is larger than the restaurant.")
    try:
        window = resolve_window(index.floor, booking.start_at, booking.party_size, booking.duration_minutes)
    except errors.MaitredError as error:
        known = error.code in ReasonCode
        return Reason(ReasonCode(error.code) if known else ReasonCode.OUTSIDE_SERVICE, error.detail)
    return replace(window, end=booking.end_at)


def _inline_result(job: _Job, booking: Booking) -> InlineResult | None:
    """Of the message's version: a claim whose worker died has raised the booking's, for the same request."""
    return fresh_inline_result(booking.last_result, job.now, job.message.booking_version)


def _policy_of(runs: Sequence[Quote]) -> Policy:
    return runs[-1].index.floor.policy if runs else Policy()


def _fault(error: Exception, budget: Budget) -> Reason:
    if isinstance(error, ports.StoreError):
        return reason_of(error, budget)
    return Reason(ReasonCode.PLANNER_ERROR, "The attempt broke; the queue delivers it again.")


def _fault_name(error: Exception, budget: Budget) -> str:
    """A fault in the summary: its reason's code, or the name of a defect."""
    if isinstance(error, ports.StoreError):
        return reason_of(error, budget).code.value
    return type(error).__name__


# --- what each step and each outcome writes ---


def _claimed(job: _Job, booking: Booking) -> Booking:
    """The booking once this worker has its lease."""
    steps = len(_path_to(booking.state, State.ASSIGNMENT_IN_PROGRESS)) - 1
    return replace(
        booking,
        state=State.ASSIGNMENT_IN_PROGRESS,
        version=booking.version + steps,
        lease_token=job.lease.token,
        lease_until=job.lease.until,
    )


def _claim(job: _Job, booking: Booking, claimed: Booking) -> ports.Changes:
    """The lease. One that ran out is taken over in the same state, fenced by its old token."""
    path = _path_to(booking.state, State.ASSIGNMENT_IN_PROGRESS)
    steps = records.steps_through(path, booking.version + 1)
    message, correlation = job.message, job.message.correlation_id
    return ports.Changes(
        updates=[
            ports.BookingUpdate(
                booking.id,
                booking.version,
                claimed.version,
                claimed.state,
                lease_token=booking.lease_token,
                new_lease=job.lease,
            )
        ],
        history=records.history_rows(booking, steps, ACTOR, message.trigger.value, {}),
        events=[
            lock_event(message, "acquired", job.budget.spent_ms(), job.lease.token),
            *events.state_changed(booking, correlation, steps, ACTOR),
        ],
    )


def _extended(booking: Booking, lease: ports.Lease) -> ports.Changes:
    """The same lease for longer. It fails as any write of a worker does that has lost its lease."""
    version, state = booking.version, booking.state
    return ports.Changes(
        updates=[
            ports.BookingUpdate(booking.id, version, version, state, lease_token=lease.token, new_lease=lease)
        ]
    )


@dataclass(frozen=True, slots=True)
class _Seat:
    """The plan of one try, and what it was made on. ``db_ms``: how long the day took to read."""

    index: FloorIndex
    window: Window
    day: Try
    plan: Plan
    db_ms: float


def _confirmed(job: _Job, booking: Booking, attempt: Attempt, seat: _Seat) -> ports.Changes:
    """State, tables, the moves that the plan needs, and the guest's confirmation."""
    plan, correlation = seat.plan, job.message.correlation_id
    steps = records.steps_through((booking.state, State.CONFIRMED), booking.version + 1)
    after = replace(booking, tables=plan.tables, zone=plan.zone)
    mailing = records.confirmed_mail(after, correlation, seat.day.deps.ids, job.now)
    moved = records.moved_by(plan, seat.index, seat.day.snapshot, booking, correlation)
    metadata = records.attempt_metadata(attempt.context.id, after)
    ending = _Ending("confirmed", Allowance(job.max_attempts, None), mailing.variant, seat.db_ms)
    return ports.Changes(
        claim=seat.day.claim,
        updates=[_update(job, booking, attempt, steps, mailing.variant)],
        moves=moved.moves,
        release=moved.release,
        allocations=[
            *records.table_allocations(seat.index, plan, booking.id, seat.window),
            *moved.allocations,
        ],
        history=[*records.history_rows(booking, steps, ACTOR, None, metadata), *moved.history],
        attempts=[attempt_row(attempt, booking)],
        events=[*_events(job, booking, attempt, steps, ending), *moved.events],
        notifications=mailing.notifications,
        outbox=mailing.outbox,
    )


def _deferred(job: _Job, booking: Booking, attempt: Attempt, retry: Retry, db_ms: float) -> ports.Changes:
    """Back to pending, with the next attempt as a new, delayed message."""
    steps = records.steps_through((booking.state, State.ASSIGNMENT_PENDING), booking.version + 1)
    waiting = replace(booking, version=booking.version + 1)
    # Only the wake itself works on whatever version there is; its retries have a version like all others.
    freed = job.message.trigger is Trigger.CAPACITY_FREED
    trigger = Trigger.RETRY if freed else job.message.trigger
    correlation, delay = job.message.correlation_id, retry.at - job.now
    metadata = {"attemptId": str(attempt.context.id)}
    return ports.Changes(
        updates=[_update(job, booking, attempt, steps, None)],
        history=records.history_rows(booking, steps, ACTOR, attempt.reason_code, metadata),
        attempts=[attempt_row(attempt, booking)],
        events=_events(job, booking, attempt, steps, _Ending("deferred", retry.allowed, None, db_ms)),
        outbox=[records.assign_row(waiting, trigger, retry.attempt, correlation, job.now, delay)],
    )


def _for_a_person(job: _Job, booking: Booking, attempt: Attempt, ending: _Ending) -> ports.Changes:
    """The job is over: a person decides. Also before any claim, when the cut-off has passed."""
    path = _path_to(booking.state, State.MANUAL_REVIEW)
    steps = records.steps_through(path, booking.version + 1)
    metadata = {"attemptId": str(attempt.context.id)}
    return ports.Changes(
        updates=[_update(job, booking, attempt, steps, None)],
        history=records.history_rows(booking, steps, ACTOR, attempt.reason_code, metadata),
        attempts=[attempt_row(attempt, booking)],
        events=_events(job, booking, attempt, steps, ending),
    )


def _broken(job: _Job, booking: Booking, attempt: Attempt) -> ports.Changes:
    """A fault: the booking stays in progress for the next delivery, its lease over. No summary."""
    *quotes, ended = attempt_events(attempt, booking.restaurant_id, booking.id, 0.0)
    error = replace(ended, event_type="auto_assign.attempt_error", severity="error")
    return ports.Changes(
        updates=[
            ports.BookingUpdate(
                booking.id,
                booking.version,
                booking.version,
                booking.state,
                last_result=last_result(attempt, booking.version, job.now, None),
                lease_token=booking.lease_token,
                new_lease=replace(job.lease, until=job.now),
            )
        ],
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
    job: _Job, booking: Booking, attempt: Attempt, steps: Sequence[Step], email_variant: str | None
) -> ports.BookingUpdate:
    """The booking at the end of ``steps``, with the attempt's result."""
    version = booking.version + len(steps)
    return ports.BookingUpdate(
        booking.id,
        booking.version,
        version,
        steps[-1][1] if steps else booking.state,
        last_result=last_result(attempt, version, job.now, email_variant),
        lease_token=booking.lease_token,
    )


def _events(
    job: _Job, booking: Booking, attempt: Attempt, steps: Sequence[Step], ending: _Ending
) -> list[ports.Event]:
    """The planner's calls, the attempt, exactly one summary, and the changes of state."""
    correlation, inline = job.message.correlation_id, _inline_result(job, booking)
    summary = Summary(
        job.attempt,
        ending.result,
        attempt.duration_ms,
        attempt.reason_code,
        used=job.message.attempt if attempt.runs else job.message.attempt - 1,
        allowed=ending.allowed.attempts,
        reduced_by=ending.allowed.reduced_by,
        email_skipped=ending.email_variant is None,
        inline_attempt_id=inline.attempt_id if inline else None,
    )
    return [
        *attempt_events(attempt, booking.restaurant_id, booking.id, ending.db_ms),
        summary.event(booking.restaurant_id, booking.id),
        *events.state_changed(booking, correlation, list(steps), ACTOR),
    ]


def _planner_calls(job: _Job, runs: Sequence[Quote]) -> list[ports.Event]:
    """The events of a run's planner calls, where nothing else of it is written."""
    asked = attempt_of(job.attempt, Outcome.DEFERRED, None, runs, _policy_of(runs))
    return quote_events(asked, job.message.restaurant_id, job.message.booking_id)


def _path_to(source: State, target: State) -> tuple[State, ...]:
    """From ``source`` to ``target``; out of manual review only by way of pending."""
    if source is target:
        return (source,)
    if source is State.MANUAL_REVIEW:
        return (source, State.ASSIGNMENT_PENDING, target)
    return (source, target)
