"""``POST /bookings/{id}/seat``, ``/unseat``, and other tables for a party that sits: who is where, now.

Each locks the day, so that nobody takes a table in between, and plans again at once what it makes impossible.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError
from maitred.domain.states import State, require_transition
from maitred.domain.windows import service_day
from maitred.planner.answer.choice import Choice
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import OVERRIDABLE, check_tables
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.planning import booking_request
from maitred.services.assignment.room import (
    BUDGET_MS,
    Replanner,
    Room,
    is_free,
    locked_room,
    on_hold_there,
    require_no_hold,
    require_nobody_there,
    seated_rows,
    set_aside,
    settle_blocks,
    with_rows,
)
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.ports import WaitingParty
from maitred.services.unit_of_work import change_booking

UNSEATED = "unseated"
MOVED_BY_STAFF = "moved_by_staff"


@dataclass(frozen=True, slots=True)
class _Step:
    """One change of where a party is: the booking before and after, its new rows of the ledger, and why."""

    before: Booking
    after: Booking
    rows: list[ports.TableAllocation]
    reason: str
    metadata: ports.Json


class Seating:
    """Every method raises InvalidTransition if the booking's state does not allow it."""

    def __init__(self, deps: Dependencies, floors: Floors, replanner: Replanner, waitlist: Waitlist) -> None:
        self._deps = deps
        self._waitlist = waitlist
        self._floors = floors
        self._replanner = replanner

    def seat(self, booking: Booking, choice: Choice | None, context: RequestContext) -> Reply:
        """The party sits down at its tables, or at those of ``choice``.

        Raises TooEarly, TableOccupied if somebody sits there, RuleViolated for a choice that breaks a rule.
        """

        def seat(current: Booking) -> Reply:
            require_transition(current.state, State.SEATED)
            if current.state is not State.CONFIRMED:
                raise errors.InvalidTransition(f"a booking that is {current.state.value} cannot be seated")
            now = self._deps.clock.now()
            parties = self._waitlist.parties(current, now)
            until = now + (current.end_at - current.start_at)
            with self._room(current, now, until) as room:
                _require_not_early(room, current)
                tables = choice.tables if choice else current.tables
                overrides = _overrides(room.index, current, tables, choice)
                after = replace(
                    _sitting(room.index, current, tables, now),
                    seated_at=now,
                    arrived_at=current.arrived_at or now,
                )
                rows = seated_rows(room.index, after, now, overrides)
                require_nobody_there(room, tables, current.id, rows[0].end)
                if choice is not None:
                    require_no_hold(room.snapshot, rows)
                metadata: ports.Json = {"tables": list(after.tables), "overrides": list(overrides)}
                return self._commit(
                    room, _Step(current, after, rows, State.SEATED.value, metadata), parties, context
                )

        return change_booking(self._deps, booking, context, seat)

    def unseat(self, booking: Booking, context: RequestContext) -> Reply:
        """The party does not sit there after all: its plan holds again, at its tables if they are free.

        If they are not, it keeps those where it sat, or gets equivalent ones. Raises TableOccupied if none of
        them is free for its plan.
        """

        def unseat(current: Booking) -> Reply:
            if current.state is not State.SEATED:
                raise errors.InvalidTransition(f"the booking is {current.state.value}, not seated")
            now = self._deps.clock.now()
            parties = self._waitlist.parties(current, now)
            planned = self._deps.store.planned_tables(current.id)
            with self._room(current, now, current.end_at) as room:
                came_with_seat = current.arrived_at == current.seated_at
                after = replace(
                    current,
                    state=State.CONFIRMED,
                    version=current.version + 1,
                    updated_at=now,
                    end_at=_promised_end(room.index, current),
                    seated_at=None,
                    arrived_at=None if came_with_seat else current.arrived_at,
                )
                step = self._back_to_plan(room, current, after, planned)
                return self._commit(room, step, parties, context)

        return change_booking(self._deps, booking, context, unseat)

    def move(self, booking: Booking, choice: Choice, context: RequestContext) -> Reply:
        """A party that sits changes to these tables now; the old ones are free from now.

        Raises TableOccupied if somebody sits there, RuleViolated.
        """

        def move(current: Booking) -> Reply:
            if current.state is not State.SEATED:
                raise errors.InvalidTransition(f"the booking is {current.state.value}, not seated")
            now = self._deps.clock.now()
            parties = self._waitlist.parties(current, now)
            with self._room(current, now, current.leaves_at()) as room:
                overrides = _overrides(room.index, current, choice.tables, choice)
                after = _sitting(room.index, current, choice.tables, now)
                rows = seated_rows(room.index, after, now, overrides)
                require_nobody_there(room, choice.tables, current.id, rows[0].end)
                require_no_hold(room.snapshot, rows)
                metadata: ports.Json = {
                    "fromTables": list(current.tables),
                    "tables": list(after.tables),
                    "overrides": list(overrides),
                }
                return self._commit(
                    room, _Step(current, after, rows, MOVED_BY_STAFF, metadata), parties, context
                )

        return change_booking(self._deps, booking, context, move)

    def _room(self, booking: Booking, now: datetime, until: datetime) -> AbstractContextManager[Room]:
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id, BUDGET_MS)
        return locked_room(self._deps, index, booking.service_date, now, until)

    def _back_to_plan(self, room: Room, before: Booking, after: Booking, planned: tuple[str, ...]) -> _Step:
        """The plan's rows: at ``planned``, or where the party sat, or at equivalent tables."""
        away = settle_blocks(room, with_rows(room.snapshot, before, [])).snapshot
        for tables in (planned, before.tables):
            if not tables or not set(tables) <= room.index.position.keys():
                continue
            there = _at(room.index, after, tables)
            rows = records.table_allocations(room.index, there, set_aside(room.index, there, tables))
            if is_free(away, rows):
                return _unseated(before, there, rows)
        plan = self._replanner.tables_for(room, away, after)
        if plan is None:
            raise errors.TableOccupied(
                "Its tables are planned for others by then; give it other tables first"
            )
        there = replace(after, tables=plan.tables, zone=plan.zone)
        return _unseated(before, there, records.table_allocations(room.index, there))

    def _commit(
        self, room: Room, step: _Step, parties: Sequence[WaitingParty], context: RequestContext
    ) -> Reply:
        """Write the step, and what it makes of the others' plans, in one transaction."""
        before, after, correlation = step.before, step.after, context.correlation_id
        history = records.history_rows(after, [before.state], context.actor, step.reason, step.metadata)
        reply = booking_reply(after, room.now)
        changes = ports.Changes(
            updates=[ports.BookingUpdate(before, after, tables=before.tables)],
            requests=[after] if after.end_at != before.end_at else [],
            drop_holds=on_hold_there(room.snapshot, step.rows),
            departures=[ports.Departure(before.id, room.now)],
            release=[before.id],
            allocations=step.rows,
            history=history,
            events=events.state_changed(history, before.restaurant_id, correlation),
            reply=to_store(context.key, reply),
        )
        then = with_rows(room.snapshot, after, step.rows)
        replanned = self._replanner.replan(room, then, context.actor, correlation)
        self._waitlist.commit_in(room, changes, replanned, parties, correlation)
        return reply


def _require_not_early(room: Room, booking: Booking) -> None:
    early = timedelta(minutes=room.index.floor.policy.early_seat_minutes)
    if room.now < booking.start_at - early:
        start = booking.start_at.astimezone(room.index.floor.timezone)
        raise errors.TooEarly(
            f"This booking is for {start:%Y-%m-%d %H:%M}; a party can be seated from "
            f"{room.index.floor.policy.early_seat_minutes} minutes before its start. Change its start, or "
            "record a walk-in"
        )


def _overrides(
    index: FloorIndex, booking: Booking, tables: tuple[str, ...], choice: Choice | None
) -> tuple[str, ...]:
    """The rules that the tables break and a person sets aside, now or when they were planned.

    Raises RuleViolated for a choice that breaks others.
    """
    if choice is None:
        if not set(tables) <= index.position.keys():
            raise errors.TableOccupied("The floor no longer has its tables; seat the party at others")
        return set_aside(index, booking, tables)
    violations = check_tables(index, tables, booking_request(booking))
    broken = [each for each in violations if each.code not in choice.override & OVERRIDABLE]
    if broken:
        raise errors.RuleViolated([FieldError("tables", each.code, each.message) for each in broken])
    return tuple(sorted({each.code for each in violations}))


def _sitting(index: FloorIndex, booking: Booking, tables: tuple[str, ...], now: datetime) -> Booking:
    there = _at(index, booking, tables)
    return replace(there, state=State.SEATED, version=booking.version + 1, updated_at=now)


def _at(index: FloorIndex, booking: Booking, tables: tuple[str, ...]) -> Booking:
    """The booking at these tables, which the floor has."""
    zones = [index.tables[index.position[table]].zone for table in tables]
    return replace(booking, tables=tuple(sorted(tables)), zone=min(zones))


def _promised_end(index: FloorIndex, booking: Booking) -> datetime:
    """Of its stay by the plan: it may have been lengthened past closing, where no plan can reach."""
    closes = service_day(index.floor, booking.service_date)[1]
    return min(booking.end_at, max(closes, booking.start_at + timedelta(minutes=1)))


def _unseated(before: Booking, after: Booking, rows: list[ports.TableAllocation]) -> _Step:
    metadata: ports.Json = {"fromTables": list(before.tables), "tables": list(after.tables)}
    return _Step(before, after, rows, UNSEATED, metadata)
