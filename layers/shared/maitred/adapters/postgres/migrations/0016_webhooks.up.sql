-- Where restaurants want to be told of their bookings' changes, and how far each address has been told.
create table webhooks (
    restaurant_id   text not null references restaurants,
    id              text not null check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    url             text not null check (length(url) <= 2048),
    events          text[] not null,
    -- Encrypted. `digest` tells whether a secret is the present one; the previous one signs too until `previous_until`.
    secret          text not null,
    digest          text not null,
    previous_secret text,
    previous_until  timestamptz,
    -- Changes up to here are delivered or given up.
    position        bigint not null,
    -- Of the change after `position`: failed tries in a row, since when, and when the next one is due.
    attempts        integer not null default 0,
    first_failed_at timestamptz,
    next_try_at     timestamptz not null default '-infinity',
    -- Of the address: without one success since.
    failing_since   timestamptz,
    disabled_at     timestamptz,
    -- One sender at a time. `awaited`: more has come since it looked.
    lease_token     uuid,
    lease_until     timestamptz,
    awaited         boolean not null default false,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (restaurant_id, id)
);
create index webhooks_alive on webhooks (next_try_at) where disabled_at is null;

-- The sender's lease, or nothing: the address is disabled, or resting, or somebody is sending, who is told to look again.
create function lease_webhook(wanted_restaurant text, wanted text, token uuid, seconds integer, at timestamptz)
    returns setof webhooks
    language plpgsql as $$
declare
    w webhooks;
begin
    select * into w from webhooks where restaurant_id = wanted_restaurant and id = wanted for update;
    if not found or w.disabled_at is not null or w.next_try_at > at then
        return;
    end if;
    if w.lease_until > clock_timestamp() then
        update webhooks set awaited = true where restaurant_id = wanted_restaurant and id = wanted and not awaited;
        return;
    end if;
    return query update webhooks
        set lease_token = token, lease_until = clock_timestamp() + make_interval(secs => seconds), awaited = false
        where restaurant_id = wanted_restaurant and id = wanted returning *;
end $$;

-- A message for each address that wants one of these changes and is not resting. The writer sends them right after its
-- commit: `queued_webhooks` has their ids.
create function queue_webhooks(of_restaurant text, types text[], upto bigint) returns void language plpgsql as $$
declare
    made bigint[];
begin
    with queued as (
        insert into outbox (topic, restaurant_id, payload, correlation_id, claimed_until)
        select 'webhook', of_restaurant,
               jsonb_build_object('schema', 1, 'restaurantId', of_restaurant, 'webhookId', w.id,
                                  'correlationId', format('change:%s:%s', of_restaurant, upto)),
               format('change:%s:%s', of_restaurant, upto), now() + interval '15 seconds'
        from webhooks w
        where w.restaurant_id = of_restaurant and w.disabled_at is null and w.next_try_at <= now() and w.events && types
        returning id)
    select array_agg(id) into made from queued;
    if made is not null then
        perform set_config('maitred.webhooks',
                           concat_ws(',', nullif(current_setting('maitred.webhooks', true), ''), array_to_string(made, ',')),
                           true);
    end if;
end $$;

-- Runs the checks of the commit, and returns the messages that they made.
create function queued_webhooks() returns table (id bigint, payload jsonb, correlation_id text, due_at timestamptz)
    language plpgsql as $$
begin
    set constraints all immediate;
    if coalesce(current_setting('maitred.webhooks', true), '') <> '' then
        return query select o.id, o.payload, o.correlation_id, o.due_at from outbox o
            where o.id = any (string_to_array(current_setting('maitred.webhooks', true), ',')::bigint[]) order by o.id;
    end if;
end $$;

-- As before, but that it looks up the last change only of a booking that is not new, and queues messages.
create or replace function record_change(changed uuid, inserted boolean, before text) returns void language plpgsql
    set timezone to 'UTC' as $$  -- the same times are the same text, whoever writes
declare
    recorded text := coalesce(current_setting('maitred.changed', true), '');
    sheet record;
    seen jsonb;
    present jsonb;
    states constant text[] := '{state, version, tables, zone, pinned, arrived_at, seated_at, completed_at, at_risk_since,
                                timezone, locale, late_minutes}';
    types text[] := '{}';
    last bigint;
begin
    if position(changed::text in recorded) > 0 then
        return;
    end if;
    perform set_config('maitred.changed', recorded || changed::text || ' ', true);
    select * into sheet from booking_sheet where id = changed;
    if not found or sheet.state in ('created', 'assignment_in_progress') then
        return;  -- for the length of an attempt only
    end if;
    present := jsonb_strip_nulls(to_jsonb(sheet)
                                 - array['auto_assign_last_result', 'lease_token', 'lease_until', 'confirmation_queued']);
    if inserted then
        types := array['created', change_type(sheet.state)];
    else
        select c.booking into seen from booking_changes c
        where c.booking_id = changed order by c.position desc limit 1;
        if seen is null then  -- older than the feed keeps
            seen := jsonb_set(present - 'at_risk_since', '{state}', to_jsonb(before)) || '{"version": 0}';
        elsif present - states <> seen - states then
            types := types || 'changed'::text;
        end if;
        if change_type(sheet.state) <> change_type(seen ->> 'state') then
            types := types || change_type(sheet.state);
        elsif types = '{}' and present -> 'tables' is distinct from seen -> 'tables' then
            types := types || 'moved'::text;
        end if;
        if present ? 'at_risk_since' and not seen ? 'at_risk_since' then
            types := types || 'at_risk'::text;
        end if;
        if types = '{}' and change_type(sheet.state) = 'pending' and present -> 'version' <> seen -> 'version' then
            types := types || 'pending'::text;
        elsif types = '{}' and present <> seen then
            types := types || 'changed'::text;
        end if;
    end if;
    if types = '{}' then
        return;
    end if;
    insert into feeds as f (restaurant_id, position) values (sheet.restaurant_id, cardinality(types))
    on conflict (restaurant_id) do update set position = f.position + cardinality(types)
    returning f.position into last;
    insert into booking_changes (restaurant_id, position, booking_id, type, booking, at)
    select sheet.restaurant_id, last - cardinality(types) + t.number, changed, t.type, present, clock_timestamp()
    from unnest(types) with ordinality as t (type, number);
    perform queue_webhooks(sheet.restaurant_id, types, last);
end $$;
