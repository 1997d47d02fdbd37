"""What goes into the planner and what comes out. Times are minutes since the epoch (domain.timeline)."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from maitred.domain.reasons import Reason


class Deadline(Protocol):
    """The budget of one attempt. The planner reads no clock itself: it asks."""

    def expired(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class PartyRequest:
    """A party that wants ``[start, end)``.

    ``zone`` is a must if ``zone_required``, else a wish, as ``attributes`` are.
    """

    party_size: int
    start: int
    end: int
    service_id: str
    service_date: date
    zone: str | None = None
    zone_required: bool = False
    attributes: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Allocation:
    """A table taken over ``[start, end)``, buffers included, by a booking or a live hold."""

    table_id: str
    start: int
    end: int
    booking_id: str | None = None
    hold_id: str | None = None


@dataclass(frozen=True, slots=True)
class Covers:
    """``covers`` guests start at minute ``start`` (for pacing). ``held``: only a live hold wants them."""

    start: int
    covers: int
    held: bool = False


@dataclass(frozen=True, slots=True)
class MovableBooking:
    """A confirmed booking that may be given other tables: not seated, not pinned, before its freeze.

    ``[start, end)`` is its stay without buffers; what it occupies stands in its allocations. A move keeps
    ``zone`` (None: no zone was promised), ``attributes`` (wished and got) and ``required``.
    """

    booking_id: str
    party_size: int
    start: int
    end: int
    tables: tuple[str, ...]
    zone: str | None = None
    attributes: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """A booking that changes its tables, at the same time; both sets are sorted."""

    booking_id: str
    from_tables: tuple[str, ...]
    to_tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A set of tables for a request: sorted ids, and the named parts of its score.

    ``moves`` are carried out in the same transaction, sorted by booking; empty for most plans.
    """

    tables: tuple[str, ...]
    seats: int
    zone: str
    strategy: str
    score: float
    terms: tuple[tuple[str, float], ...]
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """What one strategy made of the free sets: how many it weighed, its best, and that one's score.

    The score is the one by which plans are compared, not the strategy's own objective.
    """

    name: str
    considered: int
    best: tuple[str, ...] | None
    score: float | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Loser:
    """A set that was not taken: ``term`` cost it ``by`` more than the chosen one.

    ``term`` is ``priority`` or ``order`` if the scores are equal; ``by`` is 0 then.
    """

    tables: tuple[str, ...]
    score: float
    term: str
    by: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Exactly one of ``plan`` and ``refusal`` is set.

    ``candidates``: sets that could serve the party on an empty floor; ``evaluated``: sets looked at;
    ``alternates``: other free sets beside the chosen one; ``truncated``: a limit or the deadline ended
    the search or the floor's enumeration early. ``deciding_term`` is what told the plan from the best
    loser. ``checks``: how often the deadline was asked, if it ended the search (a replay ends there too).
    """

    plan: Plan | None
    refusal: Reason | None
    candidates: int
    evaluated: int
    alternates: int
    truncated: bool
    explanation: str
    strategies: tuple[StrategyResult, ...] = ()
    losers: tuple[Loser, ...] = ()
    deciding_term: str | None = None
    checks: int | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another start that would be confirmed if it were asked for next."""

    start: int
    end: int
    tables: tuple[str, ...]
    zone: str
