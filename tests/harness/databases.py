"""The tests' databases: where clean ones come from, and how to look into them as their owner."""

from threading import Lock
from types import TracebackType
from typing import Any, LiteralString, Self
from uuid import uuid4

import psycopg
from psycopg import sql

from localstack.postgres import PostgresServer

TEMPLATE = "maitred_template"
APPLICATION_ROLE = "maitred_app"

_SECONDS_TO_LEAVE = 10
_LEAVE = f"""
select pg_terminate_backend(pid, {_SECONDS_TO_LEAVE * 1000}) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
#: Changes whenever a definition does.
_DEFINITIONS = " union all ".join(
    f"select '{catalog}', count(*), max(xmin::text::bigint) from {catalog}"
    for catalog in ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_trigger", "pg_proc")
)
_TABLES = """
select relname from pg_class where relnamespace = 'public'::regnamespace
and relkind in ('r', 'p') and not relispartition and relname <> 'schema_migrations'
"""
_RESTART_SEQUENCES = "select setval(seqrelid::regclass, seqstart, false) from pg_sequence"


class TestDatabase:
    """One database of the run's server."""

    __test__ = False

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server = server
        self.name = name
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None
        self._opening = Lock()

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The owner's session, in autocommit mode; it stays open until ``close``."""
        with self._opening:
            if self._session is None or self._session.closed:
                self._session = self.connect()
            return self._session

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Another connection of its owner, in autocommit mode."""
        return psycopg.connect(self.server.dsn(self.name), autocommit=True)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner and return its rows."""
        cursor = self.owner.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: Any) -> Any:
        [[value]] = self.query(statement, *values)
        return value

    def be_patient(self) -> None:
        """Let statements of new sessions take a minute: a machine that stands still is not the subject."""
        self._alter_application("set statement_timeout = '60s'")

    def log_statements(self) -> None:
        """Have the server log every statement of new sessions of the application."""
        self._alter_application("set log_min_duration_statement = 0")

    def _alter_application(self, change: LiteralString) -> None:
        names = (sql.Identifier(APPLICATION_ROLE), sql.Identifier(self.name))
        self.owner.execute(sql.SQL("alter role {} in database {} " + change).format(*names))

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def tables(self) -> list[str]:
        """The product's tables, without the migrator's own."""
        return [table for (table,) in self.query(_TABLES)]

    def empty(self) -> None:
        """Delete every row, and number new ones from the beginning: much quicker than truncating."""
        deletions = sql.SQL("; ").join(
            sql.SQL("delete from {}").format(sql.Identifier(table)) for table in self.tables()
        )
        with self.owner.transaction():
            self.owner.execute("set local session_replication_role = replica")  # no trigger has a say
            self.owner.execute(deletions)
            self.owner.execute(_RESTART_SEQUENCES)
            self._alter_application("reset all")


class CleanDatabases:
    """Databases with the current schema and no rows, each for one user at a time.

    Emptying one takes a fraction of the time of making one, so what is given back is taken again, unless
    a definition was changed in it.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._clean: list[TestDatabase] = []
        self._definitions: dict[str, object] = {}

    def take(self) -> TestDatabase:
        return self._clean.pop() if self._clean else self._make()

    def give_back(self, database: TestDatabase) -> None:
        """Whoever is still connected is thrown out."""
        database.query(_LEAVE)
        if database.query(_DEFINITIONS) == self._definitions[database.name]:
            database.empty()
            self._clean.append(database)
        else:
            database.close()
            del self._definitions[database.name]
            self._as_owner("drop database {} with (force)", database.name)

    def close(self) -> None:
        for database in self._clean:
            database.close()

    def _make(self) -> TestDatabase:
        name = f"t_{uuid4().hex}"
        self._as_owner("create database {} template {}", name, TEMPLATE)
        database = TestDatabase(self._server, name)
        self._definitions[name] = database.query(_DEFINITIONS)
        return database

    def _as_owner(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server.dsn(), autocommit=True) as owner:
            owner.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
