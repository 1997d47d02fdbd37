"""The tables that the benchmark prints, as Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from bench.crowded import CrowdedRow
from bench.quotes import KINDS, Cost, QuoteRow
from bench.streams import Tally

#: A P95 of fewer questions says nothing.
_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class StreamRow:
    """The streams of one restaurant and load: best fit, with moves, with any moves; the optimum's bounds."""

    tables: int
    load: float
    bounds: tuple[float, ...]
    plain: tuple[Tally, ...]
    moves: tuple[Tally, ...]
    unlimited: tuple[Tally, ...]


def quote_header() -> str:
    """Milliseconds of CPU: least / median / P95; by kind: how many, their median, P95 in units of it."""
    names = ("tables", "full", "adjacency", "quote", *KINDS, "scan", "ratio", "explain", "alternatives")
    return table_header(names)


def quote_line(row: QuoteRow) -> str:
    cells = (
        str(row.tables),
        f"{row.fullness:.0%}",
        row.mode.value,
        _cost(row.quote),
        *[_kind(row.kinds[kind]) for kind in KINDS],
        f"{row.floor.median:.4f}",
        f"{row.ratio:.0f}",
        f"{row.explanation.median:.3f}",
        _cost(row.alternatives),
    )
    return f"| {' | '.join(cells)} |"


def quote_summary(rows: Sequence[QuoteRow]) -> str:
    """How far the slow questions of one kind are from its median, and the slowest alternatives."""
    spreads = [
        (cost.spread, f"{kind}, {_cell(row)}")
        for row in rows
        for kind, cost in row.kinds.items()
        if cost.count >= _ENOUGH
    ]
    spread, where = max(spreads, default=(0.0, "nowhere"))
    slowest = max(rows, key=lambda row: row.alternatives.p95)
    return (
        f"Largest P95 of a kind of at least {_ENOUGH} questions: {spread:.1f} times its median ({where}).\n"
        f"Largest P95 of alternatives: {slowest.alternatives.p95:.1f} ms ({_cell(slowest)})."
    )


def table_header(names: Sequence[str]) -> str:
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _cell(row: QuoteRow) -> str:
    return f"{row.tables} tables, {row.fullness:.0%} full, {row.mode.value}"


def crowded_header() -> str:
    """Milliseconds of CPU: median / P95."""
    names = ("tables", "stream", "refused", "quote", "alternatives")
    return table_header(names)


def crowded_line(row: CrowdedRow) -> str:
    costs = [f"{cost.median:.2f} / {cost.p95:.2f}" for cost in (row.quote, row.alternatives)]
    return f"| {row.tables} | {row.seed} | {row.quote.count} | {' | '.join(costs)} |"


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
        "streams not below plain",
        "any moves: streams",
        "covers",
        "rescued",
        "refused",
        "proven",
        "unknown",
    )
    return (
        'Pairs are plain best fit → two moves, averaged over the streams. "Any moves" asks an exact solver\n'
        "after each refusal and carries out its answer; its columns are sums, covers an average.\n\n"
        + table_header(names)
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
        _not_below(row),
        *_unlimited(row.unlimited),
    )
    return f"| {' | '.join(cells)} |"


def _cost(cost: Cost) -> str:
    return f"{cost.least:.3f} / {cost.median:.3f} / {cost.p95:.3f}"


def _kind(cost: Cost) -> str:
    return f"{cost.count}: {cost.median:.3f}, {cost.spread:.1f}" if cost.count else "-"


def _pair(row: StreamRow, value: Callable[[Tally], float], unit: str = "") -> str:
    return f"{mean(map(value, row.plain)):.1f}{unit} → {mean(map(value, row.moves)):.1f}{unit}"


def _share(tallies: Sequence[Tally], bounds: Sequence[float]) -> str:
    if not bounds:
        return "-"
    covers = sum(tally.covers for tally in tallies[: len(bounds)])
    return f"{covers / sum(bounds):.3f}"


def _not_below(row: StreamRow) -> str:
    """Streams in which moves seated at least the covers of plain best fit, and the worst of the others."""
    gains = [moves.covers - plain.covers for plain, moves in zip(row.plain, row.moves, strict=True)]
    return f"{sum(gain >= 0 for gain in gains)} (worst {min(gains):+}, mean {mean(gains):+.1f})"


def _unlimited(tallies: Sequence[Tally]) -> tuple[str, ...]:
    """The cells for any number of moves."""
    if not tallies:
        return ("0", *["-"] * 5)
    whole = [tally.covers for tally in tallies if tally.whole]
    cut = " + a part" if len(whole) < len(tallies) else ""
    return (
        f"{len(whole)}{cut}",
        f"{mean(whole):.1f}" if whole else "-",
        str(sum(tally.rescued for tally in tallies)),
        str(sum(tally.asked - tally.accepted for tally in tallies)),
        str(sum(tally.proven for tally in tallies)),
        str(sum(tally.unproven for tally in tallies)),
    )
