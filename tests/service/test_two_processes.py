"""Two processes, one booking: exactly one of them confirms it, every time.

ROUNDS=1000 makes it as many rounds; the default is short.
"""

import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from maitred.contracts.messages import AssignMessage
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import RecordingQueue, open_desk, wish
from tests.harness.service import house

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SECONDS_A_ROUND = 30

# Of each booking: how often it was confirmed, allocated, mailed, and told as confirmed.
ONCE = """
select b.id,
  (select count(*) from booking_state_history h where h.booking_id = b.id and h.to_state = 'confirmed'),
  (select count(*) from allocations a where a.booking_id = b.id),
  (select count(*) from notifications n where n.booking_id = b.id and n.kind = 'confirmed'),
  (select count(*) from observability_events e where e.booking_id = b.id
     and e.event_type = 'auto_assign.summary' and e.context ->> 'result' = 'confirmed')
from bookings b where b.id = %s"""


def worker(server: Any, name: str, orders: Any, line: Barrier, answers: Any) -> None:
    """In a process of its own: works on each message that it is handed, together with the other."""
    desk = open_desk(TestDatabase(server, name), RecordingQueue())
    while (body := orders.get()) is not None:
        line.wait(SECONDS_A_ROUND)
        answers.put(desk.work(AssignMessage.model_validate_json(body)))
    desk.database.close()


@pytest.mark.timeout(60 + ROUNDS)
def test_t4_two_processes_on_one_booking_confirm_it_exactly_once(database: TestDatabase) -> None:
    context = multiprocessing.get_context("spawn")
    line, answers = context.Barrier(2), context.Queue()
    orders = [context.Queue(), context.Queue()]
    server = _Port(database.port)
    processes = [
        context.Process(target=worker, args=(server, database.name, each, line, answers)) for each in orders
    ]
    for process in processes:
        process.start()
    queue = RecordingQueue()
    owner = open_desk(database, queue)
    try:
        results = [_round(database, owner, queue, orders, answers) for _ in range(ROUNDS)]
    finally:
        for each in orders:
            each.put(None)
        for process in processes:
            process.join(SECONDS_A_ROUND)
        owner.database.close()
        for each in (*orders, answers):
            each.close()
            each.join_thread()
    assert all(results.count("confirmed") == 1 for results in results)
    assert_consistent(database)


def _round(database: TestDatabase, owner: Any, queue: RecordingQueue, orders: Any, answers: Any) -> list[str]:
    """A booking that waits, a table for it, and both processes at once; what each of them reported."""
    assert owner.put("harbour", house(4)) in (200, 201)
    assert [owner.booking(wish(4)), owner.booking(wish(4))] == [201, 201]
    [message] = queue.take()
    assert owner.put("harbour", house(4, 4)) == 200
    queue.take()
    for each in orders:
        each.put(message.model_dump_json(by_alias=True))
    results = [answers.get(timeout=SECONDS_A_ROUND) for _ in orders]
    [(_, *counts)] = database.query(ONCE, message.booking_id)
    assert counts == [1, 1, 1, 1], results
    for (booking_id,) in database.query("select id from bookings where state <> 'cancelled'"):
        assert owner.cancel(booking_id) == 200
    queue.take()
    return results


class _Port:
    """All that a desk asks of the server, fit to be handed to another process."""

    def __init__(self, port: int) -> None:
        self.port = port
