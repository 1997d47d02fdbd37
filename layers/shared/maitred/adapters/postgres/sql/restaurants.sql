-- Restaurants and their layouts.

-- name: lock_restaurant
-- The first document has no row to lock yet, so the id itself is locked.
select pg_advisory_xact_lock(hashtextextended('restaurant ' || %(restaurant_id)s, 0))

-- name: read_restaurant_for_update
-- Confirmations wait, because they share the row. Pending bookings do not: a foreign key needs a key share only.
select r.layout_version, l.document
from restaurants r
join layouts l on l.restaurant_id = r.id and l.layout_version = r.layout_version
where r.id = %(restaurant_id)s
for no key update of r

-- name: upcoming_confirmed
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.state = 'confirmed' and b.start_at > %(now)s
order by b.start_at, b.id

-- name: upcoming_ledger
-- Who has which table from now on, and on the day before: a stay that moves with the clock may meet those.
select a.table_id, lower(a.occupied), upper(a.occupied), a.booking_id, a.overrides
from allocations a
where a.restaurant_id = %(restaurant_id)s and a.live and a.at_risk_since is null
  and a.occupied && tstzrange(%(now)s::timestamptz - interval '27 hours', null)
  and (a.hold_id is null or (select h.expires_at > now() from holds h where h.id = a.hold_id))
union all
select a.table_id, lower(a.occupied), upper(a.occupied), a.booking_id, a.overrides
from allocations a
where a.restaurant_id = %(restaurant_id)s and a.live and a.at_risk_since is not null

-- name: upcoming_chosen
-- Bookings that sit where a person put them.
select b.id from bookings b
where b.restaurant_id = %(restaurant_id)s and b.state = 'confirmed' and b.start_at > %(now)s
  and (b.pinned or exists (
      select 1 from booking_state_history h
      where h.booking_id = b.id and h.reason = 'assigned_by_staff'
        and h.metadata -> 'tables' = (select jsonb_agg(a.table_id order by a.table_id collate "C")
                                      from allocations a where a.booking_id = b.id and a.live)))

-- name: upcoming_waiting
-- Waiting bookings that a new layout may serve, oldest first.
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.start_at > %(now)s
  and b.state in ('assignment_pending', 'assignment_in_progress', 'manual_review')
order by b.created_at, b.id limit 10000

-- name: put_restaurant
insert into restaurants (id, name, timezone, locale, contact_email, layout_version, late_minutes,
                         lookahead_minutes, optimize_mode, optimize_at)
values (%(restaurant_id)s, %(name)s, %(timezone)s, %(locale)s, %(contact_email)s, %(layout_version)s,
        %(late_minutes)s, %(lookahead_minutes)s, %(optimize_mode)s, %(optimize_at)s::time)
on conflict (id) do update
    set name = excluded.name, timezone = excluded.timezone, locale = excluded.locale,
        contact_email = excluded.contact_email, layout_version = excluded.layout_version,
        late_minutes = excluded.late_minutes, lookahead_minutes = excluded.lookahead_minutes,
        optimize_mode = excluded.optimize_mode, optimize_at = excluded.optimize_at, updated_at = now()

-- name: insert_layout
insert into layouts (restaurant_id, layout_version, document)
values (%(restaurant_id)s, %(layout_version)s, %(document)s)

-- name: insert_layout_tables
insert into layout_tables (restaurant_id, layout_version, table_id, zone, capacity)
select %(restaurant_id)s, %(layout_version)s, n.id, n.zone, n.capacity
from jsonb_to_recordset(%(rows)s) as n(id text, zone text, capacity integer)

-- name: follow_zones
-- A table that lies in another zone now: its guests and holds do, too, and so do guests at risk, who may get it yet.
-- Whoever has it proves its seats anew. Two arms, because each has its own index.
with followed as (
    update allocations a
    set layout_version = now_there.layout_version, capacity = now_there.capacity
    from layout_tables was_there, layout_tables now_there
    where a.restaurant_id = %(restaurant_id)s and a.live
      and (a.at_risk_since is null and a.occupied && tstzrange(%(now)s, null) or a.at_risk_since is not null)
      and (was_there.restaurant_id, was_there.layout_version, was_there.table_id) = (a.restaurant_id, a.layout_version, a.table_id)
      and (now_there.restaurant_id, now_there.layout_version, now_there.table_id) = (a.restaurant_id, %(layout_version)s, a.table_id)
      and was_there.zone <> now_there.zone
      and (a.booking_id is null or exists (select 1 from bookings b
                                           where b.id = a.booking_id and b.state = 'confirmed' and b.start_at > %(now)s))
    returning a.booking_id
), theirs as (
    select b.id from bookings b where b.id in (select booking_id from followed) order by b.id for no key update
)
update bookings b set updated_at = now() from theirs t where b.id = t.id

-- name: insert_layout_sets
insert into layout_sets (restaurant_id, layout_version, tables, seats)
select %(restaurant_id)s, %(layout_version)s, n.tables, max(n.seats)
from jsonb_to_recordset(%(rows)s) as n(tables text[], seats integer)
group by n.tables
