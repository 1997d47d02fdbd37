"""What one question costs: CPU time on one core, the least of several tries a question."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from random import Random
from statistics import median
from time import process_time_ns

from bench.house import SPAN, a_request, filled, house
from maitred.domain.floor import Adjacency
from maitred.planner.answer.alternatives import find_alternatives
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import Demand, learn_demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import Movers
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Decision, MovableBooking, PartyRequest
from maitred.planner.search.situation import musts

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
        """Of no questions all is 0."""
        ordered = sorted(values) or [0.0]
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        return cls(len(values), ordered[0], median(ordered), p95)

    @property
    def spread(self) -> float:
        """P95 in units of the median."""
        return self.p95 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One house at one fullness. ``kinds``: the quotes by what they found; ``floor``: a bare scan of bits."""

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
class Asked:
    """A house at one time, of which questions are asked."""

    index: FloorIndex
    occupancy: Occupancy
    movable: tuple[MovableBooking, ...]
    demand: Demand


def measure(tables: int, fullness: float, mode: Adjacency, questions: int) -> QuoteRow:
    """Ask ``questions`` seeded questions of one seeded evening."""
    random = Random(f"{tables}-{fullness}-{mode}")
    floor = house(tables, mode)
    index = compile_floor(floor)
    evening = filled(floor, fullness, random)
    asked = Asked(index, Occupancy.build(index, SPAN, evening.allocations), evening.movable, _DEMAND)
    requests = [a_request(floor, random) for _ in range(questions)]
    quotes: dict[str, list[float]] = {kind: [] for kind in KINDS}
    scans, explanations, alternatives = [], [], []
    for request in requests:
        decision = ask(asked, request)
        quotes[kind_of(decision)].append(least(partial(ask, asked, request)))
        scans.append(least(partial(_bare_scan, asked, request)))
        explanations.append(least(partial(_explained, decision)))
        if decision.plan is None:
            alternatives.append(other_starts(asked, request))
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
    if decision.plan is None:
        return REFUSED
    return MOVED if decision.plan.moves else FREE


def least(run: Callable[[], object], tries: int = _TRIES) -> float:
    """Milliseconds of CPU."""
    best = None
    for _ in range(tries):
        began = process_time_ns()
        run()
        took = process_time_ns() - began
        best = took if best is None else min(best, took)
    return (best or 0) / 1e6


def ask(asked: Asked, request: PartyRequest, movers: Movers | None = None) -> Decision:
    """One quote."""
    return quote(
        asked.index,
        asked.occupancy,
        request,
        (),
        Unhurried(),
        movable=asked.movable if movers is None else movers,
        demand=asked.demand,
    )


def _explained(decision: Decision) -> str:
    return json.dumps(explanation_data(decision))


def _bare_scan(asked: Asked, request: PartyRequest) -> list[int]:
    """Which sets are free, and nothing else."""
    taken = asked.occupancy.taken(request.start, request.end)
    blocked = taken.booked | taken.held | musts(asked.index, request)
    return [bits for bits in asked.index.candidates(request.party_size).bits if not bits & blocked]


def other_starts(asked: Asked, request: PartyRequest) -> float:
    """Milliseconds of CPU, asked as the service does: right after the refusal, with what that found out."""
    best = inf
    for _ in range(_TRIES_OF_ALTERNATIVES):
        movers = Movers(asked.index, asked.occupancy, asked.movable)
        ask(asked, request, movers)
        best = min(best, least(partial(_others, asked, request, movers), 1))
    return best


def _others(asked: Asked, request: PartyRequest, movers: Movers) -> object:
    return find_alternatives(
        asked.index,
        asked.occupancy,
        request,
        (),
        Unhurried(),
        0,
        movable=movers,
        demand=asked.demand,
    )
