-- The shift: what an optimisation of a service has decided, by whom, and enough to decide it again.
create table optimizations (
    id              uuid primary key,
    restaurant_id   text not null references restaurants,
    service_date    date not null,
    service_id      text,
    result          text not null check (result in ('applied', 'suggested', 'nothing')),
    actor_id        text not null,
    correlation_id  text not null,
    layout_version  integer not null,
    -- The name of a scheduled run, which is made once. A person's calls have none.
    run             text,
    reply           jsonb not null,
    stays           jsonb not null,
    replay          text not null,
    created_at      timestamptz not null,
    undone_at       timestamptz,
    undone_by       text,
    constraint optimizations_run_key unique (restaurant_id, run)
);
create index optimizations_by_age on optimizations (created_at);
create index optimizations_by_restaurant on optimizations (restaurant_id, created_at desc, id desc);

-- `optimized_on`: the local date on which the schedule last queued the restaurant's services.
alter table restaurants
    add column optimize_mode text not null default 'suggest'
        constraint restaurants_optimize_mode_check check (optimize_mode in ('off', 'suggest', 'apply')),
    add column optimize_at time not null default '15:00',
    add column optimized_on date;
