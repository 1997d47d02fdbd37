"""The launcher of the database server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from localstack.postgres import PostgresServer
from tests.localstack.conftest import eventually

PARENT = """
import sys, time
from pathlib import Path
from localstack.postgres import PostgresServer
server = PostgresServer(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, server.dsn(), flush=True)
time.sleep(600)
"""


def test_what_was_committed_is_there_after_kill_9(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "data")
    server.start()
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with PostgresServer(tmp_path / "data") as again, psycopg.connect(again.dsn()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_lock_file_of_a_stranger_is_no_obstacle(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data", durable=False):
        lock = (tmp_path / "data" / "postmaster.pid").read_text()
    stranger = "\n".join((str(os.getpid()), *lock.splitlines()[1:])) + "\n"
    (tmp_path / "data" / "postmaster.pid").write_text(stranger)
    with (
        PostgresServer(tmp_path / "data", durable=False) as server,
        psycopg.connect(server.dsn()) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "data")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid, dsn = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not psutil.pid_exists(int(pid)))
    with pytest.raises(psycopg.OperationalError), psycopg.connect(dsn):
        pass


def test_a_database_is_made_once(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data", durable=False) as server:
        assert server.ensure_database("one") is True
        assert server.ensure_database("one") is False
        with psycopg.connect(server.dsn("one"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION btree_gist")
            row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    assert row == (200,)


def test_a_kept_database_is_durable(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data") as server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_after_an_outage_it_is_where_it_was(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data", durable=False) as server:
        address = server.dsn()
        server.stop()
        server.start()
        assert server.dsn() == address


def test_its_log_has_no_values(tmp_path: Path) -> None:
    """Of slow statements and of rows that are refused."""
    with PostgresServer(tmp_path / "data", durable=False) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("create table guests (name text check (length(name) < 5))")
            connection.execute("set log_min_duration_statement = 0")
            connection.execute("select %s::text", ["Zebulon"])
            with pytest.raises(psycopg.errors.CheckViolation, match="guests_name_check") as refused:
                connection.execute("insert into guests values (%s)", ["Zebulon"])
            assert "Zebulon" in str(refused.value.diag.message_detail)
        log = server.log.read_text()
    assert "select $1::text" in log
    assert "insert into guests values ($1)" in log
    assert "Zebulon" not in log
