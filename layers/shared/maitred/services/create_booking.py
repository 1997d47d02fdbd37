"""Inline quote-and-confirm: one snapshot read, a plan in memory, one confirm transaction.

What is not confirmed within the budget is kept as pending with a message for the background job, in one
transaction too (or refused, if the caller asked for that). After the budget nothing of the attempt commits.
"""

from maitred.services.day_reader import DayReader
from maitred.services.kit import Kit
from maitred.services.planning import Planning
from maitred.services.seating import Seating

_GRACE_MS = 1500  # for keeping the booking as pending once its attempt is over
_REFERENCES = 3  # a random reference in use is rare; three in a row are not random


class CreateBooking:
    """``POST /restaurants/{id}/bookings``. ``budget_ms`` bounds the inline attempt."""

    def __init__(
        self, kit: Kit, reader: DayReader, seating: Seating, planning: Planning, budget_ms: int
    ) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._reader = reader
        self._seating = seating
        self._planning = planning
        self._budget_ms = budget_ms
