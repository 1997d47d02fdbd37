-- The function below compares whole records; it knows of no such time.
update booking_changes set booking = booking - 'updated_at' where booking ? 'updated_at';

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
