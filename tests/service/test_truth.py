"""What a pause, a time-out or a broken commit must not do: keep old answers, bend rules, tell what is not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.model import Decision, Refusal
from maitred.services.ports import IdempotencyKey
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import Service, house, party
from tests.harness.wire import WireTap


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def opened(database: TestDatabase, queue: RecordingQueue) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def open_one(**named: Any) -> Desk:
        desks.append(open_desk(database, queue, **named))
        return desks[-1]

    yield open_one
    for desk in desks:
        desk.database.close()


def undecided(*_: Any, **__: Any) -> Decision:
    reason = Reason(ReasonCode.SEARCH_TRUNCATED, "The search was cut short.")
    return Refusal(reason, candidates=0, truncated=True, explanation=reason.detail)


def test_t6_a_passing_failure_is_not_served_to_the_retry(
    database: TestDatabase, opened: Callable[..., Desk]
) -> None:
    """The same key again asks again; only answers that stand are kept."""
    key = IdempotencyKey("tester", "harbour", "once", "print")
    assert opened().put("harbour", house(4)) == 201
    assert opened(decide=undecided).booking(wish(4, refuse=True), key) == 503
    assert database.value("select count(*) from idempotency") == 0
    assert opened().booking(wish(4, refuse=True), key) == 201


def test_t6_a_kept_floor_is_never_served_under_another_version(opened: Callable[..., Desk]) -> None:
    """A sandbox that has seen the old floor plans on the new one, at once."""
    warm, other = opened(), opened()
    assert warm.put("harbour", house(2)) == 201
    assert warm.booking(wish(2, "17:00")) == 201
    assert other.put("harbour", house(4)) == 200
    assert warm.booking(wish(4)) == 201
    assert warm.answers[-1].status == 201
    assert json.loads(warm.answers[-1].body)["booking"]["tables"] == ["T1"]


def test_t7_no_rule_is_dropped_after_a_time_out(
    database: TestDatabase, queue: RecordingQueue, opened: Callable[..., Desk]
) -> None:
    """Only two tables that do not touch would seat the party: late or not, it is not given them."""
    apart = house(2, 2, policy={"maxTables": 2, "adjacency": "connected"})
    assert opened().put("harbour", apart) == 201
    assert opened(decide=undecided).booking(wish(4)) == 201
    [message] = queue.take()
    desk = opened()
    assert desk.work(message) in ("manual_review", "deferred")
    while found := queue.take():
        assert [desk.work(each) for each in found] == ["manual_review"]
    [(state, result)] = database.query("select state, auto_assign_last_result from bookings")
    assert (state, result["reason"]["code"]) == ("manual_review", "adjacency")
    asked = "select distinct strategy -> 'requireAdjacency' from booking_assignment_attempts"
    assert database.query(asked) == [(True,)]


def test_o2_the_log_tells_of_nothing_that_did_not_commit(
    database: TestDatabase, queue: RecordingQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line breaks before, in, and after the commit: what is logged as confirmed is in the book."""
    with WireTap(database.port) as tap:
        desk = open_desk(database, queue, port=tap.port)
        assert desk.put("harbour", house(*[2] * 6)) == 201
        for broken in (None, 1, 2, 3, None):
            if broken is not None:
                tap.lose_answer(broken)
            desk.booking(wish(2))
            tap.reset()
        desk.database.close()
    logged = [
        line["booking_id"]
        for line in map(json.loads, capsys.readouterr().out.splitlines())
        if line.get("message") == "auto_assign.summary" and line["context"]["result"] == "confirmed"
    ]
    stored = database.query("select id::text from bookings where state = 'confirmed'")
    assert logged
    assert len(set(logged)) == len(logged)
    assert set(logged) <= {row[0] for row in stored}


def test_o3_one_correlation_id_from_the_request_to_the_job_and_the_letter(service: Service) -> None:
    service.put_restaurant("harbour", house(2))
    assert service.book("harbour", party(2)).status == 201
    recorded = {"x-correlation-id": "guest-4711"}
    waiting = service.book("harbour", party(2), headers=recorded)
    assert waiting.headers["x-correlation-id"] == "guest-4711"
    booking_id = waiting.json["booking"]["id"]
    service.work()
    events = service.database.query(
        "select event_type, correlation_id from observability_events where booking_id = %s", booking_id
    )
    assert {"inline_auto_assign.failed", "assignment.lock", "auto_assign.summary"} <= {
        row[0] for row in events
    }
    assert {row[1] for row in events} == {"guest-4711"}
    rows = service.database.query(
        "select topic, correlation_id, payload ->> 'correlationId' from outbox where booking_id = %s",
        booking_id,
    )
    assert {row[0] for row in rows} == {"assign", "notification"}
    assert {row[1:] for row in rows} == {("guest-4711", "guest-4711")}
    attempts = service.database.query(
        "select distinct correlation_id from booking_assignment_attempts where booking_id = %s", booking_id
    )
    assert attempts == [("guest-4711",)]
