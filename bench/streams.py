"""Evenings as streams: requests that come one by one, under several ways to seat them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from random import Random
from time import monotonic

from bench.quotes import Unhurried
from bench.restaurant import DINNER, SPAN, a_request, restaurant
from maitred.domain.floor import Adjacency, Floor
from maitred.domain.windows import turn_minutes
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.day.exact import ExactQuestion, ExactSolver, Proof
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Allocation, MovableBooking, Move, PartyRequest, Plan
from maitred.planner.options import PlannerOptions

LOADS = (0.6, 0.9, 1.2)
TABLES = (20, 40, 80)

_SOLVER_SECONDS = 20.0
_EVENING_MINUTES = 330


@dataclass(frozen=True, slots=True)
class Stream:
    """A restaurant and the parties that ask, in their order."""

    floor: Floor
    index: FloorIndex
    requests: tuple[PartyRequest, ...]


@dataclass(slots=True)
class Tally:
    """The result of one way of seating a stream.

    With a solver: ``rescued`` parties were seated by its moves; of the refused ones ``proven`` could not be
    seated by any, and ``unproven`` were not decided in time. ``whole``: the evening was played to its end.
    """

    asked: int = 0
    accepted: int = 0
    covers: int = 0
    seat_minutes: int = 0
    moves: int = 0
    rescued: int = 0
    proven: int = 0
    unproven: int = 0
    whole: bool = True


def stream(tables: int, load: float, seed: int) -> Stream:
    """Requests for ``load`` times the table-minutes of the restaurant."""
    random = Random(f"{tables}-{load}-{seed}")
    floor = restaurant(tables, Adjacency.CONNECTED, seed)
    room, wanted = load * tables * _EVENING_MINUTES, 0
    requests = []
    while wanted < room:
        request = a_request(floor, random)
        wanted += request.end - request.start + floor.policy.buffer_after_minutes
        requests.append(request)
    return Stream(floor, compile_floor(floor), tuple(requests))


class Seater:
    """Seats a stream. With a solver, a refusal stands only when no number of moves would help.

    ``occupancy`` and ``booked`` (by id): the bookings so far.
    """

    def __init__(self, stream: Stream, options: PlannerOptions, solver: ExactSolver | None = None) -> None:
        """An empty evening."""
        self._stream = stream
        self._options = options
        self._solver = solver
        self.occupancy = Occupancy.build(stream.index, SPAN, ())
        self.booked: dict[str, MovableBooking] = {}
        self._hopeless: set[tuple[int, int, int]] = set()
        self.tally = Tally()

    def run(self, seconds: float = inf) -> Tally:
        """Play the evening, for so long at most."""
        ends = monotonic() + seconds
        for request in self._stream.requests:
            if monotonic() >= ends:
                self.tally.whole = False
                break
            self.ask(request)
        return self.tally

    def ask(self, request: PartyRequest) -> None:
        self.tally.asked += 1
        index, movable = self._stream.index, tuple(self.booked.values())
        problem = Problem(request, SPAN, self.occupancy.allocations, movable=movable, options=self._options)
        decision = quote(index, problem, Unhurried(), DrawnDay(index, self.occupancy, movable))
        if isinstance(decision, Plan):
            self._seat(request, decision.tables, decision.moves)
        elif self._solver is not None:
            self._ask_solver(self._solver, request)

    def _ask_solver(self, solver: ExactSolver, request: PartyRequest) -> None:
        """A proof holds for the rest of the evening: any number may move, and no booking is cancelled."""
        asked = (request.party_size, request.start, request.end)
        if asked in self._hopeless:
            self.tally.proven += 1
            return
        question = ExactQuestion(self._stream.index, self.occupancy, request, tuple(self.booked.values()))
        answer = solver.rearrange(question, _SOLVER_SECONDS)
        if answer.proof is Proof.UNKNOWN:
            self.tally.unproven += 1
        elif answer.proof is Proof.IMPOSSIBLE:
            self._hopeless.add(asked)
            self.tally.proven += 1
        else:
            self.tally.rescued += 1
            self._seat(request, answer.tables, answer.moves)

    def _seat(self, request: PartyRequest, tables: tuple[str, ...], moves: Sequence[Move]) -> None:
        rows = []
        for move in moves:
            booking = self.booked[move.booking_id]
            rows += self._rows(move.booking_id, move.to_tables, booking.start, booking.end)
            self.booked[move.booking_id] = MovableBooking(
                booking.booking_id, booking.party_size, booking.start, booking.end, move.to_tables
            )
        name = f"b{self.tally.asked:05}"
        rows += self._rows(name, tables, request.start, request.end)
        self.occupancy = self.occupancy.changed(self._stream.index, {move.booking_id for move in moves}, rows)
        _check(self.occupancy.allocations)
        self.booked[name] = MovableBooking(name, request.party_size, request.start, request.end, tables)
        self.tally.accepted += 1
        self.tally.covers += request.party_size
        self.tally.seat_minutes += request.party_size * turn_minutes(
            self._stream.floor, DINNER, request.party_size
        )
        self.tally.moves += len(moves)

    def _rows(self, booking_id: str, tables: tuple[str, ...], start: int, end: int) -> list[Allocation]:
        begin, finish = self.occupancy.buffered(start, end)
        return [Allocation(table, begin, finish, booking_id) for table in tables]


def _check(allocations: Sequence[Allocation]) -> None:
    """Raises ``ValueError`` if two bookings share a table."""
    ordered = sorted(allocations, key=lambda row: (row.table_id, row.start))
    for one, other in pairwise(ordered):
        if one.table_id == other.table_id and other.start < one.end:
            raise ValueError(f"{one.booking_id} and {other.booking_id} share {one.table_id}")
