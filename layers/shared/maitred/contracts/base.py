"""Strict camelCase models, and the one way to read them.

Only :func:`parse` reads input from outside. It raises ``MalformedBody`` (not JSON) or ``InvalidRequest``
(JSON, but not this document), and never an exception of the parser's own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

from maitred.domain import words
from maitred.domain.errors import FieldError, InvalidRequest, MalformedBody

#: An answer lists at most this many mistakes.
MAX_FIELD_ERRORS = 50
#: Member names come from the caller and may have any length, so paths are cut here.
MAX_FIELD_PATH = 200

#: The largest party that a booking, a hold or a query may name.
MAX_PARTY = 1000

_IDENTIFIER = r"^[A-Za-z0-9_-]{1,64}$"
_CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
type Location = tuple[int | str, ...]

Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER)]

MAX_FLOOR_ID = 40


def _visible(value: str) -> str:
    if "/" in value or not value.isprintable() or value != value.strip():
        raise ValueError(f"must be 1-{MAX_FLOOR_ID} visible characters without /, and no space at either end")
    return value


#: The id of a table, zone or section: what is written on the restaurant's own plan.
FloorId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FLOOR_ID), AfterValidator(_visible)]


def _clean(value: object) -> object:
    return words.clean(value) if isinstance(value, str) else value


def _one_line(value: str) -> str:
    if words.has_controls(value):
        raise ValueError("must be one line, without tabs and other control characters")
    return value


def _lines(value: str) -> str:
    if words.has_controls(value, lines=True):
        raise ValueError("must not contain control characters; line breaks and tabs are fine")
    return value


#: The two kinds of free text, both cleaned before their length is looked at. NUL is found elsewhere.
CLEANED = BeforeValidator(_clean)
SEVERAL_LINES = AfterValidator(_lines)
#: A short text of one line, in any script: 1-200 characters.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200), CLEANED, AfterValidator(_one_line)]
#: A phone number as people write it: 1-64 characters.
Phone = Annotated[str, StringConstraints(min_length=1, max_length=64), CLEANED, AfterValidator(_one_line)]
MAX_LABEL = 64
#: A word such as an attribute or a seating type: 1-64 characters.
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL)]
#: A local time, ``HH:MM``, 00:00-23:59.
ClockTime = Annotated[str, StringConstraints(pattern=_CLOCK_PATTERN)]

#: For a mistake that no text is written for; a test finds out that there is none.
FALLBACK = "cannot be read; compare it with the example in the documentation"
_UNKNOWN_MEMBER = "is not known here; remove it or check its spelling"
_UUID = "must be an id as the API gave it, such as 85f60326-277e-4ccd-bb15-3b39d3ba3e4c"
_PATTERNS = {
    _IDENTIFIER: "must be 1-64 letters, digits, hyphens or underscores",
    _CLOCK_PATTERN: "must be a time from 00:00 to 23:59, written HH:MM",
}
#: The texts for pydantic's error types, with the values that pydantic names.
_TEXTS: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "extra_forbidden": _UNKNOWN_MEMBER,
    "finite_number": "must be a number that is not infinite",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is required",
    "model_type": "must be an object",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have {min_length} or more characters",
    "string_type": "must be a text",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have {min_length} or more entries",
    "tuple_type": "must be a list",
    "uuid_parsing": _UUID,
    "uuid_type": _UUID,
}


def _address(value: str) -> str:
    if not words.is_address(value):
        raise ValueError("must be an e-mail address, such as ada@example.com")
    return value


#: One bare e-mail address, in any script, at most 254 characters, cleaned.
EmailAddress = Annotated[str, StringConstraints(max_length=254), CLEANED, AfterValidator(_address)]


def is_identifier(text: str) -> bool:
    """Is ``text`` a valid id, also as part of a path?"""
    return re.fullmatch(_IDENTIFIER, text) is not None


class StrictModel(BaseModel):
    """A document of the API. Unknown members and wrong types are errors; nothing is converted."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


def parse[M: BaseModel](model: type[M], text: str | bytes | None) -> tuple[M, Any]:
    """Read JSON text as ``model``; returns it with the plain value, which is read once.

    Raises ``MalformedBody`` if it is not JSON (or is nested too deep, has lone surrogates, is not UTF-8), and
    ``InvalidRequest`` with one entry for each mistake otherwise. No message repeats the input.
    """
    data = _utf8(text)
    try:
        document = model.model_validate_json(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _as_ours(error.errors(include_url=False, include_input=False)) from None
    value = plain_value(data)
    # Only an escape can put a NUL into JSON, and PostgreSQL's text cannot store it.
    _refuse_leftovers(document, value, has_nul=b"\\u0000" in data)
    return document, value


def plain_value(text: str | bytes) -> Any:
    """Read JSON text as a plain value. Raises ``MalformedBody``."""
    try:
        return from_json(_utf8(text))
    except ValueError:
        raise MalformedBody from None


def _utf8(body: str | bytes | None) -> bytes:
    if not body:
        raise MalformedBody("The request needs a JSON body")
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
    """Pydantic also calls a list too short if it has enough items but a wrong one among them."""
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
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], FALLBACK)
    if detail["type"] == "value_error":  # of a validator of ours
        return str(context["error"])
    if "rule" in context:  # of a rule that spans several members
        return str(context["rule"])
    text = _TEXTS.get(detail["type"])
    return text.format(**context) if text else FALLBACK


def _refuse_leftovers(document: BaseModel, raw: Any, *, has_nul: bool) -> None:
    """Refuse what pydantic accepts: members spelt as in Python (2.13 ignores them in JSON), and NUL."""
    errors = [
        FieldError(_path(location), "unknown_member", _UNKNOWN_MEMBER)
        for location in _stray_members(document, raw, ())
    ]
    if has_nul:
        errors += [
            FieldError(_path(location), "nul_character", "must not contain the character U+0000")
            for location in _nul_locations(raw, ())
        ]
    if errors:
        raise InvalidRequest(errors[:MAX_FIELD_ERRORS])


def _stray_members(value: Any, raw: Any, location: Location) -> Iterator[Location]:
    """The members of ``raw`` that the models inside ``value`` do not have."""
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
    """The places of NUL characters. The JSON parser has already bounded the nesting."""
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
