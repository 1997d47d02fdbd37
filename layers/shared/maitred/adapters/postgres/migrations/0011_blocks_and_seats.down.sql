drop trigger bookings_take_seats on bookings;
drop function take_seats();
drop trigger bookings_sit_down on bookings;
drop function sit_down();
drop index table_blocks_wanted;
alter table table_blocks
    drop column table_id,
    drop column starts_at,
    drop column ends_at,
    drop column ended_at;
