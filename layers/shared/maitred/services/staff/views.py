"""``GET /bookings/{id}/history``, ``/attempts`` and ``/explanation``: how a booking came to be as it is."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from pydantic.alias_generators import to_camel

from maitred.contracts import responses
from maitred.domain.booking import Booking
from maitred.planner.answer.explanation import cut
from maitred.services.assignment.attempt import no_decision
from maitred.services.assignment.room import BLOCKED
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
        """The last attempt's reasons for its tables, or for having found none; and why it was moved since."""
        none = Explanation(no_decision("No attempt has been made yet."), booking.created_at)
        found = self._store.explanation(booking.id) or none
        data = found.data if found.move is None else _moved(found.data, found.move, found.moved_at, booking)
        body = {**data, "at": responses.local(found.at, booking.timezone)}
        return Reply(200, responses.dumps(body))


def _moved(data: Json, move: Json, at: datetime | None, booking: Booking) -> Json:
    """Where it sits now, where it was before, and for whom it moved."""
    left, now = ", ".join(move["fromTables"]), ", ".join(move["tables"])
    moved = {
        "from": move["fromTables"],
        "to": move["tables"],
        "for": move.get("movedFor"),
        "optimizationId": move.get("optimizationId"),
        "at": at and responses.local(at, booking.timezone),
    }
    summary = f"{data['summary']} It moved from {left} to {now} since, {_cause(move)}."
    return cut({**data, "summary": summary, "chosen": move["tables"], "moved": moved})


def _cause(move: Json) -> str:
    if "optimizationId" in move:
        return "when the whole service was seated anew or that was undone"
    if move["movedFor"] == BLOCKED:
        return "because its table was out of order"
    return f"because of booking {move['movedFor']}"


def _items(rows: Sequence[HistoryEntry | AttemptEntry], timezone: str) -> Reply:
    items = [_json(row, timezone) for row in rows]
    return Reply(200, responses.dumps({"items": items, "nextCursor": None}))


def _json(row: HistoryEntry | AttemptEntry, timezone: str) -> Json:
    members = {to_camel(field.name): getattr(row, field.name) for field in fields(row)}
    return members | {"at": responses.local(row.at, timezone)}
