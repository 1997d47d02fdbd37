"""A real PostgreSQL for every test that touches SQL: a server for each of the run's workers."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
import pytest

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.migrator import Migrator, load_migrations
from tests.harness.databases import APPLICATION_ROLE, TEMPLATE, CleanDatabases, TestDatabase
from tests.harness.vocabulary import check_stored, watch_recorders

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it has a name of its own
_PREFIX = "maitred-tests-"
_MEMORY_NEEDED = 4 * 2**30  # bytes; a container often has less


def _folder() -> TemporaryDirectory[str]:
    """In memory, if there is enough: a database is hundreds of files. What killed runs left there goes."""
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    enough = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED
    return TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY if enough else None)


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was told and is not in the vocabulary: nothing, whatever the test does."""
    undefined = watch_recorders(monkeypatch)
    yield undefined
    assert undefined == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of its own for this worker, with the migrated template database."""
    with (
        _folder() as folder,
        PostgresServer(Path(folder) / "data", durable=False) as server,
    ):
        server.ensure_database(TEMPLATE)
        with psycopg.connect(server.dsn(TEMPLATE), autocommit=True) as conn:
            Migrator(conn, load_migrations()).run(APPLICATION_ROLE)
        yield server


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Iterator[CleanDatabases]:
    made = CleanDatabases(postgres)
    yield made
    made.close()


@pytest.fixture
def database(databases: CleanDatabases) -> Iterator[TestDatabase]:
    """An empty database with the current schema."""
    taken = databases.take()
    yield taken
    undefined = check_stored(taken)
    databases.give_back(taken)
    assert undefined == []
