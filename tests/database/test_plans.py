"""With a million old bookings every question is still answered from an index, in a few pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.statements import load_statements
from maitred.domain.states import State, states_of
from tests.database.crowded import BOOKINGS, crowd
from tests.harness.databases import APPLICATION_ROLE, TEMPLATE, TestDatabase
from tests.harness.rows import Connection

SMALL = {
    "demand_profiles",
    "restaurants",
    "layouts",
    "layout_tables",
    "service_days",
}  # these do not grow with the bookings
NOBODY = UUID(int=0)
BEFORE_ALL, AFTER_ALL = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def crowded(postgres: PostgresServer) -> Iterator[TestDatabase]:
    """Made once: a million old bookings, half of them of ``harbour``."""
    name = f"crowded_{uuid4().hex}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
        with TestDatabase(postgres, name) as database:
            crowd(database)
            yield database
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def conn(crowded: TestDatabase) -> Iterator[Connection]:
    """As the application logs in; what it does is rolled back."""
    dsn = crowded.server.dsn(crowded.name, APPLICATION_ROLE)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as conn:
        conn.execute(b"begin")
        yield conn
        conn.execute(b"rollback")


def now() -> datetime:
    return datetime.now(UTC)


def midnight(days: int) -> datetime:
    return datetime.combine(now().date() + timedelta(days=days), time(), UTC)


def a_booking(conn: Connection) -> UUID:
    [booking] = conn.execute(b"select md5('ahead/harbour/7/3')::uuid").fetchone() or [None]
    assert isinstance(booking, UUID)
    return booking


def an_old_booking(conn: Connection) -> UUID:
    [booking] = conn.execute(b"select md5('2')::uuid").fetchone() or [None]
    assert isinstance(booking, UUID)
    return booking


def an_old_id() -> UUID:
    """Of a booking and of a hold."""
    return UUID(md5(b"2", usedforsecurity=False).hexdigest())


def page(states: tuple[State, ...], **more: Any) -> dict[str, Any]:
    return {
        "restaurant_id": "harbour",
        "states": [state.value for state in states],
        "after": BEFORE_ALL,
        "after_id": NOBODY,
        "start_from": BEFORE_ALL,
        "start_before": AFTER_ALL,
        "limit": 51,
        **more,
    }


def found(q: str | None, **more: Any) -> dict[str, Any]:
    """The page of a list with filters."""
    unasked = {"service_date": None, "updated_since": BEFORE_ALL, "by_change": False}
    return page(tuple(State), guest=q, **unasked | more)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement of the application's with parameters as it would send them, and how much it may read."""

    name: str
    params: dict[str, Any]
    pages: int


def questions() -> list[Question]:
    ahead, before = midnight(7), midnight(-30)
    day = {"restaurant_id": "harbour", "service_date": ahead.date()}
    key = {"caller": "me", "key": "k777"}
    evening = {"start": ahead + timedelta(hours=17), "end": ahead + timedelta(hours=23)}
    room = {"overdue": now(), "overdue_until": now() + timedelta(hours=1)}
    week = {
        "restaurants": ["harbour"],
        "start": midnight(-7),
        "end": midnight(0),
        "soon_seconds": 65.0,
        "flags": Jsonb({}),
    }
    cancelled = {"restaurant_id": "harbour", "service_date": ahead.date(), "now": now(), "freed_by": NOBODY}
    guest = {"restaurant_id": "harbour", "email": None, "phone": None, "booking_id": None}
    erased = {"booking_ids": [an_old_id()], "actor": "clock"}
    return [
        Question("read_layout", {"restaurant_id": "harbour", "known_version": 1, **key}, 20),
        Question(
            "read_snapshot",
            {
                **day,
                **evening,
                "known_version": 1,
                "movable_from": now(),
                "profile": "5:dinner",
                **room,
                "by_zone": False,
                "with_blocks": False,
                **key,
            },
            400,
        ),
        Question("read_reply", {"restaurant_id": "harbour", **key}, 8),
        Question("read_hold", {"hold_id": an_old_id(), "restaurant_id": "harbour", **key}, 30),
        Question("list_bookings", page(tuple(State)), 700),
        Question("list_bookings", page(tuple(State), after=before), 700),
        Question("list_bookings", page(tuple(State), after=ahead, start_before=midnight(8)), 700),
        Question("list_bookings_in_states", page((State.CANCELLED,), after=before), 1200),
        Question("list_changed_bookings", found(None, after=before), 1000),
        Question("list_changed_bookings", found(None, after=ahead), 20),
        Question("booking_by_reference", found(None, reference="R500"), 40),
        Question("booking_by_reference", found("lovelace", reference="R500"), 250),
        Question("list_restaurants", {"all": True, "ids": [], "after": "", "limit": 51}, 20),
        Question("list_bookings_of_day", page(tuple(State), service_date=ahead.date()), 700),
        Question("list_bookings_of_day", page(tuple(State), service_date=before.date()), 1500),
        Question("waiting_bookings", {**cancelled, **evening, "only_lease": False, "limit": 5000}, 40),
        Question("claim_outbox", {"now": now(), "lease_seconds": 60, "horizon": now(), "limit": 100}, 1500),
        Question("outbox_state", {"now": now()}, 150),
        Question("stuck_bookings", {"before": now(), "limit": 200}, 5000),
        Question("stuck_bookings", {"before": before, "limit": 200}, 20),
        Question("forgotten_bookings", {"before": now(), "now": now(), "limit": 200}, 5000),
        Question("forgotten_bookings", {"before": before, "now": now(), "limit": 200}, 400),
        Question("unanswered_bookings", {"now": now(), "limit": 200}, 5000),
        Question("end_blocks_in_the_way", {"now": now()}, 20),
        Question("rooms_to_plan_again", {"now": now(), "limit": 200}, 100),
        Question("room_figures", {"now": now()}, 20),
        Question("awaiting_a_person", {"now": now(), "until": now()}, 700),
        Question("untold_restaurants", {"now": now(), "until": ahead, "limit": 200}, 5000),
        Question("upcoming_confirmed", {"restaurant_id": "harbour", "now": now()}, 15_000),
        Question(
            "for_a_person",
            {
                "restaurant_id": "harbour",
                "now": now(),
                "after_start": BEFORE_ALL,
                "after_id": NOBODY,
                "limit": 51,
            },
            900,
        ),
        Question("read_floor", {"restaurant_id": "harbour", "known_version": 1, "at": evening["start"]}, 700),
        Question("upcoming_ledger", {"restaurant_id": "harbour", "now": now()}, 4000),
        Question("upcoming_chosen", {"restaurant_id": "harbour", "now": now()}, 60_000),
        Question("follow_zones", {"restaurant_id": "harbour", "layout_version": 1, "now": now()}, 4000),
        Question("upcoming_waiting", {"restaurant_id": "harbour", "now": now()}, 15_000),
        Question("at_broken_tables", {"now": now(), "until": ahead, "limit": 200}, 2000),
        Question("prune_idempotency", {"now": now() - timedelta(days=400), "idempotency": 7}, 20),
        Question("turn_event_months", {"now": now(), "days": 400}, 1500),
        Question("prune_holds", {"now": now(), "idempotency": 7}, 20),
        Question("prune_holds", {"now": now() + timedelta(days=30), "idempotency": 7}, 60_000),
        Question("prune_outbox", {"now": now(), "outbox": 14}, 20),
        Question("prune_optimizations", {"now": now(), "outbox": 14, "events": 400}, 20),
        Question("lock_bookings_of_guest", {**guest, "email": "ada@example.com"}, 40),
        Question("lock_bookings_of_guest", {**guest, "phone": "+44 1632 960983"}, 40),
        Question("lock_bookings_of_guest", {**guest, "booking_id": an_old_id()}, 60),
        Question("lock_bookings_long_over", {"before": now(), "limit": 200}, 1500),
        *(Question(name, erased, pages) for name, pages in ERASURE.items()),
        Question("claim_layout", {"restaurant_id": "harbour", "layout_version": 1}, 20),
        Question("claim_day", {**day, "revision": 1}, 80),
        *(Question(name, week, pages) for name, pages in REPORT.items()),
        *(Question(name, {**week, "flags": Jsonb(COHORT)}, pages) for name, pages in OF_COHORT.items()),
    ]


def each_status() -> list[Question]:
    return [
        Question("list_bookings_in_states", page(states_of(status)), 1200)
        for status in ("pending", "confirmed", "seated", "completed", "cancelled", "no_show")
    ]


COHORT = {"assignment_pipeline": "on"}
#: Of one booking; pages of the catalogue count too.
ERASURE = {
    "erase_letters": 40,
    "erase_messages": 250,
    "erase_changes": 250,
    "erase_reasons": 40,
    "erase_bookings": 250,
}
#: Of a week: the rows of that week, and no others.
REPORT = {
    "report_runs": 400,
    "report_run_figures": 400,
    "report_planner_figures": 20,
    "report_planned_bookings": 20,
    "report_attempts": 40,
    "report_strategies": 800,  # of each attempt its booking
    "report_attempt_figures": 40,
    "report_reductions": 400,
    "report_differences": 20,
    "report_bookings": 4000,
}
#: And of each booking its attempts.
OF_COHORT = REPORT | {"report_bookings": 14_000}
BY_BOOKING = {
    "read_booking": 40,
    "read_history": 12,
    "read_attempts": 12,
    "read_explanation": 16,
}


@pytest.mark.parametrize("question", questions(), ids=lambda q: q.name)
def test_a_question_is_answered_from_indexes(conn: Connection, question: Question) -> None:
    assert_cheap(conn, load_statements()[question.name], question.params, question.pages)


@pytest.mark.parametrize(
    ("q", "pages"),
    {
        "lovelace": 120,
        "ADA LOVE": 120,
        "zacharias": 60,  # ten thousand of other houses
        "nobody at all": 60,
        "1000003": 300,
        "3959500": 300,
        "soren": 25_000,  # one in six: each is in the list of all who match
        "@example.com jose": 25_000,
    }.items(),
)
def test_a_guest_is_found_in_the_index_of_its_own_house(conn: Connection, q: str, pages: int) -> None:
    """At the harbour are a hundred thousand guests, and as many in the other houses."""
    assert_cheap(conn, load_statements()["find_bookings"], found(q), pages)


def test_the_guest_index_is_the_only_way_that_is_taken(conn: Connection) -> None:
    explain = b"explain (format json) " + load_statements()["find_bookings"]
    [[[report]]] = conn.execute(explain, found("lovelace")).fetchall()
    indexes = {node["Index Name"] for node in nodes(report["Plan"]) if "Index Name" in node}
    assert "bookings_by_guest" in indexes
    assert not indexes & {"bookings_by_start", "bookings_by_day", "bookings_by_state", "bookings_by_change"}


@pytest.mark.parametrize("question", each_status(), ids=lambda q: q.params["states"][0])
def test_bookings_of_one_status_are_found_without_reading_the_others(
    conn: Connection, question: Question
) -> None:
    assert_cheap(conn, load_statements()[question.name], question.params, question.pages)


@pytest.mark.parametrize(("name", "pages"), BY_BOOKING.items())
@pytest.mark.parametrize("which", [a_booking, an_old_booking])
def test_what_belongs_to_one_booking_is_found_by_it(
    conn: Connection, name: str, pages: int, which: Any
) -> None:
    assert_cheap(conn, load_statements()[name], {"booking_id": which(conn)}, pages)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from observability_events where booking_id = %(booking)s order by id",
        "select * from observability_events where correlation_id = 'c777' order by id",
        "select * from outbox where booking_id = %(booking)s",
        "select * from notifications where booking_id = %(booking)s",
        "select * from holds where id = %(booking)s",
    ],
)
def test_what_an_operator_looks_for_is_found(conn: Connection, statement: str) -> None:
    assert_cheap(conn, statement.encode(), {"booking": an_old_booking(conn)}, 12)


def test_a_confirmation_writes_without_a_search(conn: Connection) -> None:
    """The statements that change the ledger, each with rows like a confirmation's."""
    stay = {
        "restaurant_id": "harbour",
        "layout_version": 1,
        "table_id": "T40",
        "capacity": 4,
        "booking_id": str(a_booking(conn)),
        "start": midnight(90).isoformat(),
        "end": (midnight(90) + timedelta(hours=2)).isoformat(),
        "overrides": [],
    }
    rows = {"rows": Jsonb([stay]), "restaurant_id": "harbour"}
    statements = load_statements()
    assert_cheap(conn, statements["release_expired_holds"], rows, 150)
    assert_cheap(conn, statements["insert_allocations"], rows, 250)
    on_hold = conn.execute(
        b"select coalesce(array_agg(table_id order by table_id collate \"C\"), '{}') from allocations"
        b" where live and booking_id = %s",
        [a_booking(conn)],
    ).fetchone()
    assert on_hold is not None
    change = {
        "booking_id": a_booking(conn), "expected_version": 3, "version": 4, "state": "cancelled",
        "last_result": None, "lease_token": None, "new_lease_token": None, "new_lease_until": None,
        "pinned": None, "tables": on_hold[0], "arrived_at": None, "seated_at": None, "completed_at": None,
        "updated_at": None,
    }  # fmt: skip
    assert_cheap(conn, statements["change_booking"], change, 200)
    assert_cheap(conn, statements["release_tables"], {"booking_ids": [a_booking(conn)]}, 60)
    use = {"hold_id": an_old_id(), "booking_id": a_booking(conn)}
    assert_cheap(conn, statements["drop_hold"], use, 60)
    assert_cheap(conn, statements["take_held_tables"], use, 60)
    assert_cheap(conn, statements["release_held_tables"], use, 60)


def test_there_are_a_million_old_bookings(crowded: TestDatabase) -> None:
    assert crowded.value("select count(*) from bookings where start_at < now()") >= BOOKINGS


def assert_cheap(conn: Connection, statement: bytes, params: dict[str, Any], pages: int) -> None:
    """No sequential scan of a table that grows, and at most ``pages`` 8-KiB pages touched.

    The events' months ahead are empty, and read whole.
    """
    explain = b"explain (analyze, buffers, timing off, format json) " + statement
    [[[report]]] = conn.execute(explain, params).fetchall()
    scanned = {
        node["Relation Name"]
        for node in nodes(report["Plan"])
        if node["Node Type"] == "Seq Scan" and node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    } - SMALL
    touched = sum(report["Plan"][f"Shared {kind} Blocks"] for kind in ("Hit", "Read"))
    assert scanned == set(), f"{statement.decode()} reads the whole of {scanned}"
    assert touched <= pages, f"{statement.decode()} touches {touched} pages: {report['Plan']}"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
