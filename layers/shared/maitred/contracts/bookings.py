"""Bodies and queries of the booking calls (see docs/api.md, Bookings)."""

import base64
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from maitred.contracts.base import (
    CLEANED,
    MAX_LABEL,
    MAX_PARTY,
    SEVERAL_LINES,
    ClockTime,
    EmailAddress,
    FloorId,
    Label,
    Phone,
    StrictModel,
    Text,
    is_identifier,
)
from maitred.domain import words
from maitred.domain.booking import LocalStart, Preferences, Trigger
from maitred.domain.changes import ChangeType, change_type_of
from maitred.domain.errors import FieldError, InvalidRequest, NaiveTimestamp
from maitred.planner.answer.choice import Choice

_FIRST_YEAR = 2000
_MAX_PAGE = 200
_DEFAULT_PAGE = 50
_MOST_ATTRIBUTES = 20
_MOST_TABLES = 40  # for one party
_MOST_DATES = 31
_MOST_SIZES = 8
_MOST_SEARCHED = 100  # characters
_NO_TEXT = {"Cc", "Cs"}  # controls, NUL too, and halves of characters
_FAR_AHEAD = timedelta(days=3660)  # keeps calendar arithmetic in range

# RFC 3339 with optional seconds. The offset is optional here, so that the answer can name it as missing.
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII | re.IGNORECASE
)


#: The rules that a person may set aside; planner/floor/rules.py has the same names.
Overridable = Literal["capacity", "min_party", "adjacency", "zone", "max_tables", "pacing", "walk_in"]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: JSON has one kind of number: 2.0 is the whole number 2.
WholeNumber = Annotated[int, BeforeValidator(_whole)]
PartySize = Annotated[WholeNumber, Field(ge=1, le=MAX_PARTY)]


def _or_none(value: str | None) -> str | None:
    return value or None


_OR_NONE = AfterValidator(_or_none)  # a text of which nothing is left was none
Notes = Annotated[Annotated[str, StringConstraints(max_length=2000), CLEANED, SEVERAL_LINES] | None, _OR_NONE]
ReasonText = Annotated[
    Annotated[str, StringConstraints(max_length=500), CLEANED, SEVERAL_LINES] | None, _OR_NONE
]
_ZONE_MISSING = "needs a zone if zoneRequired is true"
_TOO_FAR = f"must be from {_FIRST_YEAR} on and at most ten years from today"
#: Of a webhook's secret, as Standard Webhooks writes it.
SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64  # bytes, by Standard Webhooks
_NO_POSITION = -1
_LAST_POSITION = 2**63 - 1
_BAD_CURSOR = "must be a nextCursor from an earlier page"


class Guest(StrictModel):
    name: Text | None = None
    email: EmailAddress | None = None
    phone: Phone | None = None


class PreferencesBody(StrictModel):
    """Wishes and requirements. In a change, a member that is left out stays as it was."""

    zone: Label | None = None
    zone_required: bool = False
    attributes: Annotated[tuple[Label, ...], Field(max_length=_MOST_ATTRIBUTES)] = ()
    required: Annotated[tuple[Label, ...], Field(max_length=_MOST_ATTRIBUTES)] = ()

    def to_domain(self) -> Preferences:
        return Preferences(self.zone, self.zone_required, self.attributes, self.required)

    def applied_to(self, present: Preferences) -> Preferences:
        """``present`` with this change. Raises InvalidRequest if a zone is required and none is left."""
        merged = replace(present, **self.model_dump(exclude_unset=True))
        if merged.zone_required and merged.zone is None:
            raise _invalid("preferences", "value_error", _ZONE_MISSING)
        return merged


def _zone_named(value: PreferencesBody) -> PreferencesBody:
    if value.zone_required and value.zone is None:
        raise ValueError(_ZONE_MISSING)
    return value


#: The preferences of a new party, whole: a zone that is required has a name.
WholePreferences = Annotated[PreferencesBody, AfterValidator(_zone_named)]
#: Rules that a person sets aside.
Overrides = tuple[Overridable, ...]
#: Those that are about the whole house. All others are about the tables that a person chose.
_OF_THE_HOUSE = frozenset({"pacing", "walk_in"})
TableIds = Annotated[tuple[FloorId, ...], Field(max_length=_MOST_TABLES)]


class HoldBody(StrictModel):
    """``POST /restaurants/{id}/holds``. The start is ``date`` and ``time``, or ``startAt``."""

    party_size: PartySize
    date: str | None = None
    time: ClockTime | None = None
    start_at: str | None = None
    preferences: WholePreferences = PreferencesBody()
    duration_minutes: Annotated[WholeNumber, Field(ge=5, le=720)] | None = None


class BookingBody(HoldBody):
    """``POST /restaurants/{id}/bookings``: the members of a hold, and the guest."""

    guest: Guest = Guest()
    notes: Notes = None
    hold_id: UUID | None = None
    on_full: Literal["pend", "refuse"] = "pend"


class PatchBody(StrictModel):
    """``PATCH /bookings/{id}``. A member that is left out stays; null removes a value (RFC 7396)."""

    party_size: PartySize | None = None
    date: str | None = None
    time: ClockTime | None = None
    start_at: str | None = None
    guest: Guest = Guest()
    preferences: PreferencesBody = PreferencesBody()
    notes: Notes = None
    duration_minutes: Annotated[WholeNumber, Field(ge=5, le=720)] | None = None
    on_full: Literal["keep", "pend"] = "keep"
    override: Overrides = ()

    @model_validator(mode="after")
    def _not_removed(self) -> "PatchBody":
        for name in ("party_size", "date", "time", "start_at", "duration_minutes"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{to_camel(name)} cannot be null; leave it out to keep it as it is")
        return self

    def guest_of(self, present: Mapping[str, str]) -> dict[str, str]:
        merged = {**present, **self.guest.model_dump(exclude_unset=True)}
        return {name: value for name, value in merged.items() if value is not None}

    def notes_of(self, present: str | None) -> str | None:
        return self.notes if "notes" in self.model_fields_set else present

    def start_of(self, now: datetime) -> LocalStart | datetime | None:
        """The new start; None if it stays. Raises InvalidRequest or NaiveTimestamp."""
        if self.date is None and self.time is None and self.start_at is None:
            return None
        return start_of(self, now)

    def require_no_start(self) -> None:
        """Raise InvalidRequest if this names a start or ``onFull``: a party that sits has neither."""
        wrong = [
            FieldError(
                to_camel(name), "not_while_seated", "cannot be changed while the party sits at its table"
            )
            for name in ("date", "time", "start_at", "on_full")
            if name in self.model_fields_set
        ]
        if wrong:
            raise InvalidRequest(wrong)

    def require_no_override(self) -> None:
        """Raise InvalidRequest if this sets rules aside: a person does that for a party that sits only."""
        if self.override:
            raise _invalid(
                "override",
                "only_while_seated",
                "is for a party that sits at its table; leave it out, or choose tables with PUT …/assignment",
            )


class AvailabilityBody(StrictModel):
    """``POST /restaurants/{id}/availability``: many days and sizes. ``zone`` and ``required`` are musts."""

    dates: Annotated[tuple[str, ...], Field(min_length=1, max_length=_MOST_DATES)]
    party_sizes: Annotated[tuple[PartySize, ...], Field(min_length=1, max_length=_MOST_SIZES)]
    zone: Label | None = None
    required: Annotated[tuple[Label, ...], Field(max_length=_MOST_ATTRIBUTES)] = ()

    def days(self, now: datetime) -> tuple[date, ...]:
        """The service days, each once. Raises InvalidRequest."""
        days = (parse_date(text, f"dates.{number}", now) for number, text in enumerate(self.dates))
        return tuple(dict.fromkeys(days))

    def sizes(self) -> tuple[int, ...]:
        """The sizes, each once."""
        return tuple(dict.fromkeys(self.party_sizes))

    def musts(self) -> Preferences:
        return Preferences(self.zone, self.zone is not None, required=self.required)


class CancelBody(StrictModel):
    reason: ReasonText = None


class SeatBody(StrictModel):
    """``POST /bookings/{id}/seat``: at the planned tables, or at those that a person chose."""

    tables: Annotated[TableIds, Field(min_length=1)] | None = None
    override: Overrides = ()

    def to_choice(self) -> Choice | None:
        return None if self.tables is None else Choice(self.tables, frozenset(self.override))


class WalkInBody(StrictModel):
    """``POST /restaurants/{id}/walk-ins``: guests at the door. Without ``tables`` the planner picks."""

    party_size: PartySize
    tables: Annotated[TableIds, Field(min_length=1)] | None = None
    duration_minutes: Annotated[WholeNumber, Field(ge=5, le=720)] | None = None
    guest: Guest = Guest()
    preferences: WholePreferences = PreferencesBody()
    notes: Notes = None
    seat: bool = True
    override: Overrides = ()

    @field_validator("override")
    @classmethod
    def _of_chosen_tables(cls, value: Overrides, info: ValidationInfo) -> Overrides:
        """The planner keeps every rule of its tables: without chosen ones there is nothing to set aside."""
        idle = [name for name in value if name not in _OF_THE_HOUSE]
        if idle and info.data.get("tables", ()) is None:
            raise ValueError(
                f"{idle[0]} is about tables that a person chose; name them in tables, or leave it out"
            )
        return value

    def to_choice(self) -> Choice | None:
        return None if self.tables is None else Choice(self.tables, frozenset(self.override))


class BlockBody(StrictModel):
    """``POST /restaurants/{id}/tables/{table}/block``. ``from``: now if it is left out."""

    from_: str | None = Field(default=None, alias="from")
    until: str
    reason: ReasonText = None

    def period(self, now: datetime) -> tuple[datetime | None, datetime]:
        """Raises InvalidRequest or NaiveTimestamp."""
        start = None if self.from_ is None else _read_minute(self.from_, "from", now)
        return start, _read_minute(self.until, "until", now)


class DeclineBody(StrictModel):
    """``POST /bookings/{id}/decline``."""

    reason: ReasonText = None


class EraseBody(StrictModel):
    """``POST /restaurants/{r}/guests/erase``: exactly one of the three."""

    email: EmailAddress | None = None
    phone: Phone | None = None
    booking_id: UUID | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> "EraseBody":
        given = [getattr(self, name) for name in self.model_fields_set]
        if len(given) != 1 or given[0] is None:
            raise ValueError("needs exactly one of email, phone and bookingId")
        return self


def _event_names(values: tuple[str, ...]) -> tuple[str, ...]:
    for name in values:
        try:
            change_type_of(name)
        except ValueError:
            raise ValueError(f"may have {', '.join(ChangeType)}") from None
    return values


def _whsec(value: str) -> str:
    try:
        key = base64.b64decode(value.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not value.startswith(SECRET_PREFIX) or not _SHORTEST_SECRET <= len(key) <= _LONGEST_SECRET:
        raise ValueError(
            f"must be {SECRET_PREFIX} and {_SHORTEST_SECRET} to {_LONGEST_SECRET} random bytes in base64; "
            "leave it out to get one"
        )
    return value


class WebhookBody(StrictModel):
    """``secret``: as Standard Webhooks writes it."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    events: Annotated[tuple[str, ...], Field(min_length=1, max_length=24), AfterValidator(_event_names)]
    secret: Annotated[str, StringConstraints(max_length=200), AfterValidator(_whsec)] | None = None

    @property
    def change_types(self) -> tuple[ChangeType, ...]:
        """Each once, in the order of the documentation."""
        wanted = {change_type_of(name) for name in self.events}
        return tuple(each for each in ChangeType if each in wanted)


class NoBody(StrictModel):
    """A call that takes no members: no body, or an empty object."""


class ProcessBody(StrictModel):
    """``POST /assignments/process``."""

    booking_id: UUID
    trigger: Literal["creation", "modification", "retry"]

    @property
    def as_trigger(self) -> Trigger:
        return Trigger(self.trigger)


class OptimizationBody(StrictModel):
    """``POST /restaurants/{r}/optimizations``. Without ``service``: all services of the date."""

    date: str
    service: str | None = None
    dry_run: bool = True
    max_moves: int = Field(default=20, ge=0, le=1000)


class AssignmentBody(StrictModel):
    """``PUT /bookings/{id}/assignment``: a person's choice of tables, and the rules to set aside."""

    tables: TableIds
    pin: bool = True
    override: Overrides = ()

    def to_choice(self) -> Choice:
        return Choice(self.tables, frozenset(self.override))


def start_of(body: HoldBody | PatchBody, now: datetime) -> LocalStart | datetime:
    """The start that the body names. Raises InvalidRequest or NaiveTimestamp."""
    local = body.date is not None or body.time is not None
    if local == (body.start_at is not None):
        raise _invalid("startAt", "ambiguous_start", "send either date and time, or startAt")
    if body.start_at is not None:
        return _read_minute(body.start_at, "startAt", now)
    if body.date is None or body.time is None:
        missing = "date" if body.date is None else "time"
        raise _invalid(missing, "missing", "is required: date and time go together")
    return LocalStart(parse_date(body.date, "date", now), time.fromisoformat(body.time))


def parse_date(text: str, field: str, now: datetime) -> date:
    """Read a date, ``YYYY-MM-DD``, from 2000 to about ten years from ``now``. Raises InvalidRequest."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None:
        raise _invalid(field, "invalid_date", "must be a date, written YYYY-MM-DD")
    if not date(_FIRST_YEAR, 1, 1) <= day <= (now + _FAR_AHEAD).date():
        raise _invalid(field, "out_of_range", _TOO_FAR)
    return day


def parse_moment(text: str, field: str, now: datetime) -> datetime:
    """Read a date-time in a query. A plus sign that was not escaped arrives there as a space."""
    return _read_moment(text.replace(" ", "+"), field, now)


def parse_edge(text: str | None, field: str, now: datetime) -> date | datetime | None:
    """Read the start or end of a period in a query: a date, a date-time, or None."""
    if text is None:
        return None
    return parse_moment(text, field, now) if "T" in text.upper() else parse_date(text, field, now)


def _read_minute(text: str, field: str, now: datetime) -> datetime:
    moment = _read_moment(text, field, now)
    if moment.second or moment.microsecond:
        raise _invalid(field, "not_a_minute", "must be a whole minute, without seconds")
    return moment


def _read_moment(text: str, field: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text.upper()) if _DATE_TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _invalid(
            field, "invalid_datetime", "must be an RFC 3339 date-time, such as 2026-12-04T19:00:00Z"
        )
    if moment.tzinfo is None:
        raise NaiveTimestamp(
            [FieldError(field, "naive_timestamp", "must have an offset, such as +01:00 or Z")]
        )
    if not _FIRST_YEAR <= moment.year <= (now + _FAR_AHEAD).year:
        raise _invalid(field, "out_of_range", _TOO_FAR)
    return moment.astimezone(UTC)


def parse_period(
    start: str | None, end: str | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """The moments ``from`` and ``to`` of a query, None where there is none. Raises InvalidRequest."""
    first = None if start is None else parse_moment(start, "from", now)
    last = None if end is None else parse_moment(end, "to", now)
    if first is not None and last is not None and last < first:
        raise _invalid("to", "before_from", "must not be before from")
    return first, last


def parse_reference(text: str | None) -> str | None:
    """A booking's reference as people write it, None if none is asked for. Raises InvalidRequest."""
    if text is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9-]{1,20}", text, re.ASCII):
        raise _invalid("reference", "invalid_reference", "must be a booking's reference, such as K7QX2M")
    return text.upper()


def parse_search(text: str | None) -> str | None:
    """What a guest's name, phone or mail is searched for, None if nothing is. Raises InvalidRequest."""
    if text is None:
        return None
    asked = words.clean(text)
    if not 1 <= len(asked) <= _MOST_SEARCHED:
        raise _invalid("q", "invalid_length", f"must have 1 to {_MOST_SEARCHED} characters")
    if any(unicodedata.category(character) in _NO_TEXT for character in asked):
        raise _invalid("q", "invalid_text", "must be one line of text, without control characters")
    return asked


def parse_party_size(text: str | None) -> int:
    if text is None:
        raise _invalid("partySize", "missing", "is required: the number of guests")
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= MAX_PARTY:
        raise _invalid("partySize", "out_of_range", f"must be a whole number from 1 to {MAX_PARTY}")
    return int(text)


def parse_musts(zone: str | None, required: str | None) -> Preferences:
    """The requirements of a query: ``zone``, and ``required``, attributes separated by commas."""
    attributes = tuple(dict.fromkeys(filter(None, (required or "").split(","))))
    if zone is not None and not 1 <= len(zone) <= MAX_LABEL:
        raise _invalid("zone", "invalid_length", f"must have 1 to {MAX_LABEL} characters")
    if len(attributes) > _MOST_ATTRIBUTES or any(len(each) > MAX_LABEL for each in attributes):
        raise _invalid(
            "required",
            "invalid_length",
            f"must name at most {_MOST_ATTRIBUTES} attributes of at most {MAX_LABEL} characters",
        )
    return Preferences(zone=zone, zone_required=zone is not None, required=attributes)


def _cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _text_of(cursor: str) -> str:
    """What `_cursor_of` was given. Raises InvalidRequest."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return text.decode("ascii")
    except ValueError:
        raise _invalid("cursor", "invalid_cursor", _BAD_CURSOR) from None


def encode_cursor(start: datetime, booking_id: UUID) -> str:
    return _cursor_of(f"{start.isoformat()}|{booking_id}")


def decode_cursor(cursor: str | None) -> tuple[datetime, UUID]:
    """The start and id after which a page begins; without a cursor, before all. Raises InvalidRequest."""
    if cursor is None:
        return datetime.min.replace(tzinfo=UTC), UUID(int=0)
    start, _, booking_id = _text_of(cursor).partition("|")
    try:
        moment, after = datetime.fromisoformat(start), UUID(booking_id)
    except ValueError:
        raise _invalid("cursor", "invalid_cursor", _BAD_CURSOR) from None
    if moment.tzinfo is None:
        raise _invalid("cursor", "invalid_cursor", _BAD_CURSOR)
    return moment, after


def encode_name(name: str) -> str:
    """The cursor of a place in a list by name."""
    return _cursor_of(name)


def decode_name(cursor: str | None) -> str:
    """After which name a page begins; without a cursor, before all. Raises InvalidRequest."""
    if cursor is None:
        return ""
    name = _text_of(cursor)
    if not is_identifier(name):
        raise _invalid("cursor", "invalid_cursor", _BAD_CURSOR)
    return name


def decode_cursor_down(cursor: str | None) -> tuple[datetime, UUID]:
    """As `decode_cursor`, for a list that begins with the latest; without a cursor, after all."""
    if cursor is None:
        return datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)
    return decode_cursor(cursor)


def encode_position(position: int) -> str:
    """The cursor of a place in a feed."""
    return _cursor_of(f"{position}")


def decode_position(cursor: str | None) -> int:
    """After which position a page of a feed begins; without a cursor, before all. Raises InvalidRequest."""
    if cursor is None:
        return 0
    text = _text_of(cursor)
    try:
        position = int(text) if text.isdigit() else _NO_POSITION
    except ValueError:  # thousands of digits
        position = _NO_POSITION
    if not 0 <= position <= _LAST_POSITION:
        raise _invalid("cursor", "invalid_cursor", _BAD_CURSOR)
    return position


def parse_limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= _MAX_PAGE:
        raise _invalid("limit", "out_of_range", f"must be a whole number from 1 to {_MAX_PAGE}")
    return int(text)


@dataclass(frozen=True, slots=True)
class IfMatch:
    """What the caller says that it has seen. ``versions``: one of these; None: any that there is."""

    versions: frozenset[int] | None

    def allows(self, version: int | None) -> bool:
        """May the call go on? ``version``: the present one, None if there is nothing yet."""
        return version is not None and (self.versions is None or version in self.versions)


def if_match_of(header: str | None) -> IfMatch | None:
    """An ``If-Match`` header, or None if none was sent. A tag that is not known matches nothing.

    Of a booking's ETag only the version counts, with which it begins: a move for others is no rival change.
    """
    if header is None:
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if tags == ["*"]:
        return IfMatch(None)
    known = (re.fullmatch(r'"(\d{1,9})(-[0-9a-f]+)?"', tag, re.ASCII) for tag in tags)
    return IfMatch(frozenset(int(found[1]) for found in known if found))


def _invalid(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldError(field, code, message)])
