"""A change to one booking: once a key, to the booking as it is, again if it or the layout moves meanwhile."""

from collections.abc import Callable

from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.services import ports
from maitred.services.idempotency import Reply, RequestContext, earlier, of_twin
from maitred.services.kit import Kit

_TRIES = 3  # a worker may advance the booking between the read and the write


def change_booking(
    book: ports.Book, booking: Booking, context: RequestContext, change: Callable[[Booking], Reply]
) -> Reply:
    """The reply of ``change``, which raises StaleVersion or Conflict if what it was given is no longer so.

    Raises BookingNotFound, Overloaded, IdempotencyKeyReused, and what ``change`` raises.
    """
    answered = earlier(book, context.key)
    if answered is not None:
        return answered
    for _ in range(_TRIES):
        try:
            return change(booking)
        except (ports.StaleVersion, ports.Conflict):
            found = book.booking(booking.id)
            if found is None:
                raise errors.BookingNotFound from None
            booking = found
        except ports.DuplicateRequest:
            return of_twin(book, context.key)
    raise errors.Overloaded("the booking keeps changing")


def write(kit: Kit, effects: ports.Effects, reply: Reply) -> Reply:
    """Commit, then log and send what belongs to it."""
    sent = kit.book.apply(effects)
    kit.telemetry.committed(effects.events)
    kit.relay.send_now(sent)
    return reply
