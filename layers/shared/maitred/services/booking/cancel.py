"""``POST /bookings/{id}/cancel``: frees the tables at once; a second cancel changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from maitred.contracts import responses
from maitred.domain.booking import Booking, MailKind
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.unit_of_work import change_booking, commit, remember


class CancelBooking:
    def __init__(self, deps: Dependencies, waitlist: Waitlist) -> None:
        self._deps = deps
        self._waitlist = waitlist

    def cancel(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        """Raises InvalidTransition once the party is seated or the stay is over."""

        def cancel(current: Booking) -> Reply:
            if current.state is State.CANCELLED:
                return remember(self._deps, context, _reply(current))
            now = self._deps.clock.now()
            woken = self._waitlist.messages(current, context.correlation_id, now)
            changes, reply = _cancelled(current, reason, context, woken, self._deps.ids, now)
            commit(self._deps, changes)
            return reply

        return change_booking(self._deps, booking, context, cancel)


def _cancelled(
    booking: Booking,
    reason: str | None,
    context: RequestContext,
    woken: Sequence[ports.OutboxRow],
    ids: ports.Ids,
    now: datetime,
) -> tuple[ports.Changes, Reply]:
    """The booking without its tables, the guest's letter, and messages for parties that wait."""
    correlation, actor = context.correlation_id, context.actor
    steps = records.steps_through((booking.state, State.CANCELLED), booking.version + 1)
    cancelled = replace(booking, state=State.CANCELLED, version=booking.version + 1, tables=(), zone=None)
    mailing = records.mail(cancelled, MailKind.CANCELLED, None, correlation, ids, now)
    reply = _reply(cancelled)
    changes = ports.Changes(
        touched_days=[(booking.restaurant_id, booking.service_date)] if booking.tables else [],
        updates=[
            ports.BookingUpdate(
                booking.id, booking.version, cancelled.version, State.CANCELLED, tables=booking.tables
            )
        ],
        release=[booking.id] if booking.tables else [],
        history=records.history_rows(booking, steps, actor, reason, {"tables": list(booking.tables)}),
        events=events.state_changed(booking, correlation, steps, actor),
        notifications=mailing.notifications,
        outbox=[*mailing.outbox, *woken],
        reply=to_store(context.key, reply),
    )
    return changes, reply


def _reply(booking: Booking) -> Reply:
    return Reply(200, responses.dumps({"booking": responses.booking_json(booking)}))
