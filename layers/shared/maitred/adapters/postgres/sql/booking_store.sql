-- Reads of bookings and their days.

-- name: read_layout
select r.layout_version,
       case when r.layout_version is distinct from %(known_version)s then l.document end as document,
       (select json_build_array(i.fingerprint, i.status, i.headers, i.body) from idempotency i
        where i.caller = %(caller)s and i.restaurant_id = r.id and i.key = %(key)s) as reply
from restaurants r
join layouts l on l.restaurant_id = r.id and l.layout_version = r.layout_version
where r.id = %(restaurant_id)s

-- name: read_reply
select fingerprint, status, headers, body from idempotency
where caller = %(caller)s and restaurant_id = %(restaurant_id)s and key = %(key)s

-- name: read_snapshot
-- One statement is one consistent reading: layout, revision, ledger, pacing, an earlier reply.
select r.layout_version,
       case when r.layout_version is distinct from %(known_version)s
            then (select l.document from layouts l
                  where l.restaurant_id = r.id and l.layout_version = r.layout_version) end as document,
       coalesce((select d.revision from service_days d
                 where d.restaurant_id = r.id and d.service_date = %(service_date)s), 0) as revision,
       -- A party that sits there and has outstayed its time stays for a while longer, as far as anybody can tell.
       (select json_agg(json_build_array(a.table_id, floor(extract(epoch from lower(a.occupied)) / 60)::bigint,
                        ceil(extract(epoch from a.until) / 60)::bigint, a.booking_id, a.hold_id, a.seated, a.at_risk))
        from (select p.table_id, p.occupied, p.booking_id, p.hold_id, p.seated, false as at_risk,
                     case when p.seated and upper(p.occupied) <= %(overdue)s
                          then greatest(upper(p.occupied), %(overdue_until)s) else upper(p.occupied) end as until
              from allocations p left join holds h on h.id = p.hold_id
              where p.restaurant_id = r.id and p.live and p.at_risk_since is null
                and p.occupied && tstzrange(%(start)s, %(end)s)
                and (p.hold_id is null or h.expires_at > now())
              union all
              select p.table_id, p.occupied, p.booking_id, p.hold_id, p.seated, true, upper(p.occupied)
              from allocations p
              where p.restaurant_id = r.id and p.live and p.at_risk_since is not null
                and p.occupied && tstzrange(%(start)s, %(end)s)
              union all
              select p.table_id, p.occupied, p.booking_id, p.hold_id, p.seated, false, %(overdue_until)s
              from allocations p
              where p.restaurant_id = r.id and p.live and p.seated and upper(p.occupied) <= %(overdue)s
                and upper(p.occupied) <= %(start)s) a) as allocations,
       (select json_agg(json_build_array((extract(epoch from c.start_at) / 60)::bigint, c.covers, c.on_hold, c.zones,
                        c.owner))
        from (select p.start_at, sum(p.party_size) as covers, p.on_hold, seats.zones, seats.owner
              from (select b.id, b.start_at, b.party_size, false as on_hold from bookings b
                    where b.restaurant_id = r.id and b.service_date = %(service_date)s
                      and b.state in ('confirmed', 'seated', 'completed')
                    union all
                    select h.id, h.start_at, h.party_size, true from holds h
                    where h.restaurant_id = r.id and h.service_date = %(service_date)s and h.expires_at > now()
                      and h.used_by is null) p
              left join lateral (  -- by party only where zones have limits: it is a look at each one's tables
                    select p.id as owner, array_agg(distinct t.zone) as zones
                    from allocations a
                    join layout_tables t on t.restaurant_id = r.id and t.layout_version = r.layout_version
                                        and t.table_id = a.table_id
                    where a.live and (a.booking_id = p.id or a.hold_id = p.id)
                    ) seats on %(by_zone)s::boolean
              group by p.start_at, p.on_hold, seats.zones, seats.owner) c) as covers,
       (select json_agg(json_build_array(b.id, b.version, b.party_size,
                        (extract(epoch from b.start_at) / 60)::bigint, (extract(epoch from b.end_at) / 60)::bigint,
                        b.preferences) order by b.id)
        from bookings b
        where b.restaurant_id = r.id and b.service_date = %(service_date)s and b.state = 'confirmed'
          and not b.pinned and b.arrived_at is null and b.start_at > %(movable_from)s::timestamptz) as stays,
       (select p.profile -> %(profile)s::text from demand_profiles p where p.restaurant_id = r.id) as demand,
       (select min(h.expires_at) from holds h
        where h.restaurant_id = r.id and h.service_date = %(service_date)s and h.expires_at > now()
          and h.used_by is null) as first_expiry,
       (select json_build_array(i.fingerprint, i.status, i.headers, i.body) from idempotency i
        where i.caller = %(caller)s and i.restaurant_id = r.id and i.key = %(key)s) as reply,
       (select json_object_agg(h.id, h.for_booking) from holds h
        where h.restaurant_id = r.id and h.service_date = %(service_date)s and h.expires_at > now()
          and h.for_booking is not null) as leases,
       (select json_agg(json_build_array(k.id, k.table_id, floor(extract(epoch from k.starts_at) / 60)::bigint,
                        ceil(extract(epoch from k.ends_at) / 60)::bigint) order by k.starts_at, k.id)
        from table_blocks k
        where %(with_blocks)s::boolean and k.restaurant_id = r.id and k.ended_at is null
          and tstzrange(k.starts_at, k.ends_at) && tstzrange(%(start)s, %(end)s)) as blocks
from restaurants r
where r.id = %(restaurant_id)s

-- name: read_booking
select * from booking_card b
where b.id = %(booking_id)s

-- name: read_hold
-- Always one row, so that an earlier reply is found even without such a hold. A used hold has no tables.
select h.id, h.restaurant_id, h.party_size, h.start_at, h.end_at, h.service_id, h.service_date, h.expires_at,
       r.timezone, ledger.layout_version, ledger.tables, h.used_by, h.expires_at <= now() as expired,
       (select json_build_array(i.fingerprint, i.status, i.headers, i.body) from idempotency i
        where i.caller = %(caller)s and i.restaurant_id = %(restaurant_id)s and i.key = %(key)s) as reply
from (select %(hold_id)s::uuid as id) wanted
left join holds h using (id)
left join restaurants r on r.id = h.restaurant_id
left join lateral (
    select coalesce(max(a.layout_version), 0) as layout_version,
           coalesce(array_agg(a.table_id order by a.table_id collate "C"), '{}') as tables
    from allocations a where a.hold_id = h.id
) ledger on true

-- name: read_revisions
select r.layout_version, d.service_date, d.revision
from restaurants r
left join service_days d on d.restaurant_id = r.id and d.service_date = any (%(service_dates)s::date[])
where r.id = %(restaurant_id)s

-- name: first_hold_end
select min(expires_at) from holds
where id = any (%(hold_ids)s::uuid[]) and expires_at > now() and used_by is null

-- name: list_bookings
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s
  and (b.start_at, b.id) > (%(after)s, %(after_id)s) and b.start_at < %(start_before)s
order by b.start_at, b.id
limit %(limit)s

-- name: list_bookings_in_states
-- Merges a page of each state, so that a rare state is not searched for among a million other bookings.
with wanted as (
    select w.id
    from unnest(%(states)s::text[]) as s (state)
    cross join lateral (
        select b.id, b.start_at from bookings b
        where b.restaurant_id = %(restaurant_id)s and b.state = s.state
          and (b.start_at, b.id) > (%(after)s, %(after_id)s) and b.start_at < %(start_before)s
        order by b.start_at, b.id
        limit %(limit)s) w
    order by w.start_at, w.id
    limit %(limit)s)
select b.* from wanted join booking_card b using (id)
order by b.start_at, b.id

-- name: list_bookings_of_day
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.service_date = %(service_date)s
  and (b.start_at, b.id) > (%(after)s, %(after_id)s) and b.start_at < %(start_before)s
  and b.state = any (%(states)s)
order by b.start_at, b.id
limit %(limit)s

-- name: list_changed_bookings
-- In the order of their changes: what changes while a reader turns the pages comes once more, at the end.
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and (b.updated_at, b.id) > (%(after)s, %(after_id)s)
  and b.start_at >= %(start_from)s and b.start_at < %(start_before)s
  and b.state = any (%(states)s) and (%(service_date)s::date is null or b.service_date = %(service_date)s)
order by b.updated_at, b.id
limit %(limit)s

-- name: booking_by_reference
select * from booking_card b
where b.restaurant_id = %(restaurant_id)s and b.reference = %(reference)s
  and (case when %(by_change)s then b.updated_at else b.start_at end, b.id) > (%(after)s, %(after_id)s)
  and b.start_at >= %(start_from)s and b.start_at < %(start_before)s and b.updated_at >= %(updated_since)s
  and b.state = any (%(states)s) and (%(service_date)s::date is null or b.service_date = %(service_date)s)
  and (%(guest)s::text is null or not exists (
      select from search_parts(%(guest)s) p where not search_has(b.guest, p.part, p.words, p.digits)))

-- name: find_bookings
-- All whom the index finds come first, so that a rare name is not looked for booking by booking; `offset 0` keeps the
-- planner from looking closer at more of them than the page needs.
with parts as materialized (
    select * from search_parts(%(guest)s)
), found as materialized (
    select b.id, b.restaurant_id, b.guest, b.service_date, b.state, b.start_at, b.updated_at,
           case when %(by_change)s then b.updated_at else b.start_at end as place
    from bookings b
    where search_terms(b.restaurant_id, b.guest) @@ search_query(%(restaurant_id)s, %(guest)s)
), page as (
    select f.id, f.place
    from (select * from found order by place, id offset 0) f
    where f.restaurant_id = %(restaurant_id)s and (f.place, f.id) > (%(after)s, %(after_id)s)
      and f.start_at >= %(start_from)s and f.start_at < %(start_before)s and f.updated_at >= %(updated_since)s
      and f.state = any (%(states)s) and (%(service_date)s::date is null or f.service_date = %(service_date)s)
      and not exists (select from parts p where not search_has(f.guest, p.part, p.words, p.digits))
    order by f.place, f.id
    limit %(limit)s)
select b.* from page join booking_card b using (id)
order by page.place, b.id

-- name: list_restaurants
select id, name, timezone, layout_version from restaurants
where (%(all)s or id = any (%(ids)s)) and id > %(after)s
order by id
limit %(limit)s

-- name: for_a_person
-- A page of bookings in manual review whose stay is not over (no stay lasts longer than twelve hours), and of
-- confirmed ones whose tables will not be free for them.
with reviewed as (
    select b.id, b.start_at from bookings b
    where b.restaurant_id = %(restaurant_id)s and b.state = 'manual_review'
      and b.start_at > %(now)s::timestamptz - interval '12 hours' and b.end_at > %(now)s
      and (b.start_at, b.id) > (%(after_start)s, %(after_id)s)
    order by b.start_at, b.id
    limit %(limit)s
), cases as (
    select id from (
        select id, start_at from reviewed
        union
        select b.id, b.start_at from allocations a join bookings b on b.id = a.booking_id
        where a.restaurant_id = %(restaurant_id)s and a.live and a.at_risk_since is not null
          and (b.start_at, b.id) > (%(after_start)s, %(after_id)s)) w
    order by w.start_at, w.id
    limit %(limit)s)
select b.*, case when b.at_risk_since is not null then 'at_risk' else came.reason end,
       coalesce(b.at_risk_since, came.created_at, b.created_at)
from cases join booking_card b using (id)
left join lateral (
    select h.reason, h.created_at from booking_state_history h
    where h.booking_id = b.id and h.to_state = 'manual_review' order by h.id desc limit 1) came on true
order by b.start_at, b.id

-- name: read_floor
-- The use of each table at one moment and in the day after it, and whose it is. A party that sits at a table is
-- still there when its time is over.
select r.layout_version,
       case when r.layout_version is distinct from %(known_version)s
            then (select l.document from layouts l
                  where l.restaurant_id = r.id and l.layout_version = r.layout_version) end as document,
       (select json_agg(json_build_array(u.table_id, floor(extract(epoch from lower(u.occupied)) / 60)::bigint,
                        ceil(extract(epoch from upper(u.occupied)) / 60)::bigint, u.booking_id, u.hold_id,
                        floor(extract(epoch from u.at_risk_since) / 60)::bigint))
        from (select a.table_id, a.occupied, a.booking_id, a.hold_id, a.at_risk_since
              from allocations a left join holds h on h.id = a.hold_id
              where a.restaurant_id = r.id and a.live and a.at_risk_since is null
                and a.occupied && tstzrange(%(at)s, %(at)s::timestamptz + interval '1 day')
                and (a.hold_id is null or h.expires_at > now())
              union all
              select a.table_id, a.occupied, a.booking_id, a.hold_id, a.at_risk_since
              from allocations a
              where a.restaurant_id = r.id and a.live and a.at_risk_since is not null
              union all
              select a.table_id, a.occupied, a.booking_id, a.hold_id, a.at_risk_since
              from allocations a
              where a.restaurant_id = r.id and a.live and a.seated and upper(a.occupied) <= %(at)s) u) as uses,
       (select json_agg(json_build_array(b.id, b.reference, b.party_size, b.guest ->> 'name', b.state, b.start_at,
                        b.end_at, b.seated_at, b.arrived_at))
        from bookings b
        where b.id in (select a.booking_id from allocations a
                       where a.restaurant_id = r.id and a.live and a.booking_id is not null
                         and (a.at_risk_since is null
                              and a.occupied && tstzrange(%(at)s, %(at)s::timestamptz + interval '1 day')
                              or a.at_risk_since is not null or a.seated))) as parties
from restaurants r
where r.id = %(restaurant_id)s

-- name: waiting_bookings
-- Who waits for tables, oldest first: on this service date, or on one beside it at the freed time. Nobody, if it
-- is only a lease that may be freed and there is none.
-- Bookings in progress are included: their attempt may have read the day before the tables were free.
select b.id, b.version, b.request_version, b.party_size, b.start_at, b.end_at, b.duration_minutes, b.service_date,
       b.created_at, b.preferences::text
from bookings b
where b.restaurant_id = %(restaurant_id)s
  and b.state in ('assignment_pending', 'assignment_in_progress', 'manual_review')
  and b.service_date between %(service_date)s::date - 1 and %(service_date)s::date + 1
  and (b.service_date = %(service_date)s or b.start_at < %(end)s and b.end_at > %(start)s)
  and b.start_at > %(now)s
  and b.id <> %(freed_by)s
  and (not %(only_lease)s or exists (
      select from holds h where h.for_booking = %(freed_by)s and h.expires_at > now()))
order by b.created_at, b.id
limit %(limit)s

-- name: planned_at
select b.id, b.reference, b.service_date
from allocations a join bookings b on b.id = a.booking_id
where a.restaurant_id = %(restaurant_id)s and a.table_id = %(table_id)s and a.live and not a.seated
  and (a.at_risk_since is null and a.occupied && tstzrange(%(start)s, %(end)s)
       or a.at_risk_since is not null and a.occupied && tstzrange(%(start)s, %(end)s))

-- name: read_history
select from_state, to_state, version, actor_id, reason, metadata, created_at
from booking_state_history where booking_id = %(booking_id)s order by id

-- name: read_attempts
select attempt_no, flow, trigger, outcome, reason, strategy, strategies, duration_ms, created_at
from booking_assignment_attempts where booking_id = %(booking_id)s order by created_at, attempt_no

-- name: read_explanation
-- The last attempt's, and the last move since then that nobody chose for the booking itself.
select a.explanation, a.created_at, m.metadata, m.created_at
from (select explanation, created_at from booking_assignment_attempts
      where booking_id = %(booking_id)s order by created_at desc, attempt_no desc limit 1) a
left join lateral (
    select h.metadata, h.created_at from booking_state_history h
    where h.booking_id = %(booking_id)s and h.reason in ('moved', 'shift_undone') and h.to_state = 'confirmed'
      and h.created_at > a.created_at
    order by h.id desc limit 1) m on true

-- name: read_deciding_attempt
-- One row: the last attempt that counts (who has tables owes them to one that found some), and what brought the booking
-- to manual review.
select a.id, a.trigger, a.outcome, a.reason, a.duration_ms, a.explanation, came.reason
from bookings b
left join lateral (
    select * from booking_assignment_attempts t
    where t.booking_id = b.id and t.outcome <> 'refused'
      and (t.outcome = 'confirmed' or b.state not in ('confirmed', 'seated', 'completed', 'no_show'))
    order by t.created_at desc, t.attempt_no desc limit 1) a on true
left join lateral (
    select coalesce(h.reason, '') as reason from booking_state_history h
    where h.booking_id = b.id and h.to_state = 'manual_review' order by h.id desc limit 1) came
    on b.state = 'manual_review'
where b.id = %(booking_id)s

-- name: planned_tables
-- Where the booking was to sit, once its party sits somewhere.
select distinct a.table_id
from allocations a
where a.booking_id = %(booking_id)s and not a.live and not a.seated
  and a.released_at = (select max(l.released_at) from allocations l
                       where l.booking_id = %(booking_id)s and not l.live and not l.seated)

-- name: released_tables
select a.restaurant_id, a.layout_version, a.table_id, a.capacity, a.booking_id, lower(a.occupied), upper(a.occupied),
       a.overrides
from allocations a
where a.booking_id = %(booking_id)s and not a.live
  and a.released_at = (select max(l.released_at) from allocations l where l.booking_id = %(booking_id)s)
order by a.table_id collate "C"
