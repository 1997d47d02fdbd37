"""``POST /restaurants/{r}/optimizations``: a whole service seated anew, and applied if that is worth it.

Guests book one by one; by the afternoon the book is not the one that anybody would draw. Who may be moved
gets other tables that keep its promise: first so that more guests have a table, then so that all sit better.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, MailKind, Trigger
from maitred.domain.errors import FieldError, InvalidRequest
from maitred.domain.floor import Floor
from maitred.domain.states import State
from maitred.domain.windows import from_minutes, service_date_at, slot_starts, to_minutes
from maitred.planner.day.demand import PRIOR, learn_demand
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, MovableBooking, Move, PartyRequest
from maitred.planner.options import FULL
from maitred.planner.shift.model import Booked, Reseating, Seats, Shift, Sum, Waiting
from maitred.planner.shift.replay import record
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import (
    AttemptContext,
    Outcome,
    attempt_of,
    attempt_row,
    last_result,
)
from maitred.services.assignment.day import DaySnapshots, Reading, day_of_services
from maitred.services.assignment.planning import movable_bookings, party_request, tables_of_bookings
from maitred.services.assignment.room import rows_by_booking
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.assignment.waking import window_of
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import NO_FLAGS, FlagSource
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.shift.ports import Optimizations
from maitred.services.unit_of_work import commit, once

logger = logging.getLogger(__name__)

#: How much better the score has to be, if nobody who waits gets a table.
WORTH = 0.1
MOST_MOVES = 20
STRATEGY = "shift"
_TRIES = 2  # somebody books while the solver is at work; the second time it is told
_WRITING_MS = 5000
_SAME = 1e-6  # of two scores


@dataclass(frozen=True, slots=True)
class ShiftRequest:
    """``service_id`` None: all services of the date. ``run``: the name of a scheduled run."""

    restaurant_id: str
    service_date: date
    service_id: str | None
    dry_run: bool
    max_moves: int = MOST_MOVES
    run: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """A service's day as it was read, the shift it makes, and the better seating. ``waiting``: by id."""

    request: ShiftRequest
    context: RequestContext
    reading: Reading
    shift: Shift
    waiting: Mapping[str, Booking]
    reseating: Reseating
    now: datetime
    began: float

    @property
    def worth_it(self) -> bool:
        better = self.reseating
        return bool(better.seats) or better.improvement >= WORTH

    @property
    def index(self) -> FloorIndex:
        return self.reading.index


class ShiftOptimizer:
    """``reseat``: the solver, with the time that it may take for each of two tries."""

    def __init__(
        self,
        deps: Dependencies,
        days: DaySnapshots,
        optimizations: Optimizations,
        reseat: Callable[[Shift], Reseating],
        flags: FlagSource,
        waitlist: Waitlist,
    ) -> None:
        self._deps = deps
        self._days = days
        self._optimizations = optimizations
        self._reseat = reseat
        self._flags = flags
        self._waitlist = waitlist

    def optimize(self, request: ShiftRequest, context: RequestContext) -> Reply:
        """The better seating, and whether it was applied: with ``dry_run``, and unless it is worth it, not.

        Raises RestaurantNotFound, InvalidRequest for an unknown service or a date in the past, ShiftConflict
        if the day changes each time.
        """
        return once(self._deps, context, lambda: self._optimize(request, context), again=())

    def _optimize(self, request: ShiftRequest, context: RequestContext) -> Reply:
        for _ in range(_TRIES):
            found = self._find(request, context)
            reply, changes = self._decide(found)
            try:
                commit(self._deps, changes, _WRITING_MS)
            except (ports.Conflict, ports.StaleVersion):
                self._deps.telemetry.count("Conflicts")
                continue
            self._count(found)
            return reply
        raise errors.ShiftConflict("The day changed while it was seated anew; try again.")

    def _find(self, request: ShiftRequest, context: RequestContext) -> _Found:
        deps, began = self._deps, self._deps.clock.monotonic()
        now, budget = deps.clock.now(), Budget(deps.clock, _WRITING_MS)
        waiting = self._optimizations.waiting(request.restaurant_id, request.service_date, now)
        reading = self._days.read(
            request.restaurant_id, lambda floor: _day(floor, request.service_date, now), budget
        )
        _require_date(reading.index.floor, request, now)
        mine = _in_service(reading.index.floor, request)
        seated = tables_of_bookings(reading.snapshot)
        waiting = [each for each in waiting if str(each.id) not in seated]  # confirmed since it was read
        parties = list(_parties(reading.index, request, waiting, now))
        shift = _shift(reading, parties, mine, request.max_moves)
        with deps.telemetry.span("reseat", restaurant=request.restaurant_id):
            reseating = self._reseat(shift)
        by_id = {str(each.id): each for each in waiting}
        return _Found(request, context, reading, shift, by_id, reseating, now, began)

    def _decide(self, found: _Found) -> tuple[Reply, ports.Changes]:
        """The answer, and what is written with it."""
        own_id, reason = self._deps.ids.uuid(), self._why_not(found)
        references = self._optimizations.references(
            found.request.restaurant_id, [UUID(move.booking_id) for move in found.reseating.moves]
        )
        body = _body(found, own_id, reason, references)
        reply = Reply(200, responses.dumps(body))
        nothing = not found.reseating.moves and not found.reseating.seats
        result = "applied" if reason is None else "nothing" if nothing else "suggested"
        changes = ports.Changes(
            optimization=_row(found, own_id, result, body),
            events=[self._event(found, result)],
            reply=to_store(found.context.key, reply),
        )
        return reply, self._applied(found, own_id, changes) if reason is None else changes

    def _why_not(self, found: _Found) -> str | None:
        """Why it is not applied; None if it is."""
        if not found.worth_it:
            better = found.reseating
            if better.moves:
                return f"improvement_below_{WORTH:.0%}".replace("%", "_percent")
            open_question = better.gap > _SAME or better.most_covers > better.after.covers
            return "nothing_found" if open_question else "nothing_better"
        if found.request.dry_run:
            return "dry_run"
        allowed = self._flags.flags_for(found.request.restaurant_id).optimizes
        return None if allowed else "switched_off"

    def _applied(self, found: _Found, own_id: UUID, changes: ports.Changes) -> ports.Changes:
        """All moves, and a table and a letter for everybody who waited and now has one."""
        moves, correlation = found.reseating.moves, found.context.correlation_id
        confirmed = [self._confirmed(found, own_id, seats) for seats in found.reseating.seats]
        stays = {stay.booking_id: stay for stay in found.reading.snapshot.stays}
        history = [_moved(found, own_id, move, stays[move.booking_id].version) for move in moves]
        changes = replace(
            changes,
            claim=found.reading.snapshot,
            moves=[
                ports.BookingMove(UUID(each.booking_id), stays[each.booking_id].version) for each in moves
            ],
            release=[UUID(move.booking_id) for move in moves],
            allocations=[row for move in moves for row in _rows(found, move)],
            history=history,
            events=[
                *changes.events,
                *events.state_changed(history, found.request.restaurant_id, correlation),
            ],
        )
        for each in confirmed:
            changes = each.added_to(changes)
        woken = self._waitlist.woken(
            found.index,
            _after(found, changes.allocations),
            [ports.WaitingParty.of(each) for each in _still_waiting(found)],
            correlation,
            found.now,
        )
        return woken.added_to(changes)

    def _confirmed(self, found: _Found, own_id: UUID, seats: Seats) -> "_Confirmed":
        """What the job would write for it: state, tables, attempt, and one letter."""
        deps, before = self._deps, found.waiting[seats.booking_id]
        zone = found.index.tables[found.index.position[seats.tables[0]]].zone
        after = replace(
            before, state=State.CONFIRMED, version=before.version + 1, tables=seats.tables, zone=zone
        )
        attempt = attempt_of(
            AttemptContext(
                id=deps.ids.uuid(),
                restaurant_id=before.restaurant_id,
                flow=Flow.STAFF,
                trigger=Trigger.SHIFT,
                number=1,
                options=FULL,
                flags=NO_FLAGS,
                correlation_id=found.context.correlation_id,
                budget=Budget(deps.clock, _WRITING_MS),
            ),
            Outcome.CONFIRMED,
            None,
            (),
            found.index,
        )
        attempt = replace(attempt, strategy={**attempt.strategy, "name": STRATEGY})
        notifications, outbox = records.mail(
            after, MailKind.CONFIRMED, found.context.correlation_id, deps.ids, found.now
        )
        metadata = records.attempt_metadata(attempt.context.id, after) | {"optimizationId": str(own_id)}
        history = records.history_rows(after, [before.state], found.context.actor, STRATEGY, metadata)
        result = last_result(attempt, after.version, found.now, records.variant_of(notifications))
        return _Confirmed(
            ports.BookingUpdate(before, after, result, lease_token=before.lease_token),
            records.table_allocations(found.index, after),
            history,
            attempt_row(attempt, before) | {"explanation": _explanation(after, found.reseating)},
            events.state_changed(history, before.restaurant_id, found.context.correlation_id),
            notifications,
            outbox,
        )

    def _event(self, found: _Found, result: str) -> ports.Event:
        better, spent = found.reseating, (self._deps.clock.monotonic() - found.began) * 1000
        context: ports.Json = {
            "result": result,
            "improvement": round(better.improvement, 6),
            "gap": round(better.gap, 6),
            "moves": len(better.moves),
            "seated": len(better.seats),
            "durationMs": round(spent, 3),
        }
        request = found.request
        return ports.Event(
            "shift.optimized", context, "info", request.restaurant_id, None, found.context.correlation_id
        )

    def _count(self, found: _Found) -> None:
        telemetry = self._deps.telemetry
        telemetry.count("ShiftImprovement", found.reseating.improvement)
        telemetry.count("ShiftMoves", len(found.reseating.moves))
        telemetry.milliseconds("ShiftDuration", (self._deps.clock.monotonic() - found.began) * 1000)


# --- what is read ---


def _day(floor: Floor, service_date: date, now: datetime) -> ports.Day:
    """``policy.maxMoves`` says how many may move for one party, which does not bind a whole service."""
    freeze = now + timedelta(minutes=floor.policy.freeze_minutes)
    return replace(day_of_services(floor, service_date, now), movable_from=freeze)


def _require_date(floor: Floor, request: ShiftRequest, now: datetime) -> None:
    if request.service_date < service_date_at(floor, now):
        raise InvalidRequest([FieldError("date", "in_the_past", "must be today or a later day")])


def _in_service(floor: Floor, request: ShiftRequest) -> Callable[[int], bool]:
    """Does a stay that starts then belong to the service? Raises InvalidRequest if there is none."""
    starts = [
        to_minutes(start)
        for service, start in slot_starts(floor, request.service_date)
        if request.service_id in (None, service.id)
    ]
    if request.service_id is None:
        return lambda _: True
    if not starts:
        known = sorted({service.id for service, _ in slot_starts(floor, request.service_date)})
        message = f"must be a service of that date: {', '.join(known) or 'there is none'}"
        raise InvalidRequest([FieldError("service", "unknown_service", message)])
    return lambda minute: min(starts) <= minute <= max(starts)


def _parties(
    index: FloorIndex, request: ShiftRequest, waiting: Sequence[Booking], now: datetime
) -> Iterator[Waiting]:
    """Who waits for a table in the service and would still be tried by the job."""
    for booking in waiting:
        window = window_of(index, ports.WaitingParty.of(booking), now)
        if window is None or window.service_date != request.service_date:
            continue
        if request.service_id in (None, window.service.id):
            wanted = party_request(booking.party_size, window, booking.preferences)
            yield Waiting(str(booking.id), wanted)


def _shift(reading: Reading, waiting: Sequence[Waiting], mine: Callable[[int], bool], most: int) -> Shift:
    index, snapshot = reading.index, reading.snapshot
    wishes = {stay.booking_id: stay for stay in snapshot.stays}
    movable = [
        each
        for each in movable_bookings(index, snapshot)
        if each.booking_id not in snapshot.at_risk and mine(each.start)
    ]
    own = {each.booking_id for each in movable}
    given = tuple(row for row in snapshot.allocations if row.booking_id not in own)
    return Shift(
        index=index,
        span=(to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)),
        given=given,
        allocations=tuple(row for row in snapshot.allocations if row.booking_id in own),
        booked=tuple(Booked(each, _wishes(wishes[each.booking_id], each, snapshot)) for each in movable),
        waiting=tuple(waiting),
        covers=snapshot.covers,
        demand=learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
        max_moves=most,
    )


def _wishes(stay: ports.MovableStay, booking: MovableBooking, snapshot: ports.Snapshot) -> PartyRequest:
    preferences = stay.preferences
    return PartyRequest(
        party_size=booking.party_size,
        start=booking.start,
        end=booking.end,
        service_id=snapshot.day.profile.partition(":")[2],
        service_date=snapshot.day.service_date,
        zone=preferences.zone,
        zone_required=preferences.zone_required,
        attributes=frozenset(preferences.attributes),
        required=frozenset(preferences.required),
    )


# --- what is answered and written ---


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """What one newly confirmed booking adds to the unit of work."""

    update: ports.BookingUpdate
    allocations: list[ports.TableAllocation]
    history: list[ports.HistoryRow]
    attempt: ports.Json
    events: list[ports.Event]
    notifications: list[ports.NotificationRow]
    outbox: list[ports.OutboxRow]

    def added_to(self, changes: ports.Changes) -> ports.Changes:
        return replace(
            changes,
            updates=[*changes.updates, self.update],
            allocations=[*changes.allocations, *self.allocations],
            history=[*changes.history, *self.history],
            attempts=[*changes.attempts, self.attempt],
            events=[*changes.events, *self.events],
            notifications=[*changes.notifications, *self.notifications],
            outbox=[*changes.outbox, *self.outbox],
        )


def _body(found: _Found, own_id: UUID, reason: str | None, references: Mapping[str, str]) -> ports.Json:
    better = found.reseating
    return {
        "optimizationId": str(own_id),
        "asOf": responses.local(found.now, found.index.floor.timezone),
        "before": _sum_json(better.before),
        "after": _sum_json(better.after),
        "improvement": round(better.improvement, 6),
        "bound": round(better.bound, 6),
        "gap": round(better.gap, 6),
        "moves": [
            {
                "bookingId": move.booking_id,
                "reference": references.get(move.booking_id),
                "from": list(move.from_tables),
                "to": list(move.to_tables),
            }
            for move in better.moves
        ],
        "seats": [{"bookingId": each.booking_id, "tables": list(each.tables)} for each in better.seats],
        "applied": reason is None,
        "reason": reason,
    }


def _sum_json(found: Sum) -> ports.Json:
    return {"score": found.score, "terms": dict(found.terms), "covers": found.covers}


def _row(found: _Found, own_id: UUID, result: str, body: ports.Json) -> ports.Optimization:
    request = found.request
    return ports.Optimization(
        id=own_id,
        restaurant_id=request.restaurant_id,
        service_date=request.service_date,
        service_id=request.service_id,
        result=result,
        actor_id=found.context.actor,
        correlation_id=found.context.correlation_id,
        layout_version=found.index.floor.layout_version,
        run=request.run,
        reply=body,
        stays=_stays(found),
        replay=record(found.shift, found.reseating),
        created_at=found.now,
    )


def _stays(found: _Found) -> ports.Json:
    """The stays of all who get tables, to know later if they are still the same."""
    moved = {move.booking_id for move in found.reseating.moves}
    stays = {
        stay.booking_id: [stay.start, stay.end, stay.party_size]
        for stay in found.reading.snapshot.stays
        if stay.booking_id in moved
    }
    for each in found.reseating.seats:
        booking = found.waiting[each.booking_id]
        start, end = to_minutes(booking.start_at), to_minutes(booking.end_at)
        stays[each.booking_id] = [start, end, booking.party_size]
    return stays


def _moved(found: _Found, own_id: UUID, move: Move, version: int) -> ports.HistoryRow:
    metadata = {
        "fromTables": list(move.from_tables),
        "tables": list(move.to_tables),
        "optimizationId": str(own_id),
    }
    confirmed = State.CONFIRMED
    return ports.HistoryRow(
        UUID(move.booking_id), confirmed, confirmed, version, found.context.actor, records.MOVED, metadata
    )


def _rows(found: _Found, move: Move) -> list[ports.TableAllocation]:
    """The same minutes as before, at other tables."""
    before = rows_by_booking(found.reading.snapshot)[move.booking_id]
    start, end = min(row.start for row in before), max(row.end for row in before)
    return records.planned_rows(
        found.index, UUID(move.booking_id), move.to_tables, from_minutes(start), from_minutes(end)
    )


def _after(found: _Found, rows: Sequence[ports.TableAllocation]) -> ports.Snapshot:
    """The day once it is written."""
    snapshot, moved = found.reading.snapshot, {move.booking_id for move in found.reseating.moves}
    kept = [row for row in snapshot.allocations if row.booking_id not in moved]
    new = [
        Allocation(row.table_id, to_minutes(row.start), to_minutes(row.end), str(row.booking_id))
        for row in rows
    ]
    covers = [
        Covers(to_minutes(party.start_at), party.party_size)
        for party in (found.waiting[each.booking_id] for each in found.reseating.seats)
    ]
    return replace(
        snapshot, allocations=(*kept, *new), covers=(*snapshot.covers, *covers), stays=_unmoved(found)
    )


def _unmoved(found: _Found) -> tuple[ports.MovableStay, ...]:
    """Nobody is moved a second time in the same breath."""
    moved = {move.booking_id for move in found.reseating.moves}
    return tuple(stay for stay in found.reading.snapshot.stays if stay.booking_id not in moved)


def _still_waiting(found: _Found) -> list[Booking]:
    seated = {each.booking_id for each in found.reseating.seats}
    return [booking for booking_id, booking in found.waiting.items() if booking_id not in seated]


def _explanation(booking: Booking, reseating: Reseating) -> ports.Json:
    tables, others = ", ".join(booking.tables), len(reseating.moves)
    moved = f"; {others} other {'booking' if others == 1 else 'bookings'} moved" if others else ""
    return {
        "summary": f"The whole service was seated anew, which made room at {tables}{moved}.",
        "decision": "confirmed",
        "chosen": list(booking.tables),
        "scoreTerms": {},
        "losers": [],
        "refusedBy": None,
        "moves": [
            {"bookingId": each.booking_id, "from": list(each.from_tables), "to": list(each.to_tables)}
            for each in reseating.moves
        ],
    }
