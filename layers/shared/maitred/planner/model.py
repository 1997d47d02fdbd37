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
class Plan:
    """A set of tables for a request: sorted ids, and the named parts of its score."""

    tables: tuple[str, ...]
    seats: int
    zone: str
    strategy: str
    score: float
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Exactly one of ``plan`` and ``refusal`` is set.

    ``candidates``: sets that could serve the party on an empty floor; ``evaluated``: sets looked at;
    ``alternates``: other free sets beside the chosen one; ``truncated``: a limit or the deadline ended
    the search or the floor's enumeration early.
    """

    plan: Plan | None
    refusal: Reason | None
    candidates: int
    evaluated: int
    alternates: int
    truncated: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another start that would be confirmed if it were asked for next."""

    start: int
    end: int
    tables: tuple[str, ...]
    zone: str
