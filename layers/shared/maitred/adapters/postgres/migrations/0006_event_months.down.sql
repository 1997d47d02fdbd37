drop function record_events, drop_event_months, make_event_months, event_months;

create table kept_events as select * from observability_events;
drop table observability_events;
drop function keep_event;

create table observability_events (
    id              bigint generated always as identity primary key,
    created_at      timestamptz not null default now(),
    source          text not null,
    event_type      text not null,
    severity        text not null check (severity in ('info', 'warning', 'error', 'critical')),
    restaurant_id   text,
    booking_id      uuid,
    correlation_id  text not null,
    context         jsonb not null default '{}'
);
insert into observability_events overriding system value select * from kept_events;
select setval(pg_get_serial_sequence('observability_events', 'id'), coalesce(max(id), 0) + 1, false)
from observability_events;
drop table kept_events;

create index observability_events_by_age on observability_events (created_at);
create index observability_events_by_booking on observability_events (booking_id) where booking_id is not null;
create index observability_events_by_correlation on observability_events (correlation_id);
create index observability_events_of_runs on observability_events (restaurant_id, event_type, created_at)
    where event_type in ('auto_assign.quote', 'auto_assign.summary');
