"""A person's choice of tables: ``PUT`` and ``DELETE /bookings/{id}/assignment``.

The planner's rules, the planner's ledger and its races; only who chooses is another, and may set named
rules aside. What is occupied stays occupied.
"""

from datetime import datetime

from maitred.domain import errors
from maitred.domain.booking import Booking, Flow
from maitred.domain.errors import FieldError
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.domain.timeline import to_minutes
from maitred.planner.answer.choice import Choice, Judgement, judge
from maitred.planner.day.demand import PRIOR, learn_demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.model import Plan
from maitred.services import ports
from maitred.services.assignment.attempt import Outcome, Verdict
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.day import day_of_stay
from maitred.services.assignment.day_snapshots import DaySnapshots
from maitred.services.assignment.planning import booking_request
from maitred.services.assignment.seating import Seating
from maitred.services.assignment.wake import Waking
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.kit import Kit
from maitred.services.staff import staff_records
from maitred.services.staff.staff_records import StaffRun
from maitred.services.unit_of_work import change_booking

_BUDGET_MS = 5000
_ASSIGNABLE = frozenset(
    {State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW, State.CONFIRMED}
)


class StaffAssignment:
    def __init__(self, kit: Kit, days: DaySnapshots, seating: Seating, waking: Waking) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._days = days
        self._seating = seating
        self._waking = waking

    def assign(self, booking: Booking, choice: Choice, context: RequestContext, *, pin: bool) -> Reply:
        """Confirm the booking on these tables, or give it these instead of its own.

        Raises RuleViolated, AssignmentInProgress while a worker holds the booking, InvalidTransition if
        its state takes no tables, InThePast once its stay is over. A taken table is an answer, 409.
        """
        return change_booking(
            self._book, booking, context, lambda now: self._assign(now, choice, context, pin=pin)
        )

    def unassign(self, booking: Booking, context: RequestContext) -> Reply:
        """Take the tables away: the booking waits for a person. Of one that does already, nothing changes.

        Raises AssignmentInProgress while a worker holds the booking, InvalidTransition without tables.
        """
        return change_booking(self._book, booking, context, lambda now: self._unassign(now, context))

    # --- giving tables ---

    def _assign(self, booking: Booking, choice: Choice, context: RequestContext, *, pin: bool) -> Reply:
        now = self._clock.now()
        _require_assignable(booking, now)
        woken = self._waking.messages(booking, context.correlation_id, now)
        run = self._begin(booking, choice, context, now, pin=pin)

        def write(plan: Plan, current: ports.Snapshot, claim: ports.DayClaim | None) -> ports.Effects:
            seat = staff_records.Seat(plan, current, claim, woken)
            effects, run.reply = staff_records.assigned(run, seat, self._ids)
            return effects

        result = self._seating.seat(
            run.reading.snapshot, lambda current: self._judge(run, current), write, run.budget
        )
        if isinstance(result, Reason):
            return self._occupied(run, result)
        if run.reply is None:
            raise ValueError("what was committed was written before")
        self._telemetry.count("CoversSeated", booking.party_size, flow=Flow.STAFF.value)
        return self._told(result.effects, result.sent, Outcome.CONFIRMED, run.reply)

    def _begin(
        self, booking: Booking, choice: Choice, context: RequestContext, now: datetime, *, pin: bool
    ) -> StaffRun:
        budget = Budget(self._clock, _BUDGET_MS)
        reading = self._days.read(booking.restaurant_id, lambda floor: day_of_stay(floor, booking), budget)
        attempt_id, db_ms = self._ids.uuid(), budget.spent_ms()
        return StaffRun(booking, choice, pin, context, reading, db_ms, budget, now, attempt_id)

    def _judge(self, run: StaffRun, snapshot: ports.Snapshot) -> Verdict:
        began = self._clock.monotonic()
        judgement = _judgement(run, snapshot)
        if judgement.decision is None:
            raise errors.RuleViolated(
                [FieldError("tables", broken.code, broken.message) for broken in judgement.broken]
            )
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        self._telemetry.milliseconds("PlannerDuration", duration, flow=Flow.STAFF.value)
        verdict = Verdict(judgement.decision, duration, run.reading.cache_hit)
        run.overridden = judgement.overridden
        run.verdicts.append(verdict)
        return verdict

    def _occupied(self, run: StaffRun, reason: Reason) -> Reply:
        effects, reply = staff_records.occupied(run, reason)
        sent = self._book.apply(effects)
        return self._told(effects, sent, Outcome.REFUSED, reply)

    def _told(
        self, effects: ports.Effects, sent: tuple[ports.SentBy, ...], outcome: Outcome, reply: Reply
    ) -> Reply:
        self._telemetry.committed(effects.events)
        self._telemetry.count("AssignOutcome", flow=Flow.STAFF.value, outcome=outcome.value)
        self._relay.send_now(sent)
        return reply

    # --- taking tables away ---

    def _unassign(self, booking: Booking, context: RequestContext) -> Reply:
        now = self._clock.now()
        if booking.state is State.MANUAL_REVIEW:
            return self._unchanged(booking, context)
        _require_no_worker(booking, now)
        if booking.state is not State.CONFIRMED:
            raise errors.InvalidTransition(
                f"a booking that is {booking.state.value} has no tables to take away"
            )
        woken = self._waking.messages(booking, context.correlation_id, now)
        effects, reply = staff_records.unassigned(booking, context, woken)
        sent = self._book.apply(effects)
        self._telemetry.committed(effects.events)
        self._relay.send_now(sent)
        return reply

    def _unchanged(self, booking: Booking, context: RequestContext) -> Reply:
        reply = staff_records.booking_reply(booking)
        if context.key is not None:
            self._book.apply(ports.Effects(reply=to_store(context.key, reply)))
        return reply


def _require_no_worker(booking: Booking, now: datetime) -> None:
    if booking.lease_until is not None and booking.lease_until > now:
        raise errors.AssignmentInProgress


def _require_assignable(booking: Booking, now: datetime) -> None:
    _require_no_worker(booking, now)
    if booking.state not in _ASSIGNABLE:
        raise errors.InvalidTransition(f"a booking that is {booking.state.value} is given no tables")
    if booking.end_at <= now:
        raise errors.InThePast("the stay is over")


def _judgement(run: StaffRun, snapshot: ports.Snapshot) -> Judgement:
    """The choice against everybody else: the party itself is neither in its own way nor counted twice."""
    booking, index = run.booking, run.reading.index
    others = [each for each in snapshot.allocations if each.booking_id != str(booking.id)]
    span = to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)
    return judge(
        index,
        Occupancy.build(index, span, others),
        booking_request(booking),
        () if booking.state is State.CONFIRMED else snapshot.covers,
        learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
        run.choice,
    )
