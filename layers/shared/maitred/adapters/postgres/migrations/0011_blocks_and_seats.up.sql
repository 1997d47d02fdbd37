-- A block as a person wants it, beside its rows of the ledger, which wait while a party sits at the table.
alter table table_blocks
    add column table_id text,
    add column starts_at timestamptz,
    add column ends_at timestamptz,
    add column ended_at timestamptz;
update table_blocks k set table_id = a.table_id, starts_at = lower(a.occupied), ends_at = upper(a.occupied)
from allocations a
where a.block_id = k.id and a.live;
create index table_blocks_wanted on table_blocks (restaurant_id, table_id) where ended_at is null;

-- The release before seats a party by its state alone. Its tables must be known as taken all the same.
create function sit_down() returns trigger language plpgsql as $$
begin
    new.seated_at := now();
    new.arrived_at := coalesce(new.arrived_at, now());
    return new;
end $$;
create trigger bookings_sit_down before update of state on bookings
    for each row when (new.state = 'seated' and old.state = 'confirmed' and new.seated_at is null)
    execute function sit_down();

create function take_seats() returns trigger language plpgsql as $$
begin
    update allocations set seated = true, at_risk_since = null where booking_id = new.id and live and not seated;
    return null;
end $$;
create trigger bookings_take_seats after update of state on bookings
    for each row when (new.state = 'seated' and old.state = 'confirmed' and new.seated_at = now())
    execute function take_seats();
