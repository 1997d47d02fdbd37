"""What a restaurant is: its policy, services, closures, zones, tables and how they join.

Plain frozen data, one object a floor document (contract 1.1), all defaults resolved. Clock times of
services are minutes after local midnight of the service day (0-2879: a service that closes after
midnight has ``closes`` above 1440). Closures are venue-local wall times, half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

DEFAULT_LOCALE = "en"


class Adjacency(StrEnum):
    """How the tables of one set must touch each other."""

    CONNECTED = "connected"  # the set's induced graph is connected
    PAIRWISE = "pairwise"  # every two tables touch (a clique)
    NEIGHBORS = "neighbors"  # one table touches all the others (a star)
    NONE = "none"  # any movable tables of a zone


@dataclass(frozen=True, slots=True)
class TurnTime:
    """How long parties of up to ``max_party`` (None: any) stay, in minutes."""

    max_party: int | None
    minutes: int


@dataclass(frozen=True, slots=True)
class Pacing:
    """At most ``max_covers_per_slot`` covers may start in one slot, counted from ``opens``."""

    slot_minutes: int = 15
    max_covers_per_slot: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 5
    max_tables: int = 3
    adjacency: Adjacency = Adjacency.CONNECTED
    min_dining_minutes: int = 45
    max_moves: int = 2
    freeze_minutes: int = 120
    hold_seconds: int = 300
    start_cutoff_minutes: int = 10
    turn_times: tuple[TurnTime, ...] = (
        TurnTime(2, 90),
        TurnTime(4, 105),
        TurnTime(6, 120),
        TurnTime(None, 150),
    )
    pacing: Pacing = Pacing()
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A period in which parties are seated; ``days`` are weekdays, Monday 0."""

    id: str
    name: str
    days: frozenset[int]
    opens: int
    closes: int
    last_seating: int
    allow_overrun: bool
    turn_times: tuple[TurnTime, ...] | None


@dataclass(frozen=True, slots=True)
class Closure:
    """Venue-local ``[start, end)`` in which some tables (by zone, by id, or all) are closed."""

    start: datetime
    end: datetime
    zones: frozenset[str] | None
    tables: frozenset[str] | None
    reason: str | None

    @property
    def whole_house(self) -> bool:
        return self.zones is None and self.tables is None


@dataclass(frozen=True, slots=True)
class Zone:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``attributes`` includes its seating type (contract 9)."""

    id: str
    zone: str
    capacity: int
    min_party: int
    max_party: int
    movable: bool
    active: bool
    out_of_service: bool
    walk_in_only: bool
    priority: int
    seating_type: str
    attributes: frozenset[str]

    @property
    def assignable(self) -> bool:
        """May the planner give it to a new booking at all?"""
        return self.active and not self.out_of_service and not self.walk_in_only


@dataclass(frozen=True, slots=True)
class Combination:
    """An explicitly allowed set with a party range of its own; needs no edges."""

    tables: tuple[str, ...]
    min_party: int
    max_party: int


@dataclass(frozen=True, slots=True)
class Floor:
    """One layout version of one restaurant. Adjacency holds each undirected edge once, sorted.

    ``locale``: the language tag of its letters. ``contact_email``: who at the restaurant is written to.
    """

    restaurant_id: str
    layout_version: int
    name: str
    timezone: ZoneInfo
    policy: Policy
    services: tuple[Service, ...]
    closures: tuple[Closure, ...]
    zones: tuple[Zone, ...]
    tables: tuple[Table, ...]
    adjacency: frozenset[tuple[str, str]]
    combinations: tuple[Combination, ...]
    locale: str = DEFAULT_LOCALE
    contact_email: str | None = None

    def seats(self) -> int:
        """Seats of all active tables that are not walk-in only: no larger party is ever possible."""
        return sum(t.capacity for t in self.tables if t.active and not t.walk_in_only)
