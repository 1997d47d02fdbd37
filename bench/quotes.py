"""The cost of one question: CPU time on one core, the least of several tries a question."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from random import Random
from statistics import median
from time import process_time_ns

from bench.restaurant import SPAN, a_request, filled, restaurant
from maitred.domain.floor import Adjacency
from maitred.planner.answer.alternatives import Reach, alternatives
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import Demand, learn_demand
from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Decision, MovableBooking, PartyRequest, Refusal
from maitred.planner.search.situation import unfit_tables

TABLES = (10, 20, 40, 80, 160)
FULLNESS = (0.0, 0.5, 0.8, 0.95, 1.0)
MODES = (Adjacency.CONNECTED, Adjacency.NONE)

FREE, MOVED, REFUSED = KINDS = ("free", "moved", "refused")

_TRIES = 5
_TRIES_OF_ALTERNATIVES = 2
_DEMAND = learn_demand({2: 400, 3: 120, 4: 200, 5: 40, 6: 50, 8: 20})


class Unhurried:
    """A deadline that never comes."""

    def expired(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds over ``count`` questions, each the least of several tries."""

    count: int
    least: float
    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Cost":
        """All is 0 if there are no values."""
        ordered = sorted(values) or [0.0]
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        return cls(len(values), ordered[0], median(ordered), p95)

    @property
    def spread(self) -> float:
        """P95 in units of the median."""
        return self.p95 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One restaurant at one fullness. ``kinds``: the quotes by result; ``floor``: a bare scan of bits."""

    tables: int
    fullness: float
    mode: Adjacency
    quote: Cost
    kinds: Mapping[str, Cost]
    floor: Cost
    explanation: Cost
    alternatives: Cost

    @property
    def ratio(self) -> float:
        return self.quote.median / self.floor.median


@dataclass(frozen=True, slots=True)
class BenchDay:
    """A restaurant's day, for questions about it."""

    index: FloorIndex
    occupancy: Occupancy
    movable: tuple[MovableBooking, ...]
    demand: Demand

    def draw(self) -> DrawnDay:
        """The day as it is before the first question."""
        return DrawnDay(self.index, self.occupancy, self.movable)

    def problem(self, request: PartyRequest) -> Problem:
        return Problem(request, SPAN, self.occupancy.allocations, movable=self.movable, demand=self.demand)


def measure(tables: int, fullness: float, mode: Adjacency, questions: int) -> QuoteRow:
    """Ask ``questions`` seeded questions of one seeded evening."""
    random = Random(f"{tables}-{fullness}-{mode}")
    floor = restaurant(tables, mode)
    index = compile_floor(floor)
    evening = filled(floor, fullness, random)
    day = BenchDay(index, Occupancy.build(index, SPAN, evening.allocations), evening.movable, _DEMAND)
    requests = [a_request(floor, random) for _ in range(questions)]
    quotes: dict[str, list[float]] = {kind: [] for kind in KINDS}
    scans, explanations, alternatives = [], [], []
    for request in requests:
        decision = ask(day, request)
        quotes[kind_of(decision)].append(least(partial(ask, day, request)))
        scans.append(least(partial(_bare_scan, day, request)))
        explanations.append(least(partial(_explained, decision)))
        if isinstance(decision, Refusal):
            alternatives.append(other_starts(day, request))
    return QuoteRow(
        tables,
        fullness,
        mode,
        quote=Cost.of([value for values in quotes.values() for value in values]),
        kinds={kind: Cost.of(values) for kind, values in quotes.items()},
        floor=Cost.of(scans),
        explanation=Cost.of(explanations),
        alternatives=Cost.of(alternatives),
    )


def kind_of(decision: Decision) -> str:
    """One of ``KINDS``: a set was free, others had to move, or there was none."""
    if isinstance(decision, Refusal):
        return REFUSED
    return MOVED if decision.moves else FREE


def least(run: Callable[[], object], tries: int = _TRIES) -> float:
    """Milliseconds of CPU."""
    best = None
    for _ in range(tries):
        began = process_time_ns()
        run()
        took = process_time_ns() - began
        best = took if best is None else min(best, took)
    return (best or 0) / 1e6


def ask(day: BenchDay, request: PartyRequest, drawn: DrawnDay | None = None) -> Decision:
    """One quote; nothing is known about the day unless ``drawn`` is given."""
    return quote(day.index, day.problem(request), Unhurried(), drawn or day.draw())


def _explained(decision: Decision) -> str:
    return json.dumps(explanation_data(decision))


def _bare_scan(day: BenchDay, request: PartyRequest) -> list[int]:
    """Which sets are free, and nothing else."""
    booked, on_hold = day.occupancy.taken(request.start, request.end)
    blocked = booked | on_hold | unfit_tables(day.index, request)
    return [bits for bits in day.index.candidates(request.party_size).bits if not bits & blocked]


def other_starts(day: BenchDay, request: PartyRequest) -> float:
    """Milliseconds of CPU for other starts, asked as the service does: after the refusal, on the same day."""
    best = inf
    for _ in range(_TRIES_OF_ALTERNATIVES):
        drawn = day.draw()
        ask(day, request, drawn)
        best = min(best, least(partial(_others, day, request, drawn), 1))
    return best


def _others(day: BenchDay, request: PartyRequest, drawn: DrawnDay) -> object:
    return alternatives(day.index, day.problem(request), Reach(0), Unhurried(), drawn)
