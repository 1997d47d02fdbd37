-- name: restaurants
select id, name, timezone from restaurants order by id

-- name: days
-- The days that have anything on them, the latest first.
select service_date::text as day, count(*) as bookings
from (select service_date from bookings where restaurant_id = %(restaurant)s
      union all
      select service_date from holds where restaurant_id = %(restaurant)s and expires_at > now()) of_day
group by service_date order by service_date desc limit 60

-- name: layout
select r.name, r.timezone, l.document
from restaurants r join layouts l on l.restaurant_id = r.id and l.layout_version = r.layout_version
where r.id = %(restaurant)s

-- name: stays
-- The parties with a table on the day. A party that has left keeps the tables that it gave up last. Who sat down is
-- shown from then on, until it left or is expected to leave, and never earlier than now.
select a.table_id as table, b.id::text as booking, b.reference, b.party_size as party, b.state, b.pinned,
       coalesce(b.guest ->> 'name', '') as guest,
       case when b.state in ('seated', 'completed') then coalesce(b.seated_at, b.start_at) else b.start_at end as starts,
       case when b.state = 'seated' then greatest(coalesce(b.seated_at, b.start_at) + (b.end_at - b.start_at), now())
            when b.state = 'completed' then coalesce(b.completed_at, b.end_at)
            else b.end_at end as ends,
       lower(a.occupied) as taken, upper(a.occupied) as given
from bookings b join allocations a on a.booking_id = b.id
where b.restaurant_id = %(restaurant)s and b.service_date = %(day)s
  and (a.live or b.state = 'completed'
       and a.released_at = (select max(x.released_at) from allocations x where x.booking_id = b.id))
order by b.start_at, b.reference, a.table_id collate "C"

-- name: holds
select a.table_id as table, h.id::text as hold, h.party_size as party, h.start_at as starts, h.end_at as ends,
       h.expires_at as expires, lower(a.occupied) as taken, upper(a.occupied) as given
from holds h join allocations a on a.hold_id = h.id
where h.restaurant_id = %(restaurant)s and h.service_date = %(day)s and a.live and h.expires_at > now()
order by h.start_at, a.table_id collate "C"

-- name: blocks
-- Tables out of order for a while that began before the day was over and ended after it had begun.
select a.table_id as table, k.reason, lower(a.occupied) as starts, upper(a.occupied) as ends
from table_blocks k join allocations a on a.block_id = k.id
where k.restaurant_id = %(restaurant)s and a.live
  and a.occupied && tstzrange(%(day)s::date - interval '1 day', %(day)s::date + interval '2 days')
order by lower(a.occupied), a.table_id collate "C"

-- name: pending
select b.id::text as booking, b.reference, b.party_size as party, b.state, coalesce(b.guest ->> 'name', '') as guest,
       b.start_at as starts, b.end_at as ends, b.auto_assign_last_result -> 'reason' ->> 'code' as reason
from bookings b
where b.restaurant_id = %(restaurant)s and b.service_date = %(day)s
  and b.state in ('created', 'assignment_pending', 'assignment_in_progress', 'manual_review')
order by b.start_at, b.reference

-- name: moves
-- Bookings that went to other tables without a change of state, the latest first.
select h.created_at as at, b.id::text as booking, b.reference, b.party_size as party, b.start_at as starts,
       b.end_at as ends, h.reason, h.metadata -> 'fromTables' as from_tables, h.metadata -> 'tables' as to_tables,
       (select m.reference from bookings m where m.id::text = h.metadata ->> 'movedFor') as moved_for
from booking_state_history h join bookings b on b.id = h.booking_id
where b.restaurant_id = %(restaurant)s and b.service_date = %(day)s
  and h.from_state = 'confirmed' and h.to_state = 'confirmed' and h.metadata ? 'fromTables'
order by h.id desc

-- name: events
select id, created_at as at, source, event_type as type, severity, restaurant_id as restaurant,
       booking_id::text as booking, correlation_id as correlation, context
from observability_events
where %(find)s = '' or correlation_id = %(find)s or booking_id::text = %(find)s
order by created_at desc, id desc limit %(limit)s
