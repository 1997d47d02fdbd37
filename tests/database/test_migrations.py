"""Migrations replay from nothing, forward and backward, and the application cannot change definitions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from maitred.adapters.postgres.migrator import MigrationError, Migrator, load_migrations
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.desk import all_at_once

MIGRATIONS = load_migrations()

# Everything that a definition consists of, as text, without the numbers that a database gives it.
CATALOG = b"""
select 'column', format('%s.%s %s %s %s %s', a.attrelid::regclass, a.attname,
                        format_type(a.atttypid, a.atttypmod),
                        a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
from pg_attribute a join pg_class c on c.oid = a.attrelid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
union all
select 'constraint', format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace
union all
select 'trigger', pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all
select 'view', format('%s %s', viewname, definition) from pg_views where schemaname = 'public'
union all
select 'function', pg_get_functiondef(p.oid) from pg_proc p
where p.pronamespace = 'public'::regnamespace
and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all
select 'extension', extname from pg_extension
union all
select 'grant', format('%s %s %s', table_name, grantee, privilege_type)
from information_schema.role_table_grants where table_schema = 'public' and table_name <> 'schema_migrations'
union all
select 'sequence', relname::text from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace
order by 1, 2"""


def catalog(database: TestDatabase) -> list[tuple[Any, ...]]:
    with database.connect() as conn:
        return conn.execute(CATALOG).fetchall()


def migrate(database: TestDatabase, target: int = len(MIGRATIONS)) -> list[str]:
    with database.connect() as conn:
        return Migrator(conn, MIGRATIONS).migrate_to(target, APPLICATION_ROLE).done


def test_o5_from_nothing_forward_back_and_forward_again_give_the_same_schema(empty: TestDatabase) -> None:
    names = [f"{m.version:04}_{m.name}" for m in MIGRATIONS]
    with empty.connect() as conn:
        Migrator(conn, MIGRATIONS).migrate_to(0)
    nothing = catalog(empty)

    assert migrate(empty) == names
    first = catalog(empty)
    assert migrate(empty, 0) == names[::-1]
    assert catalog(empty) == nothing
    assert migrate(empty) == names
    assert catalog(empty) == first
    kinds = {kind for kind, _ in first}
    assert kinds >= {"column", "constraint", "index", "trigger", "view", "function", "extension", "grant"}


def test_o5_every_single_step_back_is_undone_by_its_step_forward(empty: TestDatabase) -> None:
    migrate(empty, 0)
    states = [catalog(empty)]
    for version in range(1, len(MIGRATIONS) + 1):
        migrate(empty, version)
        states.append(catalog(empty))
    for version in reversed(range(len(MIGRATIONS))):
        migrate(empty, version)
        assert catalog(empty) == states[version]


def test_a_second_run_does_nothing(empty: TestDatabase) -> None:
    migrate(empty)
    before = catalog(empty)
    assert migrate(empty) == []
    assert catalog(empty) == before


def test_the_way_back_works_with_bookings_in_the_book(database: TestDatabase) -> None:
    from tests.harness.rows import add_restaurant, seated_booking  # noqa: PLC0415 - only this test needs rows

    with database.connect() as conn:
        add_restaurant(conn)
        seated_booking(conn)
    migrate(database, 0)
    assert database.value("select count(*) from pg_tables where schemaname = 'public'") == 1


def test_o5_a_file_that_changed_after_it_was_applied_is_found(empty: TestDatabase) -> None:
    migrate(empty)
    changed = (replace(MIGRATIONS[0], up=MIGRATIONS[0].up + "\n"), *MIGRATIONS[1:])
    with empty.connect() as conn, pytest.raises(MigrationError, match="0001 was changed"):
        Migrator(conn, changed).run(APPLICATION_ROLE)


def test_a_migration_that_breaks_leaves_nothing(empty: TestDatabase) -> None:
    migrate(empty, 0)
    before = catalog(empty)
    broken = replace(
        MIGRATIONS[-1], version=len(MIGRATIONS) + 1, up="create table half (id int); select 1 / 0"
    )
    with empty.connect() as conn, pytest.raises(errors.DivisionByZero):
        Migrator(conn, (*MIGRATIONS, broken)).run(APPLICATION_ROLE)
    assert catalog(empty) == before
    assert empty.value("select count(*) from schema_migrations") == 0


def test_o5_two_deployments_at_once_migrate_once(empty: TestDatabase) -> None:
    names = [f"{m.version:04}_{m.name}" for m in MIGRATIONS]
    results = all_at_once([lambda: migrate(empty)] * 3)
    assert sorted(results) == [[], [], names]
    assert empty.value("select count(*) from schema_migrations") == len(MIGRATIONS)


@pytest.mark.parametrize(
    "names",
    [
        ["0002_late.up.sql", "0002_late.down.sql"],
        ["0001_alone.up.sql"],
        ["1_short.up.sql", "1_short.down.sql"],
    ],
)
def test_a_gap_or_a_missing_way_back_is_found(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationError):
        load_migrations(tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (id int)",
        "alter table allocations drop constraint allocations_no_overlap",
        "alter table allocations disable trigger all",
        "drop table bookings",
        "drop index bookings_by_day",
        "create function mine() returns int language sql as 'select 1'",
        "create or replace function require_in_time(budget_ms int) returns int language sql as 'select 1'",
        "truncate bookings",
        "delete from schema_migrations",
        "update schema_migrations set checksum = ''",
        "set session_replication_role = replica",
        "create role friend",
        "set role postgres",
    ],
)
def test_the_application_cannot_change_what_holds_it(database: TestDatabase, statement: str) -> None:
    with (
        psycopg.connect(database.server.dsn(database.name, APPLICATION_ROLE), autocommit=True) as conn,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        conn.execute(statement.encode())


def test_the_applications_role_has_limits_of_its_own(database: TestDatabase) -> None:
    with psycopg.connect(database.server.dsn(database.name, APPLICATION_ROLE), autocommit=True) as conn:
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            [value] = conn.execute(
                b"select setting::int from pg_settings where name = %s", [setting]
            ).fetchone() or [0]
            assert 0 < value <= 15_000
