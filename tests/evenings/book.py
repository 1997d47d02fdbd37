"""What must be true of the book all evening, asked in words of its own: none of the product's statements."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from tests.evenings.script import BUFFER_AFTER, BUFFER_BEFORE, LOOKAHEAD


class Rows(Protocol):
    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]: ...


#: Two parties at one table, by the ledger: a party that has left sat there until then, any other sits on.
_AT_ONE_TABLE = """
with sat as (
    select restaurant_id, table_id, booking_id, lower(occupied) as since,
           case when live then 'infinity' else upper(occupied) end as until
    from allocations where seated and upper(occupied) - lower(occupied) > interval '1 microsecond'
)
select one.table_id, one.booking_id::text, other.booking_id::text, greatest(one.since, other.since)
from sat one
join sat other on other.restaurant_id = one.restaurant_id and other.table_id = one.table_id
     and other.booking_id > one.booking_id and one.since < other.until and other.since < one.until
"""
#: The same by the history, in the order of its rows: from each "seated" to the next step of that booking.
_AT_ONE_TABLE_BY_HISTORY = """
with step as (
    select booking_id, to_state, metadata -> 'tables' as tables, id as since,
           coalesce(lead(id) over (partition by booking_id order by id), 9223372036854775807) as until
    from booking_state_history
), sat as (
    select b.restaurant_id, step.booking_id, seat.name, step.since, step.until
    from step join bookings b on b.id = step.booking_id
    cross join lateral jsonb_array_elements_text(step.tables) as seat(name)
    where step.to_state = 'seated'
)
select one.name, one.booking_id::text, other.booking_id::text
from sat one
join sat other on other.restaurant_id = one.restaurant_id and other.name = one.name
     and other.booking_id > one.booking_id
     and one.since < other.until and other.since < one.until
"""
#: Guests who are still expected at a table that they will not get, as far as anybody knows, and of whom
#: nobody was warned: a party sits there over its time, or past their start, or the table is out of order.
_UNTOLD = """
with moment as (
    select %s::timestamptz as now, %s::interval as before, %s::interval as after, %s::interval as ahead),
expected as (
    select b.id, b.restaurant_id, b.start_at, b.end_at, mine.table_id
    from moment cross join bookings b join allocations mine on mine.booking_id = b.id and mine.live
    where b.state = 'confirmed' and b.start_at <= now + ahead and b.end_at > now
      and mine.at_risk_since is null
), sitting as (
    select b.id, b.restaurant_id, theirs.table_id, b.seated_at + (b.end_at - b.start_at) as leaves
    from bookings b join allocations theirs on theirs.booking_id = b.id and theirs.live
    where b.state = 'seated'
)
select e.id::text, e.table_id, case when s.leaves <= now then 'over time' else 'sits on' end
from moment cross join expected e
join sitting s on s.restaurant_id = e.restaurant_id and s.table_id = e.table_id
where s.leaves <= now  -- the ledger counts in whole minutes
   or date_trunc('minute', s.leaves) + after > e.start_at - before
union all
select e.id::text, e.table_id, 'out of order'
from moment cross join expected e
join allocations a on a.restaurant_id = e.restaurant_id and a.table_id = e.table_id and a.live
     and a.block_id is not null and upper(a.occupied) > now
where lower(a.occupied) < e.end_at + after and upper(a.occupied) > e.start_at - before
"""
#: Told to be at risk, while their table is free for them: a flag that nobody takes away.
_CRIED_WOLF = """
with moment as (select %s::timestamptz as now)
select b.id::text, mine.table_id
from moment cross join bookings b join allocations mine on mine.booking_id = b.id and mine.live
where b.state = 'confirmed' and mine.at_risk_since is not null
group by b.id, mine.table_id, now
having not exists (
    select from allocations my
    join allocations a on a.restaurant_id = my.restaurant_id and a.table_id = my.table_id and a.live
         and (a.seated or a.block_id is not null and upper(a.occupied) > now)
    where my.booking_id = b.id and my.live)
"""


def at_one_table(rows: Rows) -> list[str]:
    """Every moment at which two parties sat at one table."""
    found = [f"table {table}: {one} and {other}" for table, one, other, _ in rows.query(_AT_ONE_TABLE)]
    return [*found, *at_one_table_by_history(rows)]


def at_one_table_by_history(rows: Rows) -> list[str]:
    """The same by the steps alone, which is true however little time is between them."""
    return [f"table {table}: {one} and {other}" for table, one, other in rows.query(_AT_ONE_TABLE_BY_HISTORY)]


def untold(rows: Rows, now: datetime) -> list[str]:
    """Guests whose table the book knows to be taken, who were neither moved nor flagged."""
    spans = [timedelta(minutes=each) for each in (BUFFER_BEFORE, BUFFER_AFTER, LOOKAHEAD)]
    return [f"{guest} at {table}: {why}" for guest, table, why in rows.query(_UNTOLD, now, *spans)]


def cried_wolf(rows: Rows, now: datetime) -> list[str]:
    """Guests who are flagged although nothing is in their way."""
    return [f"{guest} at {table}" for guest, table in rows.query(_CRIED_WOLF, now)]


def states(rows: Rows) -> dict[str, str]:
    return {str(key): str(state) for key, state in rows.query("select id::text, state from bookings")}


def letters(rows: Rows) -> dict[str, int]:
    """How many guests the re-planning has moved so far, and how many it has flagged."""
    [(moved,)] = rows.query("select count(*) from booking_state_history where reason = 'moved'")
    [(flagged,)] = rows.query(
        "select count(*) from observability_events where event_type = 'booking.at_risk'"
    )
    return {"moved": moved, "flagged": flagged}
