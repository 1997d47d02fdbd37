"""What the services need from outside: the book (database), queues, mail, clock. Adapters implement it.

`Effects` is one unit of work as data: the book applies all of it in one transaction, in one round trip,
or nothing. A service never opens a transaction by hand, so no effect can be left half-written.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from maitred.domain.booking import Booking, Preferences
from maitred.domain.hold import Hold
from maitred.domain.states import State
from maitred.domain.timeline import to_minutes
from maitred.planner.model import Allocation, Covers
from maitred.telemetry.names import CountName, DurationName, EventType, Severity, SpanName

Json = dict[str, Any]


# --- what can go wrong with the book --------------------------------------------------------------


class BookError(Exception):
    """Base of all failures of the book. Nothing of the unit of work was written unless said otherwise."""


class Unavailable(BookError):
    """The database cannot be reached or is shutting down; what was sent may or may not have committed."""


class DeadlinePassed(BookError):
    """The budget ended first: a statement or the commit came too late."""


class LockTimeout(BookError):
    """Another transaction held what was needed for too long."""


class Conflict(BookError):
    """A race was lost: the day, the layout or the ledger changed since the snapshot was read."""


class ReferenceTaken(BookError):
    """The random booking reference exists already in this restaurant."""


class NotAdmitted(BookError):
    """Nothing was tried. ``wait_seconds``: after which it makes sense to ask again."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"in {wait_seconds:.1f} s")
        self.wait_seconds = wait_seconds


class RateLimited(NotAdmitted):
    """The client or the restaurant takes more than its share."""


class CircuitOpen(NotAdmitted):
    """What the attempt depends on keeps failing."""


class StaleVersion(BookError):
    """The booking has changed since it was read."""


class DuplicateRequest(BookError):
    """A twin with the same Idempotency-Key has committed meanwhile."""


class HoldGone(BookError):
    """The hold has expired, was used or was given back since it was read."""


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key belongs to the caller and the restaurant; ``fingerprint`` stands for method, path and body."""

    caller: str
    restaurant_id: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An earlier answer, to be repeated byte for byte."""

    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class LayoutRead:
    """The current layout version, its document unless the caller knows it, an earlier reply if any."""

    layout_version: int
    document: Json | None
    reply: StoredReply | None


@dataclass(frozen=True, slots=True)
class HoldRead:
    """A hold, None if there is none of that id, and an earlier reply if any."""

    hold: Hold | None
    reply: StoredReply | None


@dataclass(frozen=True, slots=True)
class Day:
    """Which part of the ledger a snapshot covers: a service date, and ``[start, end)`` around it.

    ``movable_from``: bookings that start later may be moved (None: nobody is). ``profile``: whose demand.
    """

    restaurant_id: str
    service_date: date
    start: datetime
    end: datetime
    movable_from: datetime | None
    profile: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt to seat a party that asks to be let in. ``client``: who calls; None: the background job."""

    attempt_id: UUID
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A confirmed booking that may be moved, in minutes since the epoch, without buffers."""

    booking_id: str
    version: int
    party_size: int
    start: int
    end: int
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent reading of a day: what a plan is made from and confirmed against.

    ``demand``: how many parties of each size this service usually sees; empty if that is not known.
    ``first_expiry``: when the first of the day's live holds expires; None without any.
    """

    day: Day
    layout_version: int
    document: Json | None
    revision: int
    allocations: tuple[Allocation, ...]
    covers: tuple[Covers, ...]
    stays: tuple[Stay, ...]
    demand: Mapping[int, int]
    first_expiry: datetime | None
    reply: StoredReply | None

    def without(self, booking: Booking) -> "Snapshot":
        """The day as if ``booking``, as it was read, were not on it: its tables and covers are free."""
        own = str(booking.id)
        if not any(row.booking_id == own for row in self.allocations):
            return self
        start = to_minutes(booking.start_at)
        return replace(
            self,
            allocations=tuple(row for row in self.allocations if row.booking_id != own),
            covers=tuple(
                replace(row, covers=row.covers - booking.party_size)
                if row.start == start and not row.held and booking.service_date == self.day.service_date
                else row
                for row in self.covers
            ),
            stays=tuple(stay for stay in self.stays if stay.booking_id != own),
        )

    def without_hold(self, hold: Hold) -> "Snapshot":
        """The day as if ``hold`` were not on it: its tables and covers are free."""
        own = str(hold.id)
        if not any(row.hold_id == own for row in self.allocations):
            return self
        start = to_minutes(hold.start_at)
        return replace(
            self,
            allocations=tuple(row for row in self.allocations if row.hold_id != own),
            covers=tuple(
                replace(row, covers=row.covers - hold.party_size)
                if row.start == start and row.held and hold.service_date == self.day.service_date
                else row
                for row in self.covers
            ),
        )


@dataclass(frozen=True, slots=True)
class BookingPage:
    items: tuple[Booking, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """A booking that needs a person: since when, and the reason that its last change of state was given."""

    booking: Booking
    reason: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class TableUse:
    """A table taken over ``[start, end)``, buffers included; by a live hold if there is no booking."""

    table_id: str
    start: datetime
    end: datetime
    booking_id: str | None
    state: State | None


@dataclass(frozen=True, slots=True)
class FloorRead:
    """Who is at the tables at one moment and in the day after it; the document unless it is known."""

    layout_version: int
    document: Json | None
    uses: tuple[TableUse, ...]


# --- writing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayClaim:
    """The day as it was planned on; the unit of work fails with Conflict if it has changed."""

    restaurant_id: str
    service_date: date
    layout_version: int
    revision: int


@dataclass(frozen=True, slots=True)
class Lease:
    token: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class BookingChange:
    """Advance one booking from ``expected_version``; fails with StaleVersion if it has another one.

    ``lease_token`` is the fencing token of the worker that writes; None for writers without a lease.
    ``pinned``: may the planner give it other tables from now on? None: as before.
    """

    booking_id: UUID
    expected_version: int
    version: int
    state: State
    last_result: Json | None = None
    lease_token: UUID | None = None
    new_lease: Lease | None = None
    pinned: bool | None = None


@dataclass(frozen=True, slots=True)
class BookingMove:
    """A confirmed booking that gets other tables; fails with Conflict if it has changed meanwhile."""

    booking_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TableAllocation:
    """One table of the ledger for one booking, or one hold, over ``[start, end)``, buffers included.

    ``overrides``: rules that a person set aside for it, sorted.
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


@dataclass(frozen=True, slots=True)
class HoldUse:
    """The booking that is made of a hold; fails with HoldGone if the hold is no longer alive.

    ``keeps_tables``: the booking takes over the hold's tables; else they are given back.
    """

    hold_id: UUID
    booking_id: UUID
    keeps_tables: bool


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
class AttemptRow:
    id: UUID
    booking_id: UUID
    restaurant_id: str
    attempt_no: int
    flow: str
    trigger: str
    outcome: str
    reason: Json | None
    strategy: Json
    strategies: list[Json]
    explanation: Json
    replay: str | None
    duration_ms: float
    booking_version: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """One row of observability_events and one line in the log (contract 6)."""

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
class Effects:
    """One unit of work, applied whole or not at all, in the order of the fields.

    ``requests``: bookings, also among ``changes``, whose party, times, wishes, guest and notes are new.
    ``drop_hold``: a hold that ends now and gives its tables back, unless it has been used.
    """

    claim: DayClaim | None = None
    touched_days: Sequence[tuple[str, date]] = ()
    new_booking: Booking | None = None
    changes: Sequence[BookingChange] = ()
    requests: Sequence[Booking] = ()
    new_hold: Hold | None = None
    use_hold: HoldUse | None = None
    drop_hold: UUID | None = None
    moves: Sequence[BookingMove] = ()
    release: Sequence[UUID] = ()
    allocations: Sequence[TableAllocation] = ()
    history: Sequence[HistoryRow] = ()
    attempts: Sequence[AttemptRow] = ()
    events: Sequence[Event] = ()
    notifications: Sequence[NotificationRow] = ()
    outbox: Sequence[OutboxRow] = ()
    reply: tuple[IdempotencyKey, StoredReply] | None = None


@dataclass(frozen=True, slots=True)
class SentBy:
    """An outbox row just committed, leased to its writer: relay it now or leave it to the sweep."""

    id: int
    row: OutboxRow


# --- ports ----------------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, UTC, aware."""

    def monotonic(self) -> float:
        """Seconds that only ever grow, for durations and deadlines."""


class Ids(Protocol):
    """Randomness comes in from outside, so that a test can repeat a run."""

    def uuid(self) -> UUID: ...

    def reference(self) -> str:
        """A booking reference that people can read to each other: six letters and digits."""

    def jitter(self, upper: float) -> float:
        """Uniform in ``[0, upper)``."""


class LockedDay(Protocol):
    """A day locked against all other writers until the unit of work ends."""

    @property
    def snapshot(self) -> Snapshot: ...

    def apply(self, effects: Effects) -> tuple[SentBy, ...]: ...


class Freed(Protocol):
    """A stay that gives its tables back: a booking's or a hold's."""

    @property
    def id(self) -> UUID: ...

    @property
    def restaurant_id(self) -> str: ...

    @property
    def service_date(self) -> date: ...

    @property
    def start_at(self) -> datetime: ...

    @property
    def end_at(self) -> datetime: ...

    @property
    def tables(self) -> tuple[str, ...]: ...


class Book(Protocol):
    """The booking book. Every method may raise BookError; a failed read is never an empty answer."""

    @property
    def round_trips(self) -> int: ...

    def layout(
        self, restaurant_id: str, known_version: int | None, key: IdempotencyKey | None, budget_ms: int | None
    ) -> LayoutRead | None: ...

    def snapshot(
        self,
        day: Day,
        known_version: int,
        key: IdempotencyKey | None,
        budget_ms: int | None,
        entry: Entry | None = None,
    ) -> Snapshot | None:
        """The day; None if there is no such restaurant.

        With ``entry`` an attempt begins, which ends with the next unit of work. Raises NotAdmitted.
        """

    def snapshots(
        self, days: Sequence[Day], known_version: int, budget_ms: int | None
    ) -> list[Snapshot] | None:
        """As `snapshot`, of several days of one restaurant, in one round trip."""

    def locked_day(
        self, day: Day, known_version: int, budget_ms: int | None, also: Sequence[tuple[str, date]] = ()
    ) -> AbstractContextManager[LockedDay]: ...

    def reply(self, key: IdempotencyKey) -> StoredReply | None: ...

    def booking(self, booking_id: UUID) -> Booking | None: ...

    def booking_to_change(self, booking_id: UUID, client: str) -> Booking | None: ...

    def hold(
        self, hold_id: UUID, key: IdempotencyKey | None = None, budget_ms: int | None = None
    ) -> HoldRead: ...

    def page(
        self,
        restaurant_id: str,
        service_date: date | None,
        states: Sequence[State],
        after: tuple[datetime, UUID],
        limit: int,
    ) -> BookingPage: ...

    def for_a_person(
        self, restaurant_id: str, now: datetime, after: tuple[datetime, UUID], limit: int
    ) -> list[ReviewCase]: ...

    def floor(self, restaurant_id: str, known_version: int | None, at: datetime) -> FloorRead | None: ...

    def waiting(
        self, freed: Freed, start: datetime, end: datetime, now: datetime, limit: int
    ) -> list[tuple[UUID, int]]: ...

    def released(self, booking_id: UUID) -> list[TableAllocation]:
        """The tables that the booking let go last, by name."""

    def apply(self, effects: Effects, budget_ms: int | None = None) -> tuple[SentBy, ...]: ...


class Telemetry(Protocol):
    """Where figures and events go. Never raises: a lost figure must not lose a booking."""

    def count(self, name: CountName, value: float = 1, **dimensions: str) -> None: ...

    def milliseconds(self, name: DurationName, value: float, **dimensions: str) -> None: ...

    def committed(self, events: Sequence[Event]) -> None:
        """Log events whose rows have just been committed."""

    def later(self, events: Sequence[Event]) -> None:
        """Keep events that have no transaction of their own; written in one batch as the invocation ends."""

    def span(self, name: SpanName, **annotations: str) -> AbstractContextManager[None]:
        """A named part of the trace; traces can be searched by ``annotations``."""


class Circuit(Protocol):
    """A breaker for one dependency: opened by faults, closed by one probe's success."""

    def enter(self) -> float:
        """0: go ahead, then say how it went; else how many seconds to leave the dependency alone."""

    def failed(self) -> None:
        """A fault of the dependency; never a refusal, a conflict or throttling."""

    def succeeded(self) -> None: ...


class QueuePort(Protocol):
    def send(self, queue_url: str, messages: Sequence["OutgoingMessage"]) -> "SendReport":
        """Send each message once, in batches; never raises, what failed is in the report."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """``delay_seconds``: 0-900. ``attributes`` travel beside the body."""

    body: str
    delay_seconds: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendReport:
    """Which messages (by position) the queue did not take, and why."""

    failed: Mapping[int, str]
