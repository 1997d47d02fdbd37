"""What one question costs: CPU time on one core, the least of several tries a question."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from time import process_time_ns

from bench.house import SPAN, Evening, a_request, filled, house
from maitred.domain.floor import Adjacency
from maitred.planner.alternatives import find_alternatives
from maitred.planner.demand import Demand, learn_demand
from maitred.planner.explanation import explanation_data
from maitred.planner.floor_index import FloorIndex, compile_floor
from maitred.planner.model import Decision, PartyRequest
from maitred.planner.occupancy import Occupancy
from maitred.planner.quote import quote
from maitred.planner.situation import musts

TABLES = (10, 20, 40, 80, 160)
FULLNESS = (0.0, 0.5, 0.8, 0.95, 1.0)
MODES = (Adjacency.CONNECTED, Adjacency.NONE)

_TRIES = 5
_DEMAND = learn_demand({2: 400, 3: 120, 4: 200, 5: 40, 6: 50, 8: 20})


class Unhurried:
    """A deadline that never comes."""

    def expired(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds over many questions, each the least of several tries."""

    least: float
    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Cost":
        ordered = sorted(values)
        return cls(ordered[0], median(ordered), ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))])


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One house at one fullness. ``floor``: a bare scan of the bits; ``seated`` and ``moved``: shares."""

    tables: int
    fullness: float
    mode: Adjacency
    quote: Cost
    floor: Cost
    explanation: Cost
    alternatives: Cost
    seated: float
    moved: float

    @property
    def ratio(self) -> float:
        return self.quote.median / self.floor.median


@dataclass(frozen=True, slots=True)
class _Table:
    index: FloorIndex
    occupancy: Occupancy
    evening: Evening
    demand: Demand


def measure(tables: int, fullness: float, mode: Adjacency, questions: int) -> QuoteRow:
    """Ask ``questions`` seeded questions of one seeded evening."""
    random = Random(f"{tables}-{fullness}-{mode}")
    floor = house(tables, mode)
    index = compile_floor(floor)
    evening = filled(floor, fullness, random)
    asked = _Table(index, Occupancy.build(index, SPAN, evening.allocations), evening, _DEMAND)
    requests = [a_request(floor, random) for _ in range(questions)]
    costs: dict[str, list[float]] = {"quote": [], "floor": [], "explanation": [], "alternatives": []}
    seated = moved = 0
    for request in requests:
        decision = _ask(asked, request)
        seated += decision.plan is not None
        moved += bool(decision.plan and decision.plan.moves)
        costs["quote"].append(_least(lambda r=request: _ask(asked, r)))  # type: ignore[misc]
        costs["floor"].append(_least(lambda r=request: _bare_scan(asked, r)))  # type: ignore[misc]
        told = decision
        costs["explanation"].append(_least(lambda d=told: json.dumps(explanation_data(d))))  # type: ignore[misc]
        if decision.plan is None:
            costs["alternatives"].append(_least(lambda r=request: _others(asked, r), 2))  # type: ignore[misc]
    cost = {name: Cost.of(values or [0.0]) for name, values in costs.items()}
    return QuoteRow(tables, fullness, mode, **cost, seated=seated / questions, moved=moved / questions)


def _least(run: Callable[[], object], tries: int = _TRIES) -> float:
    best = None
    for _ in range(tries):
        began = process_time_ns()
        run()
        took = process_time_ns() - began
        best = took if best is None else min(best, took)
    return (best or 0) / 1e6


def _ask(asked: _Table, request: PartyRequest) -> Decision:
    return quote(
        asked.index,
        asked.occupancy,
        request,
        (),
        Unhurried(),
        movable=asked.evening.movable,
        demand=asked.demand,
    )


def _bare_scan(asked: _Table, request: PartyRequest) -> list[int]:
    """Which sets are free, and nothing else."""
    taken = asked.occupancy.taken(request.start, request.end)
    blocked = taken.booked | taken.held | musts(asked.index, request)
    return [bits for bits in asked.index.candidates(request.party_size).bits if not bits & blocked]


def _others(asked: _Table, request: PartyRequest) -> object:
    return find_alternatives(
        asked.index,
        asked.occupancy,
        request,
        (),
        Unhurried(),
        0,
        movable=asked.evening.movable,
        demand=asked.demand,
    )
