"""``GET /restaurants/{id}/changes``: what happened to the bookings, for a client that follows them."""

from maitred.contracts import responses
from maitred.contracts.bookings import encode_position
from maitred.domain.errors import RestaurantNotFound
from maitred.services.idempotency import Reply
from maitred.services.ports import Feed


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
        items = [
            responses.change_json(encode_position(each.position), each.type, each.at, each.booking)
            for each in changes
        ]
        last = changes[-1].position if changes else after
        body = {"items": items, "nextCursor": encode_position(last)}
        return Reply(200, responses.dumps(body))
