"""The planner's inputs and answers. Times are minutes since the epoch (domain.windows)."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from maitred.domain.reasons import Reason


class Deadline(Protocol):
    """The time budget of one attempt. The planner reads no clock: it asks the deadline."""

    def expired(self) -> bool:
        """Is the time over?"""
        ...


@dataclass(frozen=True, slots=True)
class PartyRequest:
    """A party of ``party_size`` guests that asks for ``[start, end)``.

    ``zone`` is required if ``zone_required``, else preferred. ``attributes`` are preferred, ``required`` are
    attributes that every table must have.
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
    """A table taken over ``[start, end)``, buffers included, by a booking or by a live hold."""

    table_id: str
    start: int
    end: int
    booking_id: str | None = None
    hold_id: str | None = None


@dataclass(frozen=True, slots=True)
class Covers:
    """``covers`` guests start at minute ``start`` (for pacing). ``on_hold``: they are a live hold's.

    Where zones have limits, they are of one party: ``zones`` are those of its tables, and ``owner`` is the id
    of its booking or hold.
    """

    start: int
    covers: int
    on_hold: bool = False
    zones: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class MovableBooking:
    """A confirmed booking that may get other tables: not seated, not pinned, before its freeze.

    ``[start, end)`` is its stay without buffers; its allocations say what it occupies. A move keeps what was
    promised: ``zone`` (None: no zone), ``attributes`` (those it preferred and got) and ``required``.
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
class StrategyResult:
    """One strategy's look at the free sets: how many it weighed, its best one, and the score of that.

    The score is the one that plans are compared by, not the strategy's own objective. By default, the
    strategy had nothing to weigh.
    """

    name: str
    considered: int = 0
    best: tuple[str, ...] | None = None
    score: float | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Loser:
    """A free set that was not chosen: ``term`` cost it ``by`` more than it cost the chosen set.

    ``term`` is ``priority`` or ``order`` if the scores are equal; ``by`` is 0 then.
    """

    tables: tuple[str, ...]
    score: float
    term: str
    by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Searched:
    """The facts that every decision has about the search that led to it.

    ``candidates``: the sets that could serve the party on an empty floor. ``truncated``: a limit or the
    deadline ended the search, or the floor's enumeration, early. ``explanation``: a sentence or two for a
    host. ``checks``: how often the deadline was asked, if it ended the search (a replay ends there too).
    """

    candidates: int
    explanation: str
    truncated: bool = False
    strategies: tuple[StrategyResult, ...] = ()
    checks: int | None = None


@dataclass(frozen=True, slots=True)
class Plan(_Searched):
    """A set of tables for a request: sorted ids, and the named parts of its score.

    ``moves`` are carried out in the same transaction, sorted by booking; empty for most plans.
    ``alternates``: other free sets beside this one; ``losers``: the best of those, best first.
    """

    tables: tuple[str, ...]
    seats: int
    zone: str
    strategy: str
    score: float
    terms: tuple[tuple[str, float], ...]
    moves: tuple[Move, ...] = ()
    alternates: int = 0
    losers: tuple[Loser, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocker:
    """A booking, or a hold (no ``booking_id``), at these tables; buffers included in ``[start, end)``.

    ``party_size`` is known of bookings that may be moved.
    """

    booking_id: str | None
    tables: tuple[str, ...]
    start: int
    end: int
    party_size: int | None = None


@dataclass(frozen=True, slots=True)
class LaterStart:
    """The minute from which these tables would be the party's."""

    start: int
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Obstruction:
    """The smallest change that would let a party in: ``tables`` would be its own without ``parties``.

    ``later``: or the party starts later. ``words``: both as a sentence for a host.
    """

    tables: tuple[str, ...]
    parties: tuple[Blocker, ...]
    later: LaterStart | None
    words: str


@dataclass(frozen=True, slots=True)
class Refusal(_Searched):
    """No tables for the party, and the rule that binds, or why the question is still open.

    ``blocking``: who is in the way, where the day's bookings and holds are.
    """

    reason: Reason
    blocking: Obstruction | None = None


type Decision = Plan | Refusal


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another stay ``[start, end)`` that would be confirmed if the party asked for it next."""

    start: int
    end: int
    tables: tuple[str, ...]
    zone: str
