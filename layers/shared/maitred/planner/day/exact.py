"""The port to an exact solver: can this evening be rearranged to seat this party, in how many moves?

The solver itself is heavy and not part of the planner: a worker or a test brings one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import MovableBooking, Move, PartyRequest


class Proof(StrEnum):
    """How an exact search ended."""

    ARRANGED = "arranged"  # an arrangement with the fewest moves
    POSSIBLE = "possible"  # an arrangement, but fewer moves may do
    IMPOSSIBLE = "impossible"  # proven: no arrangement within the limit of moves
    UNKNOWN = "unknown"  # the search ran out of time


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """``tables`` and ``moves`` are set if the proof is ``ARRANGED`` or ``POSSIBLE``."""

    proof: Proof
    tables: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class ExactQuestion:
    """A party on a floor, and the bookings that may move for it; ``most_moves`` None: any number of them.

    The rules are those of the planner's own search; pacing is not looked at. ``barred``: tables, as bits,
    that take no party at this start.
    """

    index: FloorIndex
    occupancy: Occupancy
    request: PartyRequest
    movable: Sequence[MovableBooking]
    most_moves: int | None = None
    barred: int = 0


class ExactSolver(Protocol):
    def rearrange(self, question: ExactQuestion, seconds: float) -> ExactAnswer:
        """Decide the question within ``seconds`` of wall time, or answer ``UNKNOWN``."""
        ...
