"""The numbers of the report, from the database and from the clients' answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from demo.model import Answer, Showing
from ops.percentiles import Durations, percentiles

type Database = psycopg.Connection[tuple[Any, ...]]

_ENDED = """
select b.state, coalesce(last.flow, ''), coalesce(
           case when b.state = 'cancelled' then cancelled.reason
                else b.auto_assign_last_result -> 'reason' ->> 'code' end, ''), count(*)
from bookings b
left join lateral (select flow from booking_assignment_attempts a
                   where a.booking_id = b.id and a.outcome = 'confirmed'
                   order by a.created_at desc limit 1) last on true
left join lateral (select reason from booking_state_history h
                   where h.booking_id = b.id and h.to_state = 'cancelled' limit 1) cancelled on true
group by 1, 2, 3 order by 4 desc
"""
_FLOOR = """
select b.reference, b.party_size,
       b.start_at at time zone r.timezone, b.end_at at time zone r.timezone, b.state,
       b.auto_assign_last_result -> 'reason' ->> 'code',
       array(select table_id from allocations a
             where a.booking_id = b.id and a.live order by table_id)
from bookings b join restaurants r on r.id = b.restaurant_id
where b.restaurant_id = %s and b.service_date = %s order by b.start_at, b.reference
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How many bookings ended so. ``flow``: which one confirmed it; ``reason``: why not, or why gone."""

    state: str
    flow: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking on the floor; times are venue-local."""

    reference: str
    party: int
    starts: datetime
    ends: datetime
    state: str
    reason: str | None
    tables: tuple[str, ...]


def ended(database: Database) -> list[Ended]:
    """How the bookings ended, the most frequent way first."""
    return [Ended(*row) for row in database.execute(_ENDED)]


def refused(answers: Sequence[Answer]) -> Counter[str]:
    """Requests that made no booking, by code."""
    return Counter(a.outcome for a in answers if a.step.cancels is None and a.booking_id is None)


def stays(database: Database, showing: Showing) -> list[Stay]:
    """All bookings of the evening to show."""
    rows = database.execute(_FLOOR, (showing.restaurant, showing.day))
    return [
        Stay(reference, party, starts, ends, state, reason, tuple(tables))
        for reference, party, starts, ends, state, reason, tables in rows
    ]


def durations(answers: Sequence[Answer]) -> list[Durations]:
    """The durations of the HTTP round trips (clients' clock) and of the inline attempts (their own)."""
    made = [answer for answer in answers if answer.step.cancels is None and answer.booking_id]
    inline = [float(answer.body["assignment"]["durationMs"]) for answer in made]
    return [
        percentiles("HTTP round trip of a booking", [answer.milliseconds for answer in made]),
        percentiles("inline attempt (durationMs)", inline),
    ]
