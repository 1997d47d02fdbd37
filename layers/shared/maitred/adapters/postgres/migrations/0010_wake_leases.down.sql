drop trigger bookings_give_back_leases on bookings;
drop function give_back_leases();
drop index holds_for_booking;
alter table holds drop column for_booking;
