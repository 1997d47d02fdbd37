"""Queries, paths and headers that are wrong; correlation ids; routes that do not exist."""

import base64
from typing import Any
from uuid import UUID

import pytest

from maitred.entrypoints.http import as_ours
from maitred.services import ports
from tests.harness.events import http_event
from tests.harness.problems import assert_problem, call, invoke, nothing_written
from tests.harness.service import Service, evening, handler, party

LIST = "/restaurants/harbour/bookings"


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


ID = "2b69a8b2-1bce-464d-a063-64005239acc6"
BAD_QUERIES = [
    *[
        ({"date": day}, "date")
        for day in ("", "today", "2026-02-30", "20261204", "9999-12-31", "0001-01-01", "2026-12-04T00:00")
    ],
    *[
        ({"status": status}, "status")
        for status in ("", "open", "assignment_pending", "Confirmed", "confirmed,cancelled")
    ],
    *[
        ({"limit": limit}, "limit")
        for limit in ("0", "-1", "201", "1000000", "5.0", "ten", "", "\u0665", "1e2", " 5")
    ],
    *[({"cursor": cursor}, "cursor") for cursor in ("", "x", "%%%%", "ä", "=" * 9, "A" * 10_000)],
    *[
        ({"cursor": _cursor(text)}, "cursor")
        for text in ("|", "2026-12-04|", f"2026-12-04T19:00|{ID}", "2026-12-04T19:00Z|1")
    ],
    ({"page": "2"}, "page"),
    ({"Limit": "5"}, "Limit"),
    ({"\x00": "1"}, "?"),
    ({"\ud800": "1"}, "?"),
    ({"limit ": "5"}, "limit "),
]


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES, ids=lambda value: ascii(value)[:60])
def test_a_wrong_query(shared: Service, query: dict[str, str], field: str) -> None:
    event = http_event("GET", LIST) | {"queryStringParameters": query}
    assert_problem(invoke("bookings", event), 422, "invalid_request", field)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-14:00", "2026-01-01T00:00+00:00:07"]
)
def test_a_forged_cursor_does_no_harm(shared: Service, moment: str) -> None:
    assert call("bookings", "GET", LIST, query={"cursor": _cursor(f"{moment}|{ID}")}).status == 200


def test_bookings_of_an_unknown_restaurant(shared: Service) -> None:
    assert_problem(call("bookings", "GET", "/restaurants/nowhere/bookings"), 404, "restaurant_not_found")
    assert_problem(call("operations", "GET", "/restaurants/nowhere"), 404, "restaurant_not_found")


BOOKING_ROUTES = [
    ("bookings", "GET", "/bookings/{}"),
    ("bookings", "POST", "/bookings/{}/cancel"),
    ("operations", "GET", "/bookings/{}/history"),
    ("operations", "GET", "/bookings/{}/attempts"),
]


@pytest.mark.parametrize("booking", ["1", "abc", "0" * 31, f"{ID}x", "'", "null", "%27", ID])
@pytest.mark.parametrize(("function", "method", "path"), BOOKING_ROUTES)
def test_a_booking_that_is_none(shared: Service, function: str, method: str, path: str, booking: str) -> None:
    with nothing_written(shared):
        assert_problem(call(function, method, path.format(booking)), 404, "booking_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ("{", 400, "malformed_json", None),
        ("[]", 422, "invalid_request", "body"),
        ({"reason": 5}, 422, "invalid_request", "reason"),
        ({"reason": "x" * 501}, 422, "invalid_request", "reason"),
        ({"reason": "\x00"}, 422, "invalid_request", "reason"),
        ({"force": True}, 422, "invalid_request", "force"),
    ],
)
def test_a_wrong_cancel(shared: Service, body: Any, status: int, code: str, field: str | None) -> None:
    booking = shared.book("harbour", party(2, date=evening(30))).json["booking"]["id"]
    try:
        with nothing_written(shared):
            assert_problem(shared.cancel(booking, body=body), status, code, field)
            answer = shared.cancel(booking, headers={"idempotency-key": "two words"})
            assert_problem(answer, 422, "invalid_request", "Idempotency-Key")
    finally:
        assert shared.cancel(booking, body={}).status == 200


@pytest.mark.parametrize("function", ["bookings", "operations"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("DELETE", "/restaurants/harbour"),
        ("GET", "/restaurants/harbour/secrets"),
        ("GET", "/bookings/\x00"),
        ("PATCH", "/health"),
        ("GET", "//restaurants//harbour"),
    ],
)
def test_a_route_that_does_not_exist(shared: Service, function: str, method: str, path: str) -> None:
    assert_problem(call(function, method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ports.StoreError("a lock"), 503, "overloaded"),
        (ports.Unavailable("no line"), 503, "database_unavailable"),
        (ports.RateLimited(2.5), 429, "rate_limited"),
        (ValueError("a fault of ours"), 500, "internal_error"),
    ],
)
def test_every_failure_has_its_code(failure: Exception, status: int, code: str) -> None:
    known = as_ours(failure)
    assert (known.status, known.code) == (status, code)
    assert str(failure) not in known.detail


def test_health_needs_no_token(shared: Service) -> None:
    event = http_event("GET", "/health")
    del event["requestContext"]["authorizer"]
    answer = invoke("operations", event)
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["version"]


# --- correlation ---

ANSWERS = {
    "ok": ("operations", "GET", "/restaurants/harbour", 200),
    "missing": ("bookings", "GET", "/bookings/1", 404),
    "no route": ("bookings", "GET", "/nothing", 404),
    "refused": ("bookings", "POST", LIST, 400),
    "health": ("operations", "GET", "/health", 200),
}


@pytest.mark.parametrize("route", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("given", ["abc-123", "Root=1-67891233-abcdef012345678912345678", str(UUID(int=7))])
@pytest.mark.parametrize("header", ["x-correlation-id", "X-Correlation-Id"])
def test_a_given_id_is_echoed(
    shared: Service, route: tuple[str, str, str, int], given: str, header: str
) -> None:
    function, method, path, status = route
    answer = call(function, method, path, headers={header: given})
    assert (answer.status, answer.headers["x-correlation-id"]) == (status, given)
    assert status < 400 or answer.json["correlationId"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "x" * 129, "a\r\nset-cookie: x", "ä", '"', "<script>", "\x00"]
)
def test_an_id_that_is_no_use_is_replaced(shared: Service, given: str) -> None:
    answer = call("bookings", "GET", "/bookings/1", headers={"x-correlation-id": given})
    assert UUID(answer.headers["x-correlation-id"]).version == 4
    assert_problem(answer, 404, "booking_not_found")


def test_each_call_without_an_id_gets_its_own(shared: Service) -> None:
    made = {call("operations", "GET", "/health").headers["x-correlation-id"] for _ in range(3)}
    assert len(made) == 3


def test_the_id_follows_the_booking(shared: Service) -> None:
    """Into its last result, its events, its attempts."""
    answer = shared.book("harbour", party(2, date=evening(31)), headers={"x-correlation-id": "trail-1"})
    booking = answer.json["booking"]["id"]
    assert answer.headers["x-correlation-id"] == "trail-1"
    assert (
        shared.database.value(
            "select auto_assign_last_result->>'correlationId' from bookings where id = %s", booking
        )
        == "trail-1"
    )
    for table in ("observability_events", "booking_assignment_attempts", "outbox"):
        found = shared.database.query(
            f"select distinct correlation_id from {table} where booking_id = %s", booking
        )
        assert found == [("trail-1",)], table
    shared.cancel(booking)


def test_an_event_of_the_gateway_without_headers_or_claims(shared: Service) -> None:
    event = http_event("GET", "/bookings/1")
    event["headers"] = None
    answer = handler("bookings")(event, None)
    assert answer["statusCode"] == 404


def test_a_booking_without_an_attempt_is_explained_all_the_same(shared: Service) -> None:
    booking = shared.book("harbour", party(2, date=evening(32))).json["booking"]
    shared.database.query("delete from booking_assignment_attempts where booking_id = %s", booking["id"])
    answer = call("operations", "GET", f"/bookings/{booking['id']}/explanation")
    assert answer.status == 200
    assert answer.json == {
        "summary": "No attempt has been made yet.",
        "decision": "none",
        "chosen": None,
        "scoreTerms": {},
        "losers": [],
        "refusedBy": None,
        "moves": [],
        "at": answer.json["at"],
    }
    assert answer.json["at"].startswith(booking["createdAt"][:19])
    assert call("operations", "GET", f"/bookings/{booking['id']}/attempts").json["items"] == []
    shared.cancel(booking["id"])


# --- the version before the path ---


def versioned(event: dict[str, Any], stage: str) -> dict[str, Any]:
    """As API Gateway sends it: a stage of its own, named v1, or a custom domain that maps the path."""
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1{event['rawPath']}"
    event["requestContext"]["stage"] = stage
    return event


@pytest.mark.parametrize("stage", ["$default", "v1"])
def test_v1_before_a_path_means_the_same(shared: Service, stage: str) -> None:
    headers = {"idempotency-key": f"either-{stage}", "x-correlation-id": "same"}
    plain = http_event("POST", LIST, body=party(2, date=evening(33)), headers=headers)
    first = invoke("bookings", plain)
    again = invoke("bookings", versioned(plain, stage))
    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    path = first.headers["location"]
    read = invoke("bookings", versioned(http_event("GET", path), stage))
    assert read.json == call("bookings", "GET", path).json
    shared.cancel(first.json["booking"]["id"])
    paths = {LIST: "bookings", "/health": "operations", "/restaurants/harbour": "operations"}
    for known, function in paths.items():
        event = versioned(http_event("GET", known), stage)
        assert invoke(function, event).text == call(function, "GET", known).text


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/v1/health", "/v2/health", "/V1/health", "/v1health"])
def test_other_versions_do_not_exist(shared: Service, path: str) -> None:
    assert_problem(call("operations", "GET", path), 404, "not_found")
