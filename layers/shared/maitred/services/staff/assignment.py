"""A person's choice of tables: ``PUT`` and ``DELETE /bookings/{id}/assignment``.

The rules, the ledger and the races are those of every plan. Only the choice is a person's, who may set named
rules aside. A taken table stays taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, MailKind, Trigger
from maitred.domain.errors import FieldError
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.domain.windows import Notice, to_minutes
from maitred.planner.answer.choice import STAFF, BrokenRules, Choice, Judgement, judge
from maitred.planner.day.demand import PRIOR, learn_demand
from maitred.planner.day.drawn_day import Problem
from maitred.planner.model import Covers, Plan, Refusal
from maitred.planner.options import FULL
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import (
    Attempt,
    AttemptContext,
    Outcome,
    PlannerRun,
    attempt_events,
    attempt_of,
    attempt_reply,
    attempt_row,
)
from maitred.services.assignment.day import DaySnapshots, Reading, day_around, day_of_stay
from maitred.services.assignment.planning import booking_request, tables_of_bookings
from maitred.services.assignment.waiting import UNASSIGNED
from maitred.services.assignment.waitlist import Waitlist, Woken, leaves_lease
from maitred.services.assignment.waking import seated, stay_of
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import NO_FLAGS
from maitred.services.idempotency import Reply, RequestContext, booking_reply, problem_reply, to_store
from maitred.services.unit_of_work import Try, change_booking, commit, remember, tries

ASSIGNED = "assigned_by_staff"
_BUDGET_MS = 5000
_ASSIGNABLE = frozenset(
    {State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW, State.CONFIRMED}
)


@dataclass(frozen=True, slots=True)
class _Call:
    """One choice under way. ``reading``: of the stay. ``now``: when it began, UTC.

    ``parties``: who waits and may be woken if tables become free.
    """

    booking: Booking
    choice: Choice
    pin: bool
    context: RequestContext
    attempt: AttemptContext
    now: datetime
    parties: Sequence[ports.WaitingParty]
    reading: Reading


class StaffAssignment:
    def __init__(self, deps: Dependencies, days: DaySnapshots, waitlist: Waitlist) -> None:
        self._deps = deps
        self._days = days
        self._waitlist = waitlist

    def assign(self, booking: Booking, choice: Choice, context: RequestContext, *, pin: bool) -> Reply:
        """Confirm the booking on these tables, or give it these instead of its own; 409 if one is taken.

        Raises RuleViolated, AssignmentInProgress while a worker has the booking, InvalidTransition if
        its state takes no tables, InThePast once its stay is over.
        """

        def assign(current: Booking) -> Reply:
            call = self._begin(current, choice, context, pin=pin)
            result = self._confirm(call)
            if isinstance(result, Reply):
                return result
            changes, reply = _occupied(call, result)
            commit(self._deps, changes)
            self._count(Outcome.REFUSED)
            return reply

        return change_booking(self._deps, booking, context, assign)

    def unassign(self, booking: Booking, context: RequestContext) -> Reply:
        """Take the tables away: the booking waits for a person. If it does already, nothing changes.

        Raises AssignmentInProgress while a worker has the booking, InvalidTransition without tables.
        """

        def unassign(current: Booking) -> Reply:
            now = self._deps.clock.now()
            if current.state is State.MANUAL_REVIEW:
                return remember(self._deps, context, booking_reply(current, now), current)
            _require_no_worker(current, now)
            if current.state is not State.CONFIRMED:
                raise errors.InvalidTransition(
                    f"a booking that is {current.state.value} has no tables to take away"
                )
            changes, reply = _unassigned(current, context, now)
            self._waitlist.commit(changes, current, context.correlation_id, now)
            return reply

        return change_booking(self._deps, booking, context, unassign)

    def _begin(self, booking: Booking, choice: Choice, context: RequestContext, *, pin: bool) -> _Call:
        deps, now = self._deps, self._deps.clock.now()
        _require_no_worker(booking, now)
        if booking.state not in _ASSIGNABLE:
            raise errors.InvalidTransition(f"a booking that is {booking.state.value} cannot be given tables")
        if booking.end_at <= now:
            raise errors.InThePast("the stay is over")
        parties = self._waitlist.parties(booking, now)
        attempt = AttemptContext(
            id=deps.ids.uuid(),
            restaurant_id=booking.restaurant_id,
            flow=Flow.STAFF,
            trigger=Trigger.STAFF,
            number=1,
            options=FULL.moving_nobody(),
            flags=NO_FLAGS,
            correlation_id=context.correlation_id,
            budget=Budget(deps.clock, _BUDGET_MS),
        )
        reading = self._days.read(
            booking.restaurant_id,
            lambda floor: day_around(floor, booking, now) if parties else day_of_stay(floor, booking, now),
            attempt.budget,
        )
        return _Call(booking, choice, pin, context, attempt, now, parties, reading)

    def _confirm(self, call: _Call) -> Reply | Attempt:
        """Commit the choice; or the attempt that was refused, because a table is taken."""
        runs: list[PlannerRun] = []
        with tries(self._deps, call.reading.snapshot, call.attempt.budget) as days:
            for day in days:
                judgement, duration_ms = self._judge(call, day.snapshot)
                decision = judgement.decision
                reading = call.reading
                runs.append(PlannerRun(decision, duration_ms, reading.cache_hit, reading.index))
                if isinstance(decision, Refusal):
                    return _attempt(call, Outcome.REFUSED, decision.reason, runs, judgement.overridden)
                attempt = _attempt(call, Outcome.CONFIRMED, None, runs, judgement.overridden)
                changes, reply = _assigned(call, day, decision, attempt, judgement)
                if day.commit(self._woken(call, day.snapshot, decision, changes).added_to(changes)):
                    self._deps.telemetry.count("CoversSeated", call.booking.party_size, flow=Flow.STAFF.value)
                    self._count(Outcome.CONFIRMED)
                    return reply
        raise ports.Conflict("both races were lost")

    def _woken(self, call: _Call, snapshot: ports.Snapshot, plan: Plan, changes: ports.Changes) -> Woken:
        """Those who can use what the booking lets go; nobody if it lets nothing go."""
        booking, request, index = call.booking, booking_request(call.booking), call.reading.index
        # As the snapshot has them: a move for somebody else changes a booking's tables and not its version.
        present = set(tables_of_bookings(snapshot).get(str(booking.id), ()))
        if not present - set(plan.tables) and not leaves_lease(snapshot, booking, changes.allocations):
            return Woken()
        stay = stay_of(str(booking.id), booking.version, request, booking.preferences)
        after = seated(index, snapshot.without(booking), stay, plan.tables)
        if call.pin:
            after = replace(after, stays=tuple(each for each in after.stays if each != stay))
        return self._waitlist.woken(index, after, call.parties, call.context.correlation_id, call.now)

    def _judge(self, call: _Call, snapshot: ports.Snapshot) -> tuple[Judgement, float]:
        """The judgement, and how many milliseconds it took. Raises RuleViolated."""
        telemetry, began = self._deps.telemetry, self._deps.clock.monotonic()
        with telemetry.span("plan", restaurant=call.booking.restaurant_id):
            judgement = judge(call.reading.index, _problem(call.booking, snapshot), call.choice)
        if isinstance(judgement, BrokenRules):
            raise errors.RuleViolated(
                [FieldError("tables", broken.code, broken.message) for broken in judgement.violations]
            )
        duration_ms = round((self._deps.clock.monotonic() - began) * 1000, 3)
        telemetry.milliseconds("PlannerDuration", duration_ms, flow=Flow.STAFF.value)
        return judgement, duration_ms

    def _count(self, outcome: Outcome) -> None:
        self._deps.telemetry.count("AssignOutcome", flow=Flow.STAFF.value, outcome=outcome.value)


def _require_no_worker(booking: Booking, now: datetime) -> None:
    if booking.lease_until is not None and booking.lease_until > now:
        raise errors.AssignmentInProgress


def _problem(booking: Booking, snapshot: ports.Snapshot) -> Problem:
    """The choice against everybody else: the party is not in its own way and is not counted twice."""
    others = snapshot.without(booking)
    confirmed = booking.state is State.CONFIRMED
    return Problem(
        request=booking_request(booking),
        span=(to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)),
        allocations=others.allocations,
        pacing=() if confirmed else others.covers,
        demand=learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
        owned=Covers(to_minutes(booking.start_at), booking.party_size) if confirmed else None,
    )


def _attempt(
    call: _Call,
    outcome: Outcome,
    reason: Reason | None,
    runs: Sequence[PlannerRun],
    overridden: Sequence[str],
) -> Attempt:
    attempt = attempt_of(call.attempt, outcome, reason, runs, call.reading.index)
    adjacent = attempt.strategy["requireAdjacency"] and "adjacency" not in overridden
    return replace(attempt, strategy={**attempt.strategy, "name": STAFF, "requireAdjacency": adjacent})


# --- what each outcome writes ---


def _assigned(
    call: _Call, day: Try, plan: Plan, attempt: Attempt, judgement: Judgement
) -> tuple[ports.Changes, Reply]:
    """The booking on the chosen tables, the guest's confirmation if it was not sent yet, and the reply."""
    before, correlation, actor = call.booking, call.context.correlation_id, call.context.actor
    # By way of pending if a worker's lease ran out.
    in_progress = before.state is State.ASSIGNMENT_IN_PROGRESS
    through = (before.state, State.ASSIGNMENT_PENDING) if in_progress else (before.state,)
    booking = replace(
        before,
        state=State.CONFIRMED,
        version=before.version + len(through),
        updated_at=call.now,
        tables=plan.tables,
        zone=plan.zone,
        pinned=call.pin,
        lease_token=None,
        lease_until=None,
    )
    ids = day.deps.ids
    notifications, outbox = records.mail(booking, MailKind.CONFIRMED, correlation, ids, call.now)
    present = tables_of_bookings(day.snapshot).get(str(before.id), ())
    metadata: ports.Json = {
        "attemptId": str(attempt.context.id),
        "fromTables": list(present),
        "tables": list(plan.tables),
        "pinned": call.pin,
        "overrides": list(judgement.overridden),
    }
    history = records.history_rows(booking, through, actor, ASSIGNED, metadata)
    notices = [Notice(each.code, each.message) for each in judgement.exceeded]
    reply = attempt_reply(200, booking, attempt, call.now, notices)
    changes = ports.Changes(
        claim=day.claim,
        updates=[ports.BookingUpdate(before, booking, lease_token=before.lease_token)],
        release=[before.id] if present else [],
        allocations=records.table_allocations(call.reading.index, booking, judgement.overridden),
        history=history,
        attempts=[attempt_row(attempt, booking)],
        events=[
            *attempt_events(attempt, before.id, call.reading.db_ms),
            *events.state_changed(history, before.restaurant_id, correlation),
        ],
        notifications=notifications,
        outbox=outbox,
        reply=to_store(call.context.key, reply),
    )
    return changes, reply


def _occupied(call: _Call, attempt: Attempt) -> tuple[ports.Changes, Reply]:
    """The booking stays as it is; the attempt and the reply are kept."""
    booking, error, correlation = call.booking, errors.TableOccupied, call.context.correlation_id
    more = {"reason": responses.reason_json(attempt.reason)}
    reply = problem_reply(error.status, error.code, error.title, attempt.explanation, correlation, more)
    changes = ports.Changes(
        attempts=[attempt_row(attempt, booking)],
        events=attempt_events(attempt, booking.id, call.reading.db_ms),
        reply=to_store(call.context.key, reply),
    )
    return changes, reply


def _unassigned(before: Booking, context: RequestContext, now: datetime) -> tuple[ports.Changes, Reply]:
    """The booking without tables, in manual review."""
    version, token = before.version + 1, before.lease_token
    booking = replace(
        before,
        state=State.MANUAL_REVIEW,
        version=version,
        updated_at=now,
        tables=(),
        zone=None,
        pinned=False,
    )
    metadata: ports.Json = {"fromTables": list(before.tables), "tables": []}
    history = records.history_rows(booking, [before.state], context.actor, UNASSIGNED, metadata)
    reply = booking_reply(booking, now)
    changes = ports.Changes(
        touched_days=[(before.restaurant_id, before.service_date)],
        updates=[ports.BookingUpdate(before, booking, lease_token=token, tables=before.tables)],
        release=[before.id],
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        reply=to_store(context.key, reply),
    )
    return changes, reply
