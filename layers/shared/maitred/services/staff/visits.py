"""The party comes, leaves, or does not come: what a host marks during the service."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State, require_transition
from maitred.planner.floor.index import FloorIndex
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.layout_change import problem_of
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import change_booking, commit, committed

UNDONE = "no_show_undone"
_BUDGET_MS = 2000  # for a unit of work that locks the day


class Visits:
    """Every method raises InvalidTransition if the booking's state does not allow it."""

    def __init__(self, deps: Dependencies, floors: Floors, waitlist: Waitlist) -> None:
        self._deps = deps
        self._floors = floors
        self._waitlist = waitlist

    def seat(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has come."""
        return self._mark(booking, State.SEATED, context)

    def complete(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has left; the rest of its time is free."""
        return self._mark(booking, State.COMPLETED, context)

    def no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has not come; its tables are free."""
        return self._mark(booking, State.NO_SHOW, context)

    def undo_no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has come after all: to its tables if they are still free, else the job finds others."""

        def undo(current: Booking) -> Reply:
            if current.state is not State.NO_SHOW:
                raise errors.InvalidTransition(f"the booking is {current.state.value}, not a no-show")
            return self._undo(current, context)

        return change_booking(self._deps, booking, context, undo)

    def _mark(self, booking: Booking, target: State, context: RequestContext) -> Reply:
        def mark(current: Booking) -> Reply:
            require_transition(current.state, target)
            after = replace(current, state=target, version=current.version + 1)
            if target is State.SEATED:
                changes, reply = _step(current, after, target.value, context)
                commit(self._deps, changes)
                return reply
            changes, reply = _step(current, replace(after, tables=(), zone=None), target.value, context)
            self._waitlist.commit(changes, current, context.correlation_id, self._deps.clock.now())
            return reply

        return change_booking(self._deps, booking, context, mark)

    def _undo(self, booking: Booking, context: RequestContext) -> Reply:
        """Decided while the day is locked: nobody takes the tables in between."""
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id)
        released = self._deps.store.released(booking.id)
        start, end = (released[0].start, released[0].end) if released else (booking.start_at, booking.end_at)
        day = ports.Day(booking.restaurant_id, booking.service_date, start, end, None, "")
        with self._deps.store.locked_day(day, index.floor.layout_version, _BUDGET_MS) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout")
            now = self._deps.clock.now()
            if _still_free(booking, released, index, locked.snapshot, now):
                changes, reply = _restored(booking, released, index, context)
            else:
                changes, reply = _pending(booking, context, now)
            committed(self._deps, changes, locked.apply(changes))
        return reply


def _still_free(
    booking: Booking,
    released: Sequence[ports.TableAllocation],
    index: FloorIndex,
    snapshot: ports.Snapshot,
    now: datetime,
) -> bool:
    tables = tuple(row.table_id for row in released)
    overridden = frozenset(rule for row in released for rule in row.overrides)
    if problem_of(index, replace(booking, tables=tables), now, overridden) is not None:
        return False
    return not {row.table_id for row in snapshot.allocations} & set(tables)


# --- what each outcome writes ---


def _restored(
    before: Booking, released: Sequence[ports.TableAllocation], index: FloorIndex, context: RequestContext
) -> tuple[ports.Changes, Reply]:
    """The booking is confirmed on the tables that it had."""
    tables = [index.tables[index.position[row.table_id]] for row in released]
    after = replace(
        before,
        state=State.CONFIRMED,
        version=before.version + 1,
        tables=tuple(table.id for table in tables),
        zone=min(table.zone for table in tables),
    )
    allocations = [
        replace(row, layout_version=index.floor.layout_version, capacity=table.capacity)
        for row, table in zip(released, tables, strict=True)
    ]
    return _step(before, after, UNDONE, context, allocations=allocations)


def _pending(before: Booking, context: RequestContext, now: datetime) -> tuple[ports.Changes, Reply]:
    """The booking waits, without tables, for the background job."""
    after = replace(before, state=State.ASSIGNMENT_PENDING, version=before.version + 1, pinned=False)
    job = records.assign_row(after, Trigger.RETRY, 1, context.correlation_id, now)
    return _step(before, replace(after, zone=None), UNDONE, context, outbox=[job])


def _step(
    before: Booking,
    after: Booking,
    reason: str,
    context: RequestContext,
    *,
    allocations: Sequence[ports.TableAllocation] = (),
    outbox: Sequence[ports.OutboxRow] = (),
) -> tuple[ports.Changes, Reply]:
    """One step of the state machine, and the tables that it frees or takes."""
    tables: ports.Json = {"tables": list(before.tables or after.tables)}
    history = records.history_rows(after, [before.state], context.actor, reason, tables)
    frees = bool(before.tables) and not after.tables
    reply = booking_reply(after)
    changes = ports.Changes(
        touched_days=[(before.restaurant_id, before.service_date)] if frees else [],
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        release=[before.id] if frees else [],
        allocations=allocations,
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        outbox=outbox,
        reply=to_store(context.key, reply),
    )
    return changes, reply
