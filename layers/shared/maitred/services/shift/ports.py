"""What the shift reads besides what every use case reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from maitred.domain.booking import Booking
from maitred.services.ports import Optimization


@dataclass(frozen=True, slots=True)
class StoredOptimization:
    """An optimisation as it was made, and since when it is undone."""

    made: Optimization
    undone_at: datetime | None
    undone_by: str | None


class Optimizations(Protocol):
    """Every method may raise StoreError."""

    def waiting(self, restaurant_id: str, service_date: date, now: datetime) -> Sequence[Booking]:
        """Who waits for tables on this date and nobody works on, oldest first."""

    def references(self, restaurant_id: str, booking_ids: Sequence[UUID]) -> Mapping[str, str]:
        """The references of these bookings, by id."""

    def bookings(self, restaurant_id: str, booking_ids: Sequence[UUID]) -> Sequence[Booking]: ...

    def read(self, optimization_id: UUID) -> StoredOptimization | None: ...

    def was_run(self, restaurant_id: str, run: str) -> bool:
        """Has the scheduled run of this name been made?"""

    def page(
        self, restaurant_id: str, before: tuple[datetime, UUID], limit: int
    ) -> Sequence[StoredOptimization]:
        """The latest first, those made before ``before``."""

    def due(self, now: datetime, limit: int) -> Sequence[tuple[str, date]]:
        """Restaurants whose services are to be looked at now, and the date that it is there."""
