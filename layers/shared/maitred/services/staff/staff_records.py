"""What a person's assignment writes, for each way it can end. Data in, data out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.errors import TableOccupied
from maitred.domain.floor import Adjacency
from maitred.domain.reasons import Reason
from maitred.domain.states import State
from maitred.planner.answer.choice import STAFF, Choice
from maitred.planner.model import Plan
from maitred.services import events, ports
from maitred.services.assignment import attempt_events, records
from maitred.services.assignment.attempt import Attempt, Outcome, Verdict, assignment_json, attempt_row
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.day_snapshots import Reading
from maitred.services.assignment.moves import stay_allocations, tables_held
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.rollout import NONE_HELD

ASSIGNED = "assigned_by_staff"
UNASSIGNED = "unassigned_by_staff"


@dataclass(slots=True)
class StaffRun:
    """One assignment by a person under way. ``reading``: of the stay, as it was first read, in ``db_ms``.

    ``overridden``: the rules that the choice breaks and the person set aside.
    """

    booking: Booking
    choice: Choice
    pin: bool
    context: RequestContext
    reading: Reading
    db_ms: float
    budget: Budget
    now: datetime
    attempt_id: UUID
    verdicts: list[Verdict] = field(default_factory=list)
    overridden: tuple[str, ...] = ()
    reply: Reply | None = None  # of the confirmation that was sent last


@dataclass(frozen=True, slots=True)
class Seat:
    """The choice as a plan, what it was judged on, the claim to that day (None: the day is held).

    ``woken``: messages for others, to be sent if tables become free.
    """

    plan: Plan
    snapshot: ports.Snapshot
    claim: ports.DayClaim | None
    woken: Sequence[ports.OutboxRow]


def assigned(run: StaffRun, seat: Seat, ids: ports.Ids) -> tuple[ports.Effects, Reply]:
    """Confirmed on the chosen tables; the guest is told unless that has been done."""
    plan = seat.plan
    before = run.booking
    attempt = _attempt(run, Outcome.CONFIRMED, None)
    steps = records.steps_through(_path(before.state), before.version + 1)
    booking = _confirmed(run, plan, before.version + len(steps))
    correlation, actor = run.context.correlation_id, run.context.actor
    mailing = records.confirmed_mail(booking, correlation, ids, run.now)
    # As the snapshot has them: a move for somebody else changes a booking's tables and not its version.
    held = tables_held(seat.snapshot).get(str(before.id), ())
    freed = set(held) - set(plan.tables)
    metadata: ports.Json = {
        "attemptId": str(attempt.id),
        "fromTables": list(held),
        "tables": list(plan.tables),
        "pinned": run.pin,
        "overrides": list(run.overridden),
    }
    reply = _reply(booking, attempt)
    stay = (before.start_at, before.end_at)
    effects = ports.Effects(
        claim=seat.claim,
        changes=[_change(before, booking.version, State.CONFIRMED, pinned=run.pin)],
        release=[before.id] if held else [],
        allocations=stay_allocations(run.reading.index, plan.tables, before.id, stay, run.overridden),
        history=records.history_rows(before, steps, actor, ASSIGNED, metadata),
        attempts=[attempt_row(attempt, booking)],
        events=[
            *attempt_events.attempt_events(attempt, before.restaurant_id, before.id, run.db_ms),
            *events.state_changed(before, correlation, steps, actor),
        ],
        notifications=mailing.notifications,
        outbox=[*mailing.outbox, *(seat.woken if freed else ())],
        reply=to_store(run.context.key, reply),
    )
    return effects, reply


def occupied(run: StaffRun, reason: Reason) -> tuple[ports.Effects, Reply]:
    """The booking stays as it is; that a person tried is kept, and so is the answer."""
    attempt = _attempt(run, Outcome.REFUSED, reason)
    booking, correlation = run.booking, run.context.correlation_id
    more = {"reason": responses.reason_json(reason)}
    problem = responses.problem_json(
        TableOccupied.status, TableOccupied.code, TableOccupied.title, reason.detail, correlation, more
    )
    reply = Reply(
        TableOccupied.status, responses.dumps(problem), {"content-type": "application/problem+json"}
    )
    effects = ports.Effects(
        attempts=[attempt_row(attempt, booking)],
        events=attempt_events.attempt_events(attempt, booking.restaurant_id, booking.id, run.db_ms),
        reply=to_store(run.context.key, reply),
    )
    return effects, reply


def unassigned(
    booking: Booking, context: RequestContext, woken: Sequence[ports.OutboxRow]
) -> tuple[ports.Effects, Reply]:
    """Without tables, in the hands of a person; ``woken``: messages for others who may use the tables."""
    steps = records.steps_through((booking.state, State.MANUAL_REVIEW), booking.version + 1)
    version = booking.version + len(steps)
    after = replace(booking, state=State.MANUAL_REVIEW, version=version, tables=(), zone=None, pinned=False)
    reply = booking_reply(after)
    metadata: ports.Json = {"fromTables": list(booking.tables), "tables": []}
    effects = ports.Effects(
        touched_days=[(booking.restaurant_id, booking.service_date)],
        changes=[_change(booking, version, State.MANUAL_REVIEW, pinned=False, tables=booking.tables)],
        release=[booking.id],
        history=records.history_rows(booking, steps, context.actor, UNASSIGNED, metadata),
        events=events.state_changed(booking, context.correlation_id, steps, context.actor),
        outbox=woken,
        reply=to_store(context.key, reply),
    )
    return effects, reply


def booking_reply(booking: Booking) -> Reply:
    return Reply(200, responses.dumps({"booking": responses.booking_json(booking)}))


def _path(state: State) -> tuple[State, ...]:
    """To confirmed; out of a lease that ran out by way of pending (contract 2)."""
    if state is State.ASSIGNMENT_IN_PROGRESS:
        return (state, State.ASSIGNMENT_PENDING, State.CONFIRMED)
    return (state, State.CONFIRMED)


def _change(
    booking: Booking,
    version: int,
    state: State,
    *,
    pinned: bool,
    tables: tuple[str, ...] | None = None,
) -> ports.BookingChange:
    return ports.BookingChange(
        booking.id,
        booking.version,
        version,
        state,
        lease_token=booking.lease_token,
        pinned=pinned,
        tables=tables,
    )


def _confirmed(run: StaffRun, plan: Plan, version: int) -> Booking:
    return replace(
        run.booking,
        state=State.CONFIRMED,
        version=version,
        tables=plan.tables,
        zone=plan.zone,
        pinned=run.pin,
        lease_token=None,
        lease_until=None,
    )


def _attempt(run: StaffRun, outcome: Outcome, reason: Reason | None) -> Attempt:
    policy = run.reading.index.floor.policy
    return Attempt(
        id=run.attempt_id,
        flow=Flow.STAFF,
        trigger=Trigger.STAFF,
        number=1,
        outcome=outcome,
        reason=reason,
        quotes=tuple(run.verdicts),
        strategy={
            "name": STAFF,
            "requireAdjacency": policy.adjacency is not Adjacency.NONE and "adjacency" not in run.overridden,
            "maxTables": policy.max_tables,
            "maxMoves": 0,
        },
        duration_ms=run.budget.spent_ms(),
        correlation_id=run.context.correlation_id,
        held=NONE_HELD,
    )


def _reply(booking: Booking, attempt: Attempt) -> Reply:
    """As for a creation."""
    body = {
        "booking": responses.booking_json(booking),
        "assignment": assignment_json(attempt),
        "alternatives": [],
        "warnings": [],
    }
    return Reply(200, responses.dumps(body))
