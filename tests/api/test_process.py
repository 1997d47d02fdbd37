"""Handing a booking to the background job by hand."""

from uuid import uuid4

import pytest

from tests.harness.problems import assert_problem, call, nothing_written, rows_of
from tests.harness.service import Service, party


@pytest.fixture
def waiting(harbour: Service) -> str:
    """A booking in the hands of a person: its job has ended, its table is taken."""
    harbour.book("harbour", party(4))
    booking: str = harbour.book("harbour", party(4)).json["booking"]["id"]
    harbour.work()
    harbour.messages("notification")
    assert harbour.booking(booking).json["booking"]["state"] == "manual_review"
    return booking


@pytest.mark.parametrize("trigger", ["creation", "modification", "retry"])
def test_out_of_review_by_way_of_pending(harbour: Service, waiting: str, trigger: str) -> None:
    before = harbour.booking(waiting).json["booking"]
    answer = harbour.process(waiting, trigger, headers={"x-correlation-id": "by-hand"})
    assert (answer.status, answer.json) == (202, {"status": "accepted", "correlationId": "by-hand"})
    now = harbour.booking(waiting).json["booking"]
    assert now["updatedAt"] >= before["updatedAt"]
    after = {"state": "assignment_pending", "version": before["version"] + 1, "updatedAt": now["updatedAt"]}
    assert now == before | after
    last = call("operations", "GET", f"/bookings/{waiting}/history").json["items"][-1]
    assert (last["fromState"], last["toState"], last["actor"]) == (
        "manual_review",
        "assignment_pending",
        "tester",
    )
    harbour.work()
    summary = harbour.events("auto_assign.summary", waiting)[-1]
    assert (summary["flow"], summary["trigger"], summary["reason"]) == ("job", trigger, "no_capacity")


def test_it_finds_the_table_that_has_become_free(harbour: Service, waiting: str) -> None:
    [seated] = harbour.database.query("select booking_id from allocations where live")
    harbour.cancel(str(seated[0]))
    harbour.messages()  # what the cancel woke is lost
    assert harbour.process(waiting).status == 202
    harbour.work()
    assert harbour.booking(waiting).json["booking"]["tables"] == ["T3"]


def test_a_pending_booking_may_be_asked_for_again(harbour: Service, waiting: str) -> None:
    assert harbour.process(waiting).status == harbour.process(waiting).status == 202
    assert harbour.booking(waiting).json["booking"]["state"] == "assignment_pending"
    assert len(harbour.messages()) == 2


def test_nothing_to_assign(harbour: Service) -> None:
    booking = harbour.book("harbour", party()).json["booking"]["id"]
    harbour.messages("notification")
    with nothing_written(harbour):
        assert_problem(harbour.process(booking, headers={"idempotency-key": "k"}), 400, "invalid_state")
    harbour.cancel(booking)
    harbour.messages("notification")
    with nothing_written(harbour):
        assert_problem(harbour.process(booking), 400, "invalid_state")


def lease(service: Service, booking: str, until: str) -> None:
    service.database.query(
        "update bookings set state = 'assignment_in_progress', version = version + 1,"
        f" lease_token = gen_random_uuid(), lease_until = now() + interval '{until}' where id = %s",
        booking,
    )


def test_while_a_worker_holds_it(harbour: Service, waiting: str) -> None:
    lease(harbour, waiting, "1 minute")
    with nothing_written(harbour):
        answer = harbour.process(waiting)
        assert_problem(answer, 409, "assignment_in_progress")
    assert int(answer.headers["retry-after"]) > 0


def test_a_lease_that_ran_out_is_no_obstacle(harbour: Service, waiting: str) -> None:
    lease(harbour, waiting, "-1 second")
    assert harbour.process(waiting).status == 202
    assert harbour.booking(waiting).json["booking"]["state"] == "assignment_pending"
    assert len(harbour.messages()) == 1


def test_an_unknown_booking(harbour: Service) -> None:
    with nothing_written(harbour):
        assert_problem(harbour.process(str(uuid4())), 404, "booking_not_found")


def test_a_key_makes_one_message(harbour: Service, waiting: str) -> None:
    first = harbour.process(waiting, headers={"idempotency-key": "go", "x-correlation-id": "one"})
    counts = rows_of(harbour.database)
    again = harbour.process(waiting, headers={"idempotency-key": "go", "x-correlation-id": "two"})
    assert (again.status, again.text) == (202, first.text)
    assert (again.headers["idempotent-replayed"], again.headers["x-correlation-id"]) == ("true", "two")
    assert rows_of(harbour.database) == counts
    assert len(harbour.messages()) == 1
    reused = harbour.process(waiting, "creation", headers={"idempotency-key": "go"})
    assert_problem(reused, 422, "idempotency_key_reused")
