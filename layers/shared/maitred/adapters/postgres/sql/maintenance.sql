-- The maintenance run.

-- name: stuck_bookings
select b.*, (select count(*) from booking_state_history h
             where h.booking_id = b.id and h.reason = 'lease_expired') as sweeps
from booking_card b
where b.state = 'assignment_in_progress' and b.lease_until < %(before)s
order by b.lease_until limit %(limit)s

-- name: forgotten_bookings
-- Every change moves `updated_at`, also a new message for the job.
select b.* from booking_card b
where b.id in (
    select w.id from bookings w
    where w.state = 'assignment_pending' and w.updated_at < %(before)s and w.start_at > %(now)s::timestamptz - interval '1 day'
      and not exists (select 1 from outbox o
                      where o.booking_id = w.id and o.topic = 'assign' and o.sent_at is null and o.dead_at is null)
    order by w.updated_at limit %(limit)s)

-- name: unanswered_bookings
select b.* from booking_card b
where b.id in (select w.id from bookings w
               where w.state in ('assignment_pending', 'manual_review') and w.start_at <= %(now)s
               order by w.start_at, w.id limit %(limit)s)
order by b.start_at, b.id

-- name: awaiting_a_person
select count(*), count(*) filter (where start_at < %(until)s)
from bookings where state = 'manual_review' and start_at > %(now)s

-- name: untold_restaurants
-- Bookings whose restaurant has an address and has had no letter about the present request.
select b.*, r.contact_email
from booking_card b
join restaurants r on r.id = b.restaurant_id
where b.state = 'manual_review' and b.start_at > %(now)s and b.start_at < %(until)s and r.contact_email is not null
  and not exists (select 1 from notifications n
                  where n.booking_id = b.id and n.kind = 'attention' and n.request_version = b.request_version)
order by b.start_at, b.id limit %(limit)s

-- name: at_broken_tables
-- Confirmed bookings that start soon at a table that the floor document calls out of service. Few documents do.
with broken as (
    select l.restaurant_id, t.value ->> 'id' as table_id
    from restaurants r
    join layouts l on l.restaurant_id = r.id and l.layout_version = r.layout_version
    cross join lateral jsonb_array_elements(l.document -> 'tables') t
    where l.document @? '$.tables[*] ? (@.outOfService == true)' and t.value -> 'outOfService' = 'true'
)
select b.* from booking_card b
where b.id in (
    select w.id
    from broken k
    join allocations a on a.restaurant_id = k.restaurant_id and a.table_id = k.table_id and a.live
         and a.at_risk_since is null and a.occupied && tstzrange(%(now)s, %(until)s, '[]')
    join bookings w on w.id = a.booking_id
    where w.state = 'confirmed' and w.start_at > %(now)s and w.start_at <= %(until)s
    order by w.start_at, w.id limit %(limit)s)
order by b.start_at, b.id

-- name: prune_idempotency
with gone as (delete from idempotency where ctid = any (array(
    select ctid from idempotency where created_at < %(now)s::timestamptz - make_interval(days => %(idempotency)s)
    limit 5000)) returning 1)
select count(*) from gone

-- name: turn_event_months
select make_event_months(%(now)s::timestamptz + interval '3 months'),
       drop_event_months(%(now)s::timestamptz - make_interval(days => %(days)s))

-- name: prune_outbox
with gone as (delete from outbox where ctid = any (array(
    select ctid from outbox where sent_at < %(now)s::timestamptz - make_interval(days => %(outbox)s)
    limit 5000)) returning 1)
select count(*) from gone

-- name: prune_changes
with gone as (delete from booking_changes where ctid = any (array(
    select ctid from booking_changes where at < %(now)s::timestamptz - make_interval(days => %(changes)s)
    order by at limit 5000)) returning 1)
select count(*) from gone

-- name: prune_optimizations
-- What was only looked at goes as early as the outbox's rows, for each carries the whole day; what was applied goes with
-- the events.
with gone as (delete from optimizations where id = any (array(
    select id from optimizations
    where created_at < %(now)s::timestamptz - make_interval(days => %(outbox)s)
      and (result <> 'applied' or created_at < %(now)s::timestamptz - make_interval(days => %(events)s))
    order by created_at limit 1000)) returning 1)
select count(*) from gone

-- name: tidy_in_flight
-- Places of killed sandboxes. Locked rows are in use.
delete from attempts_in_flight where attempt_id = any (array(
    select attempt_id from attempts_in_flight where ends_at < now() limit 5000 for update skip locked))

-- name: tidy_rate_limits
-- A full bucket and no bucket are the same.
delete from rate_limits where ctid = any (array(
    select ctid from rate_limits where full_at < now() limit 5000 for update skip locked))

-- name: prune_holds
-- Holds stay as long as the answer to their booking may be repeated. Tables that a booking took over stay.
with old as (
    select id from holds where expires_at < %(now)s::timestamptz - make_interval(days => %(idempotency)s)
    order by expires_at limit 1000
), freed as (
    delete from allocations where hold_id = any (array(select id from old))
), gone as (
    delete from holds where id = any (array(select id from old)) returning 1)
select count(*) from gone

-- name: learn_demand
-- Party sizes by weekday and service, from the last eight weeks and all bookings ahead.
with stale as (
    select r.id from restaurants r
    left join demand_profiles p on p.restaurant_id = r.id
    where p.learnt_at is null or p.learnt_at < %(before)s
    order by p.learnt_at nulls first, r.id limit %(limit)s
), sizes as (
    select s.id, extract(isodow from b.service_date) || ':' || b.service_id as name, b.party_size, count(*) as parties
    from stale s
    join bookings b on b.restaurant_id = s.id
    where b.service_date > %(now)s::date - 56 and b.state not in ('cancelled', 'declined')
    group by s.id, b.service_date, b.service_id, b.party_size
), profiles as (
    select id, name, party_size, sum(parties) as parties from sizes group by id, name, party_size
), services as (
    select id, name, jsonb_object_agg(party_size, parties) as counts from profiles group by id, name
), learnt as (
    insert into demand_profiles (restaurant_id, profile, learnt_at)
    select s.id, coalesce((select jsonb_object_agg(v.name, v.counts) from services v where v.id = s.id), '{}'),
           %(now)s
    from stale s
    on conflict (restaurant_id) do update set profile = excluded.profile, learnt_at = excluded.learnt_at
    returning 1
)
select count(*) from learnt

-- name: end_blocks_in_the_way
-- Blocks that are over, where a plan waits for its table. The plan's rows may not overlap theirs once it is safe.
update allocations set live = false, released_at = now()
where id = any (array(
    select b.id
    from allocations p
    join allocations b on b.restaurant_id = p.restaurant_id and b.table_id = p.table_id and b.live
         and b.at_risk_since is null and b.block_id is not null and b.occupied && p.occupied
         and upper(b.occupied) <= %(now)s
    where p.live and p.at_risk_since is not null))

-- name: rooms_to_plan_again
-- Service days on which a plan overlaps a party that sits at its table or a table that is out of order, and those
-- with a plan that is at risk. A party over time is taken to stay for as long as the restaurant looks ahead.
with facts as (
    select a.restaurant_id, a.table_id, a.booking_id, lower(a.occupied) as since,
           case when b.seated_at + (b.end_at - b.start_at) <= %(now)s
                then greatest(upper(a.occupied), %(now)s::timestamptz + make_interval(mins => r.lookahead_minutes + 1))
                else upper(a.occupied) end as until
    from allocations a
    join restaurants r on r.id = a.restaurant_id
    left join bookings b on b.id = a.booking_id
    where a.live and (a.seated or a.block_id is not null)
), beaten as (
    select k.restaurant_id, k.service_date, p.id
    from facts f
    join allocations p on p.restaurant_id = f.restaurant_id and p.table_id = f.table_id and p.live and not p.seated
         and p.at_risk_since is null and p.booking_id is not null and p.booking_id is distinct from f.booking_id
         and p.occupied && tstzrange(f.since, f.until)
    join bookings k on k.id = p.booking_id
    union all
    select k.restaurant_id, k.service_date, p.id
    from allocations p join bookings k on k.id = p.booking_id
    where p.live and p.at_risk_since is not null
)
select restaurant_id, service_date from beaten
group by restaurant_id, service_date
order by min(id) limit %(limit)s

-- name: room_figures
select (select count(*) from bookings b
        where b.state = 'seated' and b.seated_at + (b.end_at - b.start_at) <= %(now)s),
       (select count(*) from allocations a where a.live and a.at_risk_since is not null)
