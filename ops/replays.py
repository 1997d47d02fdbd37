"""``python -m ops.replays <id>``: makes stored decisions again and says if they are the same.

The id is a booking's or an optimisation's; a booking's reference will do. An optimisation's solver is not
asked again: its answer must still keep every rule and have the same scores.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from localstack.database import database_of
from localstack.home import Home, HomeBusyError, default_home
from localstack.postgres import PostgresError
from maitred.contracts.stored_floor import floor_from_document
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.replay import replay
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.shift.replay import differences
from ops.cli import id_or_reference

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


_OPTIMIZED = """
    select o.restaurant_id, o.layout_version, l.document, o.replay
    from optimizations o join layouts l using (restaurant_id, layout_version)
    where %(id)s::uuid is null or o.id = %(id)s"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stored attempt. ``layout``: the floor document of the version that it was made on."""

    restaurant_id: str
    layout_version: int
    layout: dict[str, Any]
    replay: str
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """``again``: the decision as it is made now; ``identical``: all of it but its words is as stored."""

    again: dict[str, Any]
    identical: bool


class Replays:
    """Replays decisions; floors are compiled once a layout version."""

    def __init__(self) -> None:
        self._floors: dict[tuple[str, int], FloorIndex] = {}

    def run(self, recorded: Recorded) -> Replayed:
        decision = replay(self._floor(recorded), recorded.replay)
        again = json.loads(json.dumps(explanation_data(decision)))
        return Replayed(again, _decided(again, recorded) == _decided(recorded.explanation, recorded))

    def judge(self, restaurant_id: str, version: int, layout: dict[str, Any], shift: str) -> list[str]:
        """What of an optimisation is not as it was stored."""
        return differences(self._compiled((restaurant_id, version), layout), shift)

    def _floor(self, recorded: Recorded) -> FloorIndex:
        return self._compiled((recorded.restaurant_id, recorded.layout_version), recorded.layout)

    def _compiled(self, key: tuple[str, int], layout: dict[str, Any]) -> FloorIndex:
        if key not in self._floors:
            self._floors[key] = compile_floor(floor_from_document(layout, *key))
        return self._floors[key]


def _decided(explanation: dict[str, Any], stored: Recorded) -> dict[str, Any]:
    """All that was stored but the sentences for people.

    A release may say the same decision in other words, and tell more about it.
    """
    names = stored.explanation.keys() - {"summary", "wouldHelp"}
    return {name: explanation.get(name) for name in names}


def recorded(database: Database, booking_id: UUID | None = None) -> Iterator[Recorded]:
    """Yield the stored decisions about one booking, or all of them."""
    with database.cursor() as cursor:
        for row in cursor.stream(_RECORDED, {"booking_id": booking_id}):
            yield Recorded(*row)  # type: ignore[arg-type]  # the columns of the statement above


def optimized(database: Database, optimization_id: UUID | None = None) -> list[list[str]]:
    """For each stored optimisation, or for one, what is not as it was stored."""
    replays = Replays()
    found = database.execute(_OPTIMIZED, {"id": optimization_id}).fetchall()
    return [replays.judge(*row) for row in found]  # type: ignore[arg-type]  # the columns of the statement


def count_different(database: Database) -> tuple[int, int]:
    """Replay every stored decision; return how many there are and how many come out otherwise now."""
    replays = Replays()
    outcomes = [replays.run(each).identical for each in recorded(database)]
    return len(outcomes), outcomes.count(False)


def run(dsn: str, wanted: str) -> int:
    """Print each decision about a booking made again, or an optimisation judged again.

    ``wanted``: an id, or a reference, which may be of bookings of several restaurants.

    Returns 0 if there are some and all are identical.
    """
    replays = Replays()
    with psycopg.connect(dsn, autocommit=True) as database:
        ids = _ids(database, wanted)
        outcomes = [replays.run(each) for own_id in ids for each in recorded(database, own_id)]
        shifts = [each for own_id in ids for each in optimized(database, own_id)] if not outcomes else []
    if shifts:
        return _print_shift(shifts[0])
    for outcome in outcomes:
        print(json.dumps(outcome.again, indent=2, ensure_ascii=False))
        print("identical" if outcome.identical else "DIFFERENT from what was stored")
    if not outcomes:
        print(f"no decision about a booking or an optimisation {wanted} is stored", file=sys.stderr)
    return 0 if outcomes and all(outcome.identical for outcome in outcomes) else 1


def _ids(database: Database, wanted: str) -> list[UUID]:
    try:
        return [UUID(wanted)]
    except ValueError:
        found = database.execute("select id from bookings where reference = %s order by id", [wanted])
        return [row[0] for row in found]  # type: ignore[misc]  # an id is a UUID


def _print_shift(found: list[str]) -> int:
    for each in found:
        print(each)
    print("DIFFERENT from what was stored" if found else "identical")
    return 1 if found else 0


def main(arguments: list[str]) -> int:
    """Replay what this machine's stack has stored about a booking; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.replays", description=__doc__)
    parser.add_argument(
        "id", type=id_or_reference, help="a booking's or an optimisation's, or a booking's reference"
    )
    wanted = parser.parse_args(arguments).id
    home = Home(default_home())
    if not (home.path / "postgres" / "PG_VERSION").exists():
        print(f"nothing in {home.path}: run make up first", file=sys.stderr)
        return 1
    try:
        with database_of(home) as dsn:
            return run(dsn, wanted)
    except (HomeBusyError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
