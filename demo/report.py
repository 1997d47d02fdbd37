"""The tables that the demo prints at the end."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.player import Played
from demo.results import Ended, Stay
from ops.percentiles import Durations

_WAYS: tuple[tuple[str, Callable[[Ended], bool]], ...] = (
    ("confirmed inline, within the request", lambda e: e.state == "confirmed" and e.flow == "inline"),
    ("confirmed by the background job", lambda e: e.state == "confirmed" and e.flow == "job"),
    ("for a person (manual review)", lambda e: e.state == "manual_review"),
    ("cancelled by the guest", lambda e: e.state == "cancelled"),
)


# One line each, to be pasted into a shell.
_QUERIES = {
    "last result": "select auto_assign_last_result from bookings where reference = '{}'",
    "events": "select e.created_at, event_type, context from observability_events e"
    " join bookings b on b.id = booking_id where reference = '{}' order by e.id",
    "attempts": "select attempt_no, flow, outcome, reason, duration_ms from booking_assignment_attempts a"
    " join bookings b on b.id = booking_id where reference = '{}' order by a.created_at",
}


def print_outcomes(console: Console, ended: Sequence[Ended], refused: Counter[str]) -> None:
    """How many ended in which way, and why; the rows add up to the requests."""
    table = Table(title="What became of the bookings", title_justify="left")
    table.add_column("outcome")
    table.add_column("bookings", justify="right")
    table.add_column("why")
    rest = list(ended)
    for words, belongs in _WAYS:
        of_way = [e for e in rest if belongs(e)]
        rest = [e for e in rest if not belongs(e)]
        table.add_row(words, str(sum(e.count for e in of_way)), _reasons(of_way))
    for e in rest:
        table.add_row(e.state, str(e.count), _reasons([e]))
    table.add_row("not booked: the request was refused", str(refused.total()), _counts(refused))
    table.add_section()
    table.add_row("asked for", str(sum(e.count for e in ended) + refused.total()), "")
    console.print(table)


def _reasons(ended: Sequence[Ended]) -> str:
    reasons: Counter[str] = Counter()
    for e in ended:
        if e.reason:
            reasons[e.reason] += e.count
    return _counts(reasons)


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common())


def print_durations(console: Console, durations: Sequence[Durations], played: Played, clients: int) -> None:
    """How fast it was."""
    made = len(played.bookings)
    each_second = made / played.seconds if played.seconds else 0.0
    table = Table(
        title=f"{made:,} bookings in {played.seconds:.1f} s by {clients} clients: {each_second:.0f} a second",
        title_justify="left",
    )
    for name in ("milliseconds", "count", "P50", "P95", "P99", "max"):
        table.add_column(name, justify="left" if name == "milliseconds" else "right")
    for d in durations:
        table.add_row(d.name, str(d.count), *(f"{value:.1f}" for value in (d.p50, d.p95, d.p99, d.most)))
    console.print(table)


def print_where(console: Console, home: Path, mails: int, stay: Stay | None) -> None:
    """Where the data is, and commands that show it."""
    queries = {name: query.format(stay.reference if stay else "") for name, query in _QUERIES.items()}
    log = home / "logs" / "BookingsFunction.log"
    lines = [
        f"[bold]Look at it[/bold] (the data stays in {home} until the next demo starts afresh)",
        *(f'{name:12} .venv/bin/python -m demo.look "{query}"' for name, query in queries.items()),
        f"mail         {mails} letters (a guest who waits gets one after two minutes): ls {home / 'mail'}",
        f"logs         one for each function: tail {log}",
        f"all of it    MAITRED_HOME={home} make up   (prints the addresses and a token)",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
