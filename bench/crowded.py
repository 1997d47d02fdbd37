"""The cost of refusals after a stream of more than the restaurant can seat has left many joined tables."""

from dataclasses import dataclass
from functools import partial
from random import Random

from bench.quotes import BenchDay, Cost, ask, least, other_starts
from bench.restaurant import a_request
from bench.streams import Seater, stream
from maitred.planner.day.demand import PRIOR
from maitred.planner.model import Refusal
from maitred.planner.options import FULL

LOAD = 1.5
TABLES = (40, 80, 160)
SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class CrowdedRow:
    """One restaurant after one stream: refused questions, and the other starts asked for after them."""

    tables: int
    seed: int
    quote: Cost
    alternatives: Cost


def measure_crowded(tables: int, seed: int, questions: int) -> CrowdedRow:
    """Ask ``questions`` seeded questions; those that can still be seated are left out."""
    evening = stream(tables, LOAD, seed)
    seater = Seater(evening, FULL)
    seater.run()
    day = BenchDay(evening.index, seater.occupancy, tuple(seater.booked.values()), PRIOR)
    random = Random(f"{tables}-{seed}")
    requests = [a_request(evening.floor, random) for _ in range(questions)]
    refused = [request for request in requests if isinstance(ask(day, request), Refusal)]
    return CrowdedRow(
        tables,
        seed,
        quote=Cost.of([least(partial(ask, day, request)) for request in refused]),
        alternatives=Cost.of([other_starts(day, request) for request in refused]),
    )
