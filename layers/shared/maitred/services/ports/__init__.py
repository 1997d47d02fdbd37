"""What the services need from outside: the store (database), queues, mail, clock. Adapters implement it.

`Changes` is one unit of work as data: the store applies all of it in one transaction, in one round trip,
or nothing. A service never opens a transaction by hand, so no effect can be left half-written.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from maitred.domain.booking import Booking
from maitred.domain.hold import Hold
from maitred.domain.states import State
from maitred.services.ports.changes import (
    BookingMove,
    BookingUpdate,
    Changes,
    Departure,
    Event,
    ExpectedEnd,
    HistoryRow,
    HoldUse,
    Lease,
    LeasedMessage,
    NotificationRow,
    Optimization,
    OptimizationUndone,
    OutboxRow,
    RiskFlag,
    ShiftsQueued,
    TableAllocation,
    TableBlock,
    Unblock,
    WakeLease,
    WebhookGone,
    WebhookPut,
    WebhookRest,
)
from maitred.services.ports.failures import (
    CircuitOpen,
    Conflict,
    DeadlinePassed,
    DuplicateRequest,
    HoldGone,
    LockTimeout,
    NotAdmitted,
    RateLimited,
    ReferenceTaken,
    StaleVersion,
    StoreError,
    Unavailable,
)
from maitred.services.ports.names import CountName, DurationName, SpanName
from maitred.services.ports.readings import (
    Admission,
    AttemptEntry,
    BlockedTable,
    BookingChange,
    BookingDetails,
    BookingFilter,
    BookingPage,
    Charge,
    Day,
    DayRevisions,
    DecidingAttempt,
    Explanation,
    FloorParty,
    FloorRead,
    HistoryEntry,
    HoldRead,
    IdempotencyKey,
    Json,
    LayoutRead,
    MovableStay,
    PlannedGuest,
    RestaurantEntry,
    ReviewCase,
    Snapshot,
    StoredReply,
    TableUse,
    WaitingParty,
)

#: What gives its tables back.
type Freed = Booking | Hold


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

    def booking(self, booking_id: UUID) -> Booking | None:
        """Read under the lock, which a read of the store itself would give up."""

    def apply(self, changes: Changes) -> tuple[LeasedMessage, ...]: ...


class Dispatcher(Protocol):
    """Sends the outbox rows of a unit of work once it has committed."""

    def dispatch(self, rows: Sequence[LeasedMessage]) -> None:
        """Never raises: what cannot be sent now is left to the sweep."""


class BookingStore(Protocol):
    """Bookings and ledger. Every method may raise StoreError; a failed read is never an empty answer."""

    def layout(
        self, restaurant_id: str, known_version: int | None, key: IdempotencyKey | None, budget_ms: int | None
    ) -> LayoutRead | None: ...

    def snapshot(
        self,
        day: Day,
        known_version: int,
        key: IdempotencyKey | None,
        budget_ms: int | None,
        entry: Admission | None = None,
    ) -> Snapshot | None:
        """The day; None if there is no such restaurant.

        With ``entry`` an attempt begins, which ends with the next unit of work. Raises NotAdmitted.
        """

    def snapshots(
        self,
        days: Sequence[Day],
        known_version: int,
        budget_ms: int | None,
        charge: Charge | None = None,
    ) -> list[Snapshot] | None:
        """As `snapshot`, of several days of one restaurant, all as of one moment, in one round trip.

        ``charge``: what the client pays for it. Raises RateLimited.
        """

    def revisions(
        self, restaurant_id: str, days: Sequence[date], budget_ms: int | None, charge: Charge
    ) -> DayRevisions | None:
        """The present revisions of these days; None if there is no such restaurant. Raises RateLimited."""

    def locked_day(
        self, day: Day, known_version: int, budget_ms: int | None, also: Sequence[tuple[str, date]] = ()
    ) -> AbstractContextManager[LockedDay]: ...

    def reply(self, key: IdempotencyKey) -> StoredReply | None: ...

    def booking(self, booking_id: UUID) -> Booking | None: ...

    def details(self, booking_id: UUID) -> BookingDetails | None: ...

    def booking_to_change(self, booking_id: UUID, client: str) -> Booking | None: ...

    def hold(
        self, hold_id: UUID, key: IdempotencyKey | None = None, budget_ms: int | None = None
    ) -> HoldRead: ...

    def first_hold_end(self, hold_ids: Sequence[UUID]) -> datetime | None:
        """When the first of these holds ends that still lives; None if none does."""

    def page(self, wanted: BookingFilter, after: tuple[datetime, UUID], limit: int) -> BookingPage: ...

    def restaurants(
        self, ids: Collection[str] | None, after: str, limit: int
    ) -> Sequence[RestaurantEntry]: ...

    def manual_review(
        self, restaurant_id: str, now: datetime, after: tuple[datetime, UUID], limit: int, charge: Charge
    ) -> list[ReviewCase]:
        """Up to ``limit`` cases for a person, after ``after``. Raises RateLimited."""

    def floor(self, restaurant_id: str, known_version: int | None, at: datetime) -> FloorRead | None: ...

    def waiting(self, freed: Freed, now: datetime, limit: int) -> tuple[WaitingParty, ...]: ...

    def planned_at(
        self, restaurant_id: str, table_id: str, start: datetime, end: datetime
    ) -> Mapping[UUID, PlannedGuest]:
        """The confirmed bookings that have this table at some time of ``[start, end)``."""

    def history(self, booking_id: UUID) -> Sequence[HistoryEntry]:
        """The booking's changes of state, oldest first."""

    def attempts(self, booking_id: UUID) -> Sequence[AttemptEntry]:
        """The booking's attempts, oldest first."""

    def explanation(self, booking_id: UUID) -> Explanation | None:
        """The last attempt's; None if the booking has had no attempt."""

    def planned_tables(self, booking_id: UUID) -> tuple[str, ...]:
        """Where the party of a seated booking was to sit, by name."""

    def released(self, booking_id: UUID) -> list[TableAllocation]:
        """The tables that the booking let go last, by name."""

    def apply(self, changes: Changes, budget_ms: int | None = None) -> tuple[LeasedMessage, ...]: ...


class Feed(Protocol):
    def changes(self, restaurant_id: str, after: int, limit: int) -> Sequence[BookingChange] | None:
        """Up to ``limit`` changes after the position ``after``, in the order of their commits.

        None if there is no such restaurant. A page never lacks a change that a later page would have.
        """


class Telemetry(Protocol):
    """Where figures and events go. Never raises: a lost figure must not lose a booking."""

    def count(self, name: CountName, value: float = 1, **dimensions: str) -> None: ...

    def milliseconds(self, name: DurationName, value: float, **dimensions: str) -> None: ...

    def committed(self, events: Sequence[Event]) -> None:
        """Log events whose rows have just been committed."""

    def later(self, events: Sequence[Event]) -> None:
        """Keep events that have no transaction of their own; written in one batch as the invocation ends."""

    def about(self, **ids: str) -> AbstractContextManager[None]:
        """All lines of the log in between carry these ids."""

    def know(self, **ids: str) -> None:
        """All further lines of this request or message carry these ids."""

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
