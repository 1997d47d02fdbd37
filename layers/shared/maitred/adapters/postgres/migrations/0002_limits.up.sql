-- What all sandboxes share to protect the restaurants, each other, and what they depend on.
-- Unlogged: nothing here need survive a crash of the server, and writing it waits for no disk.

-- A token bucket in one number (GCRA): when the bucket will be full again if nothing more is taken.
create unlogged table rate_limits (
    kind    text not null check (kind in ('client', 'restaurant')),
    id      text not null,
    full_at timestamptz not null,
    primary key (kind, id)
) with (fillfactor = 50);

-- Places, not a counter: those of a sandbox that was killed end by the clock.
create unlogged table attempts_in_flight (
    attempt_id      uuid primary key,
    restaurant_id   text not null,
    ends_at         timestamptz not null
);
create index attempts_in_flight_by_restaurant on attempts_in_flight (restaurant_id, ends_at);

-- `open_until` null: closed. Once it has passed, whoever moves it forward first is the one probe.
create unlogged table circuits (
    dependency  text primary key,
    failures    integer not null check (failures >= 0),
    failed_at   timestamptz not null,
    open_until  timestamptz
);

-- Takes one token; returns 0, or for how many seconds there will be none.
create function take_token(bucket_kind text, bucket_id text, per_second double precision, burst integer)
returns double precision language plpgsql as $$
declare
    step constant interval := make_interval(secs => 1 / per_second);
    missing double precision;
begin
    insert into rate_limits as r (kind, id, full_at)
    values (bucket_kind, bucket_id, clock_timestamp() + step)
    on conflict (kind, id) do update set full_at = greatest(r.full_at, clock_timestamp()) + step
        where greatest(r.full_at, clock_timestamp()) + step <= clock_timestamp() + burst * step;
    if found then
        return 0;
    end if;
    select extract(epoch from r.full_at + step - burst * step - clock_timestamp()) into missing
    from rate_limits r where r.kind = bucket_kind and r.id = bucket_id;
    return greatest(missing, 0.001);
end $$;

-- May work that needs `name` go ahead? `wait_seconds` 0: yes; `probe`: as the only one, to see whether it is back.
create function pass_circuit(name text, probe_seconds double precision,
                             out wait_seconds double precision, out probe boolean, out failed integer)
language plpgsql as $$
declare
    until timestamptz;
begin
    wait_seconds := 0;
    probe := false;
    select c.open_until, c.failures into until, failed from circuits c where c.dependency = name;
    failed := coalesce(failed, 0);
    if until is null then
        return;
    end if;
    if until <= clock_timestamp() then
        update circuits c set open_until = clock_timestamp() + make_interval(secs => probe_seconds)
        where c.dependency = name and c.open_until <= clock_timestamp();
        probe := found;
        until := clock_timestamp() + make_interval(secs => probe_seconds);
    end if;
    if not probe then
        wait_seconds := greatest(extract(epoch from until - clock_timestamp()), 0.001);
    end if;
end $$;

-- Admits one attempt to seat a party, or says what refuses it and for how many seconds.
-- `client` null: the background job, which only the restaurant's limits bind.
create function enter_attempt(
    attempt uuid, client text, restaurant text,
    client_rate double precision, client_burst integer,
    restaurant_rate double precision, restaurant_burst integer, most_in_flight integer,
    place_seconds double precision, probe_seconds double precision,
    out refused_by text, out wait_seconds double precision, out probe boolean, out failed integer)
language plpgsql as $$
begin
    select c.wait_seconds, c.probe, c.failed into wait_seconds, probe, failed
    from pass_circuit('database', probe_seconds) c;
    if wait_seconds > 0 then
        refused_by := 'circuit';
        return;
    end if;
    if client is not null then
        wait_seconds := take_token('client', client, client_rate, client_burst);
        if wait_seconds > 0 then
            refused_by := 'client';
            return;
        end if;
    end if;
    wait_seconds := take_token('restaurant', restaurant, restaurant_rate, restaurant_burst);
    if wait_seconds > 0 then
        refused_by := 'restaurant_rate';
        return;
    end if;
    -- The restaurant's bucket is locked until this transaction ends: nobody else counts meanwhile.
    if (select count(*) from attempts_in_flight f
        where f.restaurant_id = restaurant and f.ends_at > clock_timestamp()) >= most_in_flight then
        refused_by := 'restaurant_in_flight';
        wait_seconds := 1;
        return;
    end if;
    insert into attempts_in_flight (attempt_id, restaurant_id, ends_at)
    values (attempt, restaurant, clock_timestamp() + make_interval(secs => place_seconds))
    on conflict (attempt_id) do update set ends_at = excluded.ends_at;
end $$;

-- Counts a fault of what `name` depends on. From `most` in a row the circuit opens, for longer each time that
-- its probe fails too. Returns the count, and whether this very fault opened it.
create function circuit_failed(name text, most integer, within_seconds double precision,
                               pause_seconds double precision, was_probe boolean,
                               out failed integer, out opened boolean)
language plpgsql as $$
declare
    c circuits;
begin
    insert into circuits (dependency, failures, failed_at) values (name, 0, clock_timestamp())
    on conflict (dependency) do nothing;
    select * into c from circuits where dependency = name for update;
    if c.open_until is null and c.failed_at < clock_timestamp() - make_interval(secs => within_seconds) then
        c.failures := 0;
    end if;
    failed := c.failures + 1;
    opened := failed >= most and (c.open_until is null or was_probe);
    update circuits set failures = failed, failed_at = clock_timestamp(),
        open_until = case when opened
            then clock_timestamp() + make_interval(secs => pause_seconds * power(2, least(greatest(failed - most, 0), 4)))
            else c.open_until end
    where dependency = name;
end $$;
