"""``python -m bench.shift``: evenings that came about one by one, re-seated as a whole.

Each evening is a stream of requests, of which the planner has seated what it could, with its usual moves; the
refused parties wait. ``moves``: how many bookings a re-seating may move; -1: all of them.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import mean
from time import monotonic, process_time
from unittest.mock import patch

from bench.report import table_header
from bench.restaurant import SPAN
from bench.streams import Seater, stream
from maitred.adapters.highs import shift_child
from maitred.adapters.highs.shift import HighsShiftSolver, Run, apart
from maitred.adapters.system import SystemClock
from maitred.planner.day.demand import Demand, learn_demand
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Covers, MovableBooking, PartyRequest
from maitred.planner.options import FULL
from maitred.planner.shift.model import Booked, Reseating, Shift, Waiting
from tests.judges.reseated import best_of

LOADS = (0.9, 1.2)

#: ``seated``: covers that waited; ``proven``: evenings whose covers, and whose seats, are proven the best.
_NAMES = ("load", "moves", "seconds", "parties", "time", "gap", "improved", "seated", "proven", "MB")
_KILOBYTES = 1024
_JUDGE_SECONDS = 120.0
#: What the start of a process with HiGHS takes of a core.
_START_SECONDS = 0.4
_BUSY = 3.0
_SAME = 1e-5


def main() -> None:
    """Print the tables; progress is the lines themselves."""
    asked = _arguments()
    seeds = range(1, asked.seeds + 1)
    if asked.judged:
        _judged(asked, seeds)
        return
    print(f"## Evenings at {asked.tables} tables, {asked.seeds} of each kind: mean / worst\n")
    print(
        table_header(
            (
                "load",
                "moves",
                "seconds",
                "parties",
                "time",
                "gap",
                "improved",
                "seated",
                "covers / all proven",
                "MB",
            )
        )
    )
    for moves, load, seconds in product(asked.moves, LOADS, asked.seconds):
        rows = []
        for seed in seeds:
            shift = evening(asked.tables, load, seed, moves)
            rows.append(_measured(shift, seconds, _by_processor if asked.cpu else apart))
            if asked.each:
                print(f"{seed}: {_line(load, moves, seconds, rows[-1:])}", flush=True)
        print(_line(load, moves, seconds, rows), flush=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One evening: its parties, the answer, and the wall time that it took."""

    parties: int
    answer: Reseating
    seconds: float


def evening(tables: int, load: float, seed: int, moves: int) -> Shift:
    """An evening after all its requests; the bookings keep what they wished for and got."""
    played = stream(tables, load, seed)
    seater = Seater(played, FULL)
    requests: dict[str, PartyRequest] = {}
    for number, request in enumerate(played.requests, 1):
        seater.ask(request)
        requests[f"b{number:05}"] = request
    booked = [
        Booked(_promised(played.index, each, requests), requests[each.booking_id])
        for each in seater.booked.values()
    ]
    return Shift(
        index=played.index,
        span=SPAN,
        given=(),
        allocations=seater.occupancy.allocations,
        booked=tuple(booked),
        waiting=tuple(Waiting(name, each) for name, each in requests.items() if name not in seater.booked),
        covers=tuple(Covers(each.booking.start, each.booking.party_size) for each in booked),
        demand=_demand(played.requests),
        max_moves=len(booked) if moves < 0 else moves,
    )


def _promised(
    index: FloorIndex, booking: MovableBooking, requests: Mapping[str, PartyRequest]
) -> MovableBooking:
    wished, tables = requests[booking.booking_id].attributes, index.bits_of(booking.tables)
    got = frozenset(name for name in wished if not tables & ~index.matching(None, (name,)))
    return replace(booking, attributes=got)


def _demand(requests: Sequence[PartyRequest]) -> Demand:
    """As learnt from four such evenings."""
    counts: dict[int, int] = {}
    for request in requests:
        counts[request.party_size] = counts.get(request.party_size, 0) + 4
    return learn_demand(counts)


def _by_processor(data: shift_child.Data, seconds: float) -> shift_child.Report | None:
    """What is known after so many seconds on a core of its own, on a machine that has other work as well.

    HiGHS itself goes by the clock, and gets as much more time as a busy machine may take.
    """
    ends = process_time() + seconds - _START_SECONDS
    reports: list[shift_child.Report] = []

    def tell(report: shift_child.Report) -> None:
        if process_time() < ends:
            reports.append(report)

    clock = patch.object(shift_child, "monotonic", process_time)
    with clock, patch.object(shift_child, "_IN_TIME", _BUSY):
        shift_child.solve(data, ends, tell)
    return reports[-1] if reports else None


def _measured(shift: Shift, seconds: float, run: Run) -> Row:
    began = monotonic()
    answer = HighsShiftSolver(SystemClock(), run).reseat(shift, seconds)
    return Row(len(shift.booked) + len(shift.waiting), answer, monotonic() - began)


def _line(load: float, moves: int, seconds: float, rows: Sequence[Row]) -> str:
    answers = [row.answer for row in rows]
    gaps = [answer.gap for answer in answers]
    improved = [answer.improvement for answer in answers]
    seated = [answer.after.covers - answer.before.covers for answer in answers]
    most = [answer.most_covers == answer.after.covers for answer in answers]
    taken = [row.seconds for row in rows]
    peak = sum(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN)) / _KILOBYTES
    cells = (
        str(load),
        "all" if moves < 0 else str(moves),
        f"{seconds:g}",
        f"{mean(row.parties for row in rows):.0f}",
        f"{mean(taken):.1f} / {max(taken):.1f}",
        f"{mean(gaps):.2%} / {max(gaps):.2%}",
        f"{mean(improved):.1%} / {min(improved):.1%}",
        f"{mean(seated):.1f} / {min(seated)}",
        f"{sum(most)} / {sum(answer.proven for answer in answers)}",
        f"{peak:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _judged(asked: argparse.Namespace, seeds: range) -> None:
    """Covers and score against CP-SAT's."""
    print(f"## Against CP-SAT at {asked.tables} tables: equal / different / not decided in time\n")
    for moves, load in product(asked.moves, LOADS):
        counts = {"equal": 0, "different": 0, "open": 0}
        for seed in seeds:
            shift = evening(asked.tables, load, seed, moves)
            answer = HighsShiftSolver(SystemClock()).reseat(shift, asked.seconds[-1])
            counts[_verdict(answer, best_of(shift, _JUDGE_SECONDS))] += 1
        print(f"load {load}, moves {moves}: {' / '.join(map(str, counts.values()))}", flush=True)


def _verdict(answer: Reseating, best: tuple[int, float] | None) -> str:
    if best is None:
        return "open"
    covers, score = best
    same = answer.after.covers == covers and abs(answer.after.score - score) < _SAME
    return "equal" if same else "different"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.shift", description=__doc__)
    parser.add_argument("--tables", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=20, help="evenings of each kind")
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 30.0], help="for one evening")
    parser.add_argument(
        "--moves", type=int, nargs="+", default=[20, -1], help="bookings moved; -1: any number"
    )
    parser.add_argument("--each", action="store_true", help="a line for each evening as well")
    parser.add_argument("--cpu", action="store_true", help="seconds of the processor, not of the clock")
    parser.add_argument(
        "--judged", action="store_true", help="compare with CP-SAT instead, at 20 tables or so"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
