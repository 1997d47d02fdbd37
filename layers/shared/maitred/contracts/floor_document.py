"""The floor document: a restaurant as its operator describes it (see docs/api.md, Restaurants).

Types check single members; the functions at the end check rules that span several members.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from maitred.contracts.base import (
    ClockTime,
    EmailAddress,
    FloorId,
    Identifier,
    Label,
    Location,
    StrictModel,
    Text,
)
from maitred.contracts.floor_values import (
    is_iana_zone,
    language_tag,
    last_seating_minutes,
    local_date,
    local_minute,
    service_minutes,
)
from maitred.domain.floor import STANDARD, Adjacency, Policy, ShiftMode
from maitred.planner.floor.weights import DEFAULT_WEIGHTS

_MAX_CAPACITY = 100
_MAX_COMBINED = 40
#: Seats of the largest combination. It exceeds MAX_PARTY because a row may name all of its seats.
_MAX_SEATS = _MAX_COMBINED * _MAX_CAPACITY
_DEFAULT = Policy()
TurnMinutes = Annotated[int, Field(ge=5, le=720)]
PartySize = Annotated[int, Field(ge=1, le=_MAX_SEATS)]
Covers = Annotated[int, Field(ge=0, le=10_000)]
BufferMinutes = Annotated[int, Field(ge=0, le=120)]
Timezone = Annotated[str, Field(max_length=64), AfterValidator(is_iana_zone)]
LanguageTag = Annotated[str, Field(max_length=35), AfterValidator(language_tag)]
LocalMinute = Annotated[str, Field(max_length=19), AfterValidator(local_minute)]
LocalDate = Annotated[str, Field(max_length=10), AfterValidator(local_date)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class TurnTimeDocument(StrictModel):
    """Parties of up to ``max_party`` (null: any) stay ``minutes``."""

    max_party: PartySize | None
    minutes: TurnMinutes


TurnTimes = Annotated[tuple[TurnTimeDocument, ...], Field(min_length=1, max_length=50)]


class SlotLimitDocument(StrictModel):
    """The own limit of the slot in which the local ``time`` lies."""

    time: ClockTime
    max_covers: Covers


class PacingDocument(StrictModel):
    """How many guests may start in one slot; null: no limit. ``per_zone``: at most so many in a zone."""

    slot_minutes: int = Field(default=_DEFAULT.pacing.slot_minutes, ge=5, le=240)
    max_covers_per_slot: int | None = Field(default=_DEFAULT.pacing.max_covers_per_slot, ge=1, le=10_000)
    per_zone: dict[str, Covers] = Field(default_factory=dict, max_length=100)
    per_slot: Annotated[tuple[SlotLimitDocument, ...], Field(max_length=300)] = ()


class OptimizeDocument(StrictModel):
    """What the schedule does about the coming services, and from what local time on."""

    mode: ShiftMode = _DEFAULT.optimize.mode
    at: ClockTime = "15:00"


class PolicyDocument(StrictModel):
    """The rules of seating. The defaults are those of the domain's policy."""

    buffer_before_minutes: BufferMinutes = _DEFAULT.buffer_before_minutes
    buffer_after_minutes: BufferMinutes = _DEFAULT.buffer_after_minutes
    max_tables: int = Field(default=_DEFAULT.max_tables, ge=1, le=6)
    adjacency: Adjacency = _DEFAULT.adjacency
    min_dining_minutes: TurnMinutes = _DEFAULT.min_dining_minutes
    max_moves: int = Field(default=_DEFAULT.max_moves, ge=0, le=3)
    freeze_minutes: int = Field(default=_DEFAULT.freeze_minutes, ge=0, le=10_080)
    hold_seconds: int = Field(default=_DEFAULT.hold_seconds, ge=1, le=1800)
    start_cutoff_minutes: int = Field(default=_DEFAULT.start_cutoff_minutes, ge=0, le=1440)
    early_seat_minutes: int = Field(default=_DEFAULT.early_seat_minutes, ge=0, le=43_200)
    lookahead_minutes: int = Field(default=_DEFAULT.lookahead_minutes, ge=0, le=720)
    late_minutes: int = Field(default=_DEFAULT.late_minutes, ge=0, le=720)
    min_notice_minutes: int = Field(default=_DEFAULT.min_notice_minutes, ge=0, le=43_200)
    max_days_ahead: int = Field(default=_DEFAULT.max_days_ahead, ge=0, le=3650)
    max_party_online: PartySize | None = _DEFAULT.max_party_online
    turn_times: TurnTimes = tuple(
        TurnTimeDocument(max_party=turn.max_party, minutes=turn.minutes) for turn in _DEFAULT.turn_times
    )
    pacing: PacingDocument = PacingDocument()
    optimize: OptimizeDocument = OptimizeDocument()
    weights: dict[Label, Annotated[float, Field(ge=0, le=1000)]] = Field(default_factory=dict, max_length=50)


class ServiceDocument(StrictModel):
    """A period of seating. A ``closes`` before ``opens`` means the next day.

    With ``dates``, or ``from`` and ``to`` (inclusive), it is dated: it replaces the weekly services of its
    dates, unless it ``adds`` to them.
    """

    id: Identifier
    name: Text | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = get_args(Day)
    opens: ClockTime
    closes: ClockTime
    last_seating: ClockTime | None = None
    allow_overrun: bool = False
    turn_times: TurnTimes | None = None
    dates: Annotated[tuple[LocalDate, ...], Field(min_length=1, max_length=366)] | None = None
    from_: LocalDate | None = Field(default=None, alias="from")
    to: LocalDate | None = None
    adds: bool = False


class ClosureDocument(StrictModel):
    """Closed during ``[from, to)``, local time. Zones and tables both null: the whole restaurant."""

    from_: LocalMinute = Field(alias="from")
    to: LocalMinute
    zones: Annotated[tuple[FloorId, ...], Field(min_length=1, max_length=100)] | None = None
    tables: Annotated[tuple[FloorId, ...], Field(min_length=1, max_length=500)] | None = None
    reason: Text | None = None


class PauseDocument(StrictModel):
    """No party may start during ``[from, to)``, local time; with zones, at their tables only."""

    from_: LocalMinute = Field(alias="from")
    to: LocalMinute
    zones: Annotated[tuple[FloorId, ...], Field(min_length=1, max_length=100)] | None = None
    reason: Text | None = None


class ZoneDocument(StrictModel):
    """A part of the restaurant. ``position``: its place in a list of zones, the lowest first."""

    id: FloorId
    name: Text | None = None
    position: Annotated[int, Field(ge=-1000, le=1000)] | None = None


class SectionDocument(StrictModel):
    """The tables that one server looks after."""

    id: FloorId
    tables: Annotated[tuple[FloorId, ...], Field(min_length=1, max_length=500)]
    server: Text | None = None


class TableDocument(StrictModel):
    """A table. ``max_party`` null: its capacity; more: chairs are added, if the table stands alone."""

    id: FloorId
    name: Text | None = None
    zone: FloorId
    capacity: int = Field(ge=1, le=_MAX_CAPACITY)
    min_party: PartySize = 1
    max_party: Annotated[int, Field(ge=1, le=_MAX_CAPACITY)] | None = None
    movable: bool = True
    active: bool = True
    out_of_service: bool = False
    walk_in_only: bool = False
    priority: int = Field(default=0, ge=-1000, le=1000)
    seating_type: Label = STANDARD
    attributes: Annotated[tuple[Label, ...], Field(max_length=50)] = ()


class CombinationDocument(StrictModel):
    """An allowed set with its own party range.

    ``seats``: those of the tables pushed together; null: the sum of the tables' own, or ``max_party`` if that
    is more. ``max_party`` null: all seats.
    """

    tables: Annotated[tuple[FloorId, ...], Field(min_length=2, max_length=_MAX_COMBINED)]
    seats: PartySize | None = None
    min_party: PartySize = 1
    max_party: PartySize | None = None


def _is_absent(value: str | None) -> bool:
    return value is None


class FloorDocument(StrictModel):
    """The whole document of ``PUT /restaurants/{restaurantId}``.

    ``locale``: language of the letters to guests; English if absent. ``contact_email``: the address for
    guests' answers and for notices to the restaurant. Both are stored only if they are given.
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
    adjacency: Annotated[tuple[tuple[FloorId, FloorId], ...], Field(max_length=5000)] = ()
    combinations: Annotated[tuple[CombinationDocument, ...], Field(max_length=500)] = ()
    pauses: Annotated[tuple[PauseDocument, ...], Field(max_length=500)] = ()
    sections: Annotated[tuple[SectionDocument, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        problems = [
            *_unique_ids(self),
            *_weights(self),
            *_turn_times(self),
            *_pacing(self),
            *_services(self),
            *_closures(self),
            *_pauses(self),
            *_tables(self),
            *_adjacency(self),
            *_combinations(self),
            *_sections(self),
        ]
        if problems:
            raise ValidationError.from_exception_data(
                "FloorDocument",
                [
                    InitErrorDetails(
                        type=PydanticCustomError(code, "{rule}", {"rule": message}), loc=location, input=None
                    )
                    for location, code, message in problems
                ],
            )
        return self

    def stored(self) -> dict[str, Any]:
        """The document as it is stored and answered: JSON values, with the defaults filled in."""
        return self.model_dump(by_alias=True, mode="json")


# --- rules that span several members; each is reported at the member that breaks it ---

type Problem = tuple[Location, str, str]


def _unique_ids(document: FloorDocument) -> Iterator[Problem]:
    for member in ("services", "zones", "tables", "sections"):
        seen: set[str] = set()
        for number, row in enumerate(getattr(document, member)):
            if row.id in seen:
                yield (member, number, "id"), "duplicate_id", "is used more than once; give each its own id"
            seen.add(row.id)


def _weights(document: FloorDocument) -> Iterator[Problem]:
    for name in document.policy.weights:
        if name not in DEFAULT_WEIGHTS:
            yield (
                ("policy", "weights", name),
                "unknown_weight",
                f"is not a term of the score; use {', '.join(sorted(DEFAULT_WEIGHTS))}",
            )


def _turn_times(document: FloorDocument) -> Iterator[Problem]:
    yield from _turn_list(document.policy.turn_times, ("policy", "turnTimes"))
    for number, service in enumerate(document.services):
        if service.turn_times is not None:
            yield from _turn_list(service.turn_times, ("services", number, "turnTimes"))


def _turn_list(turns: tuple[TurnTimeDocument, ...], location: Location) -> Iterator[Problem]:
    previous = 0
    for number, turn in enumerate(turns[:-1]):
        where = (*location, number, "maxParty")
        if turn.max_party is None:
            yield where, "null_before_last", "must be a number in every row but the last"
        elif turn.max_party <= previous:
            yield where, "not_ascending", "must be larger than in the row before"
        previous = turn.max_party or previous
    if turns[-1].max_party is not None:
        yield (
            (*location, len(turns) - 1, "maxParty"),
            "sizes_not_covered",
            "must be null in the last row, so that every party has a turn time",
        )


def _pacing(document: FloorDocument) -> Iterator[Problem]:
    zones, seen, pacing = _zone_ids(document), set[str](), document.policy.pacing
    for zone in pacing.per_zone:
        if zone not in zones:
            where: Location = ("policy", "pacing", "perZone", zone)
            yield where, "unknown_reference", "must be the id of one of the zones"
    for number, slot in enumerate(pacing.per_slot):
        if slot.time in seen:
            where = ("policy", "pacing", "perSlot", number, "time")
            yield where, "duplicate_time", "has a limit already; name each time once"
        seen.add(slot.time)


def _services(document: FloorDocument) -> Iterator[Problem]:
    for number, service in enumerate(document.services):
        where: Location = ("services", number)
        if len(set(service.days)) < len(service.days):
            yield (*where, "days"), "duplicate_day", "must name each weekday once"
        for member, code, message in _service_hours(service, document.policy.min_dining_minutes):
            yield (*where, member), code, message
        for member, code, message in _service_dates(service):
            yield (*where, member), code, message


def _service_hours(service: ServiceDocument, min_dining: int) -> Iterator[tuple[str, str, str]]:
    opens, closes = service_minutes(service.opens, service.closes)
    if opens == closes:
        yield "closes", "empty_service", "must differ from opens"
        return
    if not service.allow_overrun and closes - opens < min_dining:
        yield "closes", "service_too_short", "must be at least minDiningMinutes after opens"
    elif service.last_seating is not None:
        last = last_seating_minutes(service.last_seating, opens, closes, min_dining, allow_overrun=False)
        if last > closes:
            yield "lastSeating", "outside_service", "must be between opens and closes"


def _service_dates(service: ServiceDocument) -> Iterator[tuple[str, str, str]]:
    dates, period = service.dates or (), service.from_ is not None or service.to is not None
    if len(set(dates)) < len(dates):
        yield "dates", "duplicate_date", "must name each date once"
    if dates and period:
        yield "dates", "dates_and_period", "must be left out if from or to is given"
    if service.from_ is not None and service.to is not None and service.to < service.from_:
        yield "to", "before_from", "must not be before from"
    if service.adds and not dates and not period:
        yield "adds", "not_dated", "needs dates, or from and to"


def _pauses(document: FloorDocument) -> Iterator[Problem]:
    zones = _zone_ids(document)
    for number, pause in enumerate(document.pauses):
        where: Location = ("pauses", number)
        if pause.from_ >= pause.to:
            yield (*where, "to"), "not_after_from", "must be after from"
        yield from _unknown(pause.zones or (), zones, (*where, "zones"))


def _closures(document: FloorDocument) -> Iterator[Problem]:
    zones, tables = _zone_ids(document), _table_ids(document)
    for number, closure in enumerate(document.closures):
        where: Location = ("closures", number)
        if closure.from_ >= closure.to:
            yield (*where, "to"), "not_after_from", "must be after from"
        yield from _unknown(closure.zones or (), zones, (*where, "zones"))
        yield from _unknown(closure.tables or (), tables, (*where, "tables"))


def _tables(document: FloorDocument) -> Iterator[Problem]:
    zones = _zone_ids(document)
    for number, table in enumerate(document.tables):
        where: Location = ("tables", number)
        if table.zone not in zones:
            yield (*where, "zone"), "unknown_reference", "must be the id of one of the zones"
        yield from _least_party(table, where, table.capacity)


def _adjacency(document: FloorDocument) -> Iterator[Problem]:
    tables = _table_ids(document)
    for number, edge in enumerate(document.adjacency):
        yield from _unknown(edge, tables, ("adjacency", number))
        if edge[0] == edge[1]:
            yield ("adjacency", number), "self_edge", "must name two different tables"


def _combinations(document: FloorDocument) -> Iterator[Problem]:
    capacities = {table.id: table.capacity for table in document.tables}
    for number, row in enumerate(document.combinations):
        where: Location = ("combinations", number)
        yield from _unknown(row.tables, capacities, (*where, "tables"))
        if len(set(row.tables)) < len(row.tables):
            yield (*where, "tables"), "duplicate_table", "must name each table once"
            continue
        if row.seats is not None and row.max_party is not None and row.max_party > row.seats:
            yield (*where, "maxParty"), "above_capacity", "must be at most the combination's seats"
        if capacities.keys() >= set(row.tables):
            yield from _least_party(row, where, row.seats or sum(capacities[table] for table in row.tables))


def _sections(document: FloorDocument) -> Iterator[Problem]:
    tables, seen = _table_ids(document), set[str]()
    for number, section in enumerate(document.sections):
        where: Location = ("sections", number, "tables")
        yield from _unknown(section.tables, tables, where)
        for place, table in enumerate(section.tables):
            if table in seen:
                yield (
                    (*where, place),
                    "duplicate_table",
                    "is in a section already; each table has at most one",
                )
            seen.add(table)


def _least_party(row: TableDocument | CombinationDocument, where: Location, seats: int) -> Iterator[Problem]:
    if row.min_party > (row.max_party or seats):
        yield (*where, "minParty"), "above_max_party", "must be at most maxParty, or else the number of seats"


def _unknown(names: Iterable[str], known: Container[str], location: Location) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name not in known:
            yield (*location, number), "unknown_reference", "must be the id of something in the document"


def _zone_ids(document: FloorDocument) -> set[str]:
    return {zone.id for zone in document.zones}


def _table_ids(document: FloorDocument) -> set[str]:
    return {table.id for table in document.tables}
