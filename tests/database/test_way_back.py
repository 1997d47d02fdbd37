"""A release can be taken back: the one before it runs on the schema that it leaves.

That needs two things: a migration function that takes a database ahead of it for success, and migrations that
only expand. What they contract stands here, with the reason why no release that is still run uses it.
"""

import importlib
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from maitred.adapters.postgres.migrator import Migration, MigrationError, Migrator, load_migrations
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.events import LambdaContext
from tests.harness.service import SETTINGS

MIGRATIONS = load_migrations()
NAMES = [f"{m.version:04}_{m.name}" for m in MIGRATIONS]
NEW_TABLE = "create table novelties (id integer primary key)"
STACK = {"StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "Migration"}

#: What a migration takes from the release before it, or asks of it, and why that release still runs.
CONTRACTED = {
    (8, "constraint allocations allocations_room_check"): "it writes neither column",
    (8, "constraint allocations allocations_one_party"): "it never writes seated",
    (8, "constraint allocations allocations_block_fkey"): "it writes no block",
    (10, "constraint holds holds_for_booking_fkey"): "it does not write the column",
    (12, "constraint restaurants restaurants_optimize_mode_check"): "it does not write the column",
}

# What the release before may rely on, by name and type: a column of a table, a view as a whole (it is read by
# position), a function by its arguments and result.
OFFERED = b"""
select format('column %s.%s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod))
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attnum > 0 and not a.attisdropped
union all
select format('view %s (%s)', c.oid::regclass,
              string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum))
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and a.attnum > 0
group by c.oid
union all
select format('function %s(%s) %s', p.proname,
              pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))
from pg_proc p
where p.pronamespace = 'public'::regnamespace
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""
# What is asked of its writes: (table, what).
ASKED = b"""
select c.oid::regclass::text, format('value %s.%s', c.oid::regclass, a.attname)
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''
union all
select c.oid::regclass::text, format('constraint %s %s', c.oid::regclass, n.conname)
from pg_constraint n join pg_class c on c.oid = n.conrelid
where n.connamespace = 'public'::regnamespace and n.contype not in ('n', 't') and not c.relispartition
union all
select c.oid::regclass::text, format('unique index %s %s', c.oid::regclass, i.indexrelid::regclass)
from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = 'public'::regnamespace and i.indisunique and not c.relispartition
  and not exists (select from pg_constraint n where n.conindid = i.indexrelid)
"""

type Release = Callable[[int], dict[str, Any]]


@pytest.fixture
def release(empty: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Release:
    """CloudFormation's call of MigrateFunction, with the layer that has so many of the migrations."""
    database = {"DATABASE_PORT": str(empty.port), "DATABASE_NAME": empty.name}
    owner = {"DATABASE_USER": empty.server.user, "APPLICATION_ROLE": APPLICATION_ROLE}
    for name, value in {**SETTINGS, **database, **owner}.items():
        monkeypatch.setitem(os.environ, name, value)
    monkeypatch.setattr("maitred.entrypoints.migrate.urlopen", lambda _request, **_: nullcontext())

    def deploy(version: int, kind: str = "Update") -> dict[str, Any]:
        known = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "novelties", NEW_TABLE, "drop table novelties"))
        monkeypatch.setattr("maitred.bootstrap.migrate.load_migrations", lambda: known[:version])
        event = {"RequestType": kind, "ResponseURL": "http://127.0.0.1/answer", **STACK}
        answer: dict[str, Any] = importlib.import_module("functions.migrate.app").handler(
            event, LambdaContext("migrate")
        )
        return answer

    return deploy


def applied(answer: dict[str, Any]) -> tuple[str, Any]:
    return answer["Status"], answer.get("Data", {}).get("Applied", answer.get("Reason"))


def test_a_release_goes_out_is_taken_back_and_goes_out_again(
    release: Release, empty: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = len(MIGRATIONS), len(MIGRATIONS) + 1
    assert applied(release(old)) == ("SUCCESS", ",".join(NAMES))
    assert applied(release(new)) == ("SUCCESS", f"{new:04}_novelties")
    assert applied(release(old)) == ("SUCCESS", "")
    assert applied(release(new)) == ("SUCCESS", "")
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [vars(record)["later"] for record in warnings] == [[f"{new:04}_novelties"]]
    assert empty.value("select count(*) from schema_migrations") == new


def test_any_release_may_follow_any_other(release: Release) -> None:
    """Back by several releases, and twice: each answer is a success, and nothing is done twice."""
    last = len(MIGRATIONS) + 1
    answers = [applied(release(version)) for version in (5, last, 2, 2, 7, last)]
    assert [status for status, _ in answers] == ["SUCCESS"] * 6
    assert [names for _, names in answers[2:]] == [""] * 4


def test_what_was_taken_back_leaves_the_application_its_rights(release: Release, empty: TestDatabase) -> None:
    old, new = len(MIGRATIONS), len(MIGRATIONS) + 1
    release(old)
    release(new)
    release(old)
    with psycopg.connect(empty.server.dsn(empty.name, APPLICATION_ROLE), autocommit=True) as conn:
        assert conn.execute("select count(*) from bookings").fetchone() == (0,)
        conn.execute("insert into novelties values (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("delete from schema_migrations")


def test_ahead_a_file_that_was_changed_is_still_found(release: Release, empty: TestDatabase) -> None:
    release(len(MIGRATIONS) + 1)
    changed = (replace(MIGRATIONS[0], up=MIGRATIONS[0].up + "\n"), *MIGRATIONS[1:3])
    with empty.connect() as conn, pytest.raises(MigrationError, match="0001 was changed"):
        Migrator(conn, changed).run(APPLICATION_ROLE)


@pytest.mark.parametrize("known", [3, len(MIGRATIONS)])
def test_a_gap_in_the_database_is_found(release: Release, empty: TestDatabase, known: int) -> None:
    release(len(MIGRATIONS))
    empty.query("delete from schema_migrations where version = 5")
    with empty.connect() as conn, pytest.raises(MigrationError, match="0006 without 0005"):
        Migrator(conn, MIGRATIONS[:known]).run(APPLICATION_ROLE)
    assert release(known)["Status"] == "FAILED"


def test_what_a_later_release_did_is_not_undone_by_one_that_does_not_know_it(
    release: Release, empty: TestDatabase
) -> None:
    release(len(MIGRATIONS) + 1)
    with empty.connect() as conn, pytest.raises(MigrationError, match="_novelties, which this release"):
        Migrator(conn, MIGRATIONS).migrate_to(0)
    assert empty.value("select count(*) from schema_migrations") == len(MIGRATIONS) + 1


def test_migrations_expand_and_what_they_contract_has_a_reason(empty: TestDatabase) -> None:
    """After each, what the release before uses is there as it was, and no more is asked of its writes."""
    found = set()
    with empty.connect() as conn:
        offered: set[str] = set()
        asked: set[tuple[str, str]] = set()
        for version in range(1, len(MIGRATIONS) + 1):
            Migrator(conn, MIGRATIONS).migrate_to(version)
            offered, offered_before = {what for (what,) in conn.execute(OFFERED)}, offered
            asked, asked_before = {(table, what) for table, what in conn.execute(ASKED)}, asked
            tables = {what.split()[1].split(".")[0] for what in offered_before if what.startswith("column")}
            found |= {(version, what) for what in offered_before - offered}
            found |= {(version, what) for table, what in asked - asked_before if table in tables}
    assert found == CONTRACTED.keys()
