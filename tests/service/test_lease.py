"""The lease of a booking: taken, kept, lost, not to be had; each told, with what it cost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from maitred.bootstrap import assign
from maitred.services.assignment import planning
from maitred.services.ports import Unavailable
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, all_at_once, open_desk, wish
from tests.harness.service import Service, forget_wiring, house, party

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def body(harbour: Service) -> str:
    """The message of a booking that waits, and for which there is a table now."""
    assert harbour.book("harbour", party(4)).status == 201
    assert harbour.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    [message] = harbour.messages("assign")
    assert harbour.put_restaurant("harbour", house(2, 2, 4, 4)).status == 200
    text: str = message["Body"]
    return text


def locks(service: Service) -> list[dict[str, Any]]:
    return service.events("assignment.lock")


def test_a_lease_that_is_got_is_told_with_its_token_and_its_wait(harbour: Service, body: str) -> None:
    assert harbour.deliver("assign", body) == ALL_GOOD
    [lock] = locks(harbour)
    assert lock["result"] == "acquired"
    assert lock["token"]
    assert lock["waitMs"] > 0


def test_a_database_that_cannot_be_asked_gives_no_lease(
    harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tried without a lease; the queue delivers the message again."""

    def down(*_: Any, **__: Any) -> Any:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(assign.services().runtime.deps.store), "booking", down)
        assert harbour.deliver("assign", body) != ALL_GOOD
    [lock] = locks(harbour)
    assert (lock["result"], lock["token"]) == ("unavailable", None)
    summary = harbour.events("auto_assign.summary")[-1]
    assert (summary["result"], summary["reason"]) == ("error", "database_unavailable")
    assert harbour.deliver("assign", body, receives=2) == ALL_GOOD
    assert locks(harbour)[-1]["result"] == "acquired"


def test_a_claim_that_fails_is_no_lease(harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = type(assign.services().runtime.deps.store)
    apply = store.apply

    def down_for_claims(self: Any, changes: Any, *more: Any) -> Any:
        if any(change.new_lease for change in changes.updates):
            raise Unavailable
        return apply(self, changes, *more)

    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", down_for_claims)
        assert harbour.deliver("assign", body) != ALL_GOOD
    assert [lock["result"] for lock in locks(harbour)] == ["unavailable"]
    assert harbour.database.value("select count(*) from bookings where lease_token is not null") == 0


def test_the_waiting_time_is_measured(
    harbour: Service, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    harbour.deliver("assign", body)
    [wait] = metric(capsys, "LockWait")
    assert wait > 0


def test_the_age_in_the_queue_does_not_count_the_delay_that_was_meant(
    harbour: Service, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=40)
    later = json.dumps(json.loads(body) | {"enqueuedAt": due.isoformat()})
    harbour.database.query(
        "update bookings set lease_token = gen_random_uuid(), lease_until = now() + interval '1 minute',"
        " state = 'assignment_in_progress'"
        " where state = 'assignment_pending'"
    )
    assert harbour.deliver("assign", later) == ALL_GOOD
    assert metric(capsys, "QueueAge") == [0.0]
    again = harbour.database.value("select payload from outbox order by id desc limit 1")
    row = "select due_at from outbox order by id desc limit 1"
    assert datetime.fromisoformat(again["enqueuedAt"]) == harbour.database.value(row)


def metric(capsys: pytest.CaptureFixture[str], name: str) -> list[float]:
    """All values of one metric that were written."""
    found: list[float] = []
    for line in capsys.readouterr().out.splitlines():
        if f'"{name}"' in line and '"_aws"' in line:
            value = json.loads(line)[name]
            found += value if isinstance(value, list) else [value]
    return found


def test_t4_a_lease_shorter_than_the_attempt_is_extended(
    harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "10")
    monkeypatch.setenv("JOB_BUDGET_MS", "20000")
    forget_wiring()
    seen: list[float] = []
    quote = planning.Planning.quote
    left = "select extract(epoch from lease_until - now())::float from bookings where lease_until is not null"

    def look(*args: Any, **more: Any) -> Any:
        seen.append(harbour.database.value(left))
        return quote(*args, **more)

    monkeypatch.setattr(planning.Planning, "quote", look)
    assert harbour.deliver("assign", body) == ALL_GOOD
    assert seen[0] > 20
    assert harbour.events("auto_assign.summary")[-1]["result"] == "confirmed"


def test_t4_a_lease_that_was_lost_is_told(
    harbour: Service, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quote = planning.Planning.quote

    def overtaken(*args: Any, **more: Any) -> Any:
        harbour.database.query(
            "update bookings set lease_token = gen_random_uuid() where lease_until is not null"
        )
        return quote(*args, **more)

    monkeypatch.setattr(planning.Planning, "quote", overtaken)
    assert harbour.deliver("assign", body) == ALL_GOOD
    acquired, lost = locks(harbour)
    assert (acquired["result"], lost["result"]) == ("acquired", "lost")
    assert lost["token"] == acquired["token"]
    assert harbour.events("auto_assign.summary")[-1]["result"] == "superseded"


@pytest.fixture
def pair(database: TestDatabase) -> Iterator[tuple[RecordingQueue, Callable[[], Desk]]]:
    opened: list[Desk] = []
    queue = RecordingQueue()

    def open_one() -> Desk:
        opened.append(open_desk(database, queue))
        return opened[-1]

    yield queue, open_one
    for desk in opened:
        desk.database.close()


def test_t4_workers_on_one_booking_at_the_same_moment_lease_it_once(
    database: TestDatabase, pair: tuple[RecordingQueue, Callable[[], Desk]]
) -> None:
    queue, open_one = pair
    workers = [open_one() for _ in range(4)]
    assert workers[0].put("harbour", house(4)) == 201
    assert [workers[0].booking(wish(4)), workers[0].booking(wish(4))] == [201, 201]
    [message] = queue.take()
    assert workers[0].put("harbour", house(4, 4)) == 200
    results = all_at_once([partial(worker.work, message) for worker in workers])
    assert results.count("confirmed") == 1
    assert set(results) <= {"confirmed", "superseded", "already_confirmed", "deferred"}
    tokens = "select count(*) from observability_events where event_type = 'assignment.lock'"
    assert database.value(f"{tokens} and context ->> 'result' = 'acquired'") == 1
    assert_consistent(database)
