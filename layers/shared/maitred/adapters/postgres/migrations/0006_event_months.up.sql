-- Events by the month: what is too old goes with its whole month, at once, instead of row by row.

-- What there is becomes the first month, as it stands: nothing is copied.
alter table observability_events rename to observability_events_first;
alter table observability_events_first alter column id drop identity;
alter table observability_events_first drop constraint observability_events_pkey;
alter index observability_events_by_age rename to observability_events_first_by_age;
alter index observability_events_by_booking rename to observability_events_first_by_booking;
alter index observability_events_by_correlation rename to observability_events_first_by_correlation;
alter index observability_events_of_runs rename to observability_events_first_of_runs;

create table observability_events (
    id              bigint generated always as identity,
    created_at      timestamptz not null default now(),
    source          text not null,
    event_type      text not null,
    severity        text not null constraint observability_events_severity_check
                    check (severity in ('info', 'warning', 'error', 'critical')),
    restaurant_id   text,
    booking_id      uuid,
    correlation_id  text not null,
    context         jsonb not null default '{}',
    primary key (id, created_at)
) partition by range (created_at);
create index observability_events_by_age on observability_events (created_at);
create index observability_events_by_booking on observability_events (booking_id) where booking_id is not null;
create index observability_events_by_correlation on observability_events (correlation_id);
create index observability_events_of_runs on observability_events (restaurant_id, event_type, created_at)
    where event_type in ('auto_assign.quote', 'auto_assign.summary');

-- Months are those of UTC.
do $$
begin
    execute format(
        'alter table observability_events attach partition observability_events_first'
        ' for values from (minvalue) to (%L)', date_trunc('month', now(), 'UTC') + interval '1 month');
    perform setval(pg_get_serial_sequence('observability_events', 'id'), coalesce(max(id), 0) + 1, false)
    from observability_events_first;
end $$;

-- The months there are, and the moment each ends.
create function event_months(out month regclass, out ends_at timestamptz) returns setof record
language sql stable set timezone = 'UTC' set datestyle = 'ISO' as $$
    select c.oid::regclass,
           (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'observability_events'::regclass
$$;

-- Makes the months that are missing until `until`; returns how many. Writers go on meanwhile: a table that is
-- attached, unlike one that is made as a partition, waits for nobody. The owner's right, since it defines.
create function make_event_months(until timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp
set timezone = 'UTC' set lock_timeout = '500ms' as $$
declare
    first timestamptz;
    name text;
    made integer := 0;
begin
    select coalesce(max(ends_at), date_trunc('month', now())) into first from event_months();
    while first < until and made < 24 loop
        name := to_char(first, '"observability_events_"YYYY"_"MM');
        execute format('create table %I (like observability_events including constraints)', name);
        execute format('alter table observability_events attach partition %I for values from (%L) to (%L)',
                       name, first, first + interval '1 month');
        first := first + interval '1 month';
        made := made + 1;
    end loop;
    return made;
exception when lock_not_available then
    return 0; -- another minute will do
end $$;

-- Drops the months that ended before `before`; returns how many. Whoever asks, never what is younger than four
-- weeks. A drop waits for all who use the table and lets nobody in meanwhile, so it gives up soon.
create function drop_event_months(before timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '500ms' as $$
declare
    old regclass;
    dropped integer := 0;
begin
    for old in select month from event_months() where ends_at <= least(before, now() - interval '4 weeks') loop
        execute format('drop table %s', old);
        dropped := dropped + 1;
    end loop;
    return dropped;
exception when lock_not_available then
    return 0; -- another minute will do
end $$;

select make_event_months(now() + interval '3 months');

-- Rows leave with their month. The version before this one deletes by ctid, which is no name of one row in a
-- table of many parts: while both run, and ever after, only the owner deletes.
create function keep_event() returns trigger language plpgsql as $$
begin
    if pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        return old;
    end if;
    return null;
end $$;
create trigger observability_events_stay before delete on observability_events
    for each row execute function keep_event();

-- Keeps events with the outcome they tell of, and lets no fault of theirs undo it: what cannot be kept is told
-- to the writer as a warning, with their number as its detail.
create function record_events(told jsonb) returns void language plpgsql as $$
begin
    insert into observability_events (source, event_type, severity, restaurant_id, booking_id, correlation_id,
                                      context)
    select n.source, n.event_type, n.severity, n.restaurant_id, n.booking_id, n.correlation_id, n.context
    from jsonb_to_recordset(told) as n(source text, event_type text, severity text, restaurant_id text,
         booking_id uuid, correlation_id text, context jsonb);
exception when others then
    raise warning using message = sqlerrm, errcode = 'MTE01', detail = jsonb_array_length(told)::text;
end $$;
