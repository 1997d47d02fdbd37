"""What every document that crosses the border shares: strict camelCase models and one way to read them.

Outside input is read by :func:`parse` alone. Two errors come out of it: ``MalformedBody`` (not JSON)
and ``InvalidRequest`` (JSON, but not this document), never an exception of the parser's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

from maitred.domain.errors import FieldError, InvalidRequest, MalformedBody

#: More problems than this in one document help nobody; the rest is left out.
MAX_FIELD_ERRORS = 50
#: Member names come from the caller and may be any length: paths are cut here.
MAX_FIELD_PATH = 200

IDENTIFIER_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
type Location = tuple[int | str, ...]

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # ASCII only
_EMAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]
RestaurantId = Identifier
TableId = Identifier
ZoneId = Identifier
ServiceId = Identifier

#: A short text for people: 1-200 characters.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
#: A word such as an attribute or a seating type: 1-64 characters.
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
#: A venue-local wall time, ``HH:MM``, 00:00-23:59.
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _address(value: str) -> str:
    # "=?" begins an encoded word: the header of the letter would name another address than this one.
    if not _EMAIL.fullmatch(value) or "=?" in value:
        raise ValueError("must be an e-mail address")
    return value


#: One bare e-mail address, ASCII, at most 254 characters: nothing that a header could take for more.
EmailAddress = Annotated[str, StringConstraints(max_length=254), AfterValidator(_address)]


def is_identifier(text: str) -> bool:
    """May ``text`` be an id of ours (also as part of a path)?"""
    return _IDENTIFIER.fullmatch(text) is not None


class StrictModel(BaseModel):
    """A document of the contract: unknown members and wrong types are errors, nothing is coerced."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


def parse[M: BaseModel](model: type[M], body: str | bytes | None) -> M:
    """Read JSON text as ``model``.

    Raises ``MalformedBody`` if it is not JSON (also: nested too deep, lone surrogates, bytes that are
    not UTF-8), ``InvalidRequest`` with one entry a problem otherwise. No message repeats the input.
    """
    data = _utf8(body)
    try:
        document = model.model_validate_json(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _as_ours(error.errors(include_url=False, include_input=False)) from None
    _refuse_remains(document, data)
    return document


def _utf8(body: str | bytes | None) -> bytes:
    if not body:
        raise MalformedBody("A JSON body is expected")
    if isinstance(body, bytes):
        return body
    try:
        return body.encode()
    except UnicodeEncodeError:
        raise MalformedBody("The body is not valid Unicode") from None


def _as_ours(details: Sequence[ErrorDetails]) -> MalformedBody | InvalidRequest:
    if any(detail["type"] == "json_invalid" for detail in details):
        return MalformedBody()
    kept = [detail for detail in details if not _follows_from_another(detail, details)]
    return InvalidRequest(
        [
            FieldError(_path(detail["loc"]), _code(detail["type"]), _message(detail))
            for detail in kept[:MAX_FIELD_ERRORS]
        ]
    )


def _follows_from_another(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A list is also called too short when it has enough items but a wrong one among them."""
    location = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(location)] == location and len(other["loc"]) > len(location) for other in details
    )


def _path(location: Iterable[int | str]) -> str:
    path = ".".join(str(part) for part in location)
    return path.replace("\x00", "?")[:MAX_FIELD_PATH] or "body"


def _code(error_type: str) -> str:
    return "unknown_member" if error_type == "extra_forbidden" else error_type


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "This member is not known"
    return detail["msg"].removeprefix("Value error, ")


def _refuse_remains(document: BaseModel, data: bytes) -> None:
    """What pydantic lets pass: members spelt as in Python (2.13 ignores them in JSON), and NUL."""
    raw = from_json(data)
    errors = [
        FieldError(_path(location), "unknown_member", "This member is not known")
        for location in _stray_members(document, raw, ())
    ]
    # Only an escape can bring a NUL into JSON; PostgreSQL's text cannot hold one.
    if b"\\u0000" in data:
        errors += [
            FieldError(_path(location), "nul_character", "The text must not hold the character U+0000")
            for location in _nul_locations(raw, ())
        ]
    if errors:
        raise InvalidRequest(errors[:MAX_FIELD_ERRORS])


def _stray_members(value: Any, raw: Any, location: Location) -> Iterator[Location]:
    """Members of ``raw`` that the models inside ``value`` do not have."""
    if isinstance(value, BaseModel) and isinstance(raw, dict):
        names = _names_by_member(type(value))
        for member, content in raw.items():
            if member not in names:
                yield (*location, member)
            else:
                yield from _stray_members(getattr(value, names[member]), content, (*location, member))
    elif isinstance(value, tuple | list) and isinstance(raw, list):
        for number, (item, content) in enumerate(zip(value, raw, strict=True)):
            yield from _stray_members(item, content, (*location, number))


@cache
def _names_by_member(model: type[BaseModel]) -> dict[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _nul_locations(value: Any, location: Location) -> Iterator[Location]:
    """Where a NUL stands. The JSON parser has bounded the nesting before."""
    if isinstance(value, str) and "\x00" in value:
        yield location
    elif isinstance(value, dict):
        for key, member in value.items():
            if "\x00" in key:
                yield (*location, key)
            yield from _nul_locations(member, (*location, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _nul_locations(item, (*location, number))
