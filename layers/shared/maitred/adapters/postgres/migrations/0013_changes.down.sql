drop trigger allocations_record_change on allocations;
drop trigger bookings_record_change on bookings;
drop function record_table_change();
drop function record_booking_change();
drop function record_change(uuid, boolean, text);
drop function change_type(text);
drop table booking_changes;
drop table feeds;
