-- Erasing guests' data. docs/guest-data.md says where it lies.

-- name: has_restaurant
select exists (select from restaurants where id = %(restaurant_id)s)

-- name: lock_bookings_of_guest
-- By mail, by phone, or by both of one booking's guest.
with known as (
    select %(email)s::text as email, %(phone)s::text as phone
    union all
    select guest ->> 'email', guest ->> 'phone' from bookings
    where id = %(booking_id)s and restaurant_id = %(restaurant_id)s
)
select b.id, b.reference, b.state, b.end_at
from bookings b
where b.id = any (array(
    select m.id from known k
    join bookings m on m.restaurant_id = %(restaurant_id)s and lower(m.guest ->> 'email') = lower(k.email)
    union
    select p.id from known k
    join bookings p on p.restaurant_id = %(restaurant_id)s
         and phone_digits(p.guest ->> 'phone') = phone_digits(k.phone)
    union
    select o.id from bookings o
    where o.id = %(booking_id)s and o.restaurant_id = %(restaurant_id)s and o.erased_at is null))
order by b.id for update of b

-- name: lock_bookings_long_over
select id, restaurant_id from bookings
where erased_at is null and end_at < %(before)s
order by end_at limit %(limit)s for update skip locked

-- name: erase_letters
-- A letter that has not been sent is not sent any more. Those to the restaurant have its own address.
with letters as (
    update notifications
    set state = case when state = 'pending' then 'skipped' else state end,
        last_error = case when state = 'pending' or last_error is not null then 'erased' end
    where booking_id = any (%(booking_ids)s) and kind <> 'attention'
    returning 1
)
select count(*) from letters

-- name: erase_messages
update outbox
set payload = erased(payload::json)::jsonb
              || case when topic = 'notification' and payload ->> 'kind' <> 'attention'
                      then '{"to": "erased"}' else '{}' end::jsonb
where booking_id = any (%(booking_ids)s)

-- name: erase_replies
-- An answer that is kept for its key shows one booking, as its first member.
update idempotency
set body = erased(body::json)::text
where restaurant_id = any (%(restaurant_ids)s)
  and (regexp_match(body, '^\{"booking":\{"id":"([0-9a-f-]{36})"'))[1]::uuid = any (%(booking_ids)s)

-- name: erase_changes
update booking_changes set booking = erased(booking::json)::jsonb where booking_id = any (%(booking_ids)s)

-- name: erase_reasons
-- Reasons in people's own words; all others are words of ours.
update booking_state_history set reason = 'erased'
where booking_id = any (%(booking_ids)s) and to_state in ('cancelled', 'declined') and from_state <> to_state
  and reason <> 'unanswered_at_start'

-- name: erase_bookings
with changed as (
    update bookings
    set guest = '{}', notes = null, version = version + 1, updated_at = now(), erased_at = now()
    where id = any (%(booking_ids)s)
    returning id, state, version
)
insert into booking_state_history (booking_id, from_state, to_state, version, actor_id, reason)
select id, state, state, version, %(actor)s, 'guest_erased' from changed
