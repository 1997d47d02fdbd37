"""Faults on the running stack: what fails for good is parked, what is killed is finished, nothing is lost."""

import json
import threading
from typing import Any

import pytest

from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack

BREAK_ONE = """
create or replace function break_one() returns trigger language plpgsql as $$
begin
    if new.id::text = '{booking}' and old.state = 'assignment_in_progress' and new.state <> old.state then
        raise exception 'this booking cannot be written';
    end if;
    return new;
end $$;
create trigger break_one before update on bookings for each row execute function break_one();
"""


def waiting_booking(guest: Guest) -> str:
    assert guest.book(4)[1]["assignment"]["outcome"] == "confirmed"
    answer = guest.book(4)[1]
    assert answer["assignment"]["outcome"] == "deferred"
    booking_id = str(answer["booking"]["id"])
    eventually(lambda: guest.state(booking_id) == "manual_review", "the job ends")
    return booking_id


def summaries(guest: Guest, booking_id: str) -> list[str]:
    with guest.owner() as conn:
        rows = conn.execute(
            b"select context ->> 'result' from observability_events where event_type = 'auto_assign.summary'"
            b" and booking_id = %s::uuid and source = 'assign' order by id",
            [booking_id],
        ).fetchall()
    return [row[0] for row in rows]


def test_what_always_fails_is_parked_after_exactly_five_receives_and_ends_after_its_redrive(
    guest: Guest,
) -> None:
    stack, sqs = guest.stack, guest.stack.sqs()
    booking_id = waiting_booking(guest)
    done_before = len(summaries(guest, booking_id))
    with guest.owner() as owner:
        owner.execute(BREAK_ONE.format(booking=booking_id).encode())
        process = {"bookingId": booking_id, "trigger": "retry"}
        assert guest.call("POST", "/assignments/process", process)[0] == 202
        eventually(lambda: stack.depth("AssignDeadLetterQueue").visible == 1, "the message is parked")
        assert summaries(guest, booking_id)[done_before:].count("error") == 5
        owner.execute(b"drop trigger break_one on bookings")

    arns = {
        name: sqs.get_queue_attributes(QueueUrl=stack.queue_url(name), AttributeNames=["QueueArn"])[
            "Attributes"
        ]
        for name in ("AssignQueue", "AssignDeadLetterQueue")
    }
    sqs.start_message_move_task(
        SourceArn=arns["AssignDeadLetterQueue"]["QueueArn"], DestinationArn=arns["AssignQueue"]["QueueArn"]
    )
    eventually(lambda: guest.state(booking_id) == "manual_review", "the redriven message ends")
    eventually(lambda: stack.depth("AssignQueue").total == 0, "the queue is empty")
    assert stack.depth("AssignDeadLetterQueue").total == 0


def test_a_poison_message_is_parked_with_its_reason_and_its_neighbours_are_served(guest: Guest) -> None:
    stack, sqs = guest.stack, guest.stack.sqs()
    assert guest.book(4)[0] == 201
    sqs.send_message(QueueUrl=stack.queue_url("AssignQueue"), MessageBody='{"schema": 1, "poison": true}')
    booking_id = guest.book(4)[1]["booking"]["id"]
    eventually(lambda: guest.state(booking_id) == "manual_review", "the neighbour is served")
    parked: list[Any] = []

    def found() -> bool:
        parked.extend(
            sqs.receive_message(
                QueueUrl=stack.queue_url("AssignDeadLetterQueue"), MessageAttributeNames=["All"]
            ).get("Messages", [])
        )
        return bool(parked)

    eventually(found, "the poison is parked")
    [message] = parked
    sqs.delete_message(
        QueueUrl=stack.queue_url("AssignDeadLetterQueue"), ReceiptHandle=message["ReceiptHandle"]
    )
    assert json.loads(message["Body"])["poison"] is True
    assert "bookingId: missing" in message["MessageAttributes"]["reason"]["StringValue"]


def test_a_sandbox_killed_in_its_transaction_leaves_nothing_and_the_retry_finishes(guest: Guest) -> None:
    stack = guest.stack
    with guest.owner() as owner:
        owner.execute(
            b"""create function dawdle() returns trigger language plpgsql as
                'begin perform pg_sleep(1.5); return new; end';
                create trigger dawdle before insert on allocations for each row execute function dawdle()"""
        )
        answers: list[int] = []
        asking = threading.Thread(target=lambda: answers.append(guest.book(2, key="once")[0]))
        asking.start()
        sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        eventually(lambda: guest.value(sleeping) == 1, "the confirmation is under way")
        assert stack.kill_sandbox("BookingsFunction", busy=True) is not None
        asking.join()
        assert answers == [500]
        owner.execute(b"drop trigger dawdle on allocations")
        eventually(lambda: guest.value(sleeping) == 0, "the server notices")

    kept = "select count(*) from bookings where restaurant_id = %s"
    assert guest.value(kept, guest.restaurant) in (0, 1)  # the server may have finished what was sent
    status, answer = guest.book(2, key="once")
    assert (status, answer["booking"]["tables"]) == (201, ["T1"])
    assert guest.value(kept, guest.restaurant) == 1
    live = "select count(*) from allocations where live and restaurant_id = %s"
    assert guest.value(live, guest.restaurant) == 1


def test_queues_that_are_away_lose_nothing(guest: Guest) -> None:
    stack = guest.stack
    assert guest.book(4)[0] == 201
    stack.stop_emulator()
    try:
        status, answer = guest.book(4)
        assert (status, answer["assignment"]["outcome"]) == (201, "deferred")
    finally:
        stack.start_emulator()
    booking_id = answer["booking"]["id"]
    unsent = (
        "select count(*) from outbox where booking_id = %s::uuid and topic = 'assign' and sent_at is null"
    )
    assert guest.value(unsent, booking_id) == 1

    def swept() -> bool:
        stack.invoke("RelayFunction", {})
        return bool(guest.value(unsent, booking_id) == 0)

    eventually(swept, "the relay sends what was kept")
    eventually(lambda: guest.state(booking_id) == "manual_review", "the job ends")


def test_every_handler_answers_through_the_gateway(guest: Guest) -> None:
    assert guest.call("GET", "/health") == (200, {"status": "ok", "version": "0.1.0"})
    assert guest.call("GET", "/nowhere")[0] == 404
    for function in ("RelayFunction", "MaintainFunction", "OptimizeFunction", "MigrateFunction"):
        assert isinstance(guest.stack.invoke(function, {}), dict)
