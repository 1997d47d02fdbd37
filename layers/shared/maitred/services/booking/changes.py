"""``GET /restaurants/{id}/changes``: what happened to the bookings, for a client that follows them."""

from maitred.contracts import responses
from maitred.contracts.bookings import encode_position
from maitred.domain.errors import RestaurantNotFound
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingChange, Feed, Json


class ChangeFeed:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def page(self, restaurant_id: str, after: int, limit: int) -> Reply:
        """Up to ``limit`` changes after the position ``after``, in the order of their commits.

        There is always a next cursor: with the last one a client asks again later. Raises RestaurantNotFound.
        """
        changes = self._feed.changes(restaurant_id, after, limit)
        if changes is None:
            raise RestaurantNotFound
        last = changes[-1].position if changes else after
        body = {"items": [change_json(each) for each in changes], "nextCursor": encode_position(last)}
        return Reply(200, responses.dumps(body))


def change_json(change: BookingChange) -> Json:
    """``booking`` is as it was right after the change; "late" and "expected end" are of that moment."""
    return {
        "cursor": encode_position(change.position),
        "type": change.type,
        "at": responses.local(change.at, change.booking.timezone),
        "booking": responses.booking_json(change.booking, change.at),
    }
