"""``POST /bookings/{id}/cancel``: frees the tables at once; a second cancel changes nothing."""

from dataclasses import replace

from maitred.contracts import responses
from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.wake import Waking
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.kit import Kit
from maitred.services.unit_of_work import change_booking, write


class CancelBooking:
    def __init__(self, kit: Kit, waking: Waking) -> None:
        self._kit = kit
        self._waking = waking

    def cancel(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        """Raises InvalidTransition once the party is seated or the stay is over."""

        def cancel(current: Booking) -> Reply:
            if current.state is State.CANCELLED:
                return self._unchanged(current, context)
            return write(self._kit, *self._effects(current, reason, context))

        return change_booking(self._kit.book, booking, context, cancel)

    def _effects(
        self, booking: Booking, reason: str | None, context: RequestContext
    ) -> tuple[ports.Effects, Reply]:
        now = self._kit.clock.now()
        correlation = context.correlation_id
        steps = records.steps_through((booking.state, State.CANCELLED), booking.version + 1)
        cancelled = replace(booking, state=State.CANCELLED, version=booking.version + 1, tables=(), zone=None)
        mailing = records.mail(cancelled, "cancelled", None, correlation, self._kit.ids, now)
        reply = _reply(cancelled)
        effects = ports.Effects(
            touched_days=[(booking.restaurant_id, booking.service_date)] if booking.tables else [],
            changes=[
                ports.BookingChange(
                    booking.id,
                    booking.version,
                    cancelled.version,
                    State.CANCELLED,
                    tables=booking.tables,
                )
            ],
            release=[booking.id] if booking.tables else [],
            history=records.history_rows(
                booking, steps, context.actor, reason, {"tables": list(booking.tables)}
            ),
            events=events.state_changed(booking, correlation, steps, context.actor),
            notifications=mailing.notifications,
            outbox=[*mailing.outbox, *self._waking.messages(booking, correlation, now)],
            reply=to_store(context.key, reply),
        )
        return effects, reply

    def _unchanged(self, booking: Booking, context: RequestContext) -> Reply:
        reply = _reply(booking)
        if context.key is not None:
            self._kit.book.apply(ports.Effects(reply=to_store(context.key, reply)))
        return reply


def _reply(booking: Booking) -> Reply:
    return Reply(200, responses.dumps({"booking": responses.booking_json(booking)}))
