"""The background job: one message, one attempt, one summary, on every exit.

A planner outcome is never an exception: the next attempt is a new, delayed message. Only faults leave
as exceptions; the queue delivers the message again and parks it in the dead-letter queue after five.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maitred.contracts.messages import AssignMessage
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.states import State
from maitred.domain.windows import Window, resolve_window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Plan
from maitred.services import ports
from maitred.services.assignment.attempt import Outcome, Quote
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.comparing import tell_difference
from maitred.services.assignment.day import Floors, day_of, read_floor
from maitred.services.assignment.failures import reason_of
from maitred.services.assignment.moves import carried_out, table_allocations, with_moves
from maitred.services.assignment.planning import Question, party_request
from maitred.services.assignment.seating import Seated, Seating
from maitred.services.assignment.shadow import Shadow
from maitred.services.job import outcome
from maitred.services.job.deep_search import DeepSearch
from maitred.services.job.job_run import JobRun
from maitred.services.job.retry_policy import (
    Allowance,
    Failed,
    GiveUp,
    RetryRules,
    Stop,
    fresh_inline_result,
    next_step,
)
from maitred.services.kit import Kit
from maitred.services.rollout import Conduct, Rollout

_GRACE_MS = 5000  # for writing an outcome once the attempt's budget is over


class JobFault(Exception):
    """This attempt broke; the queue shall deliver the message again."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """``budget_ms``: of one attempt. ``lease_seconds``: how long this worker may hold the booking."""

    max_attempts: int
    budget_ms: int
    lease_seconds: int


class AssignJob:
    def __init__(
        self,
        kit: Kit,
        floors: Floors,
        seating: Seating,
        search: DeepSearch,
        limits: JobLimits,
        rollout: Rollout,
    ) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._floors = floors
        self._seating = seating
        self._search = search
        self._limits = limits
        self._rollout = rollout
        self._shadow = Shadow(search)

    def run(self, message: AssignMessage) -> str:
        """Work on one message; returns the summary's result. Raises BookError, JobFault or a defect."""
        budget = Budget(self._clock, self._limits.budget_ms)
        now, conduct = self._clock.now(), self._rollout.of(message.restaurant_id)
        self._telemetry.milliseconds(
            "QueueAge", max(0.0, (now - message.enqueued_at) / timedelta(milliseconds=1))
        )
        try:
            found = self._begin(message, conduct, budget, now)
            result = found if isinstance(found, str) else self._work(found)
        except Exception as error:
            self._summary_only(message, conduct, "error", budget, _told_as(error, budget))
            raise
        finally:
            self._telemetry.milliseconds("JobDuration", budget.spent_ms())
        if isinstance(found, JobRun):
            about = message.restaurant_id, message.booking_id
            tell_difference(self._shadow, self._telemetry, outcome.asked(found), about, budget)
        return result

    # --- before the attempt ---

    def _begin(self, message: AssignMessage, conduct: Conduct, budget: Budget, now: datetime) -> JobRun | str:
        """What there is to do, or how a run ended that had nothing to do."""
        try:
            booking = self._book.booking(message.booking_id)
        except ports.BookError:
            self._telemetry.later([outcome.lock_event(message, "unavailable", budget.spent_ms())])
            raise
        if booking is None or booking.restaurant_id != message.restaurant_id:
            return self._summary_only(message, conduct, "not_found", budget)
        ended = already_settled(booking, message)
        if ended is not None:
            return self._summary_only(message, conduct, ended, budget)
        if _held_by_another(booking, now):
            return self._wait_for_the_other(message, booking, conduct, budget, now)
        return self._run(message, booking, conduct, budget, now)

    def _work(self, run: JobRun) -> str:
        try:
            return self._attempt(run)
        except ports.StaleVersion:
            return self._overtaken(run)
        except ports.Unavailable as error:
            return self._find_out(run, error)
        except Exception as error:
            self._let_go(run, error)
            raise

    def _run(
        self, message: AssignMessage, booking: Booking, conduct: Conduct, budget: Budget, now: datetime
    ) -> JobRun:
        lease = ports.Lease(self._ids.uuid(), now + timedelta(seconds=self._limits.lease_seconds))
        # Of the message's version: a claim whose worker died has raised the booking's, for the same request.
        inline = fresh_inline_result(booking.last_result, now, message.booking_version)
        return JobRun(
            message,
            booking,
            budget,
            now,
            self._ids.uuid(),
            lease,
            inline,
            self._limits.max_attempts,
            conduct,
        )

    def _attempt(self, run: JobRun) -> str:
        index = self._index(run)
        if run.now > last_start(run.booking, index):
            reason = Reason(ReasonCode.CUTOFF, "The start is too near for another automatic attempt.")
            return self._give_up(run, reason, "cutoff", Allowance(run.max_attempts, None))
        self._claim(run)
        self._telemetry.count("AssignAttempts", flow=Flow.JOB.value)
        try:
            result = self._seat(run, index)
        except (ports.Conflict, ports.DeadlinePassed, ports.LockTimeout, ports.NotAdmitted) as error:
            result = reason_of(error, run.budget)
        if isinstance(result, Reason):
            return self._refused(run, result)
        moves = len(result.effects.moves)
        if moves:
            self._telemetry.count("Moves", moves)
        self._telemetry.count("CoversSeated", run.booking.party_size, flow=Flow.JOB.value)
        return self._told(result.effects, "confirmed", None)

    def _index(self, run: JobRun) -> FloorIndex:
        run.index = read_floor(self._book, self._floors, run.booking.restaurant_id, run.budget.remaining_ms())
        return run.index

    def _claim(self, run: JobRun) -> None:
        """Take the lease; from here on the booking is in progress and fenced by the lease's token."""
        effects, run.booking = outcome.claim(run)
        before = run.budget.spent_ms()
        try:
            self._book.apply(effects)
        except ports.BookError as error:
            result = "contended" if isinstance(error, ports.StaleVersion) else "unavailable"
            self._lock_ended(run, result)
            raise
        finally:
            self._telemetry.milliseconds("LockWait", run.budget.spent_ms() - before)
        run.leased = True
        self._telemetry.committed(effects.events)

    def _lock_ended(self, run: JobRun, result: str) -> None:
        if result == "contended":
            self._telemetry.count("LockContention")
        token = run.lease.token if result == "lost" else None
        event = outcome.lock_event(run.message, result, run.budget.spent_ms(), token)
        self._telemetry.later([event])

    def _keep_lease(self, run: JobRun) -> None:
        """Extend the lease if it might end before the attempt does."""
        needed = self._clock.now() + timedelta(milliseconds=run.budget.remaining_ms() + _GRACE_MS)
        if run.lease.until < needed:
            run.lease = replace(run.lease, until=needed)
            self._book.apply(outcome.extension(run), run.budget.remaining_ms())

    # --- the attempt ---

    def _seat(self, run: JobRun, index: FloorIndex) -> Seated | Reason:
        window = _window(run.booking, index)
        if isinstance(window, Reason):
            return window
        day = day_of(index.floor, window, run.now)
        before = run.budget.spent_ms()
        entry = ports.Entry(run.attempt_id)
        left = run.budget.remaining_ms()
        snapshot = self._book.snapshot(day, index.floor.layout_version, None, left, entry)
        run.db_ms = round(run.budget.spent_ms() - before, 3)
        if snapshot is None or snapshot.document is not None:
            raise ports.Conflict("the layout changed")
        self._keep_lease(run)

        def ask(current: ports.Snapshot) -> Quote:
            request = party_request(run.booking.party_size, window, run.booking.preferences)
            question = Question(index, request, run.conduct.options, cache_hit=True)
            # The second one is asked for while this worker holds the day, for which others wait.
            search = self._search.quickly if run.quotes else self._search.quote
            quote = search(question, current, run.budget)
            run.held_until = current.first_expiry
            run.quotes.append(quote)
            self._telemetry.milliseconds("PlannerDuration", quote.duration_ms, flow=Flow.JOB.value)
            return quote

        def write(plan: Plan, current: ports.Snapshot, claim: ports.DayClaim | None) -> ports.Effects:
            effects = outcome.confirmed(run, plan, claim, self._ids)
            seats = table_allocations(index, plan, run.booking.id, window)
            moved = carried_out(plan, index, current, run.booking, run.message.correlation_id)
            return with_moves(replace(effects, allocations=seats), moved)

        return self._seating.seat(snapshot, ask, write, run.budget)

    # --- after the attempt ---

    def _refused(self, run: JobRun, reason: Reason) -> str:
        if run.index is None:
            raise JobFault("no floor")
        latest, jitter = last_start(run.booking, run.index), self._ids.jitter(1.0)
        failed = Failed(
            reason, run.number, run.inline, self._clock.now(), latest, jitter, held_until=run.held_until
        )
        rules = RetryRules(self._limits.max_attempts, informed=run.conduct.informed)
        step = next_step(rules, failed)
        if isinstance(step, Stop):
            raise JobFault(reason.detail)
        if isinstance(step, GiveUp):
            result = "cutoff" if step.reason.code is ReasonCode.CUTOFF else "manual_review"
            return self._give_up(run, step.reason, result, step.allowed)
        return self._write(outcome.deferred(run, reason, step), "deferred", reason)

    def _give_up(self, run: JobRun, reason: Reason, result: str, allowed: Allowance) -> str:
        return self._write(outcome.for_a_person(run, reason, result, allowed), result, reason)

    def _write(self, effects: ports.Effects, result: str, reason: Reason) -> str:
        sent = self._book.apply(effects, _GRACE_MS)
        self._told(effects, result, reason)
        self._relay.send_now(sent)
        return result

    def _told(self, effects: ports.Effects, result: str, reason: Reason | None) -> str:
        self._telemetry.committed(effects.events)
        outcome = Outcome.MANUAL_REVIEW.value if result == "cutoff" else result
        self._telemetry.count("AssignOutcome", flow=Flow.JOB.value, outcome=outcome)
        if reason is not None:
            self._telemetry.count("AssignReason", category=reason.category.value)
        return result

    def _overtaken(self, run: JobRun) -> str:
        """The booking changed under this worker: nothing of the attempt was written. Say what it became."""
        if run.leased:
            self._lock_ended(run, "lost")
        booking = self._book.booking(run.message.booking_id)
        ended = already_settled(booking, None) if booking else "not_found"
        self._telemetry.later(outcome.planner_calls(run))
        return self._summary_only(run.message, run.conduct, ended or "superseded", run.budget)

    def _find_out(self, run: JobRun, error: ports.Unavailable) -> str:
        """The line broke: an outcome that was committed all the same has been told, with its summary.

        Letting go first waits for a commit that is still under way on the server.
        """
        self._let_go(run, error)
        booking = self._book.booking(run.booking.id)
        result = booking.last_result if booking else None
        ours = result is not None and result.get("attemptId") == str(run.attempt_id)
        if booking is None or result is None or not ours or booking.state is State.ASSIGNMENT_IN_PROGRESS:
            raise error
        return str(result["outcome"])

    def _let_go(self, run: JobRun, error: Exception) -> None:
        """End the lease at once, so that the next delivery need not wait for it, and say what happened."""
        if run.booking.lease_token != run.lease.token:
            return  # it broke before the claim
        effects = outcome.broken(run, _fault(error, run.budget))
        try:
            self._book.apply(effects, _GRACE_MS)
        except ports.BookError:
            return  # the lease ends by its clock
        self._telemetry.committed(effects.events)

    def _wait_for_the_other(
        self, message: AssignMessage, booking: Booking, conduct: Conduct, budget: Budget, now: datetime
    ) -> str:
        """Another worker holds the booking: look again a little later."""
        self._telemetry.count("LockContention")
        effects = outcome.postponed(message, booking, now, budget.spent_ms())
        sent = self._book.apply(effects)
        self._telemetry.committed(effects.events)
        self._relay.send_now(sent)
        return self._summary_only(message, conduct, "deferred", budget, ReasonCode.LOCK_TIMEOUT.value)

    def _summary_only(
        self,
        message: AssignMessage,
        conduct: Conduct,
        result: str,
        budget: Budget,
        reason: str | None = None,
    ) -> str:
        held = conduct.held_by_job
        self._telemetry.later(
            [outcome.summary_without_attempt(message, held, result, budget.spent_ms(), reason)]
        )
        return result


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


def _told_as(error: Exception, budget: Budget) -> str:
    """A fault in the summary: its reason's code, or the name of a defect."""
    return reason_of(error, budget).code.value if isinstance(error, ports.BookError) else type(error).__name__


def _fault(error: Exception, budget: Budget) -> Reason:
    if isinstance(error, ports.BookError):
        return reason_of(error, budget)
    return Reason(ReasonCode.PLANNER_ERROR, "The attempt broke; the queue delivers it again.")


def _held_by_another(booking: Booking, now: datetime) -> bool:
    return booking.lease_until is not None and booking.lease_until > now


def last_start(booking: Booking, index: FloorIndex) -> datetime:
    """No job attempt begins after this."""
    return booking.start_at - timedelta(minutes=index.floor.policy.start_cutoff_minutes)


def _window(booking: Booking, index: FloorIndex) -> Window | Reason:
    """The stay that was promised, in the service which now is responsible for it."""
    if booking.party_size > index.floor.seats():
        return Reason(ReasonCode.PARTY_TOO_LARGE, "The party is larger than the house.")
    try:
        window = resolve_window(index.floor, booking.start_at, booking.party_size, booking.duration_minutes)
    except errors.MaitredError as error:
        known = error.code in ReasonCode
        return Reason(ReasonCode(error.code) if known else ReasonCode.OUTSIDE_SERVICE, error.detail)
    return replace(window, end=booking.end_at)
