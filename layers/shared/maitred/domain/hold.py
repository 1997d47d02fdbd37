"""A hold: tables kept for a party for some minutes, before there is a booking."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Hold:
    """``[start_at, end_at)`` is the stay without buffers; ``tables`` are sorted; times are UTC.

    ``layout_version``: the floor that the tables were chosen on. ``used_by``: the booking that used the hold
    and took its tables; a used hold has no tables, and layout version 0.
    ``expired``: by the database's clock when it was read. A hold that was given back counts as expired.
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
