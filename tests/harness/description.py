"""Holds every reply that a test receives against the description of the API."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

type Json = dict[str, Any]

_DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
_VERSION = "/v1/"
_NOT_FOUND = 404
#: Headers that are of HTTP itself.
_PLAIN = {"content-type"}


def assert_described(method: str, path: str, status: int, headers: dict[str, str], text: str) -> None:
    """Fail unless the document has this reply to this call, with every header and member of it."""
    operation = _operation(method, path)
    if status == _NOT_FOUND and json.loads(text)["code"] == "not_found":
        return  # there is no such call, or this function has it not
    assert operation is not None, f"{method} {path} is not described"
    where = f"{operation} {status}"
    response = _response(operation, status)
    assert response is not None, f"{where} is not described: {text[:300]}"
    described = {name.lower() for name in response.get("headers", {})} | _PLAIN
    assert headers.keys() <= described, f"{where}: headers {headers.keys() - described} are not described"
    if not response.get("content"):
        assert text in ("", "{}"), f"{where} has a body: {text[:300]}"
        return
    assert headers["content-type"] in response["content"], f"{where}: {headers['content-type']}"
    for error in _validator(operation, status, headers["content-type"]).iter_errors(json.loads(text)):
        where_in = "/".join(str(part) for part in error.instance_path)
        raise AssertionError(f"{where}: {where_in}: {error.message[:500]}")


@cache
def description() -> Json:
    found: Json = json.loads(_DOCUMENT.read_text("utf-8"))
    return found


@cache
def _paths() -> list[tuple[str, re.Pattern[str], str]]:
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path) + r"\Z"), path)
        for path, item in description()["paths"].items()
        for method in item
    ]


def _operation(method: str, path: str) -> tuple[str, str] | None:
    plain = "/" + path.removeprefix(_VERSION).removeprefix("/")
    found = [(m.lower(), route) for m, pattern, route in _paths() if m == method and pattern.match(plain)]
    return found[0] if found else None


@cache
def _response(operation: tuple[str, str], status: int) -> Json | None:
    method, path = operation
    found: Json | None = description()["paths"][path][method]["responses"].get(str(status))
    if found is not None and "$ref" in found:
        found = description()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


@cache
def _validator(
    operation: tuple[str, str], status: int, content_type: str
) -> jsonschema_rs.Draft202012Validator:
    response = _response(operation, status)
    assert response is not None
    root = {**response["content"][content_type]["schema"], "components": {"schemas": _closed()}}
    return jsonschema_rs.Draft202012Validator(root, validate_formats=True)


@cache
def _closed() -> Json:
    """The schemas, none of which admits a member that it does not name: clients are told to ignore those."""
    return {
        name: schema if "properties" not in schema else {"additionalProperties": False, **schema}
        for name, schema in description()["components"]["schemas"].items()
    }
