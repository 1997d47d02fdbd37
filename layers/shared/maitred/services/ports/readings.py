"""What is read from the book."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from maitred.domain.booking import Booking, Preferences
from maitred.domain.changes import ChangeType
from maitred.domain.hold import Hold
from maitred.domain.states import State
from maitred.domain.windows import to_minutes
from maitred.planner.model import Allocation, Covers

Json = dict[str, Any]


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

    ``movable_from``: bookings that start later may be moved (None: none is). ``profile``: whose demand.
    ``overdue``: the last second of the minute by which the time of a party over time has ended, its buffer
    included; it is taken to stay until ``overdue_until``.
    ``by_zone``: its covers are wanted by party, with the zones of each. ``with_blocks``: so are the blocks.
    """

    restaurant_id: str
    service_date: date
    start: datetime
    end: datetime
    movable_from: datetime | None
    profile: str
    overdue: datetime
    overdue_until: datetime
    by_zone: bool = False
    with_blocks: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """An attempt to seat a party that asks to be let in. ``client``: who calls; None: the background job."""

    attempt_id: UUID
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """``tokens`` of the bucket of ``client``, for a change or for a read that plans."""

    client: str
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class WaitingParty:
    """A booking without tables that the job or a person may still give some."""

    id: UUID
    version: int
    request_version: int
    party_size: int
    start_at: datetime
    end_at: datetime
    duration_minutes: int | None
    service_date: date
    created_at: datetime
    preferences: Preferences

    @classmethod
    def of(cls, booking: Booking) -> "WaitingParty":
        return cls(*(getattr(booking, each.name) for each in fields(cls)))


@dataclass(frozen=True, slots=True)
class MovableStay:
    """A confirmed booking that may be moved, in minutes since the epoch, without buffers."""

    booking_id: str
    version: int
    party_size: int
    start: int
    end: int
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class BlockedTable:
    """A table that a person has put out of order over ``[start, end)``, in minutes since the epoch.

    While a party sits there, the block waits until it has left.
    """

    id: UUID
    table_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PlannedGuest:
    """A confirmed booking, as a person who blocks its table knows it."""

    reference: str
    service_date: date


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent reading of a day: what a plan is made from and confirmed against.

    ``demand``: how many parties of each size this service usually sees; empty if that is not known.
    ``first_expiry``: when the first of the day's live holds expires; None without any. ``leases``: which of
    the holds keep tables for a waiting booking, by the ids of hold and booking. ``seated``: bookings whose
    party sits at its tables; ``at_risk``: bookings whose tables will not be free for them. ``blocks``: the
    tables that are out of order, as a person wants it; the allocations say as it is.
    """

    day: Day
    layout_version: int
    document: Json | None
    revision: int
    allocations: tuple[Allocation, ...]
    covers: tuple[Covers, ...]
    stays: tuple[MovableStay, ...]
    demand: Mapping[int, int]
    first_expiry: datetime | None
    reply: StoredReply | None
    leases: Mapping[str, str] = field(default_factory=dict)
    seated: frozenset[str] = frozenset()
    at_risk: frozenset[str] = frozenset()
    blocks: tuple["BlockedTable", ...] = ()

    def leased_to(self, booking_id: UUID) -> tuple[Allocation, ...]:
        """What is kept for a booking that waits."""
        own = str(booking_id)
        return tuple(row for row in self.allocations if self.leases.get(row.hold_id or "") == own)

    def without(self, party: "Booking | Hold | WaitingParty") -> "Snapshot":
        """The day as if ``party``, as it was read, were not on it: its tables, lease and covers are free."""
        own, leases = str(party.id), {hold for hold, owner in self.leases.items() if owner == str(party.id)}
        on_hold = isinstance(party, Hold) or bool(leases)
        rest = tuple(
            row
            for row in self.allocations
            if own not in (row.booking_id, row.hold_id) and row.hold_id not in leases
        )
        stays = tuple(stay for stay in self.stays if stay.booking_id != own)
        if len(rest) == len(self.allocations):  # it has no tables here, so its covers are not counted
            return replace(self, stays=stays)
        start, same_day = to_minutes(party.start_at), party.service_date == self.day.service_date
        covers = list(self.covers)
        for number, row in enumerate(covers if same_day else ()):
            if (row.start, row.on_hold, row.owner or own) in (
                (start, on_hold, own),
                *((start, on_hold, lease) for lease in leases),
            ):
                covers[number] = replace(row, covers=row.covers - party.party_size)
                break
        return replace(self, allocations=rest, covers=tuple(covers), stays=stays)


@dataclass(frozen=True, slots=True)
class DayRevisions:
    """A restaurant's layout version and the revisions of its days; a day without one has the revision 0."""

    layout_version: int
    of_days: Mapping[date, int]


@dataclass(frozen=True, slots=True)
class BookingFilter:
    """Which bookings of a restaurant are wanted: those for which all holds that is not None.

    ``guest``: words that the guest's name, phone or mail matches (migration 0015 says how). ``[start_from,
    start_before)``: of the start. ``updated_since``: that moment included.
    """

    restaurant_id: str
    states: tuple[State, ...] = tuple(State)
    service_date: date | None = None
    reference: str | None = None
    guest: str | None = None
    start_from: datetime | None = None
    start_before: datetime | None = None
    updated_since: datetime | None = None

    @property
    def by_change(self) -> bool:
        """Are they listed in the order of their changes? Otherwise by their starts."""
        return self.updated_since is not None

    def place_of(self, booking: Booking) -> datetime:
        """Where the booking stands in the list; equal ones by id."""
        return booking.updated_at if self.by_change else booking.start_at


@dataclass(frozen=True, slots=True)
class RestaurantEntry:
    """A restaurant as it stands in a list."""

    restaurant_id: str
    name: str
    timezone: str
    layout_version: int


@dataclass(frozen=True, slots=True)
class BookingPage:
    items: tuple[Booking, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class BookingChange:
    """One change of a booking: ``position`` in its restaurant's feed, and the booking right after it.

    ``type`` is also the name of the webhook event.
    """

    position: int
    type: ChangeType
    at: datetime
    booking: Booking


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a booking's state, as it is stored."""

    from_state: str | None
    to_state: str
    version: int
    actor: str
    reason: str | None
    metadata: Json
    at: datetime


@dataclass(frozen=True, slots=True)
class DecidingAttempt:
    """The last attempt that counts for a booking: not one whose request was refused and came to nothing."""

    id: UUID
    trigger: str
    outcome: str
    reason: Json | None
    duration_ms: float
    explanation: Json


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """A booking with the attempt that counts for it, if any.

    ``came_by``: the reason in the history with which it came to manual review, None if it is not there.
    """

    booking: Booking
    attempt: DecidingAttempt | None
    came_by: str | None

    @property
    def id(self) -> UUID:
        return self.booking.id

    @property
    def restaurant_id(self) -> str:
        return self.booking.restaurant_id


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """One attempt to find tables for a booking, as it is stored; ``attempt_no`` counts its flow's from 1."""

    attempt_no: int
    flow: str
    trigger: str
    outcome: str
    reason: Json | None
    strategy: Json
    strategies: list[Json]
    duration_ms: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an attempt decided as it did, and when; ``move``: what the history says of the last move since."""

    data: Json
    at: datetime
    move: Json | None = None
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """A booking that needs a person: since when, and the reason that its last change of state was given."""

    booking: Booking
    reason: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class TableUse:
    """A table taken over ``[start, end)``, buffers included: by a booking, by a live hold, or by a block.

    ``at_risk_since``: from when on it is known that the table will not be free for the booking.
    """

    table_id: str
    start: datetime
    end: datetime
    booking_id: str | None
    hold_id: str | None
    at_risk_since: datetime | None


@dataclass(frozen=True, slots=True)
class FloorParty:
    """Who has a table: the party, its plan ``[start, end)``, and how far it has come."""

    booking_id: str
    reference: str
    party_size: int
    name: str | None
    state: State
    start: datetime
    end: datetime
    seated_at: datetime | None
    arrived_at: datetime | None


@dataclass(frozen=True, slots=True)
class FloorRead:
    """Who is at the tables at one moment and in the day after it; the document unless it is known."""

    layout_version: int
    document: Json | None
    uses: tuple[TableUse, ...]
    parties: Mapping[str, FloorParty]
