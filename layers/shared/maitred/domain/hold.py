"""A hold: tables kept for a party for some minutes, before anybody has booked them."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Hold:
    """``[start_at, end_at)`` is the stay without buffers; ``tables`` are sorted; times are UTC.

    ``layout_version``: the floor on which the tables were chosen. ``used_by``: the booking made of it, which
    has its tables since; then there are none here, and no layout version (0).
    ``expired``: by the database's clock as it was read; a hold that was given back has expired too.
    """

    id: UUID
    restaurant_id: str
    party_size: int
    start_at: datetime
    end_at: datetime
    service_id: str
    service_date: date
    expires_at: datetime
    timezone: str
    layout_version: int
    tables: tuple[str, ...]
    used_by: UUID | None = None
    expired: bool = False
