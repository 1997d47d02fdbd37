drop function erased(json, boolean);
drop index idempotency_by_restaurant;
drop index bookings_by_phone;
drop index bookings_by_email;
drop function phone_digits(text);
drop index bookings_to_erase;
alter table bookings drop column erased_at;
