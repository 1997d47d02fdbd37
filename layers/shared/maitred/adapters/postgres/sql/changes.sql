-- The writes of a unit of work, in the order in which they are sent. Rows arrive as one jsonb parameter.

-- name: set_limits
-- Limits each statement of this transaction to the time that the attempt has left.
select set_config('statement_timeout', %(budget_ms)s::text, true),
       set_config('lock_timeout', %(budget_ms)s::text, true),
       set_config('idle_in_transaction_session_timeout', (%(budget_ms)s::int + 1000)::text, true)

-- name: cut_limit
-- Sent between statements: many statements, each in time, must not be late together.
select set_config('statement_timeout', greatest(1, %(budget_ms)s - (extract(epoch from
    clock_timestamp() - transaction_timestamp()) * 1000)::int)::text, true)

-- name: claim_layout
-- Locks the layout until the commit: a new floor document waits, or else this plan is void.
with layout as (
    select 1 from restaurants
    where id = %(restaurant_id)s and layout_version = %(layout_version)s
    for share
)
select require_one(count(*), 'MTL01') from layout

-- name: claim_day
-- The plan was made on this revision of the day. Any other commit makes it void.
with day as (
    insert into service_days as d (restaurant_id, service_date, revision)
    values (%(restaurant_id)s, %(service_date)s, %(revision)s + 1)
    on conflict (restaurant_id, service_date) do update
        set revision = d.revision + 1
        where d.revision = %(revision)s
    returning 1
)
select require_one(count(*), 'MTR01') from day

-- name: lock_day
-- Serialises the writers of a day whose revision is not known.
insert into service_days as d (restaurant_id, service_date, revision)
values (%(restaurant_id)s, %(service_date)s, 1)
on conflict (restaurant_id, service_date) do update set revision = d.revision + 1

-- name: lock_layout
select layout_version from restaurants where id = %(restaurant_id)s for share

-- name: release_expired_holds
-- A constraint knows no clock, so the transaction that needs the tables releases expired holds on them.
update allocations a
set live = false, released_at = now()
from holds h, jsonb_to_recordset(%(rows)s) as n(table_id text, "start" timestamptz, "end" timestamptz)
where h.id = a.hold_id and h.expires_at <= now() and a.live and a.at_risk_since is null
  and a.restaurant_id = %(restaurant_id)s and a.table_id = n.table_id
  and a.occupied && tstzrange(n."start", n."end")

-- name: insert_booking
insert into bookings (id, reference, restaurant_id, state, version, request_version, party_size, start_at, end_at,
                      duration_minutes, service_id, service_date, guest, preferences, notes,
                      auto_assign_last_result, created_at, updated_at, arrived_at, seated_at)
values (%(id)s, %(reference)s, %(restaurant_id)s, %(state)s, %(version)s, %(request_version)s, %(party_size)s,
        %(start_at)s, %(end_at)s, %(duration_minutes)s, %(service_id)s, %(service_date)s, %(guest)s,
        %(preferences)s, %(notes)s, %(last_result)s, %(created_at)s, %(updated_at)s, %(arrived_at)s, %(seated_at)s)

-- name: insert_hold
insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id, service_date, expires_at)
values (%(id)s, %(restaurant_id)s, %(party_size)s, %(start_at)s, %(end_at)s, %(service_id)s, %(service_date)s,
        %(expires_at)s)

-- name: insert_leases
-- Holds for bookings that still wait for what they were judged by; they go on to until the commit.
with waiting as (
    select n.* from jsonb_to_recordset(%(rows)s) as n(id uuid, restaurant_id text, party_size integer,
         start_at timestamptz, end_at timestamptz, service_id text, service_date date, expires_at timestamptz,
         for_booking uuid, request_version integer)
    join bookings b on b.id = n.for_booking and b.request_version = n.request_version
    where b.state in ('assignment_pending', 'assignment_in_progress', 'manual_review')
    order by b.id for share of b
), made as (
    insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id, service_date, expires_at, for_booking)
    select id, restaurant_id, party_size, start_at, end_at, service_id, service_date, expires_at, for_booking
    from waiting returning 1
)
select require_one(case when count(*) = %(expected)s then 1 else 0 end, 'MTR01') from made

-- name: use_hold
-- Once, and only before it expires, by the present clock: the transaction may have waited for locks.
with used as (
    update holds set used_by = %(booking_id)s
    where id = %(hold_id)s and used_by is null and expires_at > clock_timestamp()
    returning 1
)
select require_one(count(*), 'MTH01') from used

-- name: drop_hold
-- A hold that is given back expires. A used hold does not change.
update holds set expires_at = least(expires_at, now())
where id = %(hold_id)s and used_by is null

-- name: take_held_tables
-- The rows change owner, so the tables are never free in between.
update allocations set booking_id = %(booking_id)s, hold_id = null
where live and hold_id = %(hold_id)s

-- name: release_held_tables
update allocations set live = false, released_at = now()
where live and hold_id = %(hold_id)s

-- name: lock_booking
-- Waits for a transaction that moves it, so that the next statement sees its tables.
select 1 from bookings where id = %(booking_id)s for update

-- name: change_booking
-- Compare and advance. `lease_token` stops a worker that has lost its lease.
with changed as (
    update bookings
    set state = %(state)s, version = %(version)s, updated_at = coalesce(%(updated_at)s, now()),
        auto_assign_last_result = coalesce(%(last_result)s::jsonb, auto_assign_last_result),
        lease_token = %(new_lease_token)s, lease_until = %(new_lease_until)s,
        pinned = coalesce(%(pinned)s::boolean, pinned),
        arrived_at = %(arrived_at)s, seated_at = %(seated_at)s, completed_at = %(completed_at)s
    where id = %(booking_id)s and version = %(expected_version)s
      and (%(lease_token)s::uuid is null or lease_token = %(lease_token)s)
      and (%(tables)s::text[] is null or %(tables)s::text[] = (
          select coalesce(array_agg(a.table_id order by a.table_id collate "C"), '{}')
          from allocations a where a.booking_id = bookings.id and a.live))
    returning 1
)
select require_one(count(*), 'MTV01') from changed

-- name: claim_shown
-- What is kept of a booking must be as it is: its guest may have been erased since it was read.
with unchanged as (
    select 1 from bookings where id = %(booking_id)s and version = %(version)s for share
)
select require_one(count(*), 'MTV01') from unchanged

-- name: change_request
-- The guest's new request. The statement before has compared and advanced the booking.
update bookings
set request_version = %(request_version)s, party_size = %(party_size)s, start_at = %(start_at)s,
    end_at = %(end_at)s, service_id = %(service_id)s, service_date = %(service_date)s, pinned = %(pinned)s,
    duration_minutes = %(duration_minutes)s, guest = %(guest)s, preferences = %(preferences)s, notes = %(notes)s,
    erased_at = null
where id = %(id)s

-- name: claim_moved
-- A moved booking must still be as the planner saw it. Whoever reads it again sees other tables.
with unchanged as (
    select b.id from bookings b
    join jsonb_to_recordset(%(rows)s) as n(booking_id uuid, version integer) on n.booking_id = b.id
    where b.version = n.version and b.state = 'confirmed' and not b.pinned and b.arrived_at is null
    order by b.id for update of b
), touched as (
    update bookings b set updated_at = now() from unchanged u where b.id = u.id returning 1
)
select require_one(case when count(*) = %(expected)s then 1 else 0 end, 'MTR01') from touched

-- name: release_tables
update allocations set live = false, released_at = now()
where live and booking_id = any (%(booking_ids)s)

-- name: leave_tables
-- The party gets up: the rows end with the minute before, and tell from then on who sat there when. The next party
-- has the table from the beginning of this minute.
update allocations a
set live = false, released_at = now(),
    occupied = tstzrange(lower(a.occupied), greatest(date_trunc('minute', n.at), lower(a.occupied) + interval '1 microsecond'))
from jsonb_to_recordset(%(rows)s) as n(booking_id uuid, at timestamptz)
where a.booking_id = n.booking_id and a.live and a.seated

-- name: flag_plans
-- Plans that the room has beaten (`since`), and plans that are safe again (null).
update allocations a
set at_risk_since = n.since
from jsonb_to_recordset(%(rows)s) as n(booking_id uuid, since timestamptz)
where a.booking_id = n.booking_id and a.live and not a.seated

-- name: release_expired_holds_of_stays
-- As above, for parties that sit on into a time for which their tables were on hold.
update allocations a
set live = false, released_at = now()
from holds h, allocations s, jsonb_to_recordset(%(rows)s) as n(booking_id uuid, "end" timestamptz)
where s.booking_id = n.booking_id and s.live and s.seated
  and h.id = a.hold_id and h.expires_at <= now() and a.live and a.at_risk_since is null
  and a.restaurant_id = s.restaurant_id and a.table_id = s.table_id
  and a.occupied && tstzrange(lower(s.occupied), greatest(n."end", upper(s.occupied)))

-- name: expect_end
-- Who sits stays where it sits, until another time; more rules may be set aside for it.
update allocations a
set occupied = tstzrange(lower(a.occupied), greatest(n."end", lower(a.occupied) + interval '30 seconds')),
    overrides = array(select distinct o from unnest(a.overrides || n.overrides) o order by o)
from jsonb_to_recordset(%(rows)s) as n(booking_id uuid, "end" timestamptz, overrides text[])
where a.booking_id = n.booking_id and a.live and a.seated

-- name: end_blocks
with ended as (
    update table_blocks set ended_at = now()
    where restaurant_id = %(restaurant_id)s and table_id = %(table_id)s and ended_at is null
      and tstzrange(starts_at, ends_at) && tstzrange(%(start)s, %(end)s)
)
update allocations set live = false, released_at = now()
where live and block_id is not null and restaurant_id = %(restaurant_id)s and table_id = %(table_id)s
  and occupied && tstzrange(%(start)s, %(end)s)

-- name: insert_block
insert into table_blocks (id, restaurant_id, table_id, starts_at, ends_at, reason, actor_id)
values (%(id)s, %(restaurant_id)s, %(table_id)s, %(start)s, %(end)s, %(reason)s, %(actor_id)s)

-- name: lift_blocks
-- The ledger's rows of these blocks, which begin at another time now.
update allocations set live = false, released_at = now()
where live and block_id = any (%(block_ids)s)

-- name: insert_allocations
insert into allocations (restaurant_id, layout_version, table_id, capacity, booking_id, hold_id, block_id, occupied,
                         overrides, seated)
select n.restaurant_id, n.layout_version, n.table_id, n.capacity, n.booking_id, n.hold_id, n.block_id,
       tstzrange(n."start", n."end"), n.overrides, coalesce(n.seated, false)
from jsonb_to_recordset(%(rows)s) as n(restaurant_id text, layout_version integer, table_id text,
     capacity integer, booking_id uuid, hold_id uuid, block_id uuid, "start" timestamptz, "end" timestamptz,
     overrides text[], seated boolean)
order by n.seated desc, n.table_id

-- name: insert_history
insert into booking_state_history (booking_id, from_state, to_state, version, actor_id, reason, metadata)
select n.booking_id, n.from_state, n.to_state, n.version, n.actor_id, n.reason, n.metadata
from jsonb_to_recordset(%(rows)s) as n(booking_id uuid, from_state text, to_state text, version integer,
     actor_id text, reason text, metadata jsonb)

-- name: insert_attempts
insert into booking_assignment_attempts (id, booking_id, restaurant_id, attempt_no, flow, trigger, outcome, reason,
    strategy, strategies, explanation, replay, duration_ms, booking_version, correlation_id, flags)
select n.id, n.booking_id, n.restaurant_id, n.attempt_no, n.flow, n.trigger, n.outcome,
    nullif(n.reason, 'null'::jsonb), n.strategy, n.strategies, n.explanation, n.replay, n.duration_ms, n.booking_version,
    n.correlation_id, n.flags
from jsonb_to_recordset(%(rows)s) as n(id uuid, booking_id uuid, restaurant_id text, attempt_no integer, flow text,
     trigger text, outcome text, reason jsonb, strategy jsonb, strategies jsonb, explanation jsonb, replay text,
     duration_ms double precision, booking_version integer, correlation_id text, flags jsonb)

-- name: insert_optimization
with made as (
    insert into optimizations (id, restaurant_id, service_date, service_id, result, actor_id, correlation_id,
                               layout_version, run, reply, stays, replay, created_at)
    values (%(id)s, %(restaurant_id)s, %(service_date)s, %(service_id)s, %(result)s, %(actor_id)s,
            %(correlation_id)s, %(layout_version)s, %(run)s, %(reply)s, %(stays)s, %(replay)s, %(created_at)s)
    on conflict on constraint optimizations_run_key do nothing
    returning 1
)
select require_one(count(*), 'MTR01') from made

-- name: undo_optimization
with undone as (
    update optimizations set undone_at = %(at)s, undone_by = %(actor_id)s
    where id = %(id)s and undone_at is null and result = 'applied'
    returning 1
)
select require_one(count(*), 'MTR01') from undone

-- name: queue_shifts
with queued as (
    update restaurants set optimized_on = %(day)s
    where id = %(restaurant_id)s and optimized_on is distinct from %(day)s
    returning 1
)
select require_one(count(*), 'MTR01') from queued

-- name: insert_events
-- An event that cannot be stored is a warning: no outcome is lost for an event.
select record_events(%(rows)s)

-- name: insert_notifications
-- One row for each booking, kind and request version; a second writer's row changes nothing.
insert into notifications (id, booking_id, restaurant_id, kind, variant, request_version)
select n.id, n.booking_id, n.restaurant_id, n.kind, n.variant, n.request_version
from jsonb_to_recordset(%(rows)s) as n(id uuid, booking_id uuid, restaurant_id text, kind text, variant text,
     request_version integer)
on conflict on constraint notifications_once do nothing

-- name: insert_outbox
insert into outbox (topic, booking_id, restaurant_id, payload, correlation_id, due_at, claimed_until)
select n.topic, n.booking_id, n.restaurant_id, n.payload, n.correlation_id, n.due_at,
       case when n.topic = any (%(own_topics)s) then now() + make_interval(secs => %(lease_seconds)s)
            else '-infinity' end
from jsonb_to_recordset(%(rows)s) as n(topic text, booking_id uuid, restaurant_id text,
     payload jsonb, correlation_id text, due_at timestamptz)
returning id

-- name: insert_reply
insert into idempotency (caller, restaurant_id, key, fingerprint, status, headers, body)
values (%(caller)s, %(restaurant_id)s, %(key)s, %(fingerprint)s, %(status)s, %(headers)s, %(body)s)

-- name: check_now
-- Runs the checks of the commit now, because no time-out applies during a commit.
set constraints all immediate

-- name: finish_in_time
select require_in_time(%(budget_ms)s)
