"""The waitlist: when tables are freed, the bookings that could use them are tried again."""

from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts.messages import ASSIGN, AssignMessage
from maitred.domain.booking import Trigger
from maitred.services.ports import BookingStore, Freed, OutboxRow

_AT_MOST = 20  # a cancelled stay seats one or two parties; the others wait for the next one
_MARGIN = timedelta(hours=1)  # buffers of others that also end up free


def woken_by(store: BookingStore, freed: Freed, correlation_id: str, now: datetime) -> list[OutboxRow]:
    """Messages for waiting bookings that overlap the stay of ``freed``, those its tables seat first.

    Write them in the transaction that frees the tables.
    """
    if not freed.tables or freed.end_at <= now:
        return []
    waiting = store.waiting(freed, freed.start_at - _MARGIN, freed.end_at + _MARGIN, now, _AT_MOST)
    return [wake(freed.restaurant_id, *each, correlation_id, now) for each in waiting]


def wake(restaurant_id: str, booking_id: UUID, version: int, correlation_id: str, now: datetime) -> OutboxRow:
    """The message that has a waiting booking tried again."""
    message = AssignMessage(
        booking_id=booking_id,
        restaurant_id=restaurant_id,
        booking_version=version,
        trigger=Trigger.CAPACITY_FREED,
        attempt=1,
        correlation_id=correlation_id,
        enqueued_at=now,
    )
    return OutboxRow(ASSIGN, booking_id, restaurant_id, message.wire(), correlation_id, now)
