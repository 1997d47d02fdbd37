"""Builds the document: OpenAPI 3.1 from the table of calls and the models."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from maitred import __version__
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import ReasonCode
from tools.openapi import replies
from tools.openapi.operations import CALLS, Link, Operation, Parameter, Schema, errors_of

type Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_JSON, _PROBLEM = "application/json", "application/problem+json"
_ABOUT = """Books tables: finds the best table or combination within the request, confirms it and answers.
What cannot be settled at once is settled soon after, and never lost.

Times are RFC 3339 with an offset, to the minute; intervals are half-open. Requests are strict: members that
are not known are refused. Replies may get new members within a version; ignore those that you do not know.
Errors are problem documents (RFC 9457) with a stable `code`. Every path may begin with `/v1`."""
_CLAIMS = """RS256, with the claims `restaurants` (ids separated by spaces, or `*`) and `scope`:
`bookings:read`, `bookings:write`, which includes it, or `operations`, which includes both."""
_TAGS = {
    "Restaurants": "What a house is: tables, hours, rules.",
    "Bookings": "From the request to the end of the visit.",
    "Availability": "What is free, and holding it for a moment.",
    "Assignment": "Tables by a person's choice, and why a booking is where it is.",
    "Evening": "The room as it is.",
    "Shift": "A whole service seated anew.",
    "Webhooks": "Being told of changes.",
    "Guests": "Guests' data.",
    "Service": "Maitred itself.",
}
_WORDS = {"type": "string", "minLength": 1, "maxLength": 64}
_PATH: Mapping[str, Schema] = {
    "restaurantId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "webhookId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "tableId": {"type": "string", "minLength": 1, "maxLength": 40},
    "bookingId": {"type": "string", "format": "uuid"},
    "holdId": {"type": "string", "format": "uuid"},
    "optimizationId": {"type": "string", "format": "uuid"},
}
_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Makes the call safe to repeat for 7 days: the same key and body get the same reply.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
)
_CORRELATION = Parameter(
    "x-correlation-id",
    "header",
    "Follows the request through everything that it causes; made if you send none.",
    {"type": "string", "pattern": "^[A-Za-z0-9._:@/+=-]{1,128}$"},
)
_KNOWN = Parameter(
    "If-None-Match", "header", "The ETag of what you have: 304 if it is still so.", {"type": "string"}
)
_HEADERS: Mapping[str, tuple[str, Schema]] = {
    "x-correlation-id": ("As sent, or made.", {"type": "string"}),
    "idempotent-replayed": (
        "The reply was given before to the same key.",
        {"type": "string", "enum": ["true"]},
    ),
    "ETag": ("Changes with everything in the reply.", {"type": "string"}),
    "Location": ("Where the booking is.", {"type": "string"}),
    "Retry-After": ("Seconds to wait before you ask again.", {"type": "integer", "minimum": 0}),
    "RateLimit-Policy": ("The limit, by draft-ietf-httpapi-ratelimit-headers-10.", {"type": "string"}),
    "RateLimit": ("What is left of it, and in how many seconds it is full.", {"type": "string"}),
}


@cache
def examples() -> Json:
    """Requests and the replies that they got; a test holds them against their schemas."""
    found: Json = json.loads((Path(__file__).parent / "examples.json").read_text())
    return found


def document() -> Json:
    """The whole description, as JSON."""
    paths: dict[str, Json] = defaultdict(dict)
    for call in CALLS:
        paths[call.path][call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Maitred",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}, {"url": "/v1"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(),
            "responses": _refusals(),
            "examples": {
                _example_of(status, code): {"value": problem_example(status, code)}
                for status, code in sorted(
                    {(each.status, code) for each in _names_of_refusals() for code in each.codes}
                )
            },
            "headers": {
                name: {"description": text, "schema": schema} for name, (text, schema) in _HEADERS.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": _CLAIMS,
                }
            },
        },
    }


def _schemas() -> Json:
    bodies: list[type[BaseModel]] = [call.body for call in CALLS if call.body is not None]
    answers = [model for call in CALLS for model in call.replies.values() if model is not None]
    models: list[type[BaseModel]] = [*bodies, *answers, replies.Problem, replies.GatewayProblem]
    _, found = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_SCHEMAS + "{model}"
    )
    of_replies = {name for name, model in vars(replies).items() if isinstance(model, type)}
    return {
        name: _without_defaults(schema) if name in of_replies else schema
        for name, schema in sorted(found["$defs"].items())
    }


def _without_defaults(schema: Any) -> Any:
    """What a reply leaves out is not there; a default would say that it is null."""
    if isinstance(schema, dict):
        return {
            name: _without_defaults(part)
            for name, part in schema.items()
            if not (name == "default" and part is None)
        }
    return [_without_defaults(part) for part in schema] if isinstance(schema, list) else schema


def _operation(call: Operation) -> Json:
    found: Json = {
        "operationId": call.id,
        "tags": [call.tag],
        "summary": call.summary,
        "parameters": [_parameter(each) for each in _parameters(call)],
        "responses": _responses(call),
        "security": [{"token": [call.scope]}] if call.scope else [],
    }
    if call.body is not None:
        content: Json = {"schema": _ref(call.body)}
        if call.id in examples()["bodies"]:
            content["example"] = examples()["bodies"][call.id]
        found["requestBody"] = {"required": call.body_required, "content": {_JSON: content}}
    return found


def _parameters(call: Operation) -> Iterable[Parameter]:
    for name in re.findall(r"{(\w+)}", call.path):
        yield Parameter(name, "path", "", _PATH[name], required=True)
    yield from call.parameters
    if call.repeatable:
        yield _KEY
    if call.tagged:
        yield _KNOWN
    yield _CORRELATION


def _parameter(parameter: Parameter) -> Json:
    found: Json = {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
    if parameter.text:
        found["description"] = parameter.text
    return found


def _responses(call: Operation) -> Json:
    found: Json = {str(status): _success(call, status, model) for status, model in call.replies.items()}
    if call.tagged:
        found["304"] = {
            "description": "You have it already.",
            "headers": _headers(["ETag", "x-correlation-id"]),
        }
    if call.scope is not None:
        found["401"] = {
            "description": "There is no token, or it is not valid. The gateway answers.",
            "content": {_JSON: {"schema": _ref(replies.GatewayProblem)}},
        }
    names = _names_of_refusals()
    for status, codes in _problems(call).items():
        found[str(status)] = {"$ref": f"#/components/responses/{names[_refusal(call, status, codes)]}"}
    return dict(sorted(found.items()))


def _success(call: Operation, status: int, model: type[BaseModel] | None) -> Json:
    names = ["x-correlation-id"]
    names += ["idempotent-replayed"] if call.repeatable else []
    names += ["ETag"] if call.tagged else []
    names += call.headers
    names += ["RateLimit-Policy", "RateLimit"] if call.limited else []
    found: Json = {"description": _DONE[status], "headers": _headers(names)}
    if status != NO_CONTENT:
        content: Json = {"schema": {"type": "object"} if model is None else _ref(model)}
        example = examples()["replies"].get(call.id, {}).get(str(status))
        if example is not None:
            content["example"] = example
        found["content"] = {_JSON: content}
    if call.links:
        found["links"] = {each.operation: _link(each) for each in call.links}
    return found


NO_CONTENT = 204
_DONE = {
    200: "Done.",
    201: "Made.",
    202: "Accepted; it is done soon.",
    NO_CONTENT: "Done; there is nothing to say.",
}


def _link(link: Link) -> Json:
    return {"operationId": link.operation, "parameters": dict(link.parameters)}


class _Refusal(NamedTuple):
    """What several calls may answer alike."""

    status: int
    codes: tuple[str, ...]
    limited: bool
    repeatable: bool


def _refusal(call: Operation, status: int, codes: tuple[str, ...]) -> _Refusal:
    repeatable = call.repeatable and status == _REFUSED  # of the problems, only these are kept for a key
    return _Refusal(status, codes, call.limited, repeatable)


@cache
def _names_of_refusals() -> Mapping[_Refusal, str]:
    """Each has the name of the first call that has it."""
    names: dict[_Refusal, str] = {}
    for call in CALLS:
        for status, codes in _problems(call).items():
            names.setdefault(_refusal(call, status, codes), f"{call.id}-{status}")
    return names


def _refusals() -> Json:
    return {name: _problem(refusal) for refusal, name in _names_of_refusals().items()}


def _problems(call: Operation) -> Mapping[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for error in errors_of(call):
        found[error.status].append(error.code)
    found[_REFUSED] += [code.value for code in call.refusals]
    found[_FAULT] += [code.value for code in call.faults]
    return {status: tuple(sorted(set(codes))) for status, codes in found.items() if codes}


def _example_of(status: int, code: str) -> str:
    return f"{code}-{status}"


_REFUSED, _FAULT, _TOO_MANY = 409, 503, 429


def _problem(refusal: _Refusal) -> Json:
    names = ["x-correlation-id"]
    names += ["Retry-After"] if refusal.status in (_REFUSED, _FAULT, _TOO_MANY) else []
    names += ["idempotent-replayed"] if refusal.repeatable else []
    names += ["RateLimit-Policy", "RateLimit"] if refusal.limited else []
    only = {"type": "object", "properties": {"code": {"type": "string", "enum": list(refusal.codes)}}}
    return {
        "description": ", ".join(f"`{code}`" for code in refusal.codes),
        "headers": _headers(names),
        "content": {
            _PROBLEM: {
                "schema": {"allOf": [_ref(replies.Problem), only]},
                "examples": {
                    code: {"$ref": f"#/components/examples/{_example_of(refusal.status, code)}"}
                    for code in refusal.codes
                },
            }
        },
    }


def problem_example(status: int, code: str) -> Json:
    """One that was given, or what the code's own text makes of it."""
    given: Json | None = examples()["problems"].get(str(status), {}).get(code)
    if given is not None:
        return given
    title = TITLES.get(code, _NO_TABLE)
    problem: Json = {
        "type": f"urn:maitred:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": title,
        "correlationId": "1e9a0b33-c23a-4464-86b8-c6791b54872a",
    }
    if code in ReasonCode and code not in TITLES:
        problem["reason"] = {"code": code, "category": ReasonCode(code).category, "detail": title}
    return problem


_NO_TABLE = "No table was given"


def _titles(error: type[MaitredError]) -> dict[str, str]:
    found = {error.code: error.title}
    for each in error.__subclasses__():
        found |= _titles(each)
    return found


TITLES = _titles(MaitredError)


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": _SCHEMAS + model.__name__}
