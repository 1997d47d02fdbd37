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
select * from booking_register b
where b.restaurant_id = %(restaurant_id)s and b.state = 'confirmed' and b.start_at > %(now)s
order by b.start_at, b.id

-- name: upcoming_overridden
-- The rules that a person set aside, by booking. All tables of a booking have the same ones.
select distinct a.booking_id, a.overrides from allocations a
where a.restaurant_id = %(restaurant_id)s and a.live and a.occupied && tstzrange(%(now)s, null)
  and a.booking_id is not null and a.overrides <> '{}'

-- name: upcoming_waiting
-- Waiting bookings that a new layout may serve, oldest first.
select b.id, b.version, b.request_version, b.party_size, b.start_at, b.end_at, b.duration_minutes, b.service_date,
       b.created_at, b.preferences::text
from bookings b
where b.restaurant_id = %(restaurant_id)s and b.start_at > %(now)s
  and b.state in ('assignment_pending', 'assignment_in_progress', 'manual_review')
order by b.created_at, b.id limit 10000

-- name: put_restaurant
insert into restaurants (id, name, timezone, locale, contact_email, layout_version)
values (%(restaurant_id)s, %(name)s, %(timezone)s, %(locale)s, %(contact_email)s, %(layout_version)s)
on conflict (id) do update
    set name = excluded.name, timezone = excluded.timezone, locale = excluded.locale,
        contact_email = excluded.contact_email, layout_version = excluded.layout_version, updated_at = now()

-- name: insert_layout
insert into layouts (restaurant_id, layout_version, document)
values (%(restaurant_id)s, %(layout_version)s, %(document)s)

-- name: insert_layout_tables
insert into layout_tables (restaurant_id, layout_version, table_id, zone, capacity)
select %(restaurant_id)s, %(layout_version)s, n.id, n.zone, n.capacity
from jsonb_to_recordset(%(rows)s) as n(id text, zone text, capacity integer)
