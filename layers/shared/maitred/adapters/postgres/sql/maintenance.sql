-- What the maintenance run looks for.

-- name: stuck_bookings
select b.*, (select count(*) from booking_state_history h
             where h.booking_id = b.id and h.reason = 'lease_expired') as sweeps
from booking_book b
where b.state = 'assignment_in_progress' and b.lease_until < %(before)s
order by b.lease_until limit %(limit)s

-- name: forgotten_bookings
-- `updated_at` moves with every change, a re-queue included.
select b.* from booking_book b
where b.id in (
    select w.id from bookings w
    where w.state = 'assignment_pending' and w.updated_at < %(before)s and w.start_at > %(now)s::timestamptz - interval '1 day'
      and not exists (select 1 from outbox o
                      where o.booking_id = w.id and o.sent_at is null and o.dead_at is null)
    order by w.updated_at limit %(limit)s)

-- name: awaiting_a_person
select count(*), count(*) filter (where start_at < %(until)s)
from bookings where state = 'manual_review' and start_at > %(now)s

-- name: prune_idempotency
with gone as (delete from idempotency where ctid = any (array(
    select ctid from idempotency where created_at < %(now)s::timestamptz - make_interval(days => %(idempotency)s)
    limit 5000)) returning 1)
select count(*) from gone

-- name: prune_events
with gone as (delete from observability_events where ctid = any (array(
    select ctid from observability_events where created_at < %(now)s::timestamptz - make_interval(days => %(events)s)
    limit 5000)) returning 1)
select count(*) from gone

-- name: prune_outbox
with gone as (delete from outbox where ctid = any (array(
    select ctid from outbox where sent_at < %(now)s::timestamptz - make_interval(days => %(outbox)s)
    limit 5000)) returning 1)
select count(*) from gone
