"""Breakers shared by all sandboxes: opened by faults alone, closed by one probe, told each time."""

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest

from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guard import PostgresCircuit
from maitred.services.ports import Conflict, LockTimeout, StaleVersion, Unavailable
from tests.harness.circuits import Told, knock, open_circuit
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import RecordingQueue, all_at_once, open_desk, wish
from tests.harness.rows import pause_over
from tests.harness.service import Service, forget_wiring, party

ALL_GOOD: dict[str, Any] = {"batchItemFailures": []}
STATE = "select failures, open_until is not null from circuits where dependency = %s"


@pytest.fixture
def sandboxes(database: TestDatabase) -> Iterator[list[tuple[PostgresCircuit, Told]]]:
    made = [open_circuit(database.port, database.name) for _ in range(8)]
    yield [(circuit, recorded) for circuit, recorded, _ in made]
    for _, _, connection in made:
        connection.close()


# --- the machine ----------------------------------------------------------------------------------


def test_t9_faults_of_different_sandboxes_open_one_circuit(
    sandboxes: list[tuple[PostgresCircuit, Told]],
) -> None:
    for circuit, _ in sandboxes[:5]:
        assert circuit.enter() == 0
    for circuit, _ in sandboxes[:5]:
        circuit.failed()
    for circuit, _ in sandboxes:
        assert 25 < circuit.enter() <= 30
    assert [recorded.states for _, recorded in sandboxes] == [[]] * 4 + [[("open", 5)]] + [[]] * 3
    assert sandboxes[4][1].counted == [("CircuitOpened", {"dependency": "printer"})]


def test_a_success_in_between_begins_the_row_anew(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    (one, recorded), (other, _), *_ = sandboxes
    for _ in range(3):
        for _ in range(4):
            assert one.enter() == 0
            one.failed()
        assert other.enter() == 0
        other.succeeded()
    assert recorded.states == []
    assert database.query(STATE, "printer") == [(0, False)]


def test_faults_long_ago_do_not_count(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    circuit, recorded = sandboxes[0]
    for _ in range(4):
        circuit.failed()
    database.query("update circuits set failed_at = now() - interval '31 seconds'")
    circuit.failed()
    assert recorded.states == []
    assert database.query(STATE, "printer") == [(1, False)]


def test_exactly_one_probe_goes_ahead_and_its_success_closes(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    for _ in range(5):
        sandboxes[0][0].failed()
    pause_over(database)
    waits = all_at_once([circuit.enter for circuit, _ in sandboxes])
    assert [wait == 0 for wait in waits].count(True) == 1
    probe, recorded = sandboxes[waits.index(0)]
    assert recorded.states[-1] == ("half_open", 5)
    probe.succeeded()
    assert recorded.states[-1] == ("closed", 0)
    assert [circuit.enter() for circuit, _ in sandboxes] == [0] * 8


def test_a_probe_that_fails_opens_it_for_longer(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    circuit, recorded = sandboxes[0]
    for _ in range(5):
        circuit.failed()
    pauses = []
    for _ in range(6):
        pause_over(database)
        assert circuit.enter() == 0
        circuit.failed()
        pauses.append(round(circuit.enter()))
    assert pauses == [60, 120, 240, 480, 480, 480]
    assert recorded.states.count(("open", 6)) == 1


def test_a_probe_that_is_never_heard_of_again_is_repeated(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    (one, _), (other, _), *_ = sandboxes
    for _ in range(5):
        one.failed()
    pause_over(database)
    assert one.enter() == 0
    assert 0 < other.enter() <= 5
    pause_over(database)  # as if the probe's time were over
    assert other.enter() == 0


def test_a_late_success_of_another_does_not_close_it(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    (one, _), (late, _), *_ = sandboxes
    one.failed()
    assert late.enter() == 0
    for _ in range(4):
        one.failed()
    late.succeeded()
    assert one.enter() > 0
    assert database.query(STATE, "printer") == [(5, True)]


def test_t9_exactly_one_probe_of_many_processes(
    sandboxes: list[tuple[PostgresCircuit, Told]], database: TestDatabase
) -> None:
    for _ in range(5):
        sandboxes[0][0].failed()
    pause_over(database)
    context = multiprocessing.get_context("spawn")
    answers, line = context.Queue(), context.Barrier(4)
    arguments = (database.port, database.name, answers, line)
    processes = [context.Process(target=knock, args=arguments, daemon=True) for _ in range(4)]
    for process in processes:
        process.start()
    waits = [answers.get() for _ in processes]
    for process in processes:
        process.join()
        process.close()
    answers.close()
    answers.join_thread()
    assert [wait == 0 for wait in waits].count(True) == 1


# --- the database's writes ------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Units of work end with ``error``; single statements do not."""
    transact = Database.transact

    def broken(self: Database, calls: Any, budget_ms: int | None = None) -> Any:
        if any(call.name == "insert_booking" for call in calls):
            raise error
        return transact(self, calls, budget_ms)

    monkeypatch.setattr(Database, "transact", broken)


def test_writes_that_fail_open_the_circuit_for_all_and_the_probe_closes_it(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, Unavailable())
        statuses = [harbour.book("harbour", party(2)).status for _ in range(4)]
        assert statuses == [503] * 4
        answer = harbour.book("harbour", party(2))
        assert (answer.status, answer.json["code"]) == (503, "circuit_open")
        assert 1 <= int(answer.headers["retry-after"]) <= 40
    forget_wiring()  # another sandbox, and nothing fails any more
    assert harbour.book("harbour", party(2)).json["code"] == "circuit_open"
    pause_over(harbour.database)
    assert harbour.book("harbour", party(2)).status == 201
    assert harbour.book("harbour", party(2)).status == 201
    states = [event["state"] for event in harbour.events("assignment.circuit")]
    assert states == ["open", "half_open", "closed"]
    assert harbour.database.value("select count(*) from attempts_in_flight where ends_at < now()") == 0
    assert_consistent(harbour.database)


@pytest.mark.parametrize("error", [Conflict(), StaleVersion(), LockTimeout()])
def test_t9_ordinary_failures_do_not_open_it(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, error)
        statuses = {harbour.book("harbour", party(4)).status for _ in range(8)}
    assert 503 in statuses
    assert harbour.database.query(STATE, "database") == []
    assert harbour.book("harbour", party(2)).status == 201


def test_t9_a_full_house_and_a_limited_client_do_not_open_it(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harbour.book("harbour", party(4)).status == 201
    for _ in range(8):
        assert harbour.book("harbour", party(4, onFull="refuse")).status == 409
    monkeypatch.setenv("CLIENT_RATE", "0.001")
    monkeypatch.setenv("CLIENT_BURST", "1")
    forget_wiring()
    assert [harbour.book("harbour", party(2)).status for _ in range(8)] == [201] + [429] * 7
    assert harbour.database.query(STATE, "database") == []


def test_the_job_waits_for_the_circuit_without_losing_an_attempt(harbour: Service) -> None:
    assert harbour.book("harbour", party(4)).status == 201
    assert harbour.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    [message] = harbour.messages("assign")
    harbour.database.query("insert into circuits values ('database', 5, now(), now() + interval '1 minute')")
    assert harbour.deliver("assign", message["Body"]) == ALL_GOOD
    summary = harbour.events("auto_assign.summary")[-1]
    assert (summary["result"], summary["reason"], summary["attemptsUsed"]) == ("deferred", "circuit_open", 0)
    again = harbour.database.value(
        "select payload from outbox where topic = 'assign' order by id desc limit 1"
    )
    assert again["attempt"] == 1


def test_a_desk_and_the_handlers_share_the_circuit(harbour: Service, database: TestDatabase) -> None:
    database.query("insert into circuits values ('database', 5, now(), now() + interval '1 minute')")
    desk = open_desk(database, RecordingQueue())
    assert desk.booking(wish(2)) == 503
    desk.database.close()
    assert harbour.book("harbour", party(2)).status == 503
