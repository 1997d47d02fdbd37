"""``POST /restaurants/{id}/walk-ins``: guests at the door, who sit down now if there is a table for them.

Their start is now, tables for walk-ins are theirs too, and a person may choose the tables. The day is locked,
so the answer is final: a table, or how many minutes until there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, Preferences, Trigger
from maitred.domain.errors import FieldError, MaitredError
from maitred.domain.floor import Floor
from maitred.domain.reasons import Category, Reason
from maitred.domain.states import State
from maitred.domain.windows import Window, from_minutes, resolve_window, to_minutes
from maitred.planner.answer.choice import BrokenRules, Choice, judge
from maitred.planner.day.drawn_day import Problem
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Covers, Plan, Refusal
from maitred.planner.options import FULL
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import (
    Attempt,
    AttemptContext,
    Outcome,
    PlannerRun,
    Summary,
    assignment_json,
    attempt_events,
    attempt_of,
    attempt_row,
    last_result,
)
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.planning import Planning, party_request, problem_of
from maitred.services.assignment.room import (
    BUDGET_MS,
    Room,
    locked_room,
    on_hold_there,
    require_nobody_there,
    seated_rows,
    set_aside,
)
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import NO_FLAGS
from maitred.services.idempotency import (
    Reply,
    RequestContext,
    problem_reply,
    to_store,
)
from maitred.services.unit_of_work import committed, once

_PATH = (State.CREATED, State.ASSIGNMENT_IN_PROGRESS, State.CONFIRMED)
WALK_IN = "walk_in"
_LOOKED_AHEAD_MINUTES = 360
_MOST_STARTS = 40  # ends of stays after which the party is looked at again


@dataclass(frozen=True, slots=True)
class WalkInRequest:
    """Guests at the door. ``choice``: the tables that a person chose. ``seat``: they sit down at once."""

    restaurant_id: str
    party_size: int
    preferences: Preferences
    choice: Choice | None = None
    duration_minutes: int | None = None
    guest: Mapping[str, str] = field(default_factory=dict)
    notes: str | None = None
    seat: bool = True
    override: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Visit:
    """One walk-in under way. ``room``: its floor has the tables for walk-ins among the others."""

    request: WalkInRequest
    context: RequestContext
    attempt: AttemptContext
    room: Room
    window: Window


class WalkIns:
    def __init__(self, deps: Dependencies, floors: Floors, planning: Planning) -> None:
        self._deps = deps
        self._floors = floors
        self._planning = planning
        self._with_walk_in_tables: dict[str, tuple[FloorIndex, FloorIndex]] = {}

    def receive(self, request: WalkInRequest, context: RequestContext) -> Reply:
        """A booking that starts now, seated or confirmed; or 409 with the reason and ``waitMinutes``.

        Raises TableOccupied or RuleViolated for a person's choice, OutsideService, ServiceOverrun, Closed.
        """
        rivals = ports.Conflict, ports.ReferenceTaken
        return once(self._deps, context, lambda: self._receive(request, context), rivals)

    def _receive(self, request: WalkInRequest, context: RequestContext) -> Reply:
        now = self._deps.clock.now()
        index = self._all_tables(read_floor(self._deps.store, self._floors, request.restaurant_id, BUDGET_MS))
        window = _window(index.floor, request, now)
        with locked_room(self._deps, index, window.service_date, now, window.end) as room:
            visit = _Visit(request, context, self._attempt(request, context), room, window)
            run = self._chosen(visit, request.choice) if request.choice else self._planned(visit)
            decision = run.decision
            if isinstance(decision, Refusal):
                outcome = Outcome.REFUSED
                changes, reply = _refused(visit, run, decision.reason, self._wait_minutes(visit, decision))
            else:
                outcome = Outcome.CONFIRMED
                changes, reply = _received(visit, run, decision, self._deps.ids)
            committed(self._deps, changes, room.locked.apply(changes))
        self._count(request, outcome)
        return reply

    def _all_tables(self, index: FloorIndex) -> FloorIndex:
        """The floor with the tables for walk-ins among those that the planner may give away."""
        floor = index.floor
        if not any(table.walk_in_only for table in floor.tables):
            return index
        known = self._with_walk_in_tables.get(floor.restaurant_id)
        if known is None or known[0] is not index:
            tables = tuple(replace(table, walk_in_only=False) for table in floor.tables)
            known = index, compile_floor(replace(floor, tables=tables))
            self._with_walk_in_tables[floor.restaurant_id] = known
        return known[1]

    def _attempt(self, request: WalkInRequest, context: RequestContext) -> AttemptContext:
        return AttemptContext(
            id=self._deps.ids.uuid(),
            restaurant_id=request.restaurant_id,
            flow=Flow.STAFF,
            trigger=Trigger.WALK_IN,
            number=1,
            options=self._planning.allowed(FULL),
            flags=NO_FLAGS,
            correlation_id=context.correlation_id,
            budget=Budget(self._deps.clock, BUDGET_MS),
        )

    def _planned(self, visit: _Visit) -> PlannerRun:
        """The planner picks."""
        problem = _problem(visit)
        return self._planning.quote(visit.room.index, problem, visit.attempt.budget, cache_hit=True)

    def _chosen(self, visit: _Visit, choice: Choice) -> PlannerRun:
        """A person picks. Raises TableOccupied, RuleViolated."""
        room = visit.room
        require_nobody_there(room, choice.tables, None, visit.window.end)
        judgement = judge(room.index, _problem(visit), choice)
        if isinstance(judgement, BrokenRules):
            raise errors.RuleViolated(
                [FieldError("tables", broken.code, broken.message) for broken in judgement.violations]
            )
        if isinstance(judgement.decision, Refusal):
            raise errors.TableOccupied(f"{judgement.decision.reason.detail}; choose another table")
        return PlannerRun(judgement.decision, 0.0, True, room.index)

    def _wait_minutes(self, visit: _Visit, refusal: Refusal) -> int | None:
        """Until such a party could sit, from the expected ends of those who sit; None if not this evening.

        Nobody is moved for it, and who comes meanwhile is not known.
        """
        if refusal.reason.category is not Category.DETERMINISTIC:
            return None
        day = self._planning.moving_nobody().of_day(visit.room.index, visit.room.snapshot)
        for start in _possible_starts(visit):
            try:
                window = _window(visit.room.index.floor, visit.request, from_minutes(start))
            except MaitredError:  # past the last seating, or closed
                continue
            request = party_request(visit.request.party_size, window, visit.request.preferences)
            if window.end <= visit.room.snapshot.day.end and isinstance(
                day.decide(request, visit.attempt.budget), Plan
            ):
                return start - to_minutes(visit.window.start)
        return None

    def _count(self, request: WalkInRequest, outcome: Outcome) -> None:
        telemetry = self._deps.telemetry
        telemetry.count("AssignOutcome", flow=Flow.STAFF.value, outcome=outcome.value)
        if outcome is Outcome.CONFIRMED:
            telemetry.count("WalkIns")
            telemetry.count("CoversSeated", request.party_size, flow=Flow.STAFF.value)


def _window(floor: Floor, request: WalkInRequest, now: datetime) -> Window:
    """The stay from this minute on. Raises PartyTooLarge, OutsideService, ServiceOverrun, Closed."""
    seats = floor.seats(walk_in=True)
    if request.party_size > seats and "capacity" not in request.override:
        raise errors.PartyTooLarge(f"the restaurant has {seats} seats in all")
    minute = now.replace(second=0, microsecond=0)
    return resolve_window(floor, minute, request.party_size, request.duration_minutes)


def _problem(visit: _Visit) -> Problem:
    request = party_request(visit.request.party_size, visit.window, visit.request.preferences)
    problem = problem_of(visit.room.index, request, visit.attempt.options, visit.room.snapshot)
    if "pacing" not in visit.request.override:
        return problem
    return replace(problem, owned=Covers(request.start, request.party_size))  # as if it were counted already


def _possible_starts(visit: _Visit) -> list[int]:
    """The minutes at which something becomes free, the next ones first."""
    now = to_minutes(visit.window.start)
    before = visit.room.index.floor.policy.buffer_before_minutes
    ends = {row.end + before for row in visit.room.snapshot.allocations}
    return sorted(end for end in ends if now < end <= now + _LOOKED_AHEAD_MINUTES)[:_MOST_STARTS]


# --- what each outcome writes ---


def _received(visit: _Visit, run: PlannerRun, plan: Plan, ids: ports.Ids) -> tuple[ports.Changes, Reply]:
    """The booking with its tables, where the party sits or is to sit, and the moves that it needs."""
    room, correlation = visit.room, visit.context.correlation_id
    ended = attempt_of(visit.attempt, Outcome.CONFIRMED, None, [run], room.index)
    booking = _booking(visit, plan, ids)
    overrides = set_aside(room.index, booking, plan.tables)
    if visit.request.seat:
        rows = seated_rows(room.index, booking, room.now, overrides)
    else:
        rows = records.table_allocations(room.index, booking, overrides)
    moved = records.moved_by(plan, room.index, room.snapshot, booking)
    metadata = records.attempt_metadata(ended.context.id, booking)
    created = ports.HistoryRow(booking.id, None, State.CREATED, 1, visit.context.actor, None)
    own = records.history_rows(booking, _path(visit), visit.context.actor, WALK_IN, metadata)
    history = [created, *own, *moved.history]
    result = last_result(ended, booking.version, room.now, None)
    body = {"booking": responses.booking_json(booking, room.now), "assignment": assignment_json(ended)}
    reply = Reply(HTTPStatus.CREATED, responses.dumps(body), {"location": f"/bookings/{booking.id}"})
    changes = ports.Changes(
        new_booking=replace(booking, last_result=result),
        drop_holds=on_hold_there(room.snapshot, rows),
        moves=moved.moves,
        release=moved.release,
        allocations=[*rows, *moved.allocations],
        history=history,
        attempts=[attempt_row(ended, booking)],
        events=[
            *_attempt_events(ended, booking.id),
            *events.state_changed(history, booking.restaurant_id, correlation),
        ],
        reply=to_store(visit.context.key, reply),
    )
    return changes, reply


def _refused(visit: _Visit, run: PlannerRun, reason: Reason, wait: int | None) -> tuple[ports.Changes, Reply]:
    """Nothing but the answer and what was considered."""
    refused = attempt_of(visit.attempt, Outcome.REFUSED, reason, [run], visit.room.index)
    detail = reason.detail
    if wait is not None:
        detail = f"{reason.detail}; such a party could sit in about {wait} minutes"
    more = {"reason": responses.reason_json(reason), "waitMinutes": wait}
    reply = problem_reply(
        HTTPStatus.CONFLICT, reason.code.value, "No table now", detail, visit.context.correlation_id, more
    )
    changes = ports.Changes(events=_attempt_events(refused, None), reply=to_store(visit.context.key, reply))
    return changes, reply


def _attempt_events(attempt: Attempt, booking_id: UUID | None) -> list[ports.Event]:
    summary = Summary(attempt.context, attempt.outcome.value, attempt.duration_ms, attempt.reason_code)
    return [*attempt_events(attempt, booking_id, 0.0), summary.event(booking_id)]


def _path(visit: _Visit) -> tuple[State, ...]:
    """The states on the way to the last one."""
    return _PATH if visit.request.seat else _PATH[:-1]


def _booking(visit: _Visit, plan: Plan, ids: ports.Ids) -> Booking:
    request, window, room = visit.request, visit.window, visit.room
    return Booking(
        id=ids.uuid(),
        reference=ids.reference(),
        restaurant_id=request.restaurant_id,
        state=State.SEATED if request.seat else State.CONFIRMED,
        version=1 + len(_path(visit)),
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
        created_at=room.now,
        updated_at=room.now,
        timezone=room.index.floor.timezone.key,
        tables=plan.tables,
        zone=plan.zone,
        locale=room.index.floor.locale,
        arrived_at=room.now,
        seated_at=room.now if request.seat else None,
        late_minutes=room.index.floor.policy.late_minutes,
    )
