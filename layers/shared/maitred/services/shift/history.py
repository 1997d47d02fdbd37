"""``GET /restaurants/{r}/optimizations``: what was decided about the shifts, the latest first."""

from datetime import datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import encode_cursor
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Json
from maitred.services.shift.ports import Optimizations, StoredOptimization


class ShiftHistory:
    def __init__(self, store: BookingStore, floors: Floors, optimizations: Optimizations) -> None:
        self._store = store
        self._floors = floors
        self._optimizations = optimizations

    def page(self, restaurant_id: str, before: tuple[datetime, UUID], limit: int) -> Reply:
        """Raises RestaurantNotFound, StoreError."""
        read_floor(self._store, self._floors, restaurant_id)
        found = self._optimizations.page(restaurant_id, before, limit + 1)
        page = found[:limit]
        more = len(found) > limit
        cursor = encode_cursor(page[-1].made.created_at, page[-1].made.id) if more else None
        return Reply(200, responses.dumps({"items": [_item(each) for each in page], "nextCursor": cursor}))


def _item(each: StoredOptimization) -> Json:
    """What its caller was told, and what has become of it since."""
    made = each.made
    return {
        **made.reply,
        "date": made.service_date.isoformat(),
        "service": made.service_id,
        "result": made.result,
        "actor": made.actor_id,
        "undoneAt": each.undone_at and each.undone_at.isoformat(),
        "undoneBy": each.undone_by,
    }
