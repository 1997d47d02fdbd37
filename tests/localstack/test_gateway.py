"""The front's events and answers against what AWS documents and sends."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localstack.gateway import Answer, Request, build_event, read_answer
from localstack.routes import Match, Router
from localstack.template import Route

EVENT = json.loads((Path(__file__).parents[2] / "events" / "http_api_v2.json").read_text(encoding="utf-8"))
ROUTE = Route("POST", "/restaurants/{restaurantId}/bookings", "BookingsFunction", None)
CLAIMS = {
    "aud": "maitred",
    "exp": 1583352238,
    "groups": ["a", "b"],
    "iss": "https://issuer.example.com",
    "restaurants": "*",
    "scope": "bookings:write",
    "verified": True,
}
REQUEST = Request(
    method="POST",
    path="/restaurants/harbour%20room/bookings",
    query="parameter1=value1&parameter1=value2&parameter2=value",
    protocol="HTTP/1.1",
    headers=(
        ("Host", "id.execute-api.eu-west-1.amazonaws.com"),
        ("Accept", "application/json"),
        ("Authorization", "Bearer token"),
        ("Header1", "value1"),
        ("header1", "value2"),
        ("Cookie", "cookie1=value1; cookie2=value2"),
        ("Content-Type", "application/json"),
        ("Connection", "keep-alive"),
        ("User-Agent", "agent"),
        ("Content-Length", "19"),
    ),
    body='{"name": "Zoë"}'.encode(),
    source_ip="203.0.113.7",
    port=443,
    request_id="id=",
    trace_id="Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e;Parent=53995c3f42cd8ad8;Sampled=0",
    at=datetime(2020, 3, 10, 5, 16, 23, 220000, tzinfo=UTC),
)


def event_of(request: Request, claims: dict[str, Any] | None = None) -> dict[str, Any]:
    match = Router([ROUTE]).match(request.method, request.path)
    assert match is not None
    return build_event(request, match, claims)


def test_the_event_is_the_recorded_one() -> None:
    event = event_of(REQUEST, CLAIMS)
    expected = json.loads(json.dumps(EVENT))
    # What can not be the cloud's here: the account, the API's id, and TLS.
    expected["requestContext"] |= {"accountId": "000000000000", "apiId": "local"}
    expected["headers"]["x-forwarded-proto"] = "http"
    assert event == expected
    assert list(event) == list(expected)


def test_what_a_request_does_not_have_is_not_in_the_event() -> None:
    event = event_of(replace(REQUEST, query="", body=b"", headers=(("Host", "h"),)))
    assert {"cookies", "queryStringParameters", "body"}.isdisjoint(event)
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    ("headers", "encoded"),
    [
        ((("Content-Type", "application/json; charset=utf-8"),), False),
        ((("Content-Type", "text/csv"),), False),
        ((("Content-Type", "application/x-www-form-urlencoded"),), True),
        ((("Content-Type", "application/json"), ("Content-Encoding", "gzip")), True),
        ((), True),
    ],
)
def test_bodies_of_other_types_are_encoded(headers: tuple[tuple[str, str], ...], encoded: bool) -> None:
    event = event_of(replace(REQUEST, headers=headers, body=b"abc"))
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == ("YWJj" if encoded else "abc")


def test_a_body_that_is_no_text_is_encoded_whatever_it_says() -> None:
    event = event_of(replace(REQUEST, body=b"\xff\xfe"))
    assert (event["body"], event["isBase64Encoded"]) == ("//4=", True)


def test_a_repeated_and_an_empty_query_parameter() -> None:
    event = event_of(replace(REQUEST, query="a=1&a=%20x&b="))
    assert event["queryStringParameters"] == {"a": "1, x", "b": ""}
    assert event["rawQueryString"] == "a=1&a=%20x&b="


def answer(result: Any) -> Answer:
    return read_answer(json.dumps(result).encode())


def test_a_formatted_answer() -> None:
    given = answer(
        {
            "statusCode": 201,
            "headers": {"X-One": "1", "Content-Type": "application/json"},
            "multiValueHeaders": {"X-Many": ["a", "b"]},
            "cookies": ["a=1", "b=2"],
            "body": "{}",
        }
    )
    assert given.status == 201
    assert given.body == b"{}"
    assert set(given.headers) == {
        ("x-one", "1"),
        ("content-type", "application/json"),
        ("x-many", "a,b"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    }


def test_an_answer_without_status_is_the_body_of_a_200() -> None:
    assert answer({"a": 1}) == Answer(200, (("content-type", "application/json"),), b'{"a": 1}')
    assert answer("words").body == b'"words"'


def test_an_encoded_answer() -> None:
    assert answer({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}).body == b"hi"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "soon"},
        {"statusCode": 7},
        {"statusCode": None},
        {"statusCode": 200, "headers": "none"},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
    ],
)
def test_a_malformed_answer_is_a_500(result: Any) -> None:
    given = answer(result)
    assert (given.status, given.body) == (500, b'{"message":"Internal Server Error"}')


def test_an_answer_that_is_no_json_is_a_500() -> None:
    assert read_answer(b"<html>").status == 500


ROUTES = [
    Route("GET", "/{proxy+}", "greedy", None),
    Route("ANY", "/a/{x}", "any", None),
    Route("GET", "/a/{x}", "variable", None),
    Route("GET", "/a/b", "static", None),
    Route("GET", "/a/{x}/c", "longer", None),
]


ROUTES_BY_FUNCTION = {route.function: route for route in ROUTES}


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("GET", "/a/b", "static", {}),
        ("GET", "/a/z", "variable", {"x": "z"}),
        ("GET", "/a/z%2Fy", "variable", {"x": "z/y"}),
        ("DELETE", "/a/b", "any", {"x": "b"}),
        ("GET", "/a/z/c", "longer", {"x": "z"}),
        ("GET", "/a/z/d", "greedy", {"proxy": "a/z/d"}),
        ("GET", "/a/", "greedy", {"proxy": "a/"}),
    ],
)
def test_the_most_specific_route_wins(
    method: str, path: str, function: str, parameters: dict[str, str]
) -> None:
    assert Router(ROUTES).match(method, path) == Match(
        next(r for r in ROUTES if r.function == function), parameters
    )


@pytest.mark.parametrize(("method", "path"), [("POST", "/b"), ("POST", "/a/b/c"), ("PUT", "/")])
def test_no_route(method: str, path: str) -> None:
    assert Router(ROUTES).match(method, path) is None


def test_a_stage_is_the_first_part_of_its_paths() -> None:
    """The event has it in its path and says which it is, as API Gateway does."""
    router = Router(ROUTES, {"$default", "v1"})
    assert router.match("GET", "/v1/a/z") == Match(ROUTES_BY_FUNCTION["variable"], {"x": "z"}, "v1")
    assert router.match("GET", "/a/v1") == Match(ROUTES_BY_FUNCTION["variable"], {"x": "v1"})
    assert router.match("GET", "/v1") == router.match("GET", "/v1/") is None
    assert router.match("GET", "/v1/v1/a/b") == Match(ROUTES_BY_FUNCTION["greedy"], {"proxy": "v1/a/b"}, "v1")
    request = replace(REQUEST, path="/v1/restaurants/harbour/bookings")
    match = Router([ROUTE], {"v1"}).match(request.method, request.path)
    assert match is not None
    event = build_event(request, match, CLAIMS)
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/v1/restaurants/harbour/bookings"
    assert (event["requestContext"]["stage"], event["routeKey"]) == ("v1", ROUTE.key)
    assert event["pathParameters"] == {"restaurantId": "harbour"}


def test_the_default_route_takes_the_rest() -> None:
    default = Route("ANY", "$default", "rest", None)
    match = Router([*ROUTES, default]).match("PUT", "/nowhere/at/all")
    assert match is not None
    assert (match.route.function, match.route.key) == ("rest", "$default")
