"""Checks that the database agrees with the clients and with itself; each check counts what is wrong."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import psycopg

from demo.model import Answer, Document
from maitred.adapters.postgres import database as postgres
from maitred.adapters.postgres.invariants import PostgresInvariants
from maitred.services.upkeep.checks import Check, InspectionScope, inspect
from ops.replays import count_different

# Confirmations by history: every step to confirmed, except those that give a confirmed booking other tables.
_RECOUNTED = """
select 'state ' || state, count(*) from bookings where restaurant_id = %(restaurant)s group by 1
union all
select flow || ' ' || outcome, count(*) from booking_assignment_attempts
    where restaurant_id = %(restaurant)s group by 1
union all
select reason ->> 'code', count(*) from booking_assignment_attempts
    where restaurant_id = %(restaurant)s and reason is not null group by 1
union all
select 'confirmations', count(*) from booking_state_history h join bookings b on b.id = h.booking_id
    where b.restaurant_id = %(restaurant)s and h.to_state = 'confirmed' and h.from_state <> 'confirmed'"""

type Database = psycopg.Connection[tuple[Any, ...]]

_ALL = "select count(*) from bookings"
# name, SQL of how many there are, SQL of those that are wrong
_IN_DATABASE: Sequence[tuple[str, str, str]] = (
    (
        "every booking is settled",
        _ALL,
        """select count(*) from bookings
           where state in ('created', 'assignment_pending', 'assignment_in_progress')""",
    ),
    (
        "every booking has a last result",
        _ALL,
        "select count(*) from bookings where coalesce(auto_assign_last_result ->> 'attemptId', '') = ''",
    ),
    (
        "every booking that was not confirmed inline has a job that ended",
        """select count(distinct booking_id) from booking_assignment_attempts
           where flow = 'inline' and outcome <> 'confirmed'""",
        """select count(distinct a.booking_id) from booking_assignment_attempts a
           where a.flow = 'inline' and a.outcome <> 'confirmed' and not exists (
               select from observability_events e
               where e.booking_id = a.booking_id and e.event_type = 'auto_assign.summary'
               and e.context ->> 'flow' = 'job'
               and e.context ->> 'result' in ('confirmed', 'manual_review', 'cutoff', 'already_confirmed',
                                              'cancelled'))""",
    ),
    (
        "every outbox row is sent",
        "select count(*) from outbox",
        "select count(*) from outbox where sent_at is null",
    ),
    (
        "every confirmed guest was sent one confirmation",
        "select count(*) from bookings where state = 'confirmed'",
        """select count(*) from bookings b where state = 'confirmed' and 1 <> (
               select count(*) from notifications n
               where n.booking_id = b.id and n.kind = 'confirmed' and n.state = 'sent')""",
    ),
)


def of_reports(database: Database, reports: Mapping[str, Document]) -> Check:
    """Each restaurant's report, as the API gives it, against its bookings, attempts and history."""
    checked = wrong = 0
    for restaurant, report in reports.items():
        flows = report["flows"]
        shown = {f"state {state}": count for state, count in report["bookings"]["byState"].items()}
        shown |= {f"{flow} {name}": n for flow in flows for name, n in flows[flow]["outcomes"].items()}
        shown |= {code: count for codes in report["reasons"].values() for code, count in codes.items()}
        shown["confirmations"] = sum(flow["outcomes"].get("confirmed", 0) for flow in flows.values())
        found: dict[str, int] = dict(
            database.execute(_RECOUNTED.encode(), {"restaurant": restaurant}).fetchall()
        )
        checked += len(shown.keys() | found.keys())
        wrong += _differences(shown, found)
    return Check("every figure of the report is that of a recount", checked, wrong)


def in_database(database: Database) -> list[Check]:
    """Checks of the database alone: those that always hold, and those that hold once everything has ended."""
    counted = [
        Check(name, _count(database, all_of), _count(database, wrong)) for name, all_of, wrong in _IN_DATABASE
    ]
    return [
        *invariants(database),
        *counted,
        Check("every decision is the same when it is made again", *count_different(database)),
    ]


def against_clients(database: Database, answers: Sequence[Answer], listed: Mapping[str, str]) -> list[Check]:
    """The database against the clients' answers. ``listed``: state by id, as the API shows it."""
    stored = {str(key): str(state) for key, state in database.execute("select id, state from bookings")}
    made = {
        answer.booking_id: answer for answer in answers if answer.step.cancels is None and answer.booking_id
    }
    cancelled = {a.booking_id for a in answers if a.step.cancels is not None and a.outcome == "cancelled"}
    failed = [a for a in answers if a.status == 0 or a.status >= HTTPStatus.INTERNAL_SERVER_ERROR]
    keys = stored.keys() | made.keys()
    return [
        Check("every answer was one of 2xx or 4xx", len(answers), len(failed)),
        Check(
            "the bookings the clients made are those in the database",
            len(keys),
            len(stored.keys() ^ made.keys()),
        ),
        Check("the state of each is the one the API shows", len(keys), _differences(stored, listed)),
        Check(
            "the state of each follows from the client's answer",
            len(made),
            sum(
                not _follows(answer.outcome, key in cancelled, stored.get(key, "missing"))
                for key, answer in made.items()
            ),
        ),
        Check(
            "the outcome of each inline attempt is the one in the client's answer",
            len(made),
            _answered_otherwise(database, made),
        ),
    ]


def invariants(database: Database) -> list[Check]:
    """The product's own checks, over all time."""
    now = datetime.now(UTC)
    scope = InspectionScope(now, datetime.min.replace(tzinfo=UTC), timedelta())
    return inspect(PostgresInvariants(postgres.Database(lambda: database)), scope)


def _follows(outcome: str, cancelled: bool, state: str) -> bool:
    if cancelled:
        return state == "cancelled"
    return state == "confirmed" or (outcome == "deferred" and state == "manual_review")


def _answered_otherwise(database: Database, made: Mapping[str, Answer]) -> int:
    rows = database.execute(
        "select booking_id, outcome from booking_assignment_attempts where flow = 'inline'"
    )
    return _differences(
        {str(key): str(outcome) for key, outcome in rows},
        {key: answer.outcome for key, answer in made.items()},
    )


def _differences[T](one: Mapping[str, T], other: Mapping[str, T]) -> int:
    return len({key for key, _ in one.items() ^ other.items()})


def _count(database: Database, statement: str) -> int:
    row = database.execute(statement.encode()).fetchone()
    if row is None or not isinstance(row[0], int):
        raise TypeError("a count gives one number")
    return row[0]
