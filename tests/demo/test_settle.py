"""Waiting for what the play set off: until it has ended, and not for ever."""

from typing import Any, cast

import pytest

from demo.settle import Open, settle
from localstack.stack import Depth, InvocationError, LocalStack
from tests.harness.databases import TestDatabase
from tests.harness.rows import add_booking, add_restaurant


class FakeStack:
    """A stack whose relay does what the test says."""

    def __init__(self, database: TestDatabase, relay: Any = None) -> None:
        self._database = database
        self._relay = relay
        self.dsn = database.server.dsn(database.name)

    def depth(self, _queue: str) -> Depth:
        return Depth(0, 0, 0)

    def invoke(self, function: str, _event: object) -> Any:
        assert function == "RelayFunction"
        return self._relay()


@pytest.fixture
def unsent(database: TestDatabase) -> TestDatabase:
    database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id) values ('a', 'r', '{}', 'c')"
    )
    return database


def settled(stack: FakeStack, patience: float) -> tuple[Open, list[Open]]:
    looks: list[Open] = []
    return settle(cast("LocalStack", stack), looks.append, patience), looks


def test_it_relays_at_once_what_lies_in_the_outbox(unsent: TestDatabase) -> None:
    def relay() -> dict[str, int]:
        unsent.query("update outbox set sent_at = now()")
        return {"sent": 1}

    found, looks = settled(FakeStack(unsent, relay), 30)

    assert [open_.total for open_ in looks] == [1, 0]
    assert found.total == 0


def test_a_relay_that_fails_is_waited_for_but_not_for_ever(unsent: TestDatabase) -> None:
    def relay() -> None:
        raise InvocationError("no database")

    found, _ = settled(FakeStack(unsent, relay), 0.5)
    assert found == Open(bookings=0, outbox=1, mails=0, messages=0)


def test_a_booking_that_stays_undecided_is_told(database: TestDatabase) -> None:
    with database.connect() as connection:
        add_restaurant(connection)
        add_booking(connection)
    found, _ = settled(FakeStack(database), 0.5)
    assert found.bookings == 1
