-- The shift: who waits, what was decided, and whose turn it is.

-- name: waiting_on
-- Who waits for tables on this service date and nobody works on, oldest first.
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.service_date = %(service_date)s and b.start_at > %(now)s
  and b.state in ('assignment_pending', 'manual_review')
  and not exists (select from holds h where h.for_booking = b.id and h.expires_at > now())
order by b.created_at, b.id limit %(limit)s

-- name: references_of
select b.id, b.reference from bookings b
where b.restaurant_id = %(restaurant_id)s and b.id = any(%(booking_ids)s)

-- name: bookings_of
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.id = any(%(booking_ids)s)
order by b.id

-- name: read_optimization
select id, restaurant_id, service_date, service_id, result, actor_id, correlation_id, layout_version, run, reply, stays, replay,
       created_at, undone_at, undone_by
from optimizations where id = %(id)s

-- name: optimization_of_run
select exists (select from optimizations where restaurant_id = %(restaurant_id)s and run = %(run)s)

-- name: list_optimizations
-- The latest first. What it takes to decide them again stays behind.
select id, restaurant_id, service_date, service_id, result, actor_id, correlation_id, layout_version, run, reply, stays, '',
       created_at, undone_at, undone_by
from optimizations
where restaurant_id = %(restaurant_id)s and (created_at, id) < (%(before)s, %(before_id)s)
order by created_at desc, id desc limit %(limit)s

-- name: shifts_due
-- Whose time of the day has come, by its own clock, and has not been queued on that day.
select r.id, (%(now)s::timestamptz at time zone r.timezone)::date
from restaurants r
where r.optimize_mode <> 'off' and (%(now)s::timestamptz at time zone r.timezone)::time >= r.optimize_at
  and r.optimized_on is distinct from (%(now)s::timestamptz at time zone r.timezone)::date
order by r.optimized_on nulls first, r.id limit %(limit)s
