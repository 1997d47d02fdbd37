"""``GET /bookings/{id}/history``, ``/attempts`` and ``/explanation``: how a booking came to be as it is."""

from collections.abc import Sequence
from dataclasses import fields

from pydantic.alias_generators import to_camel

from maitred.contracts import responses
from maitred.domain.booking import Booking
from maitred.services.assignment.attempt import no_decision
from maitred.services.idempotency import Reply
from maitred.services.ports import AttemptEntry, BookingStore, Explanation, HistoryEntry, Json


class BookingRecords:
    """Every method may raise StoreError."""

    def __init__(self, store: BookingStore) -> None:
        self._store = store

    def history(self, booking: Booking) -> Reply:
        """Every change of state, oldest first."""
        return _items(self._store.history(booking.id), booking.timezone)

    def attempts(self, booking: Booking) -> Reply:
        """Every attempt to find tables, oldest first."""
        return _items(self._store.attempts(booking.id), booking.timezone)

    def explanation(self, booking: Booking) -> Reply:
        """The last attempt's reasons for its tables, or for having found none."""
        none = Explanation(no_decision("No attempt has been made yet."), booking.created_at)
        found = self._store.explanation(booking.id) or none
        body = {**found.data, "at": responses.local(found.at, booking.timezone)}
        return Reply(200, responses.dumps(body))


def _items(rows: Sequence[HistoryEntry | AttemptEntry], timezone: str) -> Reply:
    items = [_json(row, timezone) for row in rows]
    return Reply(200, responses.dumps({"items": items, "nextCursor": None}))


def _json(row: HistoryEntry | AttemptEntry, timezone: str) -> Json:
    members = {to_camel(field.name): getattr(row, field.name) for field in fields(row)}
    return members | {"at": responses.local(row.at, timezone)}
