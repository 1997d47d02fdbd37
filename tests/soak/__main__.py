"""``python -m tests.soak``: many clients and workers while everything breaks, then the count."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from localstack.postgres import PostgresServer
from maitred.adapters.postgres.migrator import Migrator, load_migrations
from ops.checks import print_checks
from ops.percentiles import percentiles
from ops.progress import progress
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.soak.run import Outcome, Plan, soak

_DATABASE = "soak"


def main(arguments: Sequence[str]) -> int:
    """Run one soak; 0 if the book is sound."""
    parser = argparse.ArgumentParser(prog="make soak ARGS=…", description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    plan = Plan(**vars(parser.parse_args(arguments)))
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "data", durable=False) as server,
    ):
        server.ensure_database(_DATABASE)
        with psycopg.connect(server.dsn(_DATABASE), autocommit=True) as owner:
            Migrator(owner, load_migrations()).run(APPLICATION_ROLE)
        database = TestDatabase(server, _DATABASE)
        with progress(console, "asking") as recorded, progress(console, "settling") as settling:
            outcome = soak(database, Path(folder), plan, recorded, settling)
    _print(console, plan, outcome)
    return 0 if outcome.sound else 1


def _print(console: Console, plan: Plan, outcome: Outcome) -> None:
    answers = sum((report.answers for report in outcome.reports), Counter[tuple[str, str]]())
    table = Table(title="Operations", title_justify="left")
    for column in ("operation", "answers", "P50 ms", "P95 ms", "P99 ms"):
        table.add_column(column, justify="left" if column in ("operation", "answers") else "right")
    for kind in dict.fromkeys(kind for kind, _ in sorted(answers)):
        taken = [each for report in outcome.reports for each in report.milliseconds.get(kind, [])]
        recorded = percentiles(kind, taken)
        given = {code: count for (of_kind, code), count in answers.most_common() if of_kind == kind}
        table.add_row(
            kind, _counts(given), *(f"{value:.0f}" for value in (recorded.p50, recorded.p95, recorded.p99))
        )
    console.print(table)
    retried = sum((report.retried for report in outcome.reports), Counter[str]())
    for name, counted in (
        ("faults", outcome.faults), ("asked again after", retried), ("bookings", outcome.states),
    ):  # fmt: skip
        console.print(f"{name}: {_counts(counted) or 'none'}", highlight=False)
    rate = answers.total() / outcome.seconds
    console.print(
        f"{answers.total()} operations of {plan.clients} clients and {plan.workers} workers in"
        f" {outcome.seconds:.0f} s ({rate:.0f} a second), settled in {outcome.settled_in:.0f} s;"
        f" seed {plan.seed}",
        highlight=False,
    )
    print_checks(console, outcome.checks)
    for check in outcome.checks:
        for example in check.examples:
            console.print(f"  {check.name}: {example}", highlight=False)


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(counted).most_common())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
