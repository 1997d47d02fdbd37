"""``POST /bookings/{id}/cancel``: frees the tables at once; a second cancel changes nothing."""

from maitred.services.kit import Kit
from maitred.services.waking import Waking

_TRIES = 3  # a worker may advance the booking between the read and the write


class CancelBooking:
    def __init__(self, kit: Kit, waking: Waking) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._waking = waking
