"""The tables that the benchmark prints, as Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from bench.quotes import Cost, QuoteRow
from bench.streams import Tally


@dataclass(frozen=True, slots=True)
class StreamRow:
    """The streams of one house and load: best fit alone, with moves, with any moves; optima's bounds."""

    tables: int
    load: float
    plain: tuple[Tally, ...]
    moves: tuple[Tally, ...]
    unlimited: tuple[Tally, ...]
    bounds: tuple[float, ...]


def quote_header() -> str:
    """Milliseconds of CPU: least / median / P95."""
    names = (
        "tables",
        "full",
        "adjacency",
        "quote",
        "scan",
        "ratio",
        "explain",
        "alternatives",
        "seated",
        "moved",
    )
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def quote_line(row: QuoteRow) -> str:
    cells = (
        str(row.tables),
        f"{row.fullness:.0%}",
        row.mode.value,
        _cost(row.quote),
        f"{row.floor.median:.4f}",
        f"{row.ratio:.0f}",
        f"{row.explanation.median:.3f}",
        _cost(row.alternatives),
        f"{row.seated:.0%}",
        f"{row.moved:.0%}",
    )
    return f"| {' | '.join(cells)} |"


def stream_header() -> str:
    """``/ optimum``: covers of the streams with a bound, as a share of it."""
    names = (
        "tables",
        "load",
        "streams",
        "accepted",
        "covers",
        "seat-hours",
        "moves",
        "/ optimum",
        "any moves",
    )
    return (
        "Pairs are plain best fit → with two moves, in the mean of a stream.\n\n"
        f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    )


def stream_line(row: StreamRow) -> str:
    cells = (
        str(row.tables),
        str(row.load),
        str(len(row.plain)),
        _pair(row, lambda tally: 100 * tally.accepted / tally.asked, "%"),
        _pair(row, lambda tally: tally.covers),
        _pair(row, lambda tally: tally.seat_minutes / 60),
        f"{mean(tally.moves for tally in row.moves):.1f}",
        f"{_share(row.plain, row.bounds)} → {_share(row.moves, row.bounds)}",
        _unlimited(row),
    )
    return f"| {' | '.join(cells)} |"


def _cost(cost: Cost) -> str:
    return f"{cost.least:.3f} / {cost.median:.3f} / {cost.p95:.3f}"


def _pair(row: StreamRow, value: Callable[[Tally], float], unit: str = "") -> str:
    return f"{mean(map(value, row.plain)):.1f}{unit} → {mean(map(value, row.moves)):.1f}{unit}"


def _share(tallies: Sequence[Tally], bounds: Sequence[float]) -> str:
    if not bounds:
        return "-"
    covers = sum(tally.covers for tally in tallies[: len(bounds)])
    return f"{covers / sum(bounds):.3f}"


def _unlimited(row: StreamRow) -> str:
    """Covers with as many moves as it takes; every refusal is proven, but for those that are named."""
    if not row.unlimited:
        return "-"
    unproven = sum(tally.unproven for tally in row.unlimited)
    return f"{mean(tally.covers for tally in row.unlimited):.1f} covers, {unproven} refusals unproven"
