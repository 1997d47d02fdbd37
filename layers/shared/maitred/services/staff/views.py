"""``GET /bookings/{id}/history``, ``/attempts`` and ``/explanation``: how a booking came to be as it is."""

from maitred.contracts import responses
from maitred.domain.booking import Booking
from maitred.services.idempotency import Reply
from maitred.services.ports import AttemptEntry, BookingStore, Explanation, HistoryEntry, Json

_NO_ATTEMPT: Json = {
    "summary": "No attempt has been made yet.",
    "decision": "none",
    "chosen": None,
    "scoreTerms": {},
    "losers": [],
    "refusedBy": None,
    "moves": [],
}


class BookingRecords:
    """Every method may raise StoreError."""

    def __init__(self, store: BookingStore) -> None:
        self._store = store

    def history(self, booking: Booking) -> Reply:
        """Every change of state, oldest first."""
        rows = self._store.history(booking.id)
        return _items([_history_json(row, booking.timezone) for row in rows])

    def attempts(self, booking: Booking) -> Reply:
        """Every attempt to find tables, oldest first."""
        rows = self._store.attempts(booking.id)
        return _items([_attempt_json(row, booking.timezone) for row in rows])

    def explanation(self, booking: Booking) -> Reply:
        """The last attempt's reasons for its tables, or for having found none."""
        found = self._store.explanation(booking.id) or Explanation(_NO_ATTEMPT, booking.created_at)
        body = {**found.data, "at": responses.local(found.at, booking.timezone)}
        return Reply(200, responses.dumps(body))


def _items(items: list[Json]) -> Reply:
    return Reply(200, responses.dumps({"items": items, "nextCursor": None}))


def _history_json(row: HistoryEntry, timezone: str) -> Json:
    return {
        "at": responses.local(row.at, timezone),
        "fromState": row.from_state,
        "toState": row.to_state,
        "version": row.version,
        "actor": row.actor,
        "reason": row.reason,
        "metadata": row.metadata,
    }


def _attempt_json(row: AttemptEntry, timezone: str) -> Json:
    return {
        "attemptNo": row.number,
        "flow": row.flow,
        "trigger": row.trigger,
        "outcome": row.outcome,
        "reason": row.reason,
        "strategy": row.strategy,
        "strategies": row.strategies,
        "durationMs": row.duration_ms,
        "at": responses.local(row.at, timezone),
    }
