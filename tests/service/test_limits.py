"""How much one client or one restaurant may take, whichever sandbox it meets, and what the others notice."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from maitred.adapters.system import SystemClock
from maitred.services.ports import IdempotencyKey
from maitred.services.ports.limits import Bucket, Limits
from tests.harness.consistency import assert_consistent, eventually
from tests.harness.databases import TestDatabase
from tests.harness.desk import GENEROUS, Desk, all_at_once, wish
from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, forget_wiring, house, party, set_clock

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}
IN_FLIGHT = "select count(*) from attempts_in_flight"
SLOW = Bucket(0.001, 3)  # three at once, the next in a quarter of an hour


def limited(monkeypatch: pytest.MonkeyPatch, **settings: float) -> None:
    """New sandboxes with other limits."""
    for name, value in settings.items():
        monkeypatch.setenv(name.upper(), str(value))
    forget_wiring()


# --- over HTTP ------------------------------------------------------------------------------------


def test_a_client_over_its_limit_is_told_when_to_come_back(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    limited(monkeypatch, client_rate=0.1, client_burst=2)
    assert [harbour.book("harbour", party(2)).status for _ in range(2)] == [201, 201]
    answer = harbour.book("harbour", party(2))
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    assert answer.headers["content-type"] == "application/problem+json"
    assert 8 <= int(answer.headers["retry-after"]) <= 10
    [recorded] = harbour.events("assignment.rate_limited")
    assert recorded == {"restaurant": "harbour", "limit": "client"}
    assert '"RateLimited":[1.0]' in capsys.readouterr().out
    assert harbour.database.value("select count(*) from bookings") == 2


def test_another_client_does_not_notice(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    assert harbour.book("harbour", party(2)).status == 201
    assert harbour.book("harbour", party(2)).status == 429
    assert harbour.book("harbour", party(2), subject="another").status == 201


def test_another_restaurant_does_not_notice(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert harbour.put_restaurant("forest", house(2, 2)).status == 201
    limited(monkeypatch, restaurant_rate=0.001, restaurant_burst=1)
    assert harbour.book("harbour", party(2)).status == 201
    answer = harbour.book("harbour", party(2))
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    assert harbour.events("assignment.rate_limited")[-1]["limit"] == "restaurant_rate"
    assert harbour.book("forest", party(2)).status == 201


@pytest.mark.parametrize("scope", ["operations", "bookings:write"])
def test_h3_the_limit_binds_whoever_calls(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    assert harbour.book("harbour", party(2), scope=scope).status == 201
    assert harbour.book("harbour", party(2), scope=scope).status == 429


@pytest.mark.parametrize(
    ("function", "method", "call", "body"),
    [
        ("bookings", "PATCH", "", {"notes": "A birthday"}),
        ("bookings", "POST", "/cancel", {}),
        ("operations", "POST", "/seat", None),
        ("operations", "POST", "/undo-no-show", None),
        ("operations", "PUT", "/assignment", {"tables": ["T1"]}),
        ("operations", "DELETE", "/assignment", None),
    ],
)
def test_h3_changes_are_limited_too(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, function: str, method: str, call: str, body: Any
) -> None:
    """A person's and the operators' calls as well as a guest's; nothing of a refused one is written."""
    booking = harbour.book("harbour", party(2)).json["booking"]
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    harbour.database.query("delete from rate_limits")
    forget_wiring()
    assert harbour.process(booking["id"]).status == 400  # takes the one token there is
    answer = harbour.http(function, method, f"/bookings/{booking['id']}{call}", body=body)
    assert_problem(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    assert harbour.booking(booking["id"]).json["booking"] == booking  # to read is free


POLICY = '"client";q=50;w=500'


@pytest.mark.parametrize(
    ("call", "tokens"),
    [
        (lambda house: house.availability("harbour", partySize=2), 1),
        (lambda house: house.openings("harbour", 2, 4), 2),
        (lambda house: house.http("operations", "GET", "/restaurants/harbour/manual-review"), 10),
        (lambda house: house.http("operations", "GET", "/restaurants/harbour/reports/assignments"), 10),
        (lambda house: house.book("harbour", party(2)), 1),
        (lambda house: house.book("harbour", party(300)), 0),  # a bad body is answered at the door
    ],
)
def test_what_a_call_takes_and_what_it_leaves(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, call: Callable[[Service], Answer], tokens: int
) -> None:
    limited(monkeypatch, client_rate=0.1, client_burst=50)
    answer = call(harbour)
    if tokens:
        assert answer.status < 300, answer.text
        assert answer.headers["ratelimit-policy"] == POLICY
        assert answer.headers["ratelimit"] == f'"client";r={50 - tokens};t={10 * tokens}'
    else:
        assert "ratelimit" not in answer.headers
    after = harbour.cancel(harbour.book("harbour", party(2)).json["booking"]["id"])
    assert f"r={50 - tokens - 2};" in after.headers["ratelimit"]
    assert "ratelimit" not in harbour.http("operations", "GET", "/restaurants/harbour/floor").headers


@pytest.mark.parametrize(
    "call",
    [
        lambda house: house.availability("harbour", partySize=2),
        lambda house: house.openings("harbour", 2, 4),
        lambda house: house.http("operations", "GET", "/restaurants/harbour/manual-review"),
        lambda house: house.http("operations", "GET", "/restaurants/harbour/reports/assignments"),
    ],
)
def test_reads_that_plan_are_limited_by_weight(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, call: Callable[[Service], Answer]
) -> None:
    limited(monkeypatch, client_rate=0.001, client_burst=1)  # what weighs more costs all there is
    assert call(harbour).status == 200
    answer = call(harbour)
    assert_problem(answer, 429, "rate_limited")
    assert answer.headers["ratelimit"] == f'"client";r=0;t={answer.headers["retry-after"]}'
    assert harbour.events("assignment.rate_limited")[-1] == {"restaurant": "harbour", "limit": "client"}


def test_an_answer_that_is_kept_costs_one_token(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: 0.0)
    set_clock(monkeypatch, datetime.now(UTC).replace(second=30, microsecond=0))
    limited(monkeypatch, client_rate=0.001, client_burst=50)
    left = [harbour.openings("harbour", 2, 4, 6).headers["ratelimit"] for _ in range(3)]
    harbour.book("harbour", party(2))
    left.append(harbour.openings("harbour", 2, 4, 6).headers["ratelimit"])  # looked, and had to read anew
    assert [int(header.split(";")[1].removeprefix("r=")) for header in left] == [47, 46, 45, 40]


def test_a_repeated_answer_says_what_is_left(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, client_rate=0.001, client_burst=50)
    key = {"idempotency-key": "one"}
    first, again = (harbour.book("harbour", party(2), headers=key) for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true"
    assert first.headers["ratelimit"].startswith('"client";r=49;')
    assert again.headers["ratelimit"].startswith('"client";r=49;')


def test_a_repeated_answer_is_not_limited(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lost the answer must be able to ask for it again; it seats nobody."""
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    key = {"idempotency-key": "one"}
    first = harbour.book("harbour", party(2), headers=key)
    assert harbour.book("harbour", party(2)).status == 429
    again = harbour.book("harbour", party(2), headers=key)
    assert (again.status, again.text) == (201, first.text)
    assert harbour.database.value(IN_FLIGHT) == 0


def test_a_limited_request_may_come_again_with_its_key(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        limited(patch, client_rate=0.001, client_burst=1)
        assert harbour.book("harbour", party(2)).status == 201
        assert harbour.book("harbour", party(2), headers={"idempotency-key": "k"}).status == 429
    forget_wiring()
    harbour.database.query("delete from rate_limits")
    assert harbour.book("harbour", party(2), headers={"idempotency-key": "k"}).status == 201


def test_a_flood_of_refusals_is_told_once_a_second(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is a write: to refuse must stay cheaper than to serve."""
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    began = datetime.now(UTC)
    assert [harbour.book("harbour", party(2)).status for _ in range(30)] == [201] + [429] * 29
    seconds = (datetime.now(UTC) - began).total_seconds()
    assert 1 <= len(harbour.events("assignment.rate_limited")) <= 1 + seconds


# --- all sandboxes together -----------------------------------------------------------------------


def test_t9_one_bucket_for_all_sandboxes(database: TestDatabase, desks: Callable[..., list[Desk]]) -> None:
    many = desks(12, limits=Limits(GENEROUS.restaurant, 1000, SLOW))
    assert many[0].put("harbour", house(*[2] * 12)) == 201
    statuses = all_at_once([partial(desk.booking, wish(2)) for desk in many])
    assert Counter(statuses) == {201: 3, 429: 9}
    assert_consistent(database)


def test_t9_a_restaurant_takes_no_more_in_flight_than_its_share(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    """Those inside wait for the day, which is held: whoever comes then is one too many."""
    many = desks(10, limits=Limits(GENEROUS.restaurant, 4, GENEROUS.client))
    assert many[0].put("harbour", house(*[2] * 12)) == 201
    assert many[0].booking(wish(2)) == 201
    statuses: list[int] = []

    def ask(desk: Desk) -> None:
        statuses.append(desk.booking(wish(2)))

    def let_go() -> None:
        eventually(lambda: len(statuses) == 6, "those outside are refused while the others wait")
        assert database.value(IN_FLIGHT) == 4
        owner.execute(b"commit")

    with database.connect() as owner:
        owner.execute(b"begin")
        owner.execute(b"select 1 from service_days for update")
        all_at_once([*(partial(ask, desk) for desk in many), let_go])
    assert statuses == [429] * 6 + [201] * 4
    assert database.value(IN_FLIGHT) == 0
    assert_consistent(database)


def test_the_place_of_a_killed_sandbox_ends_by_the_clock(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    [desk] = desks(1, limits=Limits(GENEROUS.restaurant, 1, GENEROUS.client))
    assert desk.put("harbour", house(2, 2)) == 201
    database.query(
        "insert into attempts_in_flight values (gen_random_uuid(), 'harbour', now() + interval '1 hour')"
    )
    assert desk.booking(wish(2)) == 429
    database.query("update attempts_in_flight set ends_at = now()")
    assert desk.booking(wish(2)) == 201


@pytest.mark.parametrize(("size", "refuse", "status"), [(2, False, 201), (8, False, 422), (4, True, 409)])
def test_every_attempt_leaves(
    database: TestDatabase, desks: Callable[..., list[Desk]], size: int, refuse: bool, status: int
) -> None:
    [desk] = desks(1)
    assert desk.put("harbour", house(2, 4)) == 201
    assert desk.booking(wish(4)) == 201
    assert desk.booking(wish(size, refuse=refuse)) == status
    assert desk.booking(wish(4)) == 201  # kept as pending
    assert database.value(IN_FLIGHT) == 0


def test_an_attempt_that_wrote_nothing_leaves_with_the_next_of_its_sandbox(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    """Else a few refusals would keep a restaurant's places until they end by the clock."""

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    [desk] = desks(1, limits=Limits(GENEROUS.restaurant, 1, GENEROUS.client), decide=broken)
    assert desk.put("harbour", house(2, 2)) == 201
    assert [desk.booking(wish(2, refuse=True)) for _ in range(3)] == [503] * 3
    assert database.value(IN_FLIGHT) == 1
    assert desk.booking(wish(2)) == 201  # kept as pending
    assert database.value(IN_FLIGHT) == 0


def test_an_attempt_that_had_to_hold_the_day_leaves_too(
    database: TestDatabase, desks: Callable[..., list[Desk]]
) -> None:
    clients = desks(8)
    assert clients[0].put("harbour", house(2, 2, 2)) == 201
    assert all_at_once([partial(desk.booking, wish(2)) for desk in clients]) == [201] * 8
    assert database.value(IN_FLIGHT) == 0


def test_a_bucket_fills_again(database: TestDatabase, desks: Callable[..., list[Desk]]) -> None:
    """By the clock of the database: as if a while had passed since."""
    [desk] = desks(1, limits=Limits(GENEROUS.restaurant, 100, Bucket(1 / 60, 2)))
    assert desk.put("harbour", house(*[2] * 6)) == 201
    assert [desk.booking(wish(2)) for _ in range(3)] == [201, 201, 429]
    database.query("update rate_limits set full_at = full_at - interval '61 seconds' where kind = 'client'")
    assert [desk.booking(wish(2)) for _ in range(2)] == [201, 429]
    database.query("update rate_limits set full_at = full_at - interval '1 hour' where kind = 'client'")
    assert [desk.booking(wish(2)) for _ in range(3)] == [201, 201, 429]


def test_maintenance_forgets_what_no_longer_counts(harbour: Service) -> None:
    assert harbour.book("harbour", party(2)).status == 201
    harbour.database.query(
        "insert into attempts_in_flight values (gen_random_uuid(), 'harbour', now() - interval '1 second'),"
        " (gen_random_uuid(), 'harbour', now() + interval '1 hour')"
    )
    harbour.database.query(
        "insert into rate_limits values ('client', 'old', now() - interval '1 second'),"
        " ('client', 'busy', now() + interval '1 hour')"
    )
    harbour.scheduled("maintain")
    assert harbour.database.value(IN_FLIGHT) == 1
    assert "busy" in {row[0] for row in harbour.database.query("select id from rate_limits")}
    assert "old" not in {row[0] for row in harbour.database.query("select id from rate_limits")}


# --- the job --------------------------------------------------------------------------------------


@pytest.fixture
def body(harbour: Service) -> str:
    """The message of a booking that waits, and for which there is a table now."""
    assert harbour.book("harbour", party(4)).status == 201
    assert harbour.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    [message] = harbour.messages("assign")
    assert harbour.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    text: str = message["Body"]
    return text


def test_h3_the_limit_binds_the_job_which_comes_again_without_losing_an_attempt(
    harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        limited(patch, restaurant_rate=0.001, restaurant_burst=1)
        harbour.database.query("update rate_limits set full_at = now() + interval '1 hour'")
        for _ in range(6):  # more often than MAX_ATTEMPTS
            assert harbour.deliver("assign", body) == ALL_GOOD
            body = newest(harbour)
            assert json.loads(body)["attempt"] == 1
    waiting = (
        "select state, auto_assign_last_result -> 'reason' ->> 'code' from bookings order by created_at desc"
    )
    assert harbour.database.query(waiting)[0] == ("assignment_pending", "rate_limited")
    summary = harbour.events("auto_assign.summary")[-1]
    assert (summary["result"], summary["reason"], summary["attemptsUsed"]) == ("deferred", "rate_limited", 0)
    assert harbour.events("assignment.rate_limited")[-1]["limit"] == "restaurant_rate"
    forget_wiring()
    harbour.database.query("delete from rate_limits")
    assert harbour.deliver("assign", body) == ALL_GOOD
    assert harbour.events("auto_assign.summary")[-1]["result"] == "confirmed"
    assert harbour.database.value(IN_FLIGHT) == 0
    assert_consistent(harbour.database)


def test_the_job_is_nobodys_client(harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, client_rate=0.001, client_burst=1)
    harbour.database.query("update rate_limits set full_at = now() + interval '1 hour' where kind = 'client'")
    assert harbour.deliver("assign", body) == ALL_GOOD
    assert harbour.events("auto_assign.summary")[-1]["result"] == "confirmed"


def newest(service: Service) -> str:
    row = "select payload from outbox where topic = 'assign' order by id desc limit 1"
    return json.dumps(service.database.value(row))


def test_a_key_of_a_twin_takes_one_place(database: TestDatabase, desks: Callable[..., list[Desk]]) -> None:
    many = desks(4)
    assert many[0].put("harbour", house(2, 2)) == 201
    key = IdempotencyKey("tester", "harbour", "one", "print")
    statuses = all_at_once([partial(desk.booking, wish(2), key) for desk in many])
    assert set(statuses) <= {201, 409}
    assert database.value("select count(*) from bookings") == 1
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert database.value("select count(*) from attempts_in_flight where ends_at > %s", later) == 0
