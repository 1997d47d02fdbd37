"""Events by the month: nothing is lost on the way there, old months go, and a fault costs no booking."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from maitred.adapters.postgres.migrator import Migrator, load_migrations
from maitred.adapters.system import SystemClock
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.service import Service, party

MIGRATIONS = load_migrations()
BEFORE = next(m.version for m in MIGRATIONS if m.name == "event_months") - 1
INSERT = (
    "insert into observability_events (source, event_type, severity, correlation_id, created_at)"
    " values ('by hand', %s, 'info', 'c', %s) returning id"
)
MONTHS = "select month::text from event_months() order by ends_at"
#: As the version before the months deletes.
OLD_PRUNE = """
with gone as (delete from observability_events where ctid = any (array(
    select ctid from observability_events where created_at < now() - interval '400 days'
    limit 5000)) returning 1)
select count(*) from gone"""


def migrate(database: TestDatabase, target: int) -> None:
    with database.connect() as conn:
        Migrator(conn, MIGRATIONS).migrate_to(target, APPLICATION_ROLE)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def month(ahead: int) -> str:
    """The table of the month that lies so far ahead, by name."""
    count = datetime.now(UTC).year * 12 + datetime.now(UTC).month - 1 + ahead
    return f"observability_events_{count // 12}_{count % 12 + 1:02}"


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    moment = ago(-days)
    monkeypatch.setattr(SystemClock, "now", lambda _: moment)


def as_application(database: TestDatabase) -> psycopg.Connection[Any]:
    return psycopg.connect(database.server.dsn(database.name, APPLICATION_ROLE), autocommit=True)


def values(capsys: pytest.CaptureFixture[str], metric: str) -> float:
    """All values of one metric since it was asked last, together."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return sum(sum(line[metric]) for line in lines if metric in line)


def test_what_was_written_before_the_months_is_there_after_and_on_the_way_back(
    database: TestDatabase,
) -> None:
    migrate(database, BEFORE)
    [[first]] = database.query(INSERT, "old", ago(500))
    [[second]] = database.query(INSERT, "new", ago(0))
    everything = "select * from observability_events order by id"
    rows = database.query(everything)
    migrate(database, BEFORE + 1)
    assert database.query(everything) == rows
    [[third]] = database.query(INSERT, "newer", ago(0))
    assert first < second < third
    rows = database.query(everything)
    migrate(database, BEFORE)
    assert database.query(everything) == rows
    assert database.query(INSERT, "newest", ago(0)) > [(third,)]


def test_each_event_goes_to_its_month_and_three_months_are_ready(database: TestDatabase) -> None:
    assert database.query(MONTHS) == [("observability_events_first",)] + [(month(n),) for n in (1, 2, 3)]
    for days in (-40, 0, 900):
        database.query(INSERT, "told", ago(days))
    of = "select count(*) from observability_events where tableoid = %s::regclass"
    assert database.value(of, "observability_events_first") == 2


def test_maintenance_makes_the_months_ahead_and_drops_the_old_with_all_their_rows(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.database.query(INSERT, "old", ago(500))
    assert harbour.scheduled("maintain")["eventMonthsDropped"] == 0
    later(monkeypatch, 365)
    assert harbour.scheduled("maintain")["eventMonthsDropped"] == 0
    assert (month(14),) in harbour.database.query(MONTHS)
    # The database's own clock guards what is young: of the months that lie ahead of it none is dropped.
    later(monkeypatch, 3650)
    assert harbour.scheduled("maintain")["eventMonthsDropped"] == 0
    assert harbour.database.value("select count(*) from observability_events where event_type = 'old'") == 1


def test_a_month_goes_once_all_of_it_is_too_old(database: TestDatabase) -> None:
    database.query(
        "alter table observability_events detach partition observability_events_first;"
        "drop table observability_events_first;"
        "create table events_of_old (like observability_events including constraints);"
        "alter table observability_events attach partition events_of_old"
        " for values from (now() - interval '430 days') to (now() - interval '399 days')"
    )
    database.query(INSERT, "old", ago(420))
    with as_application(database) as conn:
        drop = b"select drop_event_months(now() - make_interval(days => %s))"
        assert conn.execute(drop, [400]).fetchone() == (0,)
        assert conn.execute(drop, [398]).fetchone() == (1,)
        assert conn.execute(b"select count(*) from observability_events").fetchone() == (0,)


def test_a_month_in_use_is_dropped_another_minute(database: TestDatabase) -> None:
    database.query(
        "create table events_of_old (like observability_events including constraints);"
        "alter table observability_events detach partition observability_events_first;"
        "alter table observability_events attach partition events_of_old"
        " for values from (minvalue) to (now() - interval '60 days')"
    )
    drop = b"select drop_event_months(now())"
    with database.connect() as reader, as_application(database) as conn:
        with reader.transaction():
            reader.execute(b"select count(*) from observability_events")
            assert conn.execute(drop).fetchone() == (0,)
        assert conn.execute(drop).fetchone() == (1,)


def test_the_version_before_neither_fails_nor_deletes_what_is_young(database: TestDatabase) -> None:
    """Its rows are named by ctid, which the youngest month has too."""
    database.query(INSERT, "old", ago(500))
    database.query(INSERT, "young", ago(-40))
    with as_application(database) as conn:
        conn.execute(INSERT.encode(), ["written by it", ago(0)])
        assert conn.execute(OLD_PRUNE.encode()).fetchone() == (0,)
    assert database.value("select count(*) from observability_events") == 3


def test_the_application_makes_and_drops_months_by_these_functions_only(database: TestDatabase) -> None:
    with as_application(database) as conn:
        for statement in ("drop table observability_events_first", "truncate observability_events"):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(statement.encode())
        assert conn.execute(b"select make_event_months(now() + interval '5 months')").fetchone() == (2,)


def test_o1_events_that_cannot_be_written_cost_no_booking_and_are_counted(
    harbour: Service, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    harbour.database.query(
        "alter table observability_events add constraint nothing_more check (false) not valid"
    )
    before = harbour.database.value("select count(*) from observability_events")
    capsys.readouterr()
    answer = harbour.book("harbour", party(2))
    assert answer.json["assignment"]["outcome"] == "confirmed"
    assert values(capsys, "EventsLost") >= 4
    assert "events were not written" in caplog.text
    assert harbour.database.value("select count(*) from observability_events") == before
    assert harbour.booking(answer.json["booking"]["id"]).json["booking"]["status"] == "confirmed"


def test_o1_events_of_no_outcome_that_cannot_be_written_are_counted_too(
    harbour: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal that is not final keeps nothing, so its events are written as the invocation ends."""
    harbour.database.query(
        "alter table observability_events add constraint nothing_more check (false) not valid"
    )
    capsys.readouterr()
    for _ in range(3):
        harbour.book("harbour", party(4, onFull="refuse"))
    assert values(capsys, "EventsLost") >= 4
