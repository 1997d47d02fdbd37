"""A whole service that may get other tables, and the answer: the shift, re-seated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from maitred.planner.day.demand import Demand
from maitred.planner.day.occupancy import Span
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, MovableBooking, Move, PartyRequest


@dataclass(frozen=True, slots=True)
class Booked:
    """A confirmed booking that may get other tables.

    ``booking`` says where it sits and what it was promised, which a move keeps; ``request`` is what it once
    asked for: the wishes of it that are missed cost something.
    """

    booking: MovableBooking
    request: PartyRequest


@dataclass(frozen=True, slots=True)
class Waiting:
    """A party that wants a table and has none."""

    booking_id: str
    request: PartyRequest


@dataclass(frozen=True, slots=True)
class Shift:
    """One service with all who have or want a table in it.

    ``span``: the minutes that are known. ``given``: every row of the ledger that stays; ``allocations``: the
    rows of the booked ones, buffers included. ``covers``: the covers that start on the day, of all who have
    tables or holds, for pacing. At most ``max_moves`` of the booked ones are moved.
    """

    index: FloorIndex
    span: Span
    given: tuple[Allocation, ...]
    allocations: tuple[Allocation, ...]
    booked: tuple[Booked, ...]
    waiting: tuple[Waiting, ...]
    covers: tuple[Covers, ...]
    demand: Demand
    max_moves: int


@dataclass(frozen=True, slots=True)
class Sum:
    """What the tables of all parties together cost, lower is better, and how many guests have one."""

    score: float
    terms: Mapping[str, float]
    covers: int


@dataclass(frozen=True, slots=True)
class Seats:
    """The tables (sorted ids) that a party gets which had none."""

    booking_id: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reseating:
    """The best seats that were found: most covers, then the lowest score, then the fewest moves.

    ``moves`` and ``seats`` are sorted by booking id. ``bound``: no seats for as many covers have a lower
    score; ``most_covers``: no seats serve more. ``proven``: nothing better exists. Where the floor's list of
    sets was cut short, bound and most covers hold for the listed sets alone, and nothing is ``proven``.
    """

    before: Sum
    after: Sum
    moves: tuple[Move, ...]
    seats: tuple[Seats, ...]
    bound: float
    most_covers: int
    proven: bool

    @property
    def improvement(self) -> float:
        """The share of the score that is saved; below 0 where guests who waited add more than is saved."""
        return (self.before.score - self.after.score) / self.before.score if self.before.score else 0.0

    @property
    def gap(self) -> float:
        """How much of the score might still be saved, as a share."""
        return (self.after.score - self.bound) / max(1.0, abs(self.after.score))


class ShiftSolver(Protocol):
    """The port to an exact solver; the solver itself is heavy and not part of the planner."""

    def reseat(self, shift: Shift, seconds: float) -> Reseating:
        """The best seats that are found within ``seconds`` of wall time; never worse than today's."""
        ...
