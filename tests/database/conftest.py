"""The owner's connection to a database of the test's own, with one restaurant."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from localstack.postgres import PostgresServer
from tests.harness.databases import TestDatabase
from tests.harness.rows import Connection, add_restaurant


@pytest.fixture
def conn(database: TestDatabase) -> Iterator[Connection]:
    """Restaurant ``harbour``: T1 for 2, T2 for 4."""
    with database.connect() as conn:
        add_restaurant(conn)
        yield conn


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[TestDatabase]:
    """A database in which nothing was ever done."""
    name = f"m_{uuid4().hex}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        with TestDatabase(postgres, name) as database:
            yield database
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
