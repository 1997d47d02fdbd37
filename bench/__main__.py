"""``python -m bench``: the cost of questions, and the evenings that come out of them."""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat
from time import monotonic

from bench.crowded import LOAD, SEEDS, measure_crowded
from bench.crowded import TABLES as CROWDED_TABLES
from bench.quotes import FULLNESS, MODES, TABLES, measure
from bench.report import (
    StreamRow,
    crowded_header,
    crowded_line,
    quote_header,
    quote_line,
    quote_summary,
    stream_header,
    stream_line,
)
from bench.streams import LOADS, Seater, Tally, stream
from bench.streams import TABLES as STREAM_TABLES
from maitred.planner.options import FULL, PLAIN
from tests.judges.cpsat import CpSatSolver
from tests.judges.optimum import most_covers


def main() -> None:
    """Print the tables; progress is the lines themselves."""
    asked = _arguments()
    if not asked.streams:
        _quotes(asked.questions)
        _crowded(asked.questions)
    _evenings(asked)


def _quotes(questions: int) -> None:
    print("## Quotes: milliseconds of CPU, least / median / P95\n")
    print(quote_header())
    rows = []
    for tables, fullness, mode in product(TABLES, FULLNESS, MODES):
        rows.append(measure(tables, fullness, mode, questions))
        print(quote_line(rows[-1]), flush=True)
    print(f"\n{quote_summary(rows)}")


def _crowded(questions: int) -> None:
    print(
        f"\n## After streams of {LOAD} times the restaurant's capacity: milliseconds of CPU, median / P95\n"
    )
    print(crowded_header())
    for tables, seed in product(CROWDED_TABLES, SEEDS):
        print(crowded_line(measure_crowded(tables, seed, questions)), flush=True)


def _evenings(asked: argparse.Namespace) -> None:
    print("\n## Evenings\n")
    print(stream_header())
    with ProcessPoolExecutor(asked.workers) as pool:
        for tables, load in product(STREAM_TABLES, LOADS):
            seeds = range(1, asked.seeds + 1)
            bounds = pool.map(_bound, *_columns(tables, load, seeds[: asked.optima]), repeat(asked.seconds))
            plain = pool.map(_plain, *_columns(tables, load, seeds))
            moves = pool.map(_moves, *_columns(tables, load, seeds))
            played = tuple(bounds), tuple(plain), tuple(moves)  # before the budget of the others begins
            ends = repeat(monotonic() + asked.budget)
            unlimited = _played(pool.map(_unlimited, *_columns(tables, load, seeds), ends))
            row = StreamRow(tables, load, *played, unlimited)
            print(stream_line(row), flush=True)


def _columns(tables: int, load: float, seeds: range) -> tuple[Iterable[int], Iterable[float], Iterable[int]]:
    return repeat(tables), repeat(load), seeds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--streams", action="store_true", help="the evenings only")
    parser.add_argument("--questions", type=int, default=100, help="questions an evening")
    parser.add_argument("--seeds", type=int, default=20, help="streams of each kind")
    parser.add_argument("--optima", type=int, default=2, help="streams of each kind with an optimum")
    parser.add_argument("--seconds", type=float, default=10.0, help="for one optimum")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds a kind for any number of moves")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    return parser.parse_args()


def _bound(tables: int, load: float, seed: int, seconds: float) -> float:
    evening = stream(tables, load, seed)
    return most_covers(evening.index, evening.requests, seconds).bound


def _plain(tables: int, load: float, seed: int) -> Tally:
    return Seater(stream(tables, load, seed), PLAIN).run()


def _moves(tables: int, load: float, seed: int) -> Tally:
    return Seater(stream(tables, load, seed), FULL).run()


def _unlimited(tables: int, load: float, seed: int, ends: float) -> Tally | None:
    """The stream as far as it comes until ``ends``, by the clock all processes share; None: not begun."""
    left = ends - monotonic()
    if left <= 0:
        return None
    return Seater(stream(tables, load, seed), FULL, CpSatSolver(fewest=False)).run(left)


def _played(tallies: Iterable[Tally | None]) -> tuple[Tally, ...]:
    return tuple(tally for tally in tallies if tally is not None)


if __name__ == "__main__":
    main()
