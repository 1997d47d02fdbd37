-- Guests' data goes when the guest asks for it, or when the visit is long over.

-- When the guest's data was erased; null again once the booking has a new guest.
alter table bookings add column erased_at timestamptz;
create index bookings_to_erase on bookings (end_at) where erased_at is null;

-- The same number, however it is written. What has no digits is only the same as itself.
create function phone_digits(phone text) returns text language sql immutable strict as $$
    select coalesce(nullif(regexp_replace(phone, '[^0-9]', '', 'g'), ''), phone)
$$;
create index bookings_by_email on bookings (restaurant_id, lower(guest ->> 'email'));
create index bookings_by_phone on bookings (restaurant_id, phone_digits(guest ->> 'phone'));

-- The answers kept for keys are found by restaurant.
create index idempotency_by_restaurant on idempotency (restaurant_id, created_at);

-- The document with the word "erased" for each text about a guest, and all else as it was, byte for byte.
create function erased(document json, about_guest boolean default false) returns json language plpgsql immutable as $$
begin
    return case json_typeof(document)
        when 'object' then (
            select format('{%s}', string_agg(
                format('%s:%s', to_json(m.key), erased(m.value, about_guest or m.key in ('guest', 'notes'))),
                ',' order by m.number))
            from json_each(document) with ordinality as m (key, value, number))
        when 'array' then (
            select format('[%s]', string_agg(erased(i.value, about_guest)::text, ',' order by i.number))
            from json_array_elements(document) with ordinality as i (value, number))
        when 'string' then case when about_guest then '"erased"' else document::text end
        else document::text
    end;
end $$;
