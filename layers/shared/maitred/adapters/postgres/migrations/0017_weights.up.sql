-- Reads that plan draw from a client's bucket too, by weight, and every reply says what is left of it.

-- Takes `tokens` at once, or none. `tokens_left`: whole ones, after this. `full_seconds`: until the bucket is full.
create function take_tokens(bucket_kind text, bucket_id text, per_second double precision, burst integer,
                            tokens integer,
                            out wait_seconds double precision, out tokens_left integer,
                            out full_seconds double precision)
language plpgsql as $$
declare
    step constant interval := make_interval(secs => 1 / per_second);
    cost constant interval := least(tokens, burst) * step; -- what never fits would wait for ever
    present constant timestamptz := clock_timestamp();
    full_at timestamptz;
begin
    insert into rate_limits as r (kind, id, full_at)
    values (bucket_kind, bucket_id, present + cost)
    on conflict (kind, id) do update set full_at = greatest(r.full_at, present) + cost
        where greatest(r.full_at, present) + cost <= present + burst * step
    returning r.full_at into full_at;
    if found then
        wait_seconds := 0;
    else
        select r.full_at into full_at from rate_limits r where r.kind = bucket_kind and r.id = bucket_id;
        wait_seconds := greatest(extract(epoch from full_at + cost - burst * step - present), 0.001);
    end if;
    full_seconds := greatest(extract(epoch from full_at - present), 0);
    tokens_left := greatest(floor(burst - full_seconds * per_second), 0);
end $$;

-- As enter_attempt, which the release before this one calls. A request that was answered before (`answered`) is
-- let through and not counted: repeating an answer seats nobody, and no token is taken.
create function admit_attempt(
    attempt uuid, client text, restaurant text, answered boolean,
    client_rate double precision, client_burst integer,
    restaurant_rate double precision, restaurant_burst integer, most_in_flight integer,
    place_seconds double precision, probe_seconds double precision,
    out refused_by text, out wait_seconds double precision, out probe boolean, out failed integer,
    out tokens_left integer, out full_seconds double precision)
language plpgsql as $$
begin
    if answered then
        select t.tokens_left, t.full_seconds into tokens_left, full_seconds
        from take_tokens('client', client, client_rate, client_burst, 0) t where client is not null;
        return;
    end if;
    select c.wait_seconds, c.probe, c.failed into wait_seconds, probe, failed
    from pass_circuit('database', probe_seconds) c;
    if wait_seconds > 0 then
        refused_by := 'circuit';
        return;
    end if;
    if client is not null then
        select t.wait_seconds, t.tokens_left, t.full_seconds into wait_seconds, tokens_left, full_seconds
        from take_tokens('client', client, client_rate, client_burst, 1) t;
        if wait_seconds > 0 then
            refused_by := 'client';
            return;
        end if;
    end if;
    select t.wait_seconds into wait_seconds
    from take_tokens('restaurant', restaurant, restaurant_rate, restaurant_burst, 1) t;
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
