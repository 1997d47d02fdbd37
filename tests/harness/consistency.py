"""What must be true of the book after anything that happened to it."""

import time
from collections.abc import Callable
from typing import Any, Protocol

OVERLAPS = """
select a.table_id, a.booking_id, b.booking_id from allocations a join allocations b
on a.id < b.id and a.restaurant_id = b.restaurant_id and a.table_id = b.table_id
and a.live and b.live and a.occupied && b.occupied"""

HALF_DONE = """
select b.id, b.state, count(a.id) from bookings b left join allocations a on a.booking_id = b.id and a.live
group by b.id having (b.state in ('confirmed', 'seated')) <> (count(a.id) > 0)"""

MUTE = """
select b.id from bookings b where not exists (
    select from observability_events e where e.booking_id = b.id and e.event_type = 'auto_assign.summary')"""


class Book(Protocol):
    """A database that can be asked, as its owner."""

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]: ...


def assert_consistent(database: Book) -> None:
    """No overlap, confirmed means allocated, every booking was told of."""
    assert database.query(OVERLAPS) == []
    assert database.query(HALF_DONE) == []
    assert database.query(MUTE) == []


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Poll until ``condition`` holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def stays(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Poll for ``seconds``; fails as soon as ``condition`` does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what
        time.sleep(0.02)
