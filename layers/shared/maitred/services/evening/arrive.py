"""``POST /bookings/{id}/arrive``, ``/no-show`` and ``/undo-no-show``: the guests come, or they do not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State, require_transition
from maitred.planner.floor.index import FloorIndex
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, day_of_stay, read_floor
from maitred.services.assignment.layout_change import problem_of
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import change_booking, commit, committed, remember

ARRIVED = "arrived"
UNDONE = "no_show_undone"
_BUDGET_MS = 2000  # for a unit of work that locks the day
#: States in which guests may stand at the door: expected, or still waiting for tables.
_EXPECTED = frozenset({State.ASSIGNMENT_PENDING, State.MANUAL_REVIEW, State.CONFIRMED, State.SEATED})


class Arrivals:
    """Every method raises InvalidTransition if the booking's state does not allow it."""

    def __init__(self, deps: Dependencies, floors: Floors, waitlist: Waitlist) -> None:
        self._deps = deps
        self._floors = floors
        self._waitlist = waitlist

    def arrive(self, booking: Booking, context: RequestContext) -> Reply:
        """The guests are in the house and wait for their table. A second time changes nothing."""

        def arrive(current: Booking) -> Reply:
            now = self._deps.clock.now()
            if current.state not in _EXPECTED:
                raise errors.InvalidTransition(f"a booking that is {current.state.value} cannot arrive")
            if current.arrived_at is not None:
                return remember(self._deps, context, booking_reply(current, now), current)
            changes, reply = _arrived(current, context, now)
            commit(self._deps, changes)
            return reply

        return change_booking(self._deps, booking, context, arrive)

    def no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has not come; its tables are free, also for the parties that wait."""

        def no_show(current: Booking) -> Reply:
            require_transition(current.state, State.NO_SHOW)
            now = self._deps.clock.now()
            version = current.version + 1
            after = replace(
                current, state=State.NO_SHOW, version=version, updated_at=now, tables=(), zone=None
            )
            changes, reply = _step(current, after, State.NO_SHOW.value, context, now)
            self._waitlist.commit(changes, current, context.correlation_id, now)
            return reply

        return change_booking(self._deps, booking, context, no_show)

    def undo_no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has come after all: to its tables if they are still free, else the job finds others."""

        def undo(current: Booking) -> Reply:
            if current.state is not State.NO_SHOW:
                raise errors.InvalidTransition(f"the booking is {current.state.value}, not a no-show")
            return self._undo(current, context)

        return change_booking(self._deps, booking, context, undo)

    def _undo(self, booking: Booking, context: RequestContext) -> Reply:
        """Decided while the day is locked: nobody takes the tables in between."""
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id)
        released = self._deps.store.released(booking.id)
        start, end = (released[0].start, released[0].end) if released else (booking.start_at, booking.end_at)
        now = self._deps.clock.now()
        day = replace(day_of_stay(index.floor, booking, now), start=start, end=end)
        with self._deps.store.locked_day(day, index.floor.layout_version, _BUDGET_MS) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout")
            if _still_free(booking, released, index, locked.snapshot, now):
                changes, reply = _restored(booking, released, index, context, now)
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


def _arrived(before: Booking, context: RequestContext, now: datetime) -> tuple[ports.Changes, Reply]:
    """The state stays. A booking that waits gets a new message: the job's old one is of another version."""
    after = replace(before, version=before.version + 1, updated_at=now, arrived_at=now)
    row = ports.HistoryRow(before.id, before.state, before.state, after.version, context.actor, ARRIVED)
    job = records.assign_row(after, Trigger.RETRY, 1, context.correlation_id, now)
    reply = booking_reply(after, now)
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        history=[row],
        events=events.state_changed([row], before.restaurant_id, context.correlation_id),
        outbox=[job] if before.state is State.ASSIGNMENT_PENDING else [],
        reply=to_store(context.key, reply),
    )
    return changes, reply


def _restored(
    before: Booking,
    released: Sequence[ports.TableAllocation],
    index: FloorIndex,
    context: RequestContext,
    now: datetime,
) -> tuple[ports.Changes, Reply]:
    """The booking is confirmed on the tables that it had."""
    tables = [index.tables[index.position[row.table_id]] for row in released]
    after = replace(
        before,
        state=State.CONFIRMED,
        version=before.version + 1,
        updated_at=now,
        tables=tuple(table.id for table in tables),
        zone=min(table.zone for table in tables),
    )
    allocations = [
        replace(row, layout_version=index.floor.layout_version, capacity=table.capacity)
        for row, table in zip(released, tables, strict=True)
    ]
    changes, reply = _step(before, after, UNDONE, context, now)
    return replace(changes, allocations=allocations), reply


def _pending(before: Booking, context: RequestContext, now: datetime) -> tuple[ports.Changes, Reply]:
    """The booking waits, without tables, for the background job."""
    after = replace(
        before,
        state=State.ASSIGNMENT_PENDING,
        version=before.version + 1,
        updated_at=now,
        zone=None,
        pinned=False,
    )
    job = records.assign_row(after, Trigger.RETRY, 1, context.correlation_id, now)
    changes, reply = _step(before, after, UNDONE, context, now)
    return replace(changes, outbox=[job]), reply


def _step(
    before: Booking, after: Booking, reason: str, context: RequestContext, now: datetime
) -> tuple[ports.Changes, Reply]:
    """One step of the state machine, and the tables that it frees or takes."""
    tables: ports.Json = {"tables": list(before.tables or after.tables)}
    history = records.history_rows(after, [before.state], context.actor, reason, tables)
    frees = bool(before.tables) and not after.tables
    reply = booking_reply(after, now)
    changes = ports.Changes(
        touched_days=[(before.restaurant_id, before.service_date)] if frees else [],
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        release=[before.id] if frees else [],
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        reply=to_store(context.key, reply),
    )
    return changes, reply
