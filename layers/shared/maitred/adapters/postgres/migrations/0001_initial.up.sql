-- The first schema: one ledger of tables, one row a booking, everything else explains or delivers.

create extension if not exists btree_gist;

-- Raises `code` unless exactly one row was touched: lets a pipelined transaction abort itself on the
-- server, without a round trip in which the client would look at a row count.
create function require_one(touched bigint, code text) returns void language plpgsql as $$
begin
    if touched <> 1 then
        raise exception 'expected one row, touched %', touched using errcode = code;
    end if;
end $$;

-- Raises when the running transaction has used up its budget: the last statement before commit.
create function require_in_time(budget_ms integer) returns void language plpgsql as $$
begin
    if clock_timestamp() > transaction_timestamp() + make_interval(secs => budget_ms / 1000.0) then
        raise exception 'the attempt is past its deadline' using errcode = 'MTD01';
    end if;
end $$;

create table restaurants (
    id              text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name            text not null,
    timezone        text not null,
    layout_version  integer not null check (layout_version > 0),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

create table layouts (
    restaurant_id   text not null references restaurants,
    layout_version  integer not null check (layout_version > 0),
    document        jsonb not null,
    created_at      timestamptz not null default now(),
    primary key (restaurant_id, layout_version)
);

alter table restaurants add constraint restaurants_layout_fkey
    foreign key (id, layout_version) references layouts deferrable initially deferred;

-- The tables of each layout, so that an allocation can prove by foreign key that its table exists
-- and has the capacity it claims.
create table layout_tables (
    restaurant_id   text not null,
    layout_version  integer not null,
    table_id        text not null,
    zone            text not null,
    capacity        integer not null check (capacity > 0),
    primary key (restaurant_id, layout_version, table_id),
    unique (restaurant_id, layout_version, table_id, capacity),
    foreign key (restaurant_id, layout_version) references layouts
);

-- One row a restaurant and service date; its revision rises with every change of the day's ledger.
create table service_days (
    restaurant_id   text not null references restaurants,
    service_date    date not null,
    revision        bigint not null check (revision > 0),
    primary key (restaurant_id, service_date)
);

create table bookings (
    id                  uuid primary key,
    reference           text not null,
    restaurant_id       text not null references restaurants,
    state               text not null check (state in ('created', 'assignment_pending', 'assignment_in_progress',
                            'confirmed', 'manual_review', 'seated', 'completed', 'no_show', 'cancelled')),
    version             integer not null check (version > 0),
    request_version     integer not null default 1 check (request_version > 0),
    party_size          integer not null check (party_size > 0),
    start_at            timestamptz not null check (isfinite(start_at) and date_trunc('minute', start_at) = start_at),
    end_at              timestamptz not null check (isfinite(end_at) and date_trunc('minute', end_at) = end_at),
    duration_minutes    integer,
    service_id          text not null,
    service_date        date not null,
    pinned              boolean not null default false,
    guest               jsonb not null default '{}',
    preferences         jsonb not null default '{}',
    notes               text,
    auto_assign_last_result jsonb,
    lease_token         uuid,
    lease_until         timestamptz,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint bookings_reference_key unique (restaurant_id, reference),
    constraint bookings_tenant_key unique (id, restaurant_id),
    constraint bookings_stay_check check (start_at < end_at),
    constraint bookings_lease_check check (
        (state = 'assignment_in_progress') = (lease_until is not null)
        and (lease_until is null) = (lease_token is null))
);
create index bookings_by_day on bookings (restaurant_id, service_date, start_at, id);
create index bookings_by_start on bookings (restaurant_id, start_at, id);
create index bookings_by_state on bookings (restaurant_id, state, start_at, id);
create index bookings_waiting on bookings (restaurant_id, service_date, created_at)
    where state in ('assignment_pending', 'assignment_in_progress', 'manual_review');
create index bookings_to_assign on bookings (updated_at) where state = 'assignment_pending';
create index bookings_leased on bookings (lease_until) where state = 'assignment_in_progress';
create index bookings_for_a_person on bookings (restaurant_id, start_at, id) where state = 'manual_review';

create table holds (
    id              uuid primary key,
    restaurant_id   text not null references restaurants,
    party_size      integer not null check (party_size > 0),
    start_at        timestamptz not null,
    end_at          timestamptz not null,
    service_id      text not null,
    service_date    date not null,
    expires_at      timestamptz not null check (isfinite(expires_at)),
    used_by         uuid references bookings,
    created_at      timestamptz not null default now(),
    constraint holds_tenant_key unique (id, restaurant_id),
    check (start_at < end_at)
);
create index holds_by_day on holds (restaurant_id, service_date);

-- The one ledger: who has which table when, bookings and holds alike, buffers included.
create table allocations (
    id              bigint generated always as identity primary key,
    restaurant_id   text not null,
    layout_version  integer not null,
    table_id        text not null,
    capacity        integer not null,
    booking_id      uuid,
    hold_id         uuid,
    occupied        tstzrange not null,
    overrides       text[] not null default '{}',
    live            boolean not null default true,
    created_at      timestamptz not null default now(),
    released_at     timestamptz,
    constraint allocations_owner_check check (num_nonnulls(booking_id, hold_id) = 1),
    constraint allocations_window_check check (
        not isempty(occupied) and not lower_inf(occupied) and not upper_inf(occupied)
        and isfinite(lower(occupied)) and isfinite(upper(occupied))
        and lower_inc(occupied) and not upper_inc(occupied)),
    constraint allocations_released_check check (live = (released_at is null)),
    constraint allocations_table_fkey foreign key (restaurant_id, layout_version, table_id, capacity)
        references layout_tables (restaurant_id, layout_version, table_id, capacity),
    constraint allocations_booking_fkey foreign key (booking_id, restaurant_id)
        references bookings (id, restaurant_id),
    constraint allocations_hold_fkey foreign key (hold_id, restaurant_id)
        references holds (id, restaurant_id),
    constraint allocations_no_overlap exclude using gist
        (restaurant_id with =, occupied with &&, table_id with =) where (live)
);
create index allocations_by_booking on allocations (booking_id) where booking_id is not null;
create index allocations_by_hold on allocations (hold_id) where hold_id is not null;

-- Confirmed <=> allocated, with seats for the party over the whole stay, whatever the application does.
-- Checked at commit, because booking and ledger are two tables of one truth.
create function check_booking_seats(checked uuid) returns void language plpgsql as $$
declare
    b record;
    a record;
begin
    -- Locked, because a rival that has not committed yet is not seen: the later one of two must wait and look.
    select state, party_size, start_at, end_at into b from bookings where id = checked for no key update;
    if not found then
        return;
    end if;
    select count(*) as tables, coalesce(sum(capacity), 0) as seats,
           coalesce(bool_and(occupied @> tstzrange(b.start_at, b.end_at)), true) as covers_stay,
           coalesce(bool_or('capacity' = any (overrides)), false) as seats_overridden
        into a from allocations where booking_id = checked and live;
    if b.state in ('confirmed', 'seated') then
        if a.tables = 0 then
            raise exception 'booking % is % without tables', checked, b.state using errcode = 'MTI01';
        elsif a.seats < b.party_size and not a.seats_overridden then
            raise exception 'booking % has % seats for %', checked, a.seats, b.party_size using errcode = 'MTI02';
        elsif not a.covers_stay then
            raise exception 'booking % has tables for another time', checked using errcode = 'MTI03';
        end if;
    elsif a.tables > 0 then
        raise exception 'booking % is % but holds tables', checked, b.state using errcode = 'MTI04';
    end if;
end $$;

create function check_seats_of_booking() returns trigger language plpgsql as $$
begin
    perform check_booking_seats(new.id);
    return null;
end $$;

create function check_seats_of_allocation() returns trigger language plpgsql as $$
begin
    if tg_op in ('INSERT', 'UPDATE') and new.booking_id is not null then
        perform check_booking_seats(new.booking_id);
    end if;
    if tg_op in ('UPDATE', 'DELETE') and old.booking_id is not null
            and (tg_op = 'DELETE' or old.booking_id is distinct from new.booking_id) then
        perform check_booking_seats(old.booking_id);
    end if;
    return null;
end $$;

create constraint trigger bookings_confirmed_iff_allocated
    after insert or update of state, party_size, start_at, end_at on bookings
    deferrable initially deferred for each row execute function check_seats_of_booking();
create constraint trigger allocations_confirmed_iff_allocated
    after insert or update or delete on allocations
    deferrable initially deferred for each row execute function check_seats_of_allocation();

create table booking_state_history (
    id          bigint generated always as identity primary key,
    booking_id  uuid not null references bookings,
    from_state  text,
    to_state    text not null,
    version     integer not null,
    actor_id    text not null,
    reason      text,
    metadata    jsonb not null default '{}',
    created_at  timestamptz not null default now()
);
create index booking_state_history_by_booking on booking_state_history (booking_id, id);

create table booking_assignment_attempts (
    id              uuid primary key,
    booking_id      uuid not null references bookings,
    restaurant_id   text not null,
    attempt_no      integer not null check (attempt_no > 0),
    flow            text not null check (flow in ('inline', 'job', 'staff')),
    trigger         text not null,
    outcome         text not null check (outcome in ('confirmed', 'deferred', 'refused', 'manual_review')),
    reason          jsonb,
    strategy        jsonb not null,
    strategies      jsonb not null default '[]',
    explanation     jsonb not null default '{}',
    replay          text,
    duration_ms     double precision not null,
    booking_version integer not null,
    correlation_id  text not null,
    created_at      timestamptz not null default now()
);
create index booking_assignment_attempts_by_booking on booking_assignment_attempts (booking_id, attempt_no);

-- What parties each service of a restaurant usually sees: {"<weekday>:<service>": {"<party size>": bookings}}.
create table demand_profiles (
    restaurant_id   text primary key references restaurants,
    profile         jsonb not null,
    learnt_at       timestamptz not null
);

-- Messages that must leave once the transaction that wrote them has committed. `claimed_until` leases
-- a row to one relay at a time; the writer itself holds the first lease.
create table outbox (
    id              bigint generated always as identity primary key,
    topic           text not null,
    booking_id      uuid,
    restaurant_id   text not null,
    payload         jsonb not null,
    correlation_id  text not null,
    due_at          timestamptz not null default now(),
    claimed_until   timestamptz not null default '-infinity',
    attempts        integer not null default 0,
    last_error      text,
    sent_at         timestamptz,
    dead_at         timestamptz,
    created_at      timestamptz not null default now()
);
create index outbox_unsent on outbox (id) where sent_at is null;
create index outbox_sent on outbox (sent_at) where sent_at is not null;
create index outbox_by_booking on outbox (booking_id);

create table idempotency (
    caller          text not null,
    restaurant_id   text not null,
    key             text not null,
    fingerprint     text not null,
    status          integer not null check (status between 200 and 499),
    headers         jsonb not null,
    body            text not null,
    created_at      timestamptz not null default now(),
    constraint idempotency_key primary key (caller, restaurant_id, key)
);
create index idempotency_by_age on idempotency (created_at);

create table notifications (
    id              uuid primary key,
    booking_id      uuid not null references bookings,
    restaurant_id   text not null,
    kind            text not null check (kind in ('request_received', 'confirmed', 'modification_pending',
                        'cancelled', 'attention')),
    variant         text,
    request_version integer not null,
    state           text not null default 'pending'
                        check (state in ('pending', 'claimed', 'sent', 'skipped', 'parked')),
    attempts        integer not null default 0,
    claimed_at      timestamptz,
    sent_at         timestamptz,
    provider_id     text,
    last_error      text,
    created_at      timestamptz not null default now(),
    constraint notifications_once unique (booking_id, kind, request_version)
);

-- A booking with the tables it holds now: what every reader of a booking sees.
create view booking_book as
select b.id, b.reference, b.restaurant_id, b.state, b.version, b.request_version, b.party_size, b.start_at, b.end_at,
       b.duration_minutes, b.service_id, b.service_date, b.pinned, b.guest, b.preferences, b.notes,
       b.auto_assign_last_result, b.created_at, r.timezone, seats.tables, seats.zone, b.lease_token, b.lease_until,
       mail.queued is not null as confirmation_queued
from bookings b
join restaurants r on r.id = b.restaurant_id
left join lateral (
    select array_agg(a.table_id order by a.table_id collate "C") as tables, min(t.zone) as zone
    from allocations a
    join layout_tables t using (restaurant_id, layout_version, table_id)
    where a.booking_id = b.id and a.live
) seats on true
left join lateral (  -- bounded, because an `exists` would be answered by reading all notifications into a hash
    select true as queued from notifications n
    where n.booking_id = b.id and n.kind = 'confirmed' and n.request_version = b.request_version
    limit 1
) mail on true;

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
create index observability_events_by_age on observability_events (created_at);
create index observability_events_by_booking on observability_events (booking_id) where booking_id is not null;
create index observability_events_by_correlation on observability_events (correlation_id);
