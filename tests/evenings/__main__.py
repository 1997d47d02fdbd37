"""``python -m tests.evenings``: many evenings, each with the re-planning and without it, and one table."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from io import StringIO
from itertools import batched
from pathlib import Path

import psycopg
import pytest
from rich.console import Console
from rich.table import Table

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.migrator import Migrator, load_migrations
from ops.progress import progress
from tests.evenings.play import LATE, Outcome, nobody_is_moved, play
from tests.evenings.script import draw
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.fixtures import empty
from tests.harness.service import Service, running_service

_DATABASE = "evenings"
_AT_ONCE = 20  # houses that share a night, and its schedule


def main(arguments: Sequence[str]) -> int:
    """Play the evenings; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.evenings", description=__doc__)
    parser.add_argument("--evenings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    console = Console()
    logging.disable(logging.CRITICAL)
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "data", durable=False) as server,
        pytest.MonkeyPatch.context() as settings,
    ):
        server.ensure_database(_DATABASE)
        with psycopg.connect(server.dsn(_DATABASE), autocommit=True) as owner:
            Migrator(owner, load_migrations()).run(APPLICATION_ROLE)
        with TestDatabase(server, _DATABASE) as database, running_service(database, settings) as service:
            seeds = range(asked.seed, asked.seed + asked.evenings)
            replanned, flagged = _play_all(service, seeds, console)
    _print(console, seeds, replanned, flagged)
    return 1 if replanned.wrong or flagged.wrong else 0


def _play_all(service: Service, seeds: Sequence[int], console: Console) -> tuple[Outcome, Outcome]:
    """Each night once with the re-planning and once without it."""
    total = Outcome(), Outcome()
    ways: tuple[Callable[[], AbstractContextManager[None]], ...] = (nullcontext, nobody_is_moved)
    done = 0
    with progress(console, "evenings") as recorded:
        for night in batched(seeds, _AT_ONCE, strict=False):
            for sums, way in zip(total, ways, strict=True):
                sums.add(_night(service, night, way()))
            done += len(night)
            recorded(done, len(seeds), f"{total[0].late} and {total[1].late} seated late")
    return total


def _night(service: Service, seeds: Sequence[int], way: AbstractContextManager[None]) -> Outcome:
    empty(service)
    with way, redirect_stdout(StringIO()):  # metrics
        return play(service, [draw(seed) for seed in seeds])


def _print(console: Console, seeds: Sequence[int], replanned: Outcome, flagged: Outcome) -> None:
    title = f"{len(seeds)} evenings, seeds {seeds[0]} to {seeds[-1]}"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("planned again", "flagged only"):
        table.add_column(name, justify="right")
    lines = {
        "guests with a promised table who came": (replanned.guests, flagged.guests),
        f"seated more than {LATE} minutes late": (replanned.late, flagged.late),
        "of whom left for it": (replanned.gave_up, flagged.gave_up),
        "minutes that guests stood": (replanned.minutes_waited, flagged.minutes_waited),
        **{
            name: (replanned.counted[name], flagged.counted[name])
            for name in sorted(replanned.counted | flagged.counted)
        },
        "wrong": (len(replanned.wrong), len(flagged.wrong)),
    }
    for name, counts in lines.items():
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    for wrong in (*replanned.wrong, *flagged.wrong)[:20]:
        console.print(f"  {wrong}", highlight=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
