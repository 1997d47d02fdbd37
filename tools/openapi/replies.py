"""What the API answers, as models. Every reply that a test receives is checked against them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from maitred.contracts.floor_document import FloorDocument
from maitred.domain.changes import ChangeType
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.states import State

#: Left out if there is none, and never null.
type Absent[T] = T | SkipJsonSchema[None]
#: A place in a list, to be sent back as ``cursor``; null after the last page.
type NextCursor = str | None
Status = Literal["pending", "confirmed", "declined", "seated", "completed", "cancelled", "no_show"]
Count = Annotated[int, Field(ge=0)]
_OfRoom = Literal["unassigned_by_staff", "at_risk"]
_OfRequest = Literal["in_the_past", "too_soon", "too_far_ahead", "party_needs_a_call"]


class Reply(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True)


class Warned(Reply):
    """Something to tell the guest or the client; the call was carried out."""

    code: str
    message: str


class RefusalReason(Reply):
    """Why no table was given."""

    code: ReasonCode | _OfRoom | _OfRequest
    category: Category
    detail: str
    """One plain sentence for a host."""


class OtherStart(Reply):
    """A start that confirms if it is asked for next."""

    start_at: datetime
    end_at: datetime
    tables: list[str]
    zone: str | None


class BookedGuest(Reply):
    name: Absent[str] = None
    email: Absent[str] = None
    phone: Absent[str] = None


class BookedPreferences(Reply):
    zone: str | None
    zone_required: bool
    attributes: list[str]
    required: list[str]


class Booking(Reply):
    id: UUID
    reference: str
    """Six letters and digits, for people."""
    restaurant_id: str
    status: Status
    """What guests see."""
    state: State
    """The state of the machine behind it."""
    version: Count
    """Rises with each change of the state or the request; for ``If-Match``."""
    party_size: Count
    start_at: datetime
    end_at: datetime
    """The end of dining; buffers are not shown."""
    service: str
    zone: str | None
    tables: list[str]
    pinned: bool
    """A person chose these tables; nothing moves it."""
    guest: BookedGuest
    preferences: BookedPreferences
    notes: str | None
    created_at: datetime
    updated_at: datetime
    """When anything last changed that a reader of the booking sees."""
    arrived_at: datetime | None
    seated_at: datetime | None
    expected_end_at: datetime | None
    """While the party sits: when it is expected to leave, never earlier than now."""
    completed_at: datetime | None
    late: bool


class Assignment(Reply):
    """The attempt that counts for the booking."""

    attempt_id: UUID | None
    """Null if the present tables do for the change, so that none were looked for."""
    trigger: str
    outcome: Literal["confirmed", "deferred", "manual_review", "refused", "cutoff"]
    strategy: str | None
    score: float | None
    """The cost of the plan; lower is better."""
    reason: RefusalReason | None
    duration_ms: float
    alternates: Count
    """How many other plans would have done."""
    moves: Count
    """How many other bookings were moved for this one."""
    explanation: str


class BookingReply(Reply):
    booking: Booking


class AssignedReply(Reply):
    """A booking, and what became of the search for its tables."""

    booking: Booking
    assignment: Absent[Assignment] = None
    """Left out of the reply about a party that sits."""
    alternatives: Absent[list[OtherStart]] = None
    warnings: Absent[list[Warned]] = None


class BookingDetails(Reply):
    booking: Booking
    assignment: Assignment | None
    reason: RefusalReason | None
    """While it waits: why."""
    alternatives: list[OtherStart]
    """While it waits: other starts to offer."""


class BookingPage(Reply):
    items: list[Booking]
    next_cursor: NextCursor


class RestaurantItem(Reply):
    restaurant_id: str
    name: str
    timezone: str
    layout_version: Count


class RestaurantPage(Reply):
    items: list[RestaurantItem]
    next_cursor: NextCursor


class Affected(Reply):
    """A booking that the change concerns, and how."""

    booking_id: UUID
    reference: str
    problem: str


class RestaurantPut(Reply):
    restaurant: FloorDocument
    layout_version: Count
    affected: list[Affected]


class Blocked(Reply):
    affected: list[Affected]


class Slot(Reply):
    time: str
    start_at: datetime
    available: bool
    tables: Absent[list[str]] = None
    reason: Absent[RefusalReason] = None


class Availability(Reply):
    as_of: datetime
    """The moment that all answers are true of; at most one second ago."""
    slots: list[Slot]
    warnings: Absent[list[Warned]] = None


class OpenSlot(Reply):
    time: str
    start_at: datetime
    open: dict[str, Annotated[int, Field(ge=0, le=9)]]
    """By party size: how many more such parties fit; exact up to 9."""
    undecided: Absent[list[int]] = None
    """Party sizes for which time ran out before a proof; they count as 0."""
    moves: Absent[bool] = None
    """True if only moving other bookings lets one in."""


class OpenDay(Reply):
    date: date
    slots: list[OpenSlot]


class BatchAvailability(Reply):
    as_of: datetime
    days: list[OpenDay]
    warnings: Absent[list[Warned]] = None


class HoldReply(Reply):
    hold_id: UUID
    expires_at: datetime
    tables: list[str]
    start_at: datetime
    end_at: datetime
    warnings: Absent[list[Warned]] = None


class Change(Reply):
    cursor: str
    type: ChangeType
    at: datetime
    booking: Booking
    """As it was right after the change."""


class ChangePage(Reply):
    items: list[Change]
    next_cursor: str
    """Always given: ask again with it later."""


class FloorParty(Reply):
    booking_id: UUID
    reference: str
    party_size: Count
    name: str | None
    state: State
    since: datetime
    until: datetime
    arrived: bool
    over_time: bool
    late: bool


class NextParty(Reply):
    booking_id: UUID
    at: datetime


class FloorTable(Reply):
    id: str
    name: Absent[str] = None
    status: Literal["free", "held", "booked", "seated", "closed", "out_of_service"]
    booking_id: Absent[UUID] = None
    until: Absent[datetime] = None
    party: Absent[FloorParty] = None
    """Who sits there; else the confirmed guest who is due now."""
    next: Absent[NextParty] = None


class FloorTotals(Reply):
    tables: Count
    seats: Count
    free_seats: Count
    free: Count
    on_hold: Count = Field(alias="held")
    booked: Count
    seated: Count
    closed: Count
    out_of_service: Count


class FloorZone(FloorTotals):
    id: str
    name: str


class FloorConflict(Reply):
    """A confirmed booking whose tables will not be free, and that cannot be moved."""

    booking_id: UUID
    tables: list[str]
    since: datetime
    problem: str


class Floor(Reply):
    as_of: datetime
    tables: list[FloorTable]
    zones: list[FloorZone]
    totals: FloorTotals
    conflicts: list[FloorConflict]


class ReviewItem(Reply):
    booking: Booking
    reason: RefusalReason | None
    since: datetime
    alternatives: list[OtherStart]


class ReviewPage(Reply):
    items: list[ReviewItem]
    next_cursor: NextCursor


class HistoryItem(Reply):
    from_state: State | None
    to_state: State
    version: Count
    actor: str
    reason: str | None
    metadata: dict[str, Any]
    at: datetime


class HistoryPage(Reply):
    items: list[HistoryItem]
    next_cursor: NextCursor


class UsedStrategy(Reply):
    name: str
    require_adjacency: bool
    max_tables: Count
    max_moves: Count


class TriedStrategy(Reply):
    name: str
    considered: Count
    best: list[str] | None
    score: float | None
    chosen: bool


class AttemptItem(Reply):
    attempt_no: Count
    flow: str
    trigger: str
    outcome: str
    reason: RefusalReason | None
    strategy: UsedStrategy | None
    strategies: list[TriedStrategy]
    duration_ms: float
    at: datetime


class AttemptPage(Reply):
    items: list[AttemptItem]
    next_cursor: NextCursor


class Moved(Reply):
    booking_id: UUID
    reference: Absent[str] = None
    from_: list[str] = Field(alias="from")
    to: list[str]


class Loser(Reply):
    """A plan that was not chosen: by which term it costs more, and how much."""

    tables: list[str]
    score: float
    term: str | None
    by: float


class InTheWay(Reply):
    booking_id: UUID | None
    tables: list[str]
    from_: datetime = Field(alias="from")
    until: datetime
    party_size: int | None


class MovedByOthers(Reply):
    """The last time that the booking was moved for somebody else."""

    from_: list[str] = Field(alias="from")
    to: list[str]
    for_: str | None = Field(alias="for")
    """A booking's id, or ``blocked``."""
    optimization_id: UUID | None
    at: datetime


class Explanation(Reply):
    summary: str
    decision: str
    chosen: list[str] | None
    score_terms: dict[str, float]
    losers: list[Loser]
    refused_by: ReasonCode | None
    moves: list[Moved]
    at: datetime | None
    score: Absent[float | None] = None
    strategy: Absent[str | None] = None
    strategies: Absent[list[TriedStrategy]] = None
    blocked_by: Absent[list[InTheWay]] = None
    would_help: Absent[str | None] = None
    alternates: Absent[int] = None
    candidates: Absent[int] = None
    deciding_term: Absent[str | None] = None
    search_truncated: Absent[bool] = None
    moved: Absent[MovedByOthers] = None


class Report(Reply):
    """Counts, and the median, P95 and P99 of durations and attempts, by flow."""

    restaurant_id: str
    restaurants: Count
    """How many are counted together."""
    from_: datetime = Field(alias="from")
    to: datetime
    cohort: dict[str, str | bool]
    bookings: dict[str, Any]
    flows: dict[str, dict[str, Any]]
    reasons: dict[str, dict[str, int]]
    strategies: dict[str, dict[str, Any]]
    retries: dict[str, Any]
    emails: dict[str, int]
    planner_calls: dict[str, float | None]
    shadow: dict[str, Any]


class Erased(Reply):
    bookings: Count
    letters: Count


class Accepted(Reply):
    status: Literal["accepted"]
    correlation_id: str


class Webhook(Reply):
    id: str
    url: str
    events: list[ChangeType]
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None


class WebhookReply(Reply):
    webhook: Webhook


class WebhookPut(Reply):
    webhook: Webhook
    secret: Absent[str] = None
    """Only when it is new; it is not shown again."""


class WebhookPage(Reply):
    items: list[Webhook]
    next_cursor: NextCursor


class Evening(Reply):
    score: float
    terms: dict[str, float]
    covers: Count


class Seated(Reply):
    booking_id: UUID
    tables: list[str]


class OptimizationReply(Reply):
    optimization_id: UUID
    as_of: datetime
    before: Evening
    after: Evening
    improvement: float
    """A share of the score before."""
    bound: float
    """No plan for as many covers scores better; proven."""
    gap: float
    moves: list[Moved]
    seats: list[Seated]
    """Waiting bookings that get tables."""
    applied: bool
    reason: str | None


class OptimizationItem(OptimizationReply):
    """What its caller was told, and what has become of it since."""

    date: date
    service: str | None
    result: Literal["applied", "suggested", "nothing", "failed"]
    actor: str
    undone_at: datetime | None
    undone_by: str | None


class OptimizationPage(Reply):
    items: list[OptimizationItem]
    next_cursor: NextCursor


class Undone(Reply):
    optimization_id: UUID
    undone_at: datetime
    moves: list[Moved]
    waiting: list[UUID]
    kept: list[UUID]


class Health(Reply):
    status: Literal["ok"]
    version: str


class WrongField(Reply):
    field: str
    """A dotted path, such as ``tables.3.zone``."""
    code: str
    message: str


class PartyThere(Reply):
    booking_id: UUID
    reference: str
    name: str | None
    party_size: Count
    tables: list[str]


class BookingInTheWay(Reply):
    booking_id: Absent[UUID] = None
    reference: Absent[str] = None
    tables: Absent[list[str]] = None
    problem: Absent[str] = None


class Problem(Reply):
    """RFC 9457. ``code`` is stable; ``title`` and ``detail`` are for people."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    detail: str
    correlation_id: str
    errors: Absent[list[WrongField]] = None
    reason: Absent[RefusalReason] = None
    alternatives: Absent[list[OtherStart]] = None
    warnings: Absent[list[Warned]] = None
    wait_minutes: Absent[int | None] = None
    """When such a party could sit, from the expected ends; null if that is not known."""
    parties: Absent[list[PartyThere]] = None
    bookings: Absent[list[BookingInTheWay]] = None
    affected: Absent[list[Affected]] = None


class GatewayProblem(Reply):
    """What the gateway itself answers, before Maitred is asked."""

    message: str
