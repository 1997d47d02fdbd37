"""The whole service in this process: the true handlers, and a PostgreSQL of its own."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import psycopg
import pytest

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.migrator import Migrator, load_migrations
from maitred.adapters.system import SystemClock
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.service import Service, running_service


@contextmanager
def serving() -> Iterator[Service]:
    """One sandbox of each function, whose budgets go by the true time."""
    stopwatch = SystemClock.monotonic
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "data", durable=False) as server,
    ):
        server.ensure_database("bench")
        with psycopg.connect(server.dsn("bench"), autocommit=True) as conn:
            Migrator(conn, load_migrations()).run(APPLICATION_ROLE)
        with (
            pytest.MonkeyPatch.context() as patch,
            running_service(TestDatabase(server, "bench"), patch) as service,
        ):
            patch.setattr(SystemClock, "monotonic", stopwatch)
            yield service


@contextmanager
def silence() -> Iterator[None]:
    """Lines are written, but not to the terminal."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
