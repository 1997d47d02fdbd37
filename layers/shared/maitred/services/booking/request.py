"""The data of one inline attempt: what was asked, what was read, what has been found so far."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from maitred.domain.booking import Booking, LocalStart, Preferences, Trigger
from maitred.domain.floor import Policy
from maitred.domain.hold import Hold
from maitred.domain.reasons import Reason
from maitred.domain.windows import Notice, Window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative
from maitred.planner.options import PlannerOptions
from maitred.services.assignment.attempt import Attempt, Verdict
from maitred.services.assignment.budget import Budget
from maitred.services.idempotency import Reply, RequestContext
from maitred.services.ports import Snapshot
from maitred.services.rollout import Held


@dataclass(frozen=True, slots=True)
class BookingWish:
    """What a guest asks for. ``start`` is venue-local, or a moment in UTC. ``hold_id``: the guest's own."""

    restaurant_id: str
    party_size: int
    start: LocalStart | datetime
    guest: dict[str, str]
    preferences: Preferences
    notes: str | None
    duration_minutes: int | None
    refuse_if_full: bool
    hold_id: UUID | None = None


@dataclass(slots=True)
class InlineRun:
    """One inline attempt under way. ``written`` and ``attempt``: of the confirmation that was sent last.

    ``deferred``: the answer that goes with keeping the booking as pending, once that was sent.
    ``changed``: the booking that is modified, as it was read; its own tables are no obstacle to it.
    ``hold``: the one that the booking is made of, as it was read; no obstacle either. ``keeps_held``: its
    tables serve the party still, so the planner is not asked for others. ``policy``: that of the last quote.
    ``held``: the flags, as they were when it began.
    """

    wish: BookingWish
    context: RequestContext
    trigger: Trigger
    changed: Booking | None
    budget: Budget
    budget_ms: int
    now: datetime
    options: PlannerOptions
    held: Held
    attempt_id: UUID
    booking_id: UUID
    reference: str
    stage: str = "snapshot"
    db_ms: float = 0.0
    hold: Hold | None = None
    keeps_held: bool = False
    policy: Policy = field(default_factory=Policy)
    quotes: list[Verdict] = field(default_factory=list)
    alternatives: tuple[Alternative, ...] = ()
    written: Reply | None = None
    deferred: Reply | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class DayReading:
    """The floor, the stay on it, and the day's ledger; or why that could not be read in time."""

    index: FloorIndex
    window: Window
    notices: tuple[Notice, ...]
    snapshot: Snapshot | Reason
    cache_hit: bool
