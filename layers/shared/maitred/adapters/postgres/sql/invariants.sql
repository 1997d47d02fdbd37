-- The invariants of the database, true after anything that happens to it. Each statement returns one row: how many
-- rows it checked, how many are wrong, and the first few wrong ones in words without guest data.

-- name: invariant_no_overlap
with wrong as (
    select format('table %%s of %%s: rows %%s and %%s', a.table_id, a.restaurant_id, a.id, b.id) as what
    from allocations a
    join allocations b on a.restaurant_id = b.restaurant_id and a.table_id = b.table_id and a.id < b.id
                      and a.occupied && b.occupied
    where a.live and b.live and (a.at_risk_since is null and b.at_risk_since is null
                                 or not a.seated and not b.seated and a.block_id is null and b.block_id is null))
select (select count(*) from allocations where live), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_one_party
-- By the bookings' states, so that a party is seen whatever its rows say.
with sitting as (
    select a.restaurant_id, a.table_id, a.booking_id
    from bookings b join allocations a on a.booking_id = b.id and a.live where b.state = 'seated'
), wrong as (
    select format('table %%s of %%s: %%s parties', table_id, restaurant_id, count(distinct booking_id)) as what
    from sitting group by restaurant_id, table_id having count(distinct booking_id) > 1)
select (select count(*) from allocations where live), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_room_known
-- A party sits at its table until it has left, whatever its plan says; who is to sit there meanwhile is flagged.
with sitting as (
    select a.restaurant_id, a.table_id, b.id, coalesce(b.seated_at, lower(a.occupied)) as since
    from bookings b join allocations a on a.booking_id = b.id and a.live where b.state = 'seated'
), wrong as (
    select format('booking %%s is to sit at table %%s, where %%s sits', p.booking_id, p.table_id, s.id) as what
    from sitting s
    join allocations p on p.restaurant_id = s.restaurant_id and p.table_id = s.table_id and p.live
         and p.booking_id <> s.id and p.at_risk_since is null
    join bookings b on b.id = p.booking_id and b.state = 'confirmed'
    where b.start_at <= %(overdue)s and upper(p.occupied) > s.since)
select (select count(*) from allocations where live), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_seated
with wrong as (
    select format('booking %%s is %%s for %%s: %%s tables, %%s seats', b.id, b.state, b.party_size, ledger.tables,
                  ledger.seats) as what
    from bookings b
    left join lateral (
        select count(*) as tables, coalesce(sum(a.capacity), 0) as seats,
               bool_and(a.seated or a.occupied @> tstzrange(b.start_at, b.end_at)) as whole_stay,
               coalesce(bool_or('capacity' = any (a.overrides)), false) as seats_overridden
        from allocations a where a.booking_id = b.id and a.live) ledger on true
    where case when b.state in ('confirmed', 'seated')
               then ledger.tables = 0 or not ledger.whole_stay
                    or ledger.seats < b.party_size and not ledger.seats_overridden
                       and seats_together(b.id) < b.party_size
               else ledger.tables > 0 end)
select (select count(*) from bookings), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_owned
-- A used hold's rows belong to its booking. A row without an owner in its restaurant would block its table forever.
with wrong as (
    select format('row %%s of the ledger: %%s', a.id, case
               when h.used_by is not null then format('hold %%s is used', h.id)
               else 'its owner is unknown in this restaurant' end) as what
    from allocations a
    left join bookings b on b.id = a.booking_id and b.restaurant_id = a.restaurant_id
    left join holds h on h.id = a.hold_id and h.restaurant_id = a.restaurant_id
    left join table_blocks t on t.id = a.block_id and t.restaurant_id = a.restaurant_id
    where a.live and (h.used_by is not null or num_nonnulls(b.id, h.id, t.id) <> 1))
select (select count(*) from allocations where live), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_history_ends_in_state
with wrong as (
    select format('booking %%s is %%s at version %%s, its history ends %%s at %%s', b.id, b.state, b.version,
                  last.to_state, last.version) as what
    from bookings b
    left join lateral (select h.to_state, h.version from booking_state_history h
                       where h.booking_id = b.id order by h.id desc limit 1) last on true
    where (b.state, b.version) is distinct from (last.to_state, last.version))
select (select count(*) from bookings), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_feed_ends_in_state
-- Who follows the feed knows each booking, but for an attempt that is under way.
with last as (
    select distinct on (c.booking_id) c.booking_id, c.booking
    from booking_changes c order by c.booking_id, c.position desc
), wrong as (
    select format('booking %%s is %%s at version %%s, its feed says %%s at %%s', b.id, b.state, b.version,
                  l.booking ->> 'state', l.booking ->> 'version') as what
    from last l join booking_sheet b on b.id = l.booking_id
    where b.state <> 'assignment_in_progress'
      and (b.state, b.version::text, b.party_size::text, b.start_at, to_jsonb(b.tables), b.guest, b.at_risk_since)
          is distinct from
          (l.booking ->> 'state', l.booking ->> 'version', l.booking ->> 'party_size',
           (l.booking ->> 'start_at')::timestamptz, l.booking -> 'tables', l.booking -> 'guest',
           (l.booking ->> 'at_risk_since')::timestamptz))
select (select count(*) from last), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_history_unbroken
-- Each step begins where the step before it ended, is allowed by the state machine, and raises the version by one.
-- Only a move for another party (confirmed to confirmed) keeps the version.
with steps as (
    select h.*, lag(h.to_state) over booking as state_before, lag(h.version) over booking as version_before
    from booking_state_history h window booking as (partition by h.booking_id order by h.id)
), wrong as (
    select format('booking %%s, version %%s: from %%s to %%s after %%s at version %%s', booking_id, version,
                  from_state, to_state, state_before, version_before) as what
    from steps
    where from_state is distinct from state_before
       or from_state is null and to_state <> 'created'
       or from_state <> to_state and from_state || ' ' || to_state <> all (%(transitions)s::text[])
       or version <> coalesce(version_before, 0) + 1
          and not (version = version_before and from_state = 'confirmed' and to_state = 'confirmed'))
select (select count(*) from booking_state_history), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_one_summary
-- An attempt commits with its run's summary, so both have the same time. A broken attempt has an error event instead.
with runs as (
    select a.id, a.booking_id,
           count(e.id) filter (where e.event_type = 'auto_assign.summary') as summaries,
           count(e.id) filter (where e.event_type = 'auto_assign.attempt_error') as errors
    from booking_assignment_attempts a
    left join observability_events e on e.booking_id = a.booking_id and e.created_at = a.created_at
         and e.correlation_id = a.correlation_id
         and e.event_type in ('auto_assign.summary', 'auto_assign.attempt_error')
    where a.flow in ('inline', 'job') and a.created_at > %(since)s
    group by a.id
), wrong as (
    select format('attempt %%s of booking %%s: %%s summaries', id, booking_id, summaries) as what
    from runs where summaries + errors <> 1)
select (select count(*) from runs), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_told
with made as (select id from bookings where created_at > %(since)s),
wrong as (
    select format('booking %%s', m.id) as what from made m
    where not exists (select from observability_events e
                      where e.booking_id = m.id and e.event_type = 'auto_assign.summary'))
select (select count(*) from made), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_notified_once
with wrong as (
    select format('booking %%s: %%s times %%s for request version %%s', booking_id, count(*), kind,
                  request_version) as what
    from notifications group by booking_id, kind, request_version having count(*) > 1)
select (select count(*) from notifications), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_mail_as_stored
with said as (select id from bookings where auto_assign_last_result -> 'emailSent' = 'true'),
wrong as (
    select format('booking %%s', s.id) as what from said s
    where not exists (select from notifications n where n.booking_id = s.id and n.kind = 'confirmed'))
select (select count(*) from said), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_leased
with wrong as (
    select format('booking %%s is %%s', id, state) as what from bookings
    where (state = 'assignment_in_progress') <> (lease_token is not null)
       or (lease_token is null) <> (lease_until is null))
select (select count(*) from bookings), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_outbox_drained
with wrong as (
    select format('outbox row %%s, topic %%s, due %%s', id, topic, due_at) as what from outbox
    where sent_at is null and dead_at is null and due_at < %(overdue)s)
select (select count(*) from outbox), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_outbox_alive
with wrong as (
    select format('outbox row %%s, topic %%s', id, topic) as what from outbox
    where dead_at is not null and sent_at is null)
select (select count(*) from outbox), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_leases_end
with wrong as (
    select format('booking %%s, lease until %%s', id, lease_until) as what from bookings
    where state = 'assignment_in_progress' and lease_until < %(overdue)s)
select (select count(*) from bookings where state = 'assignment_in_progress'), (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)

-- name: invariant_nobody_forgotten
-- A waiting booking has an unsent message, or was changed so recently that its message may be in a queue, or is
-- swept at `lost`.
with wrong as (
    select format('booking %%s is %%s since %%s', b.id, b.state, b.updated_at) as what from bookings b
    where b.state = 'created' or b.state = 'assignment_pending' and (
        b.start_at <= %(now)s::timestamptz - interval '1 day'
        or b.updated_at < %(lost)s and not exists (
            select from outbox o
            where o.booking_id = b.id and o.topic = 'assign' and o.sent_at is null and o.dead_at is null)))
select (select count(*) from bookings where state in ('created', 'assignment_pending')),
       (select count(*) from wrong),
       array(select what from wrong order by what limit %(examples)s)
