"""``GET /bookings/{id}`` and ``GET /restaurants/{id}/bookings``: bookings as they are."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import encode_cursor
from maitred.domain.booking import Booking
from maitred.domain.errors import RestaurantNotFound
from maitred.domain.states import State
from maitred.services.idempotency import Reply, booking_reply
from maitred.services.ports import BookingStore, Clock


class BookingViews:
    def __init__(self, store: BookingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def booking(self, booking: Booking) -> Reply:
        """The booking, with its version as the ETag."""
        return booking_reply(booking, self._clock.now(), {"etag": f'"{booking.version}"'})

    def page(
        self,
        restaurant_id: str,
        service_date: date | None,
        states: Sequence[State],
        after: tuple[datetime, UUID],
        limit: int,
    ) -> Reply:
        """Up to ``limit`` bookings that follow ``after``, by start and id. Raises RestaurantNotFound."""
        found = self._store.page(restaurant_id, service_date, states, after, limit)
        if not found.items and self._store.layout(restaurant_id, None, None, None) is None:
            raise RestaurantNotFound
        last, now = found.items[-1] if found.more else None, self._clock.now()
        body = {
            "items": [responses.booking_json(booking, now) for booking in found.items],
            "nextCursor": encode_cursor(last.start_at, last.id) if last else None,
        }
        return Reply(200, responses.dumps(body))
