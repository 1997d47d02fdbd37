"""``POST /bookings/{id}/cancel``: frees the tables at once; a second cancel changes nothing.

Who gets up frees them for its neighbours' plans too, as at the end of a visit.
"""

from dataclasses import replace
from datetime import datetime

from maitred.domain.booking import Booking, MailKind
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import BUDGET_MS, Replanner, locked_room, with_rows
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import change_booking, remember


class CancelBooking:
    def __init__(self, deps: Dependencies, floors: Floors, waitlist: Waitlist, replanner: Replanner) -> None:
        self._deps = deps
        self._floors = floors
        self._waitlist = waitlist
        self._replanner = replanner

    def cancel(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        """Raises InvalidTransition once the stay is over.

        A party that sits may still leave before it ordered: it is un-seated and cancelled in one step.
        """

        def cancel(current: Booking) -> Reply:
            now = self._deps.clock.now()
            if current.state is State.CANCELLED:
                return remember(self._deps, context, booking_reply(current, now), current)
            changes, reply = _cancelled(current, reason, context, self._deps.ids, now)
            if current.state is State.SEATED:
                self._gets_up(current, changes, context, now)
                return reply
            self._waitlist.commit(changes, current, context.correlation_id, now)
            return reply

        return change_booking(self._deps, booking, context, cancel)

    def _gets_up(
        self, booking: Booking, changes: ports.Changes, context: RequestContext, now: datetime
    ) -> None:
        parties, correlation = self._waitlist.parties(booking, now), context.correlation_id
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id, BUDGET_MS)
        with locked_room(self._deps, index, booking.service_date, now) as room:
            then = with_rows(room.snapshot, booking, [])
            replanned = self._replanner.replan(room, then, context.actor, correlation)
            self._waitlist.commit_in(room, changes, replanned, parties, correlation)


def _cancelled(
    booking: Booking,
    reason: str | None,
    context: RequestContext,
    ids: ports.Ids,
    now: datetime,
) -> tuple[ports.Changes, Reply]:
    """The booking without its tables, and the guest's letter."""
    correlation, metadata = context.correlation_id, {"tables": list(booking.tables)}
    sits = booking.state is State.SEATED
    through = [State.SEATED, State.CONFIRMED] if sits else [booking.state]
    version = booking.version + len(through)
    cancelled = replace(booking, state=State.CANCELLED, version=version, updated_at=now, tables=(), zone=None)
    history = records.history_rows(cancelled, through, context.actor, reason, metadata)
    notifications, outbox = records.mail(cancelled, MailKind.CANCELLED, correlation, ids, now)
    reply = booking_reply(cancelled, now)
    changes = ports.Changes(
        touched_days=[(booking.restaurant_id, booking.service_date)] if booking.tables else [],
        updates=[ports.BookingUpdate(booking, cancelled, tables=booking.tables)],
        departures=[ports.Departure(booking.id, now)] if sits else [],
        release=[booking.id] if booking.tables else [],
        history=history,
        events=events.state_changed(history, booking.restaurant_id, correlation),
        notifications=notifications,
        outbox=outbox,
        reply=to_store(context.key, reply),
    )
    return changes, reply
