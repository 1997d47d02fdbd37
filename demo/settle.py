"""Waits until everything that the requests started has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from localstack.stack import InvocationError, LocalStack

PATIENCE_SECONDS = 120.0
_PAUSE = 0.25
# "request received" goes to a guest who still waits after two minutes; the demo does not wait for it.
_OPEN = """
select (select count(*) from bookings
        where state in ('created', 'assignment_pending', 'assignment_in_progress')),
       (select count(*) from outbox where sent_at is null and dead_at is null),
       (select count(*) from notifications
        where state in ('pending', 'claimed') and kind <> 'request_received')
"""


@dataclass(frozen=True, slots=True)
class Open:
    """How much has not ended yet."""

    bookings: int
    outbox: int
    mails: int
    messages: int

    @property
    def total(self) -> int:
        """All of it together."""
        return self.bookings + self.outbox + self.mails + self.messages

    def __str__(self) -> str:
        """In words."""
        return (
            f"{self.bookings} bookings undecided, {self.messages} job messages, {self.outbox} outbox rows, "
            f"{self.mails} mails"
        )


def settle(stack: LocalStack, on_look: Callable[[Open], None], patience: float = PATIENCE_SECONDS) -> Open:
    """Relay on demand until nothing is open, or nothing has ended for ``patience`` seconds.

    Returns what is open then. The time depends on how much was played; only a standstill is wrong.
    ``on_look`` gets what is open each time.
    """
    least: int | None = None
    deadline = 0.0
    with psycopg.connect(stack.dsn, autocommit=True) as connection:
        while True:
            found = _look(stack, connection)
            on_look(found)
            if least is None or found.total < least:
                least, deadline = found.total, time.monotonic() + patience
            if not found.total or time.monotonic() > deadline:
                return found
            if not (found.outbox and _relay(stack)):
                time.sleep(_PAUSE)


def _look(stack: LocalStack, connection: psycopg.Connection) -> Open:
    row = connection.execute(_OPEN).fetchone()
    if row is None:
        raise RuntimeError("a query of counts gives one row")
    bookings, outbox, mails = row
    return Open(bookings, outbox, mails, stack.depth("AssignQueue").total)


def _relay(stack: LocalStack) -> bool:
    """Invoke the relay now instead of waiting for its minute; whether it sent anything.

    It leaves rows alone that another sender has leased. A failure leaves its row open, so the end shows it.
    """
    try:
        answer = stack.invoke("RelayFunction", {})
    except InvocationError:
        return False
    return bool(answer and answer.get("sent"))
