"""Schema migrations: numbered SQL files, each applied once, in one transaction, under one lock.

Forward files are ``NNNN_name.up.sql``, backward files ``NNNN_name.down.sql``. An applied file must not
change: every run compares its checksum.

A database may be ahead: a later release migrated it and was then taken back. This release runs on that
schema, since migrations only expand, so there is nothing to do but to say so.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.up\.sql$")
_LOCK = 7_206_941_177  # an arbitrary number; the lock keeps two deployments from migrating at once
_TABLE = b"""create table if not exists schema_migrations (
    version integer primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now())"""
# Upper limits of the functions' role. Transactions set tighter ones.
_ROLE_LIMITS = {
    "statement_timeout": "8s",
    "lock_timeout": "4s",
    "idle_in_transaction_session_timeout": "9s",
}


class MigrationError(Exception):
    """The files and the database disagree; the message says how."""


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


def load_migrations(folder: Path = Path(__file__).parent / "migrations") -> tuple[Migration, ...]:
    """All migrations in order. Raises MigrationError if a number or a backward file is missing."""
    migrations = []
    for path in sorted(folder.glob("*.up.sql")):
        match = _FILE.match(path.name)
        down = path.with_name(path.name.replace(".up.", ".down."))
        if match is None or not down.exists():
            raise MigrationError(f"{path.name}: expected NNNN_name.up.sql with a .down.sql beside it")
        migrations.append(Migration(int(match[1]), match[2], path.read_text(), down.read_text()))
    if [m.version for m in migrations] != list(range(1, len(migrations) + 1)):
        raise MigrationError("migration numbers must run from 0001 without gaps")
    return tuple(migrations)


@dataclass(frozen=True, slots=True)
class Migrated:
    """Names of migrations: applied or undone now, and those that a later release had applied before."""

    done: list[str]
    later: list[str]


class Migrator:
    """Brings a database to a version. ``conn`` must be in autocommit mode and own the schema."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]], migrations: Sequence[Migration]) -> None:
        self._conn = conn
        self._migrations = migrations

    def run(self, application_role: str | None = None) -> Migrated:
        """Apply the missing migrations and grant ``application_role`` its rights."""
        return self.migrate_to(len(self._migrations), application_role)

    def migrate_to(self, target: int, application_role: str | None = None) -> Migrated:
        """Go forward or backward to version ``target`` (0: an empty schema) in one transaction."""
        with self._conn.transaction():
            self._conn.execute("set local timezone = 'UTC'")  # months must not depend on the server's zone
            self._conn.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            # A table that stays locked for longer fails the deployment instead of blocking the service.
            self._conn.execute("set local lock_timeout = '10s'")
            self._conn.execute(_TABLE)
            applied = self._applied()
            later = applied[len(self._migrations) :]
            if later and target < len(self._migrations):
                raise MigrationError(f"the database has {later[0]}, which this release cannot undo")
            done = [] if later else self._steps(len(applied), target)
            if application_role and target:
                self._admit(application_role)
        return Migrated(done, later)

    def _applied(self) -> list[str]:
        """What the database has, in order. Raises MigrationError where it is not what this release has."""
        rows = self._conn.execute(
            "select version, name, checksum from schema_migrations order by version"
        ).fetchall()
        for number, (version, _, checksum) in enumerate(rows, 1):
            if version != number:
                raise MigrationError(f"the database has migration {version:04} without {number:04}")
            if number <= len(self._migrations) and self._migrations[number - 1].checksum != checksum:
                raise MigrationError(f"migration {number:04} was changed after it had been applied")
        return [f"{version:04}_{name}" for version, name, _ in rows]

    def _steps(self, applied: int, target: int) -> list[str]:
        forward = [m for m in self._migrations if applied < m.version <= target]
        for m in forward:
            self._conn.execute(m.up.encode())
            self._conn.execute(
                "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)",
                [m.version, m.name, m.checksum],
            )
        backward = [m for m in reversed(self._migrations) if target < m.version <= applied]
        for m in backward:
            self._conn.execute(m.down.encode())
            self._conn.execute("delete from schema_migrations where version = %s", [m.version])
        return [f"{m.version:04}_{m.name}" for m in (*forward, *backward)]

    def _admit(self, role: str) -> None:
        """Create the functions' role if needed. It may change data but no definitions."""
        name = sql.Identifier(role)
        if not self._exists(role):
            self._conn.execute(sql.SQL("create role {} login").format(name))
        if self._exists("rds_iam"):  # Aurora: the role logs in with an IAM token, so there is no password
            self._conn.execute(sql.SQL("grant rds_iam to {}").format(name))
        for setting, value in _ROLE_LIMITS.items():
            self._conn.execute(
                sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
            )
        self._conn.execute(sql.SQL("grant usage on schema public to {}").format(name))
        self._conn.execute(
            sql.SQL("grant select, insert, update, delete on all tables in schema public to {}").format(name)
        )
        self._conn.execute(sql.SQL("revoke insert, update, delete on schema_migrations from {}").format(name))

    def _exists(self, role: str) -> bool:
        return self._conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is not None
