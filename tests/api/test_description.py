"""docs/openapi.json: whole, true to itself, and served. The harness holds every reply against it."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from maitred.domain.errors import MaitredError
from maitred.domain.reasons import ReasonCode
from tests.harness.description import description
from tests.harness.events import http_event
from tests.harness.problems import invoke
from tests.harness.service import SETTINGS, Answer
from tools.openapi.document import examples
from tools.openapi.operations import CALLS

_TESTS = Path(__file__).parents[1]
_HTTP_FUNCTIONS = ("bookings", "operations", "optimize")


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, item in description()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _anonymous(path: str) -> str:
    return re.sub(r"[<{]\w+[>}]", "{}", path)


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(description()).validate()


def test_every_call_is_described_and_no_other() -> None:
    served = set()
    for function in _HTTP_FUNCTIONS:
        app = importlib.import_module(f"functions.{function}.app").app
        served |= {
            (route.method, _anonymous(route.path)) for route in app._static_routes + app._dynamic_routes
        }
    assert {(method, _anonymous(path)) for method, path, _ in operations()} == served


def _codes(error: type[MaitredError]) -> Iterator[str]:
    yield error.code
    for each in error.__subclasses__():
        yield from _codes(each)


def _described_codes() -> set[str]:
    return {
        code
        for response in description()["components"]["responses"].values()
        for code in response["content"]["application/problem+json"]["examples"]
    }


def test_every_code_is_described() -> None:
    assert _described_codes() >= set(_codes(MaitredError))
    assert set(description()["components"]["schemas"]["ReasonCode"]["enum"]) == set(ReasonCode)


def test_every_code_is_in_a_test() -> None:
    texts = "".join(path.read_text("utf-8") for path in _TESTS.rglob("*.py"))
    assert [
        code for code in sorted(_described_codes()) if not re.search(rf"\b{code}\b", texts, re.IGNORECASE)
    ] == []


def test_every_body_has_an_example_that_is_read() -> None:
    given = examples()["bodies"]
    for each in CALLS:
        if each.body is not None and each.body.model_fields:
            each.body.model_validate_json(json.dumps(given[each.id]))


def test_every_reply_has_an_example() -> None:
    missing = [
        (operation["operationId"], status)
        for _, _, operation in operations()
        for status, response in operation["responses"].items()
        for content in response.get("content", {}).values()
        if status < "400" and "example" not in content
    ]
    assert missing == [("getDescription", "200")], "which is the example itself"


def _contents() -> Iterator[tuple[str, Any]]:
    """What has an example, by where it is."""
    for _, _, operation in operations():
        name = operation["operationId"]
        body = operation.get("requestBody", {"content": {}})
        yield from ((name, content) for content in body["content"].values())
        for status, response in operation["responses"].items():
            yield from ((f"{name} {status}", content) for content in response.get("content", {}).values())
    for name, response in description()["components"]["responses"].items():
        yield from ((name, content) for content in response["content"].values())


def _examples_of(content: Any) -> Iterator[Any]:
    if "example" in content:
        yield content["example"]
    shown = description()["components"]["examples"]
    for example in content.get("examples", {}).values():
        yield shown[example["$ref"].rpartition("/")[2]]["value"]


def test_every_example_is_as_its_schema_says() -> None:
    seen = 0
    for name, content in _contents():
        root = {**content["schema"], "components": description()["components"]}
        validator = jsonschema_rs.Draft202012Validator(root)
        for example in _examples_of(content):
            assert [error.message for error in validator.iter_errors(example)] == [], name
            seen += 1
    assert seen > 200


def test_links_lead_to_calls_with_what_these_take() -> None:
    takes = {
        operation["operationId"]: {each["name"] for each in operation["parameters"]}
        for _, _, operation in operations()
    }
    links = [
        link
        for _, _, operation in operations()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 20
    for link in links:
        assert set(link["parameters"]) <= takes[link["operationId"]]


def test_models_of_replies_say_what_is_always_there() -> None:
    """A member that is never left out is required, so that generated clients need not ask."""
    booking = description()["components"]["schemas"]["Booking"]
    assert set(booking["required"]) == set(booking["properties"])


def _described(path: str = "/openapi.json", **headers: str) -> Answer:
    event = http_event("GET", path, headers=headers)
    del event["requestContext"]["authorizer"]
    return invoke("operations", event)


def test_it_is_served_to_everybody_and_once() -> None:
    answer = _described()
    assert (answer.status, answer.json) == (200, description())
    assert _described(**{"if-none-match": answer.headers["etag"]}).status == 304
    assert _described("/v1/openapi.json").json == description()


def test_it_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert _described().status == 200


def test_the_models_are_those_that_parse() -> None:
    bodies = {each.body for each in CALLS if each.body is not None}
    assert {each.__module__.partition(".")[0] for each in bodies} == {"maitred"}
