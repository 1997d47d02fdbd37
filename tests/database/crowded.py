"""A database with a million old bookings, and a few that are still to come."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.harness.databases import TestDatabase

BOOKINGS = 1_000_000
OTHERS = 50_000  # rows of each table that only explains or delivers
HOUSES = 20  # half of all bookings are one house's

# Triggers and foreign keys rest during the fill; secondary indexes are built after it.
_QUIET = b"set session_replication_role = replica; set maintenance_work_mem = '256MB'"

_INDEXES = b"""
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
where i.indrelid in ('bookings'::regclass, 'allocations'::regclass)
and not exists (select from pg_constraint c where c.conindid = i.indexrelid)"""

_HOUSE = "case when g % 2 = 0 then 'harbour' else 'house' || (g / 2 % {houses}) end"
_ID = "md5(g::text)::uuid"
# Every fifth booking still has its guest: at the harbour one Lovelace, elsewhere thousands called Zacharias.
_GUEST = """case when g % 5 <> 0 then '{}' else jsonb_build_object(
    'name', case when g = 500 then 'Ada Lovelace' when g % 2 = 1 and g % 3 = 0 then 'Zacharias Nobody'
                 else (array['José', 'Anne-Marie', 'Мария', 'Søren', 'Zoë', 'Bob'])[1 + g / 5 % 6]
                      || ' ' || md5(g::text) end,
    'phone', '+44 ' || (1000000000 + g * 7919::bigint % 8999999999),
    'email', left(md5(g::text), 9) || '@example.com') end"""

# One booking every three minutes of an evening, backwards from yesterday; a live one for each evening ahead.
_HOUSES = f"""
insert into restaurants (id, name, timezone, layout_version)
select 'harbour', 'Harbour', 'UTC', 1 union all
select 'house' || g, 'House', 'UTC', 1 from generate_series(0, {HOUSES} - 1) g;
insert into layouts select id, 1, '{{}}' from restaurants;
insert into layout_tables select r.id, 1, 'T' || g, 'main', 4 from restaurants r, generate_series(1, 40) g;
insert into service_days select id, current_date + g, 1 from restaurants, generate_series(-1400, 60) g;
"""
_BOOKINGS = f"""
insert into bookings (id, reference, restaurant_id, state, version, party_size, start_at, end_at, service_id,
    service_date, guest, created_at, updated_at)
select {_ID}, 'R' || g, {_HOUSE.format(houses=HOUSES)},
    case when g % 17 = 0 then 'cancelled' when g % 31 = 0 then 'no_show' else 'completed' end, 4, 2 + g % 4,
    d.at, d.at + interval '90 minutes', 'dinner', d.at::date, {_GUEST}, d.at, d.at
from generate_series(1, {BOOKINGS}) g,
lateral (select (current_date - 1 - g % 1200)::timestamptz + interval '17 hours'
                + (g / 1200 % 80) * interval '3 minutes' as at) d;
"""
_LEDGER = f"""
insert into allocations (restaurant_id, layout_version, table_id, capacity, booking_id, occupied, live,
    released_at)
select {_HOUSE.format(houses=HOUSES)}, 1, 'T' || 1 + g % 40, 4, {_ID},
    tstzrange(d.at, d.at + interval '90 minutes'), false, d.at
from generate_series(1, {BOOKINGS}) g,
lateral (select (current_date - 1 - g % 1200)::timestamptz + interval '17 hours' as at) d;

-- What is ahead: for 30 evenings 40 confirmed parties and 5 without tables, in every house.
insert into bookings (id, reference, restaurant_id, state, version, party_size, start_at, end_at, service_id,
    service_date, lease_token, lease_until)
select md5('ahead/' || r.id || '/' || d || '/' || n)::uuid, 'A' || d || '-' || n, r.id,
    case when n <= 40 then 'confirmed' when n = 41 then 'assignment_in_progress'
         when n = 42 then 'manual_review' else 'assignment_pending' end,
    3, 4, (current_date + d)::timestamptz + interval '19 hours',
    (current_date + d)::timestamptz + interval '21 hours',
    'dinner', current_date + d, case when n = 41 then gen_random_uuid() end, case when n = 41 then now() end
from restaurants r, generate_series(1, 30) d, generate_series(1, 45) n;
insert into allocations (restaurant_id, layout_version, table_id, capacity, booking_id, occupied)
select r.id, 1, 'T' || n, 4, md5('ahead/' || r.id || '/' || d || '/' || n)::uuid,
    tstzrange((current_date + d)::timestamptz + interval '19 hours',
              (current_date + d)::timestamptz + interval '21 hours')
from restaurants r, generate_series(1, 30) d, generate_series(1, 40) n;
"""
_REST = f"""
insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id, service_date, expires_at)
select {_ID}, {_HOUSE.format(houses=HOUSES)}, 2, now(), now() + interval '1 hour', 'dinner',
    current_date - g % 1200,    now() - interval '1 day'
from generate_series(1, {OTHERS}) g;
insert into booking_state_history (booking_id, to_state, version, actor_id)
select {_ID}, 'completed', 4, 'tester' from generate_series(1, {OTHERS}) g;
insert into booking_assignment_attempts (id, booking_id, restaurant_id, attempt_no, flow, trigger, outcome,
    strategy, duration_ms, booking_version, correlation_id, created_at)
select {_ID}, {_ID}, 'harbour', 1, 'inline', 'inline_creation', 'confirmed', '{{}}', 1, 3, 'c',
    now() - g * interval '1 hour'
from generate_series(1, {OTHERS}) g;
insert into observability_events (source, event_type, severity, restaurant_id, booking_id, correlation_id,
    created_at)
select 'test', 'auto_assign.summary', 'info', 'harbour', {_ID}, 'c' || g, now() - g * interval '1 minute'
from generate_series(1, {OTHERS}) g;
insert into outbox (topic, booking_id, restaurant_id, payload, correlation_id, sent_at, due_at, created_at)
select 'assign', {_ID}, 'harbour', '{{}}', 'c' || g,
    case when g % 500 <> 0 then now() - g * interval '1 second' end, now(), now()
from generate_series(1, {OTHERS}) g;
insert into idempotency (caller, restaurant_id, key, fingerprint, status, headers, body, created_at)
select 'me', 'harbour', 'k' || g, 'print', 201, '{{}}', '{{}}', now() - g * interval '1 minute'
from generate_series(1, {OTHERS}) g;
insert into notifications (id, booking_id, restaurant_id, kind, request_version, state)
select {_ID}, {_ID}, 'harbour', 'confirmed', 1, 'sent' from generate_series(1, {OTHERS}) g;
"""


def crowd(database: TestDatabase) -> None:
    """Fill ``database``; takes half a minute."""
    with database.connect() as conn:
        indexes = conn.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            conn.execute(f"drop index {name}".encode())
    definitions = [definition for _, definition in indexes]
    _together(database, [_HOUSES])
    _together(database, [_BOOKINGS], [_LEDGER, _REST])
    _together(database, definitions[::2], definitions[1::2])
    with database.connect() as conn:
        conn.execute(b"vacuum analyze")


def _together(database: TestDatabase, *scripts: Sequence[str]) -> None:
    """Each script on a connection of its own, at the same time."""

    def run(script: Sequence[str]) -> None:
        with database.connect() as conn:
            conn.execute(_QUIET)
            for statement in script:
                conn.execute(statement.encode())

    with ThreadPoolExecutor(len(scripts)) as pool:
        list(pool.map(run, scripts))
