"""A real PostgreSQL for every test that touches SQL: one server a run, one cloned database a test."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.migrator import Migrator, load_migrations
from tests.harness.databases import APPLICATION_ROLE, TEMPLATE, TestDatabase
from tests.harness.vocabulary import check_stored, watch_recorders


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was told and is not in the vocabulary: nothing, whatever the test does."""
    undefined = watch_recorders(monkeypatch)
    yield undefined
    assert undefined == []


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of its own for this run, with the migrated template database."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    with PostgresServer(folder / "data", durable=False) as server:
        server.ensure_database(TEMPLATE)
        with psycopg.connect(server.dsn(TEMPLATE), autocommit=True) as conn:
            Migrator(conn, load_migrations()).run(APPLICATION_ROLE)
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[TestDatabase]:
    """An empty database with the current schema."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
        made = TestDatabase(postgres, name)
        yield made
        assert check_stored(made) == []
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
