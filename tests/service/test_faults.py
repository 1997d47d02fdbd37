"""The database dies, in every place where it can: no orphan, and a retry with the same key ends well."""

from collections.abc import Iterator

import pytest

from localstack.postgres import PostgresServer
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import RecordingQueue, open_desk, wish
from tests.harness.service import Service, forget_wiring, house, party, running_service
from tests.harness.wire import WireTap

KEY = {"idempotency-key": "a-key"}
KILL = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()"""


@pytest.fixture
def tap(database: TestDatabase) -> Iterator[WireTap]:
    with WireTap(database.port) as tap:
        yield tap


@pytest.fixture
def tapped(database: TestDatabase, tap: WireTap, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(database, monkeypatch) as service:
        monkeypatch.setenv("DATABASE_PORT", str(tap.port))
        assert service.put_restaurant("harbour", house(2, 2, 4)).status == 201
        assert service.book("harbour", party(2, "17:00")).status == 201
        yield service


def die_once(database: TestDatabase, table: str) -> None:
    """The backend that writes to ``table`` first ends itself, as a failover would end it."""
    with database.connect() as owner:
        owner.execute(b"create sequence deaths")
        owner.execute(
            b"create function die() returns trigger language plpgsql security definer as"
            b" 'begin if nextval(''deaths'') = 1 then perform pg_terminate_backend(pg_backend_pid());"
            b" perform pg_sleep(5); end if; return null; end'"
        )
        owner.execute(f"create trigger die after insert on {table} execute function die()".encode())


def one_booking(database: TestDatabase) -> None:
    """Beside the first: one more, confirmed, whole."""
    assert database.query("select state from bookings order by created_at") == [("confirmed",)] * 2
    assert database.value("select count(*) from allocations") == 2
    assert_consistent(database)


@pytest.mark.parametrize("function", ["bookings", "operations"])
def test_a_connection_killed_while_idle_is_replaced(tapped: Service, function: str) -> None:
    booking = tapped.book("harbour", party(2)).json["booking"]
    assert tapped.http("operations", "GET", "/restaurants/harbour").status == 200
    tapped.database.query(KILL)
    if function == "bookings":
        assert tapped.book("harbour", party(4)).json["booking"]["status"] == "confirmed"
        assert tapped.booking(booking["id"]).status == 200
    else:
        assert tapped.http("operations", "GET", "/restaurants/harbour").status == 200
        tapped.database.query(KILL)
        assert tapped.put_restaurant("harbour", house(2, 2, 4)).status == 200


def test_a_line_cut_while_idle_is_replaced(tapped: Service, tap: WireTap) -> None:
    tap.cut()
    assert tapped.book("harbour", party(4)).json["booking"]["status"] == "confirmed"


@pytest.mark.parametrize("table", ["bookings", "allocations", "outbox", "idempotency"])
def test_a_backend_killed_during_the_confirmation_leaves_no_orphan(tapped: Service, table: str) -> None:
    die_once(tapped.database, table)
    first = tapped.book("harbour", party(4), headers=KEY)
    assert first.status in (201, 503)
    again = tapped.book("harbour", party(4), headers=KEY)
    assert again.status == 201
    if first.status == 201:
        assert again.text == first.text
    assert tapped.database.value("select count(*) from bookings") == 2
    tapped.work()
    one_booking(tapped.database)


def test_a_confirmation_whose_answer_is_lost_is_found_again(tapped: Service, tap: WireTap) -> None:
    """The commit took place, the line broke before the client heard of it: still exactly one booking."""
    tap.lose_answer(2)  # 1 is the snapshot
    answer = tapped.book("harbour", party(4))
    assert answer.status == 201
    assert answer.json["assignment"]["outcome"] == "confirmed"
    one_booking(tapped.database)


def test_a_lost_answer_and_a_retry_with_the_key_are_one_booking(tapped: Service, tap: WireTap) -> None:
    tap.lose_answer(2)
    first = tapped.book("harbour", party(4), headers=KEY)
    again = tapped.book("harbour", party(4), headers=KEY)
    assert (first.status, again.status) == (201, 201)
    assert again.text == first.text
    one_booking(tapped.database)


def test_a_deferral_whose_answer_is_lost_is_one_booking_after_the_retry(
    tapped: Service, tap: WireTap
) -> None:
    assert tapped.book("harbour", party(4)).status == 201
    tap.lose_answer(2)
    first = tapped.book("harbour", party(4), headers=KEY)
    assert first.status in (201, 503)
    again = tapped.book("harbour", party(4), headers=KEY)
    assert again.status == 201
    assert tapped.database.value("select count(*) from bookings where state = 'assignment_pending'") == 1


def test_a_lost_snapshot_is_read_again(tapped: Service, tap: WireTap) -> None:
    tap.lose_answer(1)
    assert tapped.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    one_booking(tapped.database)


@pytest.mark.parametrize("path", ["/restaurants/harbour/bookings", "/restaurants/nowhere/bookings"])
def test_b15_a_database_that_is_down_is_no_empty_house(
    tapped: Service, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """503 with the code and Retry-After, on a path that exists and one that does not; later the key works."""
    right = str(tapped.database.port)
    monkeypatch.setenv("DATABASE_PORT", "1")
    forget_wiring()
    answer = tapped.http("bookings", "POST", path, body=party(4), headers=KEY)
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert tapped.http("bookings", "GET", path).status == 503
    monkeypatch.setenv("DATABASE_PORT", right)
    forget_wiring()
    assert tapped.book("harbour", party(4), headers=KEY).status == 201
    one_booking(tapped.database)


def test_a_server_that_goes_and_comes_back_is_used_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The sandbox lives through it: its connection dies, reconnecting fails, and later works."""
    from psycopg import connect  # noqa: PLC0415 - this test makes a server of its own

    from maitred.adapters.postgres.migrator import Migrator, load_migrations  # noqa: PLC0415
    from tests.harness.databases import APPLICATION_ROLE  # noqa: PLC0415

    server = PostgresServer(tmp_path_factory.mktemp("lone") / "data", durable=False)
    with server, TestDatabase(server, "postgres") as database:
        with connect(server.dsn(), autocommit=True) as conn:
            Migrator(conn, load_migrations()).run(APPLICATION_ROLE)
        with WireTap(server.port) as tap:
            desk = open_desk(database, RecordingQueue(), port=tap.port)
            assert desk.put("harbour", house(2, 4)) == 201
            assert desk.booking(wish(2)) == 201
            server.stop()
            assert [desk.booking(wish(4)), desk.booking(wish(4))] == [503, 503]
            server.start()
            tap.server_port = server.port
            assert desk.booking(wish(4)) == 201
            desk.database.close()
        assert_consistent(database)
        assert database.value("select count(*) from bookings where state = 'confirmed'") == 2


def test_an_error_says_nothing_of_the_inside(tapped: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with tapped.database.connect() as owner:
        owner.execute(
            b"create function bug() returns trigger language plpgsql as"
            b" 'begin raise exception ''secret of the house''; end'"
        )
        owner.execute(b"create trigger bug before insert on bookings execute function bug()")
    answer = tapped.book("harbour", party(4), headers=KEY)
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    with tapped.database.connect() as owner:
        owner.execute(b"drop trigger bug on bookings")
    assert tapped.book("harbour", party(4), headers=KEY).status == 201
    one_booking(tapped.database)
