-- Sets that seat more than the sum of their tables: a table with chairs added, a combination pushed together.

create table layout_sets (
    restaurant_id   text not null,
    layout_version  integer not null,
    tables          text[] not null check (cardinality(tables) between 1 and 40),
    seats           integer not null check (seats > 0),
    primary key (restaurant_id, layout_version, tables),
    foreign key (restaurant_id, layout_version) references layouts
);

-- The seats of a booking's present tables, if the layout that they were given on allows them more as this very set.
create function seats_together(checked uuid) returns integer language sql stable as $$
    select coalesce(max(s.seats), 0)
    from (select restaurant_id, layout_version, array_agg(table_id order by table_id collate "C") as tables
          from allocations where booking_id = checked and live
          group by restaurant_id, layout_version) a
    join layout_sets s using (restaurant_id, layout_version, tables)
$$;

-- As before, but for these sets.
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
        elsif a.seats < b.party_size and not a.seats_overridden and seats_together(checked) < b.party_size then
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
