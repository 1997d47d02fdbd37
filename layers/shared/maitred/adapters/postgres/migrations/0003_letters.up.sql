-- In which language a restaurant writes to its guests, and who there is written to.

alter table restaurants
    add column locale text not null default 'en',
    add column contact_email text;

-- What every reader of a booking sees. A view of its own: functions of the version before read `booking_book`
-- by position while this one is being rolled out.
create view booking_register as
select b.*, r.locale
from booking_book b
join restaurants r on r.id = b.restaurant_id;
