"""``PUT`` and ``GET /restaurants/{id}``: the floor document, and the guests a new one touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from maitred.domain.booking import Booking
from maitred.domain.floor import Floor
from maitred.services import ports
from maitred.services.kit import Kit


@dataclass(frozen=True, slots=True)
class StoredLayout:
    layout_version: int
    document: Mapping[str, Any]


class LockedRestaurant(Protocol):
    """One restaurant, locked against other layouts and against bookings being confirmed on the old one."""

    @property
    def current(self) -> StoredLayout | None: ...

    @property
    def confirmed(self) -> Sequence[Booking]:
        """Confirmed bookings that are still to come, with their tables."""

    def replace(
        self, floor: Floor, document: Mapping[str, Any], effects: ports.Effects
    ) -> tuple[ports.SentBy, ...]:
        """Store the layout and apply ``effects``, then commit."""


class Restaurants(Protocol):
    def layout(self, restaurant_id: str) -> StoredLayout | None: ...

    def locked(self, restaurant_id: str, now: datetime) -> Any:
        """A context manager of LockedRestaurant; leaving it without `replace` rolls back."""


class RestaurantService:
    def __init__(self, kit: Kit, restaurants: Restaurants) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._restaurants = restaurants
