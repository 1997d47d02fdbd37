"""One connection: whatever is not part of an open session would commit it."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from maitred.adapters.postgres.database import Call, Database
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.rows import Connection

LOCK = Call("lock_day", {"restaurant_id": "harbour", "service_date": date(2026, 12, 4)})
READ = Call("read_booking", {"booking_id": "00000000-0000-0000-0000-000000000000"})


@pytest.fixture
def one(database: TestDatabase, conn: Connection) -> Iterator[Database]:
    """As a sandbox has it, beside the owner's connection ``conn``."""
    dsn = database.server.dsn(database.name, APPLICATION_ROLE)
    found = Database(lambda: psycopg.connect(dsn, autocommit=True, prepare_threshold=None))
    yield found
    found.close()


def test_other_calls_are_refused_while_a_session_is_open(one: Database) -> None:
    with one.session([LOCK], 1_000) as session:
        for call in (one.transact, one.read_all):
            with pytest.raises(RuntimeError, match="a session is open"):
                call([READ])
        with pytest.raises(RuntimeError, match="a session is open"), one.session([READ], 1_000):
            pass
        assert session.read([READ]) == [[]]
        session.commit([READ])
        assert one.read_all([READ]) == [[]]


def test_what_a_session_reads_leaves_its_locks(one: Database, conn: Connection) -> None:
    locked = "select count(*) from pg_locks where relation = 'service_days'::regclass and granted"
    with one.session([LOCK], 1_000) as session:
        before = conn.execute(locked).fetchall()
        session.read([READ])
        assert conn.execute(locked).fetchall() == before
    assert one.read_all([READ]) == [[]]
