"""``POST /bookings/{id}/cancel``: frees the tables at once; a second cancel changes nothing."""

from dataclasses import replace

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.services import confirmation, ports
from maitred.services.kit import Kit
from maitred.services.replies import Reply, RequestContext, earlier, of_twin, to_store
from maitred.services.waking import Waking
from maitred.telemetry import events

_TRIES = 3  # a worker may advance the booking between the read and the write


class CancelBooking:
    def __init__(self, kit: Kit, waking: Waking) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._waking = waking

    def cancel(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        """Raises InvalidTransition once the party is seated or the stay is over."""
        answered = earlier(self._book, context.key)
        if answered is not None:
            return answered
        for _ in range(_TRIES):
            try:
                return self._cancel(booking, reason, context)
            except ports.StaleVersion:
                booking = self._again(booking)
            except ports.DuplicateRequest:
                return of_twin(self._book, context.key)
        raise errors.Overloaded("the booking keeps changing")

    def _cancel(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        if booking.state is State.CANCELLED:
            return self._unchanged(booking, context)
        effects, reply = self._effects(booking, reason, context)
        sent = self._book.apply(effects)
        self._telemetry.committed(effects.events)
        self._relay.send_now(sent)
        return reply

    def _effects(
        self, booking: Booking, reason: str | None, context: RequestContext
    ) -> tuple[ports.Effects, Reply]:
        now = self._clock.now()
        correlation = context.correlation_id
        steps = confirmation.steps_through((booking.state, State.CANCELLED), booking.version + 1)
        cancelled = replace(booking, state=State.CANCELLED, version=booking.version + 1, tables=(), zone=None)
        notes, outbox = confirmation.mail(cancelled, "cancelled", None, correlation, self._ids, now)
        reply = _reply(cancelled)
        effects = ports.Effects(
            touched_days=[(booking.restaurant_id, booking.service_date)] if booking.tables else [],
            changes=[ports.BookingChange(booking.id, booking.version, cancelled.version, State.CANCELLED)],
            release=[booking.id] if booking.tables else [],
            history=confirmation.history_rows(
                booking, steps, context.actor, reason, {"tables": list(booking.tables)}
            ),
            events=events.state_changed(booking, correlation, steps, context.actor),
            notifications=notes,
            outbox=[*outbox, *self._waking.messages(booking, correlation, now)],
            reply=to_store(context.key, reply),
        )
        return effects, reply

    def _unchanged(self, booking: Booking, context: RequestContext) -> Reply:
        reply = _reply(booking)
        if context.key is not None:
            self._book.apply(ports.Effects(reply=to_store(context.key, reply)))
        return reply

    def _again(self, booking: Booking) -> Booking:
        found = self._book.booking(booking.id)
        if found is None:
            raise errors.BookingNotFound
        return found


def _reply(booking: Booking) -> Reply:
    return Reply(200, responses.dumps({"booking": responses.booking_json(booking)}))
