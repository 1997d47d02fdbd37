"""Prints the checks of the invariants as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from maitred.services.upkeep.checks import Check


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """One row a check: how much was looked at, how much of it is wrong."""
    table = Table(title="Recount", title_justify="left")
    for name in ("check", "of", "wrong", ""):
        table.add_column(name, justify="right" if name in ("of", "wrong") else "left")
    for check in checks:
        verdict = "[red]INCONSISTENT" if check.wrong else "[green]ok"
        table.add_row(check.name, str(check.checked), str(check.wrong), verdict)
    console.print(table)
