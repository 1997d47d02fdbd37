-- The room beside the book: who has come, who sits at a table now, and whose table will not be free.

alter table bookings
    add column arrived_at timestamptz,
    add column seated_at timestamptz,
    add column completed_at timestamptz,
    drop constraint bookings_state_check,
    add constraint bookings_state_check check (state in ('created', 'assignment_pending', 'assignment_in_progress',
        'confirmed', 'manual_review', 'seated', 'completed', 'no_show', 'cancelled', 'declined'));
create index bookings_in_the_room on bookings (restaurant_id, id) where state = 'seated';
-- What is still unanswered when it starts.
create index bookings_unanswered on bookings (start_at) where state in ('assignment_pending', 'manual_review');

alter table notifications
    drop constraint notifications_kind_check,
    add constraint notifications_kind_check check (kind in ('request_received', 'confirmed', 'modification_pending',
        'cancelled', 'attention', 'declined'));

alter table restaurants
    add column late_minutes integer not null default 15,
    add column lookahead_minutes integer not null default 60;

-- A table that is out of order for a while, without a new floor document.
create table table_blocks (
    id              uuid primary key,
    restaurant_id   text not null references restaurants,
    reason          text,
    actor_id        text not null,
    created_at      timestamptz not null default now(),
    constraint table_blocks_tenant_key unique (id, restaurant_id)
);

-- `seated`: the party sits there; its row runs from when it sat down to its expected end and buffer, and no second
-- party can sit at the table however long the first one stays. `at_risk_since`: a plan that the room has beaten. It
-- may overlap the party that sits there until it gets other tables.
alter table allocations
    add column seated boolean not null default false,
    add column at_risk_since timestamptz,
    add column block_id uuid,
    drop constraint allocations_owner_check,
    add constraint allocations_owner_check check (num_nonnulls(booking_id, hold_id, block_id) = 1),
    add constraint allocations_block_fkey foreign key (block_id, restaurant_id)
        references table_blocks (id, restaurant_id),
    add constraint allocations_room_check check (
        (not seated or booking_id is not null) and (at_risk_since is null or booking_id is not null and not seated));

-- Parties that sit somewhere while this migration runs. Should two sit at one table, the later one counts.
update bookings b set seated_at = h.at
from (select booking_id, max(created_at) as at from booking_state_history where to_state = 'seated' group by booking_id) h
where h.booking_id = b.id and b.state = 'seated';
update allocations set seated = true
where id in (select distinct on (a.restaurant_id, a.table_id) a.id
             from allocations a join bookings b on b.id = a.booking_id
             where a.live and b.state = 'seated'
             order by a.restaurant_id, a.table_id, b.seated_at desc);

alter table allocations
    drop constraint allocations_no_overlap,
    add constraint allocations_no_overlap exclude using gist
        (restaurant_id with =, occupied with &&, table_id with =) where (live and at_risk_since is null),
    add constraint allocations_one_party exclude using btree
        (restaurant_id with =, table_id with =) where (live and seated);
create index allocations_at_risk on allocations (restaurant_id, table_id) where live and at_risk_since is not null;
create index allocations_by_block on allocations (block_id) where block_id is not null;

-- What the constraints cannot say: a party that has outstayed its time still sits there, and a plan that is at risk
-- still has its tables against every other plan.
create function refuse_taken_table() returns trigger language plpgsql as $$
begin
    if new.seated or new.block_id is not null or new.at_risk_since is not null then
        return new;
    end if;
    if exists (select from allocations a
               where a.restaurant_id = new.restaurant_id and a.table_id = new.table_id and a.live and a.seated
                 and a.booking_id is distinct from new.booking_id
                 and lower(new.occupied) <= now() and upper(new.occupied) > greatest(now(), lower(a.occupied))) then
        raise exception 'somebody sits at table %', new.table_id using errcode = 'exclusion_violation';
    end if;
    if exists (select from allocations a
               where a.restaurant_id = new.restaurant_id and a.table_id = new.table_id and a.live
                 and a.at_risk_since is not null and a.booking_id is distinct from new.booking_id
                 and a.occupied && new.occupied) then
        raise exception 'table % is planned for another party', new.table_id using errcode = 'exclusion_violation';
    end if;
    return new;
end $$;
create trigger allocations_not_taken before insert on allocations
    for each row when (new.live) execute function refuse_taken_table();

-- As before, but that a seated party's tables need not be its plan's.
create or replace function check_booking_seats(checked uuid) returns void language plpgsql as $$
declare
    b record;
    a record;
begin
    -- Locked, because a rival that has not committed yet is not seen: the later one of two must wait and look.
    select state, party_size, start_at, end_at into b from bookings where id = checked for no key update;
    if not found then
        return;
    end if;
    select count(*) as tables, coalesce(sum(capacity), 0) as seats,
           coalesce(bool_and(occupied @> tstzrange(b.start_at, b.end_at)), true) as covers_stay,
           coalesce(bool_or(seated), false) as seated,
           coalesce(bool_or('capacity' = any (overrides)), false) as seats_overridden
        into a from allocations where booking_id = checked and live;
    if b.state in ('confirmed', 'seated') then
        if a.tables = 0 then
            raise exception 'booking % is % without tables', checked, b.state using errcode = 'MTI01';
        elsif a.seats < b.party_size and not a.seats_overridden then
            raise exception 'booking % has % seats for %', checked, a.seats, b.party_size using errcode = 'MTI02';
        elsif not a.seated and not a.covers_stay then
            raise exception 'booking % has tables for another time', checked using errcode = 'MTI03';
        elsif a.seated and b.state = 'confirmed' then
            raise exception 'booking % is confirmed but sits at a table', checked using errcode = 'MTI04';
        end if;
    elsif a.tables > 0 then
        raise exception 'booking % is % but holds tables', checked, b.state using errcode = 'MTI04';
    end if;
end $$;

-- A booking as everybody reads it, with the room. A view of its own, as the release before reads `booking_register`
-- by position.
create view booking_sheet as
select b.id, b.reference, b.restaurant_id, b.state, b.version, b.request_version, b.party_size, b.start_at, b.end_at,
       b.duration_minutes, b.service_id, b.service_date, b.pinned, b.guest, b.preferences, b.notes,
       b.auto_assign_last_result, b.created_at, r.timezone, seats.tables, seats.zone, b.lease_token, b.lease_until,
       mail.queued is not null as confirmation_queued, r.locale, b.arrived_at, b.seated_at, b.completed_at,
       r.late_minutes, seats.at_risk_since
from bookings b
join restaurants r on r.id = b.restaurant_id
left join lateral (
    select array_agg(a.table_id order by a.table_id collate "C") as tables, min(t.zone) as zone,
           min(a.at_risk_since) as at_risk_since
    from allocations a
    join layout_tables t using (restaurant_id, layout_version, table_id)
    where a.booking_id = b.id and a.live
) seats on true
left join lateral (  -- bounded, because an `exists` would be answered by reading all notifications into a hash
    select true as queued from notifications n
    where n.booking_id = b.id and n.kind = 'confirmed' and n.request_version = b.request_version
    limit 1
) mail on true;
