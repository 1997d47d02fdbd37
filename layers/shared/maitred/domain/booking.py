"""A booking: what was asked for, its state, and its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from maitred.domain.floor import DEFAULT_LOCALE, Policy
from maitred.domain.states import State

_LATE_MINUTES = Policy().late_minutes


class Trigger(StrEnum):
    """The cause of an attempt."""

    INLINE_CREATION = "inline_creation"
    INLINE_MODIFICATION = "inline_modification"
    INLINE_HOLD = "inline_hold"
    CREATION = "creation"
    MODIFICATION = "modification"
    RETRY = "retry"
    CAPACITY_FREED = "capacity_freed"
    LAYOUT_CHANGE = "layout_change"
    STAFF = "staff"
    WALK_IN = "walk_in"
    ROOM = "room"
    SHIFT = "shift"


class Flow(StrEnum):
    INLINE = "inline"
    JOB = "job"
    STAFF = "staff"
    SHADOW = "shadow"


class MailKind(StrEnum):
    """The letters: all to the guest but ``attention``, which goes to the restaurant."""

    REQUEST_RECEIVED = "request_received"
    CONFIRMED = "confirmed"
    MODIFICATION_PENDING = "modification_pending"
    CANCELLED = "cancelled"
    ATTENTION = "attention"
    DECLINED = "declined"


#: A variant of ``attention``: one of the restaurant's webhooks is switched off.
WEBHOOK_DISABLED = "webhook_disabled"


@dataclass(frozen=True, slots=True)
class LocalStart:
    """A start in the restaurant's own calendar and clock."""

    day: date
    clock: time


@dataclass(frozen=True, slots=True)
class Preferences:
    """Wishes (``zone``, ``attributes``) and requirements (``required``, and ``zone`` if ``zone_required``).

    See docs/api.md, Rules of seating.
    """

    zone: str | None = None
    zone_required: bool = False
    attributes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking as stored. ``tables`` are its present ones, sorted; times are UTC.

    ``confirmation_queued``: the confirmation of the present request is in the outbox.
    ``locale``: language tag of the restaurant's letters. ``late_minutes``: how long after its start a guest
    who has not come is late there. ``at_risk_since``: from when on its tables will not be free for it.
    ``updated_at``: when anything last changed that a reader of the booking sees, moves for others included.
    """

    id: UUID
    reference: str
    restaurant_id: str
    state: State
    version: int
    request_version: int
    party_size: int
    start_at: datetime
    end_at: datetime
    duration_minutes: int | None
    service_id: str
    service_date: date
    pinned: bool
    guest: Mapping[str, str]
    preferences: Preferences
    notes: str | None
    last_result: Mapping[str, Any] | None
    created_at: datetime
    timezone: str
    tables: tuple[str, ...] = ()
    zone: str | None = None
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    confirmation_queued: bool = False
    locale: str = DEFAULT_LOCALE
    arrived_at: datetime | None = None
    seated_at: datetime | None = None
    completed_at: datetime | None = None
    late_minutes: int = _LATE_MINUTES
    at_risk_since: datetime | None = None
    updated_at: datetime = field(kw_only=True)

    def leaves_at(self) -> datetime:
        """When the stay is over by its length, from when the party sat down, or from its start."""
        return (self.seated_at or self.start_at) + (self.end_at - self.start_at)

    def expected_end_at(self, now: datetime) -> datetime | None:
        """When the party that sits at a table will leave: never earlier than now. None: it does not sit."""
        return max(self.leaves_at(), now) if self.state is State.SEATED else None

    def is_over_time(self, now: datetime) -> bool:
        """Does the party sit there longer than it was to stay?"""
        return self.state is State.SEATED and self.leaves_at() <= now

    def is_late(self, now: datetime) -> bool:
        """Is the guest expected, not in the house, and that for longer than the restaurant allows?"""
        expected = self.state is State.CONFIRMED and self.arrived_at is None
        return expected and self.start_at + timedelta(minutes=self.late_minutes) <= now
