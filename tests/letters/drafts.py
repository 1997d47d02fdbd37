"""Bookings to write letters about."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from maitred.domain.booking import Booking, MailKind, Preferences
from maitred.domain.states import State
from maitred.services.messaging.mail.email import Email, Sender, compose

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BOOKING = Booking(
    id=UUID("6f2b1f6e-0c54-4f0e-9d53-2f1f3ed2a001"),
    reference="K7QX2M",
    restaurant_id="harbour",
    state=State.CONFIRMED,
    version=3,
    request_version=1,
    party_size=4,
    start_at=datetime(2026, 12, 4, 19, 5, tzinfo=UTC),
    end_at=datetime(2026, 12, 4, 20, 50, tzinfo=UTC),
    duration_minutes=None,
    service_id="dinner",
    service_date=date(2026, 12, 4),
    pinned=False,
    guest={"name": "Ada", "email": "ada@example.com"},
    preferences=Preferences(),
    notes="by the window",
    last_result=None,
    created_at=NOW,
    updated_at=NOW,
    timezone="Europe/London",
    tables=("T4",),
)
SENDER = Sender("Harbour Room", "host@example.com")
KINDS = (
    ("request_received", None),
    ("confirmed", "standard"),
    ("confirmed", "modified"),
    ("modification_pending", None),
    ("cancelled", None),
    ("attention", None),
    ("declined", None),
)


def letter(
    kind: str = "confirmed",
    variant: str | None = None,
    locale: str = "en",
    sender: Sender = SENDER,
    **changes: Any,
) -> Email:
    return compose(MailKind(kind), variant, replace(BOOKING, **changes), sender, locale, NOW)
