"""The recount finds nothing in a sound book, and each inconsistency that is planted in it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from demo.checks import against_clients, in_database, of_reports
from demo.model import Answer, Step
from maitred.services.upkeep.checks import IN_TIME, Check
from tests.harness.service import Service, party

FIRST = "(select id from bookings where state = 'confirmed' order by created_at, id limit 1)"
PENDING = "(select id from bookings where state = 'manual_review')"
DOUBLE = """insert into allocations (restaurant_id, layout_version, table_id, capacity, booking_id, occupied)
    select restaurant_id, layout_version, table_id, capacity, booking_id, occupied
    from allocations where live limit 1"""
UNENDED = f"""update observability_events
    set source = 'by hand', context = context || '{{"result": "deferred"}}'
    where booking_id = {PENDING} and context ->> 'flow' = 'job'"""


@pytest.fixture
def answers(harbour: Service) -> list[Answer]:
    """Four bookings, of which one waits for a person and one is cancelled; everything has ended."""

    def book(number: int, size: int) -> Answer:
        made = harbour.book("harbour", party(size))
        return Answer(step(number), made.status, made.json, 1.0)

    answers = [book(number, size) for number, size in enumerate((2, 2, 4))]
    gone = harbour.cancel(str(answers[0].booking_id))
    answers.append(Answer(replace(step(3), cancels=0), gone.status, gone.json, 1.0))
    answers.append(book(4, 4))
    harbour.work()
    harbour.scheduled("relay")
    # What notify does to its table, without a mail provider.
    harbour.database.query(
        "update notifications set state = 'sent', sent_at = now() where kind <> 'request_received'"
    )
    return answers


def step(number: int) -> Step:
    return Step(number, "harbour", datetime.fromisoformat("2026-12-04 19:00"), 2)


def recount(service: Service, answers: Sequence[Answer]) -> list[Check]:
    with service.database.connect() as connection:
        listed = {b["id"]: b["state"] for b in harbour_bookings(service)}
        answer = service.http("operations", "GET", "/restaurants/harbour/reports/assignments").json
        report = of_reports(connection, {"harbour": answer})
        return [*against_clients(connection, answers, listed), *in_database(connection), report]


@pytest.mark.parametrize(
    "statement",
    [
        "update bookings set state = 'cancelled' where state = 'manual_review'",
        "delete from booking_assignment_attempts where outcome = 'confirmed'",
        "delete from booking_state_history where to_state = 'confirmed'",
    ],
)
def test_a_report_that_differs_from_the_book_is_found(
    harbour: Service, answers: list[Answer], statement: str
) -> None:
    answer = harbour.http("operations", "GET", "/restaurants/harbour/reports/assignments").json
    with harbour.database.connect() as connection:
        before = of_reports(connection, {"harbour": answer})
        assert (before.checked > 5, before.wrong) == (True, 0)
        connection.execute(b"set session_replication_role = replica")
        connection.execute(statement.encode())
        assert of_reports(connection, {"harbour": answer}).wrong > 0


def harbour_bookings(service: Service) -> list[Any]:
    found: list[Any] = service.http("bookings", "GET", "/restaurants/harbour/bookings").json["items"]
    return found


def plant(service: Service, statement: str) -> None:
    """Change the book behind the back of its triggers."""
    with service.database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        assert connection.execute(statement.encode()).rowcount > 0


def wrong(checks: Sequence[Check]) -> dict[str, int]:
    return {check.name: check.wrong for check in checks if check.wrong}


def test_a_sound_book_has_no_inconsistency(harbour: Service, answers: list[Answer]) -> None:
    checks = recount(harbour, answers)
    assert wrong(checks) == {}
    waiting = set(IN_TIME.values())  # nobody waits any more
    assert all(check.checked for check in checks if check.name not in waiting)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (
            DOUBLE,
            "overlap",
        ),
        (f"delete from allocations where booking_id = {FIRST}", "if and only if it holds tables"),
        (f"update bookings set party_size = 7 where id = {FIRST}", "if and only if it holds tables"),
        (
            f"update bookings set end_at = end_at + interval '3 hours' where id = {FIRST}",
            "if and only if it holds tables",
        ),
        (
            f"update allocations set booking_id = {PENDING} where booking_id = {FIRST}",
            "if and only if it holds tables",
        ),
        (f"update bookings set state = 'assignment_pending' where id = {PENDING}", "is settled"),
        (
            f"delete from observability_events where event_type like '%summary' and booking_id = {FIRST}",
            "has a summary event",
        ),
        (f"update bookings set auto_assign_last_result = null where id = {FIRST}", "has a last result"),
        (
            UNENDED,
            "has a job that ended",
        ),
        ("update outbox set sent_at = null where id = (select min(id) from outbox)", "outbox row is sent"),
        (
            "update outbox set sent_at = null, dead_at = now() where id = (select min(id) from outbox)",
            "no outbox row is dead",
        ),
        (
            f"update notifications set state = 'parked' where booking_id = {FIRST}",
            "was sent one confirmation",
        ),
        (
            f"delete from notifications where booking_id = {FIRST} and kind = 'confirmed'",
            "was sent one confirmation",
        ),
        ("delete from bookings where state = 'cancelled'", "bookings the clients made are those"),
        (
            f"update bookings set state = 'manual_review' where id = {FIRST}",
            "follows from the client's answer",
        ),
        (
            f"update booking_assignment_attempts set outcome = 'deferred' where booking_id = {FIRST}",
            "the outcome of each inline attempt",
        ),
    ],
)
def test_a_planted_inconsistency_is_found(
    harbour: Service, answers: list[Answer], statement: str, name: str
) -> None:
    if statement == DOUBLE:
        harbour.database.query("alter table allocations drop constraint allocations_no_overlap")
    plant(harbour, statement)
    found = wrong(recount(harbour, answers))
    assert [check for check in found if name in check], found


@pytest.mark.parametrize("status", [500, 503, 0])
def test_an_answer_of_5xx_and_none_at_all_are_found(
    harbour: Service, answers: list[Answer], status: int
) -> None:
    failed = Answer(step(9), status, {"code": "internal_error"}, 1.0)
    assert wrong(recount(harbour, [*answers, failed])) == {"every answer was one of 2xx or 4xx": 1}


def test_a_booking_that_no_client_knows_is_found(harbour: Service, answers: list[Answer]) -> None:
    found = wrong(recount(harbour, answers[1:]))
    assert found["the bookings the clients made are those in the database"] == 1


def test_a_state_that_the_api_does_not_show_is_found(harbour: Service, answers: list[Answer]) -> None:
    with harbour.database.connect() as connection:
        shown = {b["id"]: "confirmed" for b in harbour_bookings(harbour)}
        found = wrong(against_clients(connection, answers, shown))
    assert found == {"the state of each is the one the API shows": 2}
