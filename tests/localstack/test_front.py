"""The front over HTTP: routes, tokens, limits and the gateway's own answers."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from localstack.front import Front
from localstack.pool import Pool
from localstack.routes import Router
from localstack.sandbox import Result, throttled
from localstack.stack import LocalStack
from localstack.tokens import Issuer
from tests.localstack.conftest import Reply, call, eventually

pytestmark = pytest.mark.stack


class Sleeper:
    """A pool whose function never answers."""

    async def invoke(self, payload: bytes, *, trace_id: str, patience: float) -> Result:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")


def test_a_function_that_takes_longer_than_the_gateway_waits_is_a_503(tmp_path: Path) -> None:
    pools = cast("dict[str, Pool]", {"f": Sleeper()})
    front = Front(Router([]), pools, Issuer.load(tmp_path), integration_seconds=0.05)
    answer = asyncio.run(front._integrate("f", b"{}", "trace"))
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')


class Busy:
    """A pool without a sandbox to spare."""

    async def invoke(self, payload: bytes, *, trace_id: str, patience: float) -> Result:
        return throttled()


def test_a_function_at_its_concurrency_is_a_503_that_says_when_to_come_back(tmp_path: Path) -> None:
    pools = cast("dict[str, Pool]", {"f": Busy()})
    answer = asyncio.run(Front(Router([]), pools, Issuer.load(tmp_path))._integrate("f", b"{}", "trace"))
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    assert dict(answer.headers)["retry-after"] == "1"


def test_reserved_concurrency_is_the_most_that_runs(stack: LocalStack) -> None:
    """The second caller is turned away at once, over HTTP and through the Lambda API."""
    pool = stack._running_service().pools["NarrowFunction"]
    stack.warm("NarrowFunction", 1)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(call, stack.url, "/narrow/it?wish=slow")
        # Before that the probe itself could be the one that runs, and the slow caller be turned away.
        eventually(lambda: any(sandbox.busy for sandbox in tuple(pool.sandboxes.values())))
        reply = eventually(lambda: _turned_away(stack))
        assert not first.done()
        assert reply is not None
        assert reply.headers["retry-after"] == "1"
        assert stack.invoke_raw("NarrowFunction", {}).throttled
        assert first.result().status == 200
    assert call(stack.url, "/narrow/it?wish=bare").status == 200


def _turned_away(stack: LocalStack) -> Reply | None:
    reply = call(stack.url, "/narrow/it?wish=bare")
    return reply if reply.status == 503 else None


def test_who_waits_too_long_for_a_sandbox_is_turned_away(stack: LocalStack) -> None:
    """Three sandboxes, all busy: the fourth caller has a tenth of a second."""
    pool = stack._running_service().pools["EchoFunction"]
    event = json.dumps({"queryStringParameters": {"wish": "slow"}})
    stack.warm("EchoFunction", 3)
    with ThreadPoolExecutor() as threads:
        served = [threads.submit(call, stack.url, "/open/it?wish=slow") for _ in range(3)]
        eventually(lambda: sum(sandbox.busy for sandbox in tuple(pool.sandboxes.values())) == 3)
        late = stack._await(pool.invoke(event.encode(), patience=0.1))
        assert late.throttled
        assert [each.result().status for each in served] == [200] * 3


def wish(stack: LocalStack, what: str) -> Reply:
    return call(stack.url, f"/open/it?wish={what}")


def test_a_request_reaches_the_function_and_comes_back(stack: LocalStack) -> None:
    reply = call(
        stack.url,
        "/open/a%20b/c?wish=event&x=1&x=2",
        method="POST",
        headers={"Content-Type": "application/json", "Cookie": "k=v"},
        body=b'{"a": 1}',
    )
    event = reply.json()
    assert reply.status == 201
    assert event["rawPath"] == "/open/a b/c"
    assert event["pathParameters"] == {"proxy": "a b/c"}
    assert event["queryStringParameters"] == {"wish": "event", "x": "1,2"}
    assert (event["body"], event["cookies"]) == ('{"a": 1}', ["k=v"])
    assert event["requestContext"]["requestId"] == reply.headers["apigw-requestid"]
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_a_bare_result_cookies_and_encoded_bodies(stack: LocalStack) -> None:
    assert wish(stack, "bare").json() == {"seen": "/open/it"}
    encoded = wish(stack, "cookies")
    assert (encoded.body, encoded.cookies) == (b"hi", ("a=1", "b=2"))


@pytest.mark.parametrize("what", ["nonsense", "fail"])
def test_a_failing_function_is_a_500(stack: LocalStack, what: str) -> None:
    reply = wish(stack, what)
    assert (reply.status, reply.body) == (500, b'{"message":"Internal Server Error"}')


def test_an_unknown_route_is_a_404(stack: LocalStack) -> None:
    for method, path in (("GET", "/nowhere"), ("POST", "/closed/1"), ("GET", "/open")):
        reply = call(stack.url, path, method=method)
        assert (reply.status, reply.body) == (404, b'{"message":"Not Found"}')


def test_without_a_good_token_a_closed_route_is_a_401(stack: LocalStack) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {stack.token(ttl_seconds=-60)}"},
    ):
        reply = call(stack.url, "/closed/1", headers=headers)
        assert (reply.status, reply.body) == (401, b'{"message":"Unauthorized"}')
        assert reply.headers["www-authenticate"].startswith("Bearer ")


def test_a_good_tokens_claims_reach_the_function_as_text(stack: LocalStack) -> None:
    token = stack.token(restaurants="r1 r2", scopes="bookings:read")
    event = call(stack.url, "/closed/7", headers={"Authorization": f"Bearer {token}"}).json()
    jwt = event["requestContext"]["authorizer"]["jwt"]
    assert jwt["scopes"] is None
    assert (jwt["claims"]["restaurants"], jwt["claims"]["scope"]) == ("r1 r2", "bookings:read")
    assert jwt["claims"]["exp"].isdigit()
    assert event["pathParameters"] == {"id": "7"}


def test_a_body_that_is_too_large_is_a_413(stack: LocalStack) -> None:
    reply = call(stack.url, "/open/it", method="POST", body=b"x" * (10 * 1024 * 1024 + 1))
    assert (reply.status, reply.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_requests_run_side_by_side_and_wait_their_turn(stack: LocalStack) -> None:
    with ThreadPoolExecutor(20) as clients:
        replies = list(clients.map(lambda _: wish(stack, "event"), range(100)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json()["requestContext"]["requestId"] for reply in replies}) == 100
    assert len(stack.sandbox_pids("EchoFunction")) <= 3
