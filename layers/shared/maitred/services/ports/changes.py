"""One unit of work as data: the store applies all of it in one transaction, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from maitred.domain.booking import Booking
from maitred.domain.hold import Hold
from maitred.domain.states import State
from maitred.services.ports.names import EventType, Severity
from maitred.services.ports.readings import IdempotencyKey, Json, Snapshot, StoredReply


@dataclass(frozen=True, slots=True)
class Lease:
    token: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class BookingUpdate:
    """Advance one booking to the state, version and pin of ``after``; updated at its time, or else now.

    Fails with StaleVersion if it no longer has the version of ``before``.
    ``lease_token`` is the fencing token of the worker that writes; None for writers without a lease.
    ``tables``: those that it must still have, which a move for others changes without a new version.
    """

    before: Booking
    after: Booking
    last_result: Json | None = None
    lease_token: UUID | None = None
    new_lease: Lease | None = None
    tables: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BookingMove:
    """A confirmed booking that gets other tables; fails with Conflict if it has changed meanwhile."""

    booking_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TableAllocation:
    """One table of the ledger for one booking, or one hold, over ``[start, end)``, buffers included.

    ``overrides``: rules that a person set aside for it, sorted. ``seated``: the party sits there from
    ``start`` on, and ``end`` is its expected end and buffer. ``block_id``: the table is out of order.
    """

    restaurant_id: str
    layout_version: int
    table_id: str
    capacity: int
    booking_id: UUID | None
    start: datetime
    end: datetime
    overrides: tuple[str, ...] = ()
    hold_id: UUID | None = None
    block_id: UUID | None = None
    seated: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    """The party of a seated booking gets up from its tables."""

    booking_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ExpectedEnd:
    """The party of a seated booking keeps its tables until ``end``, its buffer included.

    ``overrides``: rules that a person sets aside for it, besides those of before.
    """

    booking_id: UUID
    end: datetime
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskFlag:
    """A confirmed booking whose tables will not be free for it, since when; None: they will be after all."""

    booking_id: UUID
    since: datetime | None


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table that is out of order over ``[start, end)``, but for as long as a party sits there."""

    id: UUID
    restaurant_id: str
    table_id: str
    start: datetime
    end: datetime
    reason: str | None
    actor_id: str


@dataclass(frozen=True, slots=True)
class Unblock:
    """A table's blocks that overlap ``[start, end)`` end now; without a period, all of them."""

    restaurant_id: str
    table_id: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class HoldUse:
    """The new booking is made of ``hold``; fails with HoldGone if the hold is no longer alive.

    ``keeps_tables``: the booking takes over exactly the hold's tables; else they are given back.
    """

    hold: Hold
    keeps_tables: bool


@dataclass(frozen=True, slots=True)
class WakeLease:
    """A hold that keeps tables for a waiting booking; fails with Conflict if that no longer waits for them.

    Its tables are among the allocations. It ends by its clock, or with the wait.
    """

    id: UUID
    restaurant_id: str
    party_size: int
    start_at: datetime
    end_at: datetime
    service_id: str
    service_date: date
    expires_at: datetime
    for_booking: UUID
    request_version: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    booking_id: UUID
    from_state: State | None
    to_state: State
    version: int
    actor_id: str
    reason: str | None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of observability_events and one line in the log. See docs/telemetry.md."""

    event_type: EventType
    context: Json
    severity: Severity = "info"
    restaurant_id: str | None = None
    booking_id: UUID | None = None
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    topic: str
    booking_id: UUID | None
    restaurant_id: str
    payload: Json
    correlation_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NotificationRow:
    id: UUID
    booking_id: UUID
    restaurant_id: str
    kind: str
    variant: str | None
    request_version: int


@dataclass(frozen=True, slots=True)
class Optimization:
    """What was decided about the shift of a service date: ``result`` applied, suggested or nothing.

    ``service_id`` None: all services of the date. ``run``: the name of a scheduled run, which is made once; a
    person's call has none. ``reply``: what the caller was told. ``replay``: enough to decide it again.
    ``stays``: start and end in minutes and the party's size, of each booking that got tables, by its id.
    """

    id: UUID
    restaurant_id: str
    service_date: date
    service_id: str | None
    result: str
    actor_id: str
    correlation_id: str
    layout_version: int
    run: str | None
    reply: Json
    stays: Json
    replay: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OptimizationUndone:
    """Fails with Conflict if the optimisation was undone already."""

    id: UUID
    at: datetime
    actor_id: str


@dataclass(frozen=True, slots=True)
class ShiftsQueued:
    """The schedule has queued this restaurant's services on ``day``; fails with Conflict if it had before."""

    restaurant_id: str
    day: date


@dataclass(frozen=True, slots=True)
class WebhookPut:
    """A webhook as it is from now on; fails with Conflict if ``before`` is not its secret's digest any more.

    ``secret``: encrypted. ``before`` None: it is new. ``overlap``: how long the present secret signs beside a
    new one. ``most``: how many a restaurant may have.
    """

    restaurant_id: str
    webhook_id: str
    url: str
    events: tuple[str, ...]
    secret: str
    digest: str
    before: str | None
    overlap: timedelta
    most: int
    at: datetime


@dataclass(frozen=True, slots=True)
class WebhookGone:
    restaurant_id: str
    webhook_id: str


@dataclass(frozen=True, slots=True)
class WebhookRest:
    """A sender ends its lease; fails with StaleVersion if it has lost it.

    ``position``: changes up to here are done. ``attempts`` None: nothing has failed.
    """

    restaurant_id: str
    webhook_id: str
    token: UUID
    position: int
    attempts: int | None = None
    first_failed_at: datetime | None = None
    failing_since: datetime | None = None
    next_try_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """One unit of work, applied whole or not at all, in the order of the fields.

    ``claim``: the day as it was planned on; the unit of work fails with Conflict if the day has changed.
    ``judged``: the same for another day, or for the only one: as those who wait there were judged on it.
    ``shown``: a booking that the reply alone is about; fails with StaleVersion if it is not as it was read.
    ``requests``: bookings, also among ``updates``, whose party, times, wishes, guest and notes are new.
    ``drop_holds``: holds that end now and give their tables back, unless they have been used.
    ``departures``: who gets up, if it sits. ``risks``: whose plan the room beats, and whose no longer.
    ``unblock``: blocks that end, before ``block`` begins. ``lift_blocks``: those with other rows from now on.
    ``expected_ends``: who sits, and until when.
    ``leases``: holds for bookings that wait.
    ``attempts``: rows by column.
    ``optimization``: fails with Conflict if its run was made before.
    """

    claim: Snapshot | None = None
    judged: Snapshot | None = None
    touched_days: Sequence[tuple[str, date]] = ()
    new_booking: Booking | None = None
    updates: Sequence[BookingUpdate] = ()
    requests: Sequence[Booking] = ()
    shown: Booking | None = None
    new_hold: Hold | None = None
    use_hold: HoldUse | None = None
    drop_holds: Sequence[UUID] = ()
    leases: Sequence[WakeLease] = ()
    moves: Sequence[BookingMove] = ()
    release: Sequence[UUID] = ()
    departures: Sequence[Departure] = ()
    risks: Sequence[RiskFlag] = ()
    block: TableBlock | None = None
    unblock: Unblock | None = None
    lift_blocks: Sequence[UUID] = ()
    expected_ends: Sequence[ExpectedEnd] = ()
    allocations: Sequence[TableAllocation] = ()
    history: Sequence[HistoryRow] = ()
    attempts: Sequence[Json] = ()
    optimization: Optimization | None = None
    undone: OptimizationUndone | None = None
    shifts_queued: ShiftsQueued | None = None
    webhook: WebhookPut | None = None
    webhook_gone: WebhookGone | None = None
    webhook_rest: WebhookRest | None = None
    events: Sequence[Event] = ()
    notifications: Sequence[NotificationRow] = ()
    outbox: Sequence[OutboxRow] = ()
    reply: tuple[IdempotencyKey, StoredReply] | None = None


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """An outbox row that nobody else sends until its lease ends. ``attempts``: how often that has failed."""

    id: int
    topic: str
    payload: Json
    correlation_id: str
    due_at: datetime
    attempts: int = 0
