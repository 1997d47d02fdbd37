drop view booking_book;
drop table demand_profiles, observability_events, notifications, idempotency, outbox, booking_assignment_attempts,
    booking_state_history, allocations, holds, bookings, service_days, layout_tables cascade;
alter table restaurants drop constraint restaurants_layout_fkey;
drop table layouts, restaurants;
drop function check_seats_of_allocation(), check_seats_of_booking(), check_booking_seats(uuid),
    require_in_time(integer), require_one(bigint, text);
drop extension btree_gist;
