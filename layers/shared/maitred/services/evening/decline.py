"""``POST /bookings/{id}/decline``: a guest who waits is told that there will be no table."""

from dataclasses import replace

from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.services.assignment.records import declined
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import change_booking, remember


class Declining:
    def __init__(self, deps: Dependencies, waitlist: Waitlist) -> None:
        self._deps = deps
        self._waitlist = waitlist

    def decline(self, booking: Booking, reason: str | None, context: RequestContext) -> Reply:
        """The booking ends, with a letter to the guest; a second time changes nothing.

        Raises AssignmentInProgress while a worker has the booking, InvalidTransition if it does not wait.
        """

        def decline(current: Booking) -> Reply:
            now = self._deps.clock.now()
            if current.state is State.DECLINED:
                return remember(self._deps, context, booking_reply(current, now), current)
            _require_waiting(current)
            changes, after = declined(
                current, context.actor, reason, context.correlation_id, self._deps.ids, now
            )
            reply = booking_reply(after, now)
            changes = replace(changes, reply=to_store(context.key, reply))
            self._waitlist.commit(changes, current, context.correlation_id, now)
            return reply

        return change_booking(self._deps, booking, context, decline)


def _require_waiting(booking: Booking) -> None:
    if booking.state is State.ASSIGNMENT_IN_PROGRESS:
        raise errors.AssignmentInProgress
    if booking.state not in (State.ASSIGNMENT_PENDING, State.MANUAL_REVIEW):
        raise errors.InvalidTransition(
            f"a booking that is {booking.state.value} cannot be declined; cancel it instead"
        )
