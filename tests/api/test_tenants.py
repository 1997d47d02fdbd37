"""Who may do what: scopes and restaurants of the token, on every route."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.events import http_event
from tests.harness.problems import assert_problem, call, invoke, nothing_written
from tests.harness.service import Answer, Service, house, party

READ, WRITE, OPERATIONS = "bookings:read", "bookings:write", "operations"
HOLDERS = {READ: {READ, WRITE, OPERATIONS}, WRITE: {WRITE, OPERATIONS}, OPERATIONS: {OPERATIONS}}


@dataclass(frozen=True)
class Route:
    """``passed``: the status of a harmless call that has been let through."""

    function: str
    method: str
    path: str
    scope: str
    passed: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, restaurant: str, booking: str, **request: Any) -> Answer:
        return invoke(self.function, self.event(restaurant, booking, **request))

    def event(self, restaurant: str, booking: str, **request: Any) -> dict[str, Any]:
        body = self.body
        if self.path == "/assignments/process":
            body = {"bookingId": booking, "trigger": "retry"}
        path = self.path.format(r=restaurant, b=booking)
        headers = self.headers | request.pop("headers", {})
        return http_event(self.method, path, body=body, headers=headers, **request)


ROUTES = [
    Route("bookings", "POST", "/restaurants/{r}/bookings", WRITE, 422, body={}),
    Route("bookings", "GET", "/restaurants/{r}/bookings", READ, 200),
    Route("bookings", "GET", "/restaurants/{r}/changes", READ, 200),
    Route("bookings", "GET", "/restaurants/{r}/availability", READ, 422),
    Route("bookings", "POST", "/restaurants/{r}/availability", READ, 422, body={}),
    Route("bookings", "GET", "/bookings/{b}", READ, 200),
    Route("bookings", "POST", "/restaurants/{r}/holds", WRITE, 422, body={}),
    Route("bookings", "POST", "/bookings/{b}/cancel", WRITE, 422, body={"no": 1}),
    Route("operations", "PUT", "/restaurants/{r}", OPERATIONS, 422, body={}),
    Route("operations", "GET", "/restaurants/{r}", OPERATIONS, 200),
    Route("operations", "POST", "/restaurants/{r}/guests/erase", OPERATIONS, 422, body={}),
    Route("operations", "POST", "/assignments/process", OPERATIONS, 400),
    Route("operations", "GET", "/restaurants/{r}/floor", OPERATIONS, 200),
    Route("operations", "GET", "/restaurants/{r}/manual-review", OPERATIONS, 200),
    Route("operations", "GET", "/restaurants/{r}/reports/assignments", OPERATIONS, 200),
    Route("operations", "PUT", "/restaurants/{r}/webhooks/x", OPERATIONS, 422, body={}),
    Route("operations", "GET", "/restaurants/{r}/webhooks", OPERATIONS, 200),
    Route("operations", "DELETE", "/restaurants/{r}/webhooks/x", OPERATIONS, 204),
    Route("operations", "PUT", "/bookings/{b}/assignment", OPERATIONS, 422, body={}),
    Route(
        "operations", "DELETE", "/bookings/{b}/assignment", OPERATIONS, 422, headers={"idempotency-key": " "}
    ),
    Route("operations", "GET", "/bookings/{b}/history", OPERATIONS, 200),
    Route("operations", "GET", "/bookings/{b}/attempts", OPERATIONS, 200),
]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")


@pytest.fixture(scope="module")
def booking(shared: Service) -> str:
    made: str = shared.book("harbour", party()).json["booking"]["id"]
    return made


@every_route
@pytest.mark.parametrize(
    "scope",
    [
        "",
        READ,
        WRITE,
        OPERATIONS,
        f"{READ} {OPERATIONS}",
        "openid",
        "operations:read",
        "Operations",
        f"{WRITE},{READ}",
        "*",
    ],
)
def test_scopes(shared: Service, booking: str, route: Route, scope: str) -> None:
    answer = route.call("harbour", booking, scope=scope)
    if HOLDERS[route.scope] & set(scope.split()):
        assert answer.status == route.passed, answer.text
    else:
        assert_problem(answer, 403, "forbidden")


@every_route
@pytest.mark.parametrize(
    "restaurants", ["harbour", "*", "elsewhere harbour", " harbour  x ", "* harbour", "[x harbour]"]
)
def test_a_restaurant_of_the_token(shared: Service, booking: str, route: Route, restaurants: str) -> None:
    assert route.call("harbour", booking, restaurants=restaurants).status == route.passed


@every_route
@pytest.mark.parametrize(
    "restaurants", ["elsewhere", "harbou", "harbour2", "Harbour", "harbour,elsewhere", "har*"]
)
def test_what_is_another_tenants_does_not_exist(
    shared: Service, booking: str, route: Route, restaurants: str
) -> None:
    """The answers for what exists and for what does not are the same to the byte, but for the tokens left."""
    token = {"restaurants": restaurants, "headers": {"x-correlation-id": "same"}}
    with nothing_written(shared):
        answers = [route.call("harbour", booking, **token), route.call("nowhere", str(uuid4()), **token)]
    kind = "restaurant" if "{r}" in route.path else "booking"
    assert_problem(answers[0], 404, f"{kind}_not_found")
    assert len({answer.headers.pop("ratelimit", "") == "" for answer in answers}) == 1, "both are limited"
    assert answers[0] == answers[1]


@every_route
@pytest.mark.parametrize(
    "authorizer", ["absent", None, {}, {"jwt": None}, {"jwt": {"claims": None}}, {"jwt": {"claims": {}}}]
)
def test_no_claims_no_access(shared: Service, booking: str, route: Route, authorizer: Any) -> None:
    event = route.event("harbour", booking)
    event["requestContext"]["authorizer"] = authorizer
    if authorizer == "absent":
        del event["requestContext"]["authorizer"]
    assert_problem(invoke(route.function, event), 403, "no_caller")


@every_route
@pytest.mark.parametrize("claim", [None, "", " ", "[]"])
def test_scopes_without_restaurants_see_nothing(
    shared: Service, booking: str, route: Route, claim: str | None
) -> None:
    event = route.event("harbour", booking)
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    del claims["restaurants"]
    if claim is not None:
        claims["restaurants"] = claim
    assert_problem(invoke(route.function, event), 403, "no_restaurants")


@every_route
@pytest.mark.parametrize("subject", [None, ""])
def test_a_token_says_whose_it_is(shared: Service, booking: str, route: Route, subject: str | None) -> None:
    """Who has only a client id is that client: machines have no subject with every issuer."""
    event = route.event("harbour", booking)
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    del claims["sub"]
    if subject is not None:
        claims["sub"] = subject
    with nothing_written(shared):
        assert_problem(invoke(route.function, event), 403, "no_caller")
    claims["client_id"] = "desk"
    assert invoke(route.function, event).status == route.passed


@every_route
def test_a_scope_may_have_the_prefix_of_its_resource_server(
    shared: Service, booking: str, route: Route
) -> None:
    scope = f"openid https://api.example.com/maitred/{route.scope}"
    assert route.call("harbour", booking, scope=scope).status == route.passed


def test_nobody_lays_out_another_tenants_restaurant(shared: Service) -> None:
    with nothing_written(shared):
        answer = shared.put_restaurant("newcomer", house(2), restaurants="harbour")
        assert_problem(answer, 404, "restaurant_not_found")


def test_a_list_holds_one_restaurants_bookings(shared: Service, booking: str) -> None:
    assert shared.put_restaurant("second", house(2)).status in (200, 201)
    theirs = shared.book("second", party()).json["booking"]["id"]
    listed = call("bookings", "GET", "/restaurants/second/bookings", restaurants="second").json["items"]
    assert [item["id"] for item in listed] == [theirs]


def test_a_key_belongs_to_its_caller_and_restaurant(shared: Service) -> None:
    for restaurant in ("one", "two"):
        assert shared.put_restaurant(restaurant, house(4, 4)).status == 201
    key = {"idempotency-key": "same"}
    calls = [("one", "ada"), ("one", "bob"), ("two", "ada")]
    made = [shared.book(r, party(), headers=key, subject=who).json["booking"]["id"] for r, who in calls]
    assert len(set(made)) == 3
    again = shared.book("one", party(), headers=key, subject="bob")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json["booking"]["id"] == made[1]
