"""``POST /bookings/{id}/complete`` and ``/undo-complete``: the party leaves its tables, or has not left."""

from dataclasses import replace
from datetime import datetime, timedelta

from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.states import State, require_transition
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import (
    BUDGET_MS,
    Replanner,
    Room,
    locked_room,
    on_hold_there,
    require_nobody_there,
    seated_rows,
    set_aside,
    with_rows,
)
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import change_booking, committed

UNDONE = "completion_undone"
_UNDO_WITHIN = timedelta(minutes=15)


class Leaving:
    """Every method raises InvalidTransition if the booking's state does not allow it."""

    def __init__(self, deps: Dependencies, floors: Floors, replanner: Replanner, waitlist: Waitlist) -> None:
        self._deps = deps
        self._waitlist = waitlist
        self._floors = floors
        self._replanner = replanner

    def complete(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has left: its tables are free from now, for its neighbours' plans and for who waits."""

        def complete(current: Booking) -> Reply:
            require_transition(current.state, State.COMPLETED)
            now = self._deps.clock.now()
            parties = self._waitlist.parties(current, now)
            index = read_floor(self._deps.store, self._floors, current.restaurant_id, BUDGET_MS)
            with locked_room(self._deps, index, current.service_date, now) as room:
                after = replace(
                    current,
                    state=State.COMPLETED,
                    version=current.version + 1,
                    updated_at=now,
                    tables=(),
                    zone=None,
                    completed_at=now,
                )
                changes, reply = _completed(room, current, after, context)
                then = with_rows(room.snapshot, after, [])
                replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
                self._waitlist.commit_in(room, changes, replanned, parties, context.correlation_id)
                return reply

        return change_booking(self._deps, booking, context, complete)

    def undo(self, booking: Booking, context: RequestContext) -> Reply:
        """The party sits where it sat, as if it had not left; within 15 minutes.

        Raises TableOccupied if somebody else sits there by now.
        """

        def undo(current: Booking) -> Reply:
            now = self._deps.clock.now()
            _require_just_completed(current, now - _UNDO_WITHIN)
            released = self._deps.store.released(current.id)
            tables = tuple(sorted({row.table_id for row in released}))
            sits = replace(
                current,
                state=State.SEATED,
                version=current.version + 1,
                updated_at=now,
                tables=tables,
                completed_at=None,
                seated_at=current.seated_at or current.start_at,
            )
            index = read_floor(self._deps.store, self._floors, current.restaurant_id, BUDGET_MS)
            with locked_room(self._deps, index, current.service_date, now, sits.leaves_at()) as room:
                if not set(tables) <= room.index.position.keys():
                    raise errors.TableOccupied(
                        "Its tables are no longer on the floor; record a walk-in instead"
                    )
                after = replace(
                    sits, zone=min(room.index.tables[room.index.position[t]].zone for t in tables)
                )
                rows = seated_rows(room.index, after, now, set_aside(room.index, after, tables))
                require_nobody_there(room, tables, current.id, rows[0].end)
                changes, reply = _restored(room, current, after, rows, context)
                then = with_rows(room.snapshot, after, rows)
                replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
                changes = replanned.added_to(changes)
                committed(self._deps, changes, room.locked.apply(changes))
                return reply

        return change_booking(self._deps, booking, context, undo)


def _require_just_completed(booking: Booking, earliest: datetime) -> None:
    if booking.state is not State.COMPLETED:
        raise errors.InvalidTransition(f"the booking is {booking.state.value}, not completed")
    if booking.completed_at is None or booking.completed_at < earliest:
        raise errors.InvalidTransition("the visit ended more than 15 minutes ago; record a walk-in instead")


# --- what each outcome writes ---


def _completed(
    room: Room, before: Booking, after: Booking, context: RequestContext
) -> tuple[ports.Changes, Reply]:
    metadata: ports.Json = {"tables": list(before.tables)}
    history = records.history_rows(after, [before.state], context.actor, State.COMPLETED.value, metadata)
    reply = booking_reply(after, room.now)
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        departures=[ports.Departure(before.id, room.now)],
        release=[before.id],
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        reply=to_store(context.key, reply),
    )
    return changes, reply


def _restored(
    room: Room,
    before: Booking,
    after: Booking,
    rows: list[ports.TableAllocation],
    context: RequestContext,
) -> tuple[ports.Changes, Reply]:
    metadata: ports.Json = {"tables": list(after.tables)}
    history = records.history_rows(after, [before.state], context.actor, UNDONE, metadata)
    reply = booking_reply(after, room.now)
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        drop_holds=on_hold_there(room.snapshot, rows),
        allocations=rows,
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        reply=to_store(context.key, reply),
    )
    return changes, reply
