"""How tests reach their database: as the application does, or as its owner."""

from typing import Any

import psycopg

from localstack.postgres import PostgresServer

TEMPLATE = "maitred_template"
APPLICATION_ROLE = "maitred_app"


class TestDatabase:
    """One database of the run's server."""

    __test__ = False

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def port(self) -> int:
        return self.server.port

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the database's owner, in autocommit mode."""
        return psycopg.connect(self.server.dsn(self.name), autocommit=True)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner and return its rows."""
        with self.connect() as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: Any) -> Any:
        [[value]] = self.query(statement, *values)
        return value
