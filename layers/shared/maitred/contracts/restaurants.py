"""The floor document (contract 1.1): what a restaurant is, as its operator writes it.

Bounds of ours: 500 tables, 100 zones, 50 services, 500 closures, 5000 edges, 500 combinations of
2-12 tables; capacity 1-100; maxTables 1-6; maxMoves 0-3; buffers 0-120 minutes; turn times 15-720;
minDiningMinutes 15-720; slots of 5-240 minutes; weights 0-1000 of known names.
What a single member may hold is said by its type; what spans members is checked in ``floor_rules``.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from maitred.contracts.base import (
    ClockTime,
    EmailAddress,
    Label,
    RestaurantId,
    ServiceId,
    StrictModel,
    TableId,
    Text,
    ZoneId,
)
from maitred.contracts.floor_rules import check_floor
from maitred.contracts.floor_values import is_iana_zone, language_tag, local_minute
from maitred.contracts.stored_floor import floor_from_document
from maitred.domain.floor import Adjacency, Floor

__all__ = ["FloorDocument", "RestaurantId", "floor_from_document", "to_floor"]

MAX_PARTY = 1200
TurnMinutes = Annotated[int, Field(ge=15, le=720)]
PartySize = Annotated[int, Field(ge=1, le=MAX_PARTY)]
BufferMinutes = Annotated[int, Field(ge=0, le=120)]
Timezone = Annotated[str, Field(max_length=64), AfterValidator(is_iana_zone)]
LanguageTag = Annotated[str, Field(max_length=35), AfterValidator(language_tag)]
LocalMinute = Annotated[str, Field(max_length=19), AfterValidator(local_minute)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class TurnTimeDocument(StrictModel):
    """Parties of up to ``max_party`` (null: any) stay ``minutes``."""

    max_party: PartySize | None
    minutes: TurnMinutes


TurnTimes = Annotated[tuple[TurnTimeDocument, ...], Field(min_length=1, max_length=50)]
DEFAULT_TURN_TIMES = tuple(
    TurnTimeDocument(max_party=party, minutes=minutes)
    for party, minutes in ((2, 90), (4, 105), (6, 120), (None, 150))
)


class PacingDocument(StrictModel):
    """How many covers may start in one slot."""

    slot_minutes: int = Field(default=15, ge=5, le=240)
    max_covers_per_slot: int | None = Field(default=None, ge=1, le=10_000)


class PolicyDocument(StrictModel):
    """The rules of the house."""

    buffer_before_minutes: BufferMinutes = 0
    buffer_after_minutes: BufferMinutes = 5
    max_tables: int = Field(default=3, ge=1, le=6)
    adjacency: Adjacency = Adjacency.CONNECTED
    min_dining_minutes: TurnMinutes = 45
    max_moves: int = Field(default=2, ge=0, le=3)
    freeze_minutes: int = Field(default=120, ge=0, le=10_080)
    hold_seconds: int = Field(default=300, ge=1, le=1800)
    start_cutoff_minutes: int = Field(default=10, ge=0, le=1440)
    turn_times: TurnTimes = DEFAULT_TURN_TIMES
    pacing: PacingDocument = PacingDocument()
    weights: dict[Label, Annotated[float, Field(ge=0, le=1000)]] = Field(default_factory=dict, max_length=50)


class ServiceDocument(StrictModel):
    """A period of seating; ``closes`` before ``opens`` on the clock is the next day's."""

    id: ServiceId
    name: Text | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = EVERY_DAY
    opens: ClockTime
    closes: ClockTime
    last_seating: ClockTime | None = None
    allow_overrun: bool = False
    turn_times: TurnTimes | None = None


class ClosureDocument(StrictModel):
    """Venue-local ``[from, to)``; zones and tables both null: the whole house."""

    from_: LocalMinute = Field(alias="from")
    to: LocalMinute
    zones: Annotated[tuple[ZoneId, ...], Field(min_length=1, max_length=100)] | None = None
    tables: Annotated[tuple[TableId, ...], Field(min_length=1, max_length=500)] | None = None
    reason: Text | None = None


class ZoneDocument(StrictModel):
    """A part of the house."""

    id: ZoneId
    name: Text | None = None


class TableDocument(StrictModel):
    """A table; ``max_party`` null is its capacity."""

    id: TableId
    zone: ZoneId
    capacity: int = Field(ge=1, le=100)
    min_party: PartySize = 1
    max_party: PartySize | None = None
    movable: bool = True
    active: bool = True
    out_of_service: bool = False
    walk_in_only: bool = False
    priority: int = Field(default=0, ge=-1000, le=1000)
    seating_type: Label = "standard"
    attributes: Annotated[tuple[Label, ...], Field(max_length=50)] = ()


class CombinationDocument(StrictModel):
    """An allowed set with its own range; ``max_party`` null is the sum of its seats."""

    tables: Annotated[tuple[TableId, ...], Field(min_length=2, max_length=12)]
    min_party: PartySize = 1
    max_party: PartySize | None = None


def _is_absent(value: str | None) -> bool:
    return value is None


class FloorDocument(StrictModel):
    """The whole document of ``PUT /restaurants/{restaurantId}``.

    ``locale``: the language of the letters to guests, English if absent. ``contact_email``: where guests'
    answers go, and what only a person of the restaurant can settle. Both are kept only if they are given.
    """

    name: Text
    timezone: Timezone
    locale: LanguageTag | None = Field(default=None, exclude_if=_is_absent)
    contact_email: EmailAddress | None = Field(default=None, exclude_if=_is_absent)
    policy: PolicyDocument = PolicyDocument()
    services: Annotated[tuple[ServiceDocument, ...], Field(max_length=50)]
    closures: Annotated[tuple[ClosureDocument, ...], Field(max_length=500)] = ()
    zones: Annotated[tuple[ZoneDocument, ...], Field(min_length=1, max_length=100)]
    tables: Annotated[tuple[TableDocument, ...], Field(min_length=1, max_length=500)]
    adjacency: Annotated[tuple[tuple[TableId, TableId], ...], Field(max_length=5000)] = ()
    combinations: Annotated[tuple[CombinationDocument, ...], Field(max_length=500)] = ()

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        check_floor(self)
        return self


def to_floor(document: FloorDocument, restaurant_id: str, layout_version: int) -> Floor:
    """The floor that a valid document describes."""
    stored: dict[str, Any] = document.model_dump(by_alias=True, mode="json")
    return floor_from_document(stored, restaurant_id, layout_version)
