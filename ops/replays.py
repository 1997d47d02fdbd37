"""``python -m ops.replays <booking id>``: decisions made again from what was stored with them."""

import argparse
import json
import sys
from collections.abc import Iterator
from uuid import UUID

import psycopg

from localstack.home import Home, HomeBusyError, default_home
from localstack.kept import database_of
from localstack.postgres import PostgresError
from ops.replaying import Recorded, Replays

type Database = psycopg.Connection[tuple[object, ...]]

# An attempt that something other than the planner ended (a lost race, a time-out) has no decision to compare.
_RECORDED = """
    select a.restaurant_id, l.layout_version, l.document, a.replay, a.explanation
    from booking_assignment_attempts a
    join layouts l on l.restaurant_id = a.restaurant_id
        and l.layout_version = (a.replay::jsonb ->> 'layout')::integer
    where a.replay is not null and a.explanation ->> 'decision' <> 'none'
      and (%(booking_id)s::uuid is null or a.booking_id = %(booking_id)s)
    order by a.created_at"""


def recorded(database: Database, booking_id: UUID | None = None) -> Iterator[Recorded]:
    """Yield the stored decisions about one booking, or all of them."""
    with database.cursor() as cursor:
        for row in cursor.stream(_RECORDED, {"booking_id": booking_id}):
            yield Recorded(*row)  # type: ignore[arg-type]  # the columns of the statement above


def count_different(database: Database) -> tuple[int, int]:
    """Replay every stored decision; return how many there are and how many come out otherwise now."""
    replays = Replays()
    outcomes = [replays.run(each).identical for each in recorded(database)]
    return len(outcomes), outcomes.count(False)


def run(dsn: str, booking_id: UUID) -> int:
    """Print each decision about the booking made again; 0 if there are some and all are identical."""
    replays = Replays()
    with psycopg.connect(dsn, autocommit=True) as database:
        outcomes = [replays.run(each) for each in recorded(database, booking_id)]
    for outcome in outcomes:
        print(json.dumps(outcome.again, indent=2, ensure_ascii=False))
        print("identical" if outcome.identical else "DIFFERENT from what was stored")
    if not outcomes:
        print(f"no decision about a booking {booking_id} is stored", file=sys.stderr)
    return 0 if outcomes and all(outcome.identical for outcome in outcomes) else 1


def main(arguments: list[str]) -> int:
    """Replay what this machine's stack has stored about a booking; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.replays", description=__doc__)
    parser.add_argument("booking", type=UUID, help="the booking's id")
    booking = parser.parse_args(arguments).booking
    home = Home(default_home())
    if not (home.path / "postgres" / "PG_VERSION").exists():
        print(f"nothing in {home.path}: run make up first", file=sys.stderr)
        return 1
    try:
        with database_of(home) as dsn:
            return run(dsn, booking)
    except (HomeBusyError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
