"""Reading what the outside sends: strict, and never with an exception of the parser's."""

import json
from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from maitred.contracts.base import (
    MAX_FIELD_ERRORS,
    ClockTime,
    FloorId,
    Identifier,
    StrictModel,
    Text,
    is_identifier,
    parse,
)
from maitred.domain.errors import InvalidRequest, MalformedBody


class Colour(StrEnum):
    RED = "red"


class Inner(StrictModel):
    max_tables: Annotated[int, Field(ge=1, le=6)] = 3
    colour: Colour = Colour.RED


class Outer(StrictModel):
    name: Text
    inner: Inner = Inner()
    weights: dict[str, float] = Field(default_factory=dict)
    pairs: tuple[tuple[Identifier, Identifier], ...] = ()
    opens: ClockTime | None = None
    rows: tuple[Inner, ...] = ()


def problems(body: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        parse(Outer, body)[0]
    return [(error.field, error.code) for error in caught.value.errors]


def test_camel_case_json_becomes_the_model() -> None:
    body = (
        '{"name": "A", "inner": {"maxTables": 2, "colour": "red"}, "pairs": [["a", "b"]], "opens": "09:30"}'
    )
    expected = Outer(name="A", inner=Inner(max_tables=2), pairs=(("a", "b"),), opens="09:30")
    assert parse(Outer, body)[0] == parse(Outer, body.encode())[0] == expected


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        b"",
        "{",
        "nul",
        '{"name": "a",}',
        b"\xff\xfe{}",
        '{"name": "\\ud800"}',
        "\ud800",
        "[" * 100_000,
        '{"name":' * 50_000,
        '{"inner": {"maxTables": 1' + "0" * 5000 + "}}",
        '{"name": "a\x00"}',
    ],
)
def test_what_is_not_json(body: str | bytes | None) -> None:
    with pytest.raises(MalformedBody):
        parse(Outer, body)[0]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ("null", "body", "model_type"),
        ("[]", "body", "model_type"),
        ("{}", "name", "missing"),
        ('{"name": 5}', "name", "string_type"),
        ('{"name": ""}', "name", "string_too_short"),
        ('{"name": "' + "n" * 201 + '"}', "name", "string_too_long"),
        ('{"name": "a", "inner": {"maxTables": "2"}}', "inner.maxTables", "int_type"),
        ('{"name": "a", "inner": {"maxTables": true}}', "inner.maxTables", "int_type"),
        ('{"name": "a", "inner": {"maxTables": 2.0}}', "inner.maxTables", "int_type"),
        (
            '{"name": "a", "inner": {"maxTables": 10000000000000000000000}}',
            "inner.maxTables",
            "less_than_equal",
        ),
        ('{"name": "a", "inner": {"maxTables": NaN}}', "inner.maxTables", "int_type"),
        ('{"name": "a", "inner": {"colour": "blue"}}', "inner.colour", "enum"),
        ('{"name": "a", "weights": {"x": NaN}}', "weights.x", "finite_number"),
        ('{"name": "a", "weights": {"x": -Infinity}}', "weights.x", "finite_number"),
        ('{"name": "a", "weights": {"x": 1e999}}', "weights.x", "finite_number"),
        ('{"name": "a", "pairs": [["a", "b c"]]}', "pairs.0.1", "string_pattern_mismatch"),
        ('{"name": "a", "opens": "9:30"}', "opens", "string_pattern_mismatch"),
        ('{"name": "a", "opens": "24:00"}', "opens", "string_pattern_mismatch"),
        ('{"name": "a", "opens": "09:30\\n"}', "opens", "string_pattern_mismatch"),
        ('{"name": "a", "extra": 1}', "extra", "unknown_member"),
        ('{"name": "a", "inner": {"max_tables": 2}}', "inner.max_tables", "unknown_member"),
        ('{"name": "a", "rows": [{}, {"max_tables": 2}]}', "rows.1.max_tables", "unknown_member"),
        ('{"name": "a\\u0000b"}', "name", "nul_character"),
        ('{"name": "a", "weights": {"x\\u0000": 1}}', "weights.x?", "nul_character"),
        ('{"name": "a", "weights": ' + "[" * 150 + "]" * 150 + "}", "weights", "dict_type"),
    ],
)
def test_what_is_json_but_not_the_document(body: str, field: str, code: str) -> None:
    assert problems(body) == [(field, code)]


def test_an_escaped_backslash_is_no_nul() -> None:
    assert parse(Outer, '{"name": "\\\\u0000"}')[0].name == "\\u0000"


def test_no_message_repeats_the_input() -> None:
    secret = "hunter2hunter2"
    for body in (
        f'{{"name": ["{secret}"]}}',
        f'{{"name": "a", "opens": "{secret}"}}',
        f'{{"name": "a", "inner": "{secret}"}}',
        f'{{"name": "a", "inner": {{"colour": "{secret}"}}}}',
        f'{{"name": "{secret}"',
    ):
        with pytest.raises((InvalidRequest, MalformedBody)) as caught:
            parse(Outer, body)[0]
        assert secret not in str(caught.value)
        assert secret not in repr(getattr(caught.value, "errors", ""))


def test_errors_and_their_paths_are_bounded() -> None:
    many = ", ".join(f'"{"x" * 300}{number}": 1' for number in range(200))
    found = problems('{"name": "a", ' + many + "}")
    assert len(found) == MAX_FIELD_ERRORS
    assert max(len(field) for field, _ in found) <= 200


@pytest.mark.parametrize("text", ["a", "A-b_9", "x" * 64])
def test_identifiers(text: str) -> None:
    assert is_identifier(text)


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "é", "a\n", "../x", "a\x00", "٣"])
def test_what_is_no_identifier(text: str) -> None:
    assert not is_identifier(text)


@settings(max_examples=200, deadline=None, database=None)
@given(st.one_of(st.text(), st.binary(), st.from_regex(r'\{"name": ?"[^"]*"(, ?"inner": ?.{0,20})?\}')))
def test_whatever_is_sent_only_our_errors_come_out(body: str | bytes) -> None:
    try:
        parse(Outer, body)[0]
    except (InvalidRequest, MalformedBody) as error:
        assert str(error)  # noqa: PT017 - either outcome is right, anything else is not


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"name": 1}', "must be a text"),
        ("{}", "is required"),
        ('{"name": "", "inner": {}}', "must have 1 or more characters"),
        ('{"name": "A", "inner": 1}', "must be an object"),
        ('{"name": "A", "inner": {"maxTables": 7}}', "must be at most 6"),
        ('{"name": "A", "inner": {"maxTables": "x"}}', "must be a whole number"),
        ('{"name": "A", "inner": {"colour": "blue"}}', "must be 'red'"),
        ('{"name": "A", "weights": {"a": "x"}}', "must be a number"),
        ('{"name": "A", "rows": {}}', "must be a list"),
        ('{"name": "A", "pairs": [["a b", "c"]]}', "must be 1-64 letters, digits, hyphens or underscores"),
        ('{"name": "A", "opens": "24:00"}', "must be a time from 00:00 to 23:59, written HH:MM"),
        ('{"name": "A", "nmae": "B"}', "is not known here; remove it or check its spelling"),
    ],
)
def test_a_message_says_what_to_send(body: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(Outer, body)[0]
    assert [error.message for error in caught.value.errors] == [message]


class _Named(StrictModel):
    id: FloorId


@pytest.mark.parametrize("text", ["1", "Tisch 12", "Bar #3 (links)", "12½", "窓際", "🪟", "T&1%2", "x" * 40])
def test_any_visible_characters_are_an_id_of_the_floor(text: str) -> None:
    assert parse(_Named, json.dumps({"id": text}))[0].id == text


@pytest.mark.parametrize(
    "text",
    ["", " ", " T1", "T1 ", "a/b", "x" * 41, "a\tb", "a\nb", "a\u200bb", "\ufeffa", "a\u00a0b", "\u202ea"],
)
def test_what_is_no_id_of_the_floor(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(_Named, json.dumps({"id": text}))
    assert [error.field for error in caught.value.errors] == ["id"]
