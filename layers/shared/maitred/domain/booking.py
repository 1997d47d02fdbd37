"""A booking as the services see it: the request, where it stands, and the tables it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from maitred.domain.floor import DEFAULT_LOCALE
from maitred.domain.states import State


class Trigger(StrEnum):
    """What set an assignment attempt off."""

    INLINE_CREATION = "inline_creation"
    INLINE_MODIFICATION = "inline_modification"
    INLINE_HOLD = "inline_hold"
    CREATION = "creation"
    MODIFICATION = "modification"
    RETRY = "retry"
    CAPACITY_FREED = "capacity_freed"
    LAYOUT_CHANGE = "layout_change"
    STAFF = "staff"


class Flow(StrEnum):
    INLINE = "inline"
    JOB = "job"
    STAFF = "staff"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class LocalStart:
    """A start as the venue's calendar and clock show it."""

    day: date
    clock: time


@dataclass(frozen=True, slots=True)
class Preferences:
    """Wishes (zone, attributes) and musts (zone if ``zone_required``, required). Contract 9."""

    zone: str | None = None
    zone_required: bool = False
    attributes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Booking:
    """One row of the booking book. ``tables`` are those held now, sorted; times are UTC.

    ``confirmation_queued``: the guest's confirmation of this very request has been written to the outbox.
    ``locale``: the language tag that the restaurant writes letters in.
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
