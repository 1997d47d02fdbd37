drop view booking_sheet;
drop trigger allocations_not_taken on allocations;
drop function refuse_taken_table();

-- What the release before cannot say: guests at risk wait for a person, declined bookings are cancelled ones.
delete from notifications where kind = 'declined';
insert into booking_state_history (booking_id, from_state, to_state, version, actor_id, reason)
select id, 'confirmed', 'manual_review', version + 1, 'migration', 'at_risk' from bookings
where id in (select booking_id from allocations where live and at_risk_since is not null);
update bookings set state = 'manual_review', version = version + 1
where id in (select booking_id from allocations where live and at_risk_since is not null);
update allocations set live = false, released_at = now() where live and (at_risk_since is not null or block_id is not null);
update bookings set state = 'cancelled' where state = 'declined';
update booking_state_history set to_state = 'cancelled' where to_state = 'declined';
set constraints all immediate;

alter table allocations
    drop constraint allocations_one_party,
    drop constraint allocations_no_overlap,
    add constraint allocations_no_overlap exclude using gist
        (restaurant_id with =, occupied with &&, table_id with =) where (live);
delete from allocations where block_id is not null;
alter table allocations
    drop constraint allocations_owner_check,
    drop column seated,
    drop column at_risk_since,
    drop column block_id,
    add constraint allocations_owner_check check (num_nonnulls(booking_id, hold_id) = 1);
drop table table_blocks;
alter table restaurants drop column late_minutes, drop column lookahead_minutes;
alter table notifications
    drop constraint notifications_kind_check,
    add constraint notifications_kind_check check (kind in ('request_received', 'confirmed', 'modification_pending',
        'cancelled', 'attention'));
drop index bookings_in_the_room, bookings_unanswered;
alter table bookings
    drop constraint bookings_state_check,
    add constraint bookings_state_check check (state in ('created', 'assignment_pending', 'assignment_in_progress',
        'confirmed', 'manual_review', 'seated', 'completed', 'no_show', 'cancelled')),
    drop column arrived_at,
    drop column seated_at,
    drop column completed_at;

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
           coalesce(bool_or('capacity' = any (overrides)), false) as seats_overridden
        into a from allocations where booking_id = checked and live;
    if b.state in ('confirmed', 'seated') then
        if a.tables = 0 then
            raise exception 'booking % is % without tables', checked, b.state using errcode = 'MTI01';
        elsif a.seats < b.party_size and not a.seats_overridden then
            raise exception 'booking % has % seats for %', checked, a.seats, b.party_size using errcode = 'MTI02';
        elsif not a.covers_stay then
            raise exception 'booking % has tables for another time', checked using errcode = 'MTI03';
        end if;
    elsif a.tables > 0 then
        raise exception 'booking % is % but holds tables', checked, b.state using errcode = 'MTI04';
    end if;
end $$;
