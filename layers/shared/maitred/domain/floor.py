"""A restaurant: its policy, services, closures, zones, tables and how they join.

Frozen data: one object for each floor document (see docs/api.md, Restaurants), with all defaults filled in.
Clock times of services are minutes after local midnight of the service day, 0-2879; a service that closes
after midnight has ``closes`` above 1440. Closures are half-open intervals of the restaurant's local time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

DEFAULT_LOCALE = "en"
#: An attribute that is kept for who needs it, and the seating type that is nothing special.
ACCESSIBLE = "accessible"
STANDARD = "standard"


class Adjacency(StrEnum):
    """How the tables of one set must touch each other."""

    CONNECTED = "connected"  # the tables form one piece
    PAIRWISE = "pairwise"  # every two tables touch (a clique)
    NEIGHBORS = "neighbors"  # one table touches all the others (a star)
    NONE = "none"  # any movable tables of one zone


@dataclass(frozen=True, slots=True)
class TurnTime:
    """Parties of up to ``max_party`` (None: any size) stay ``minutes``."""

    max_party: int | None
    minutes: int


@dataclass(frozen=True, slots=True)
class Pacing:
    """At most ``max_covers_per_slot`` guests (None: any number) start in one slot, counted from ``opens``.

    ``per_zone``: at most so many of them in a zone. ``per_slot``: own limits of single slots, each with a
    minute after local midnight that lies in the slot.
    """

    slot_minutes: int = 15
    max_covers_per_slot: int | None = None
    per_zone: Mapping[str, int] = field(default_factory=dict)
    per_slot: tuple[tuple[int, int], ...] = ()

    @property
    def limited(self) -> bool:
        """Is there any limit?"""
        return self.max_covers_per_slot is not None or bool(self.per_zone) or bool(self.per_slot)


class ShiftMode(StrEnum):
    """What becomes of a better seating that the schedule has found for a service."""

    OFF = "off"
    SUGGEST = "suggest"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class ShiftPolicy:
    """When the schedule looks for a better seating of the next services. ``at``: minute of the local day."""

    mode: ShiftMode = ShiftMode.SUGGEST
    at: int = 15 * 60


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
    early_seat_minutes: int = 120
    lookahead_minutes: int = 60
    late_minutes: int = 15
    min_notice_minutes: int = 0
    max_days_ahead: int = 365
    max_party_online: int | None = None
    turn_times: tuple[TurnTime, ...] = (
        TurnTime(2, 90),
        TurnTime(4, 105),
        TurnTime(6, 120),
        TurnTime(None, 150),
    )
    pacing: Pacing = Pacing()
    optimize: ShiftPolicy = ShiftPolicy()
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A period of seating, such as dinner. ``days`` are weekdays; Monday is 0.

    A dated service runs on ``dates`` only, or on its weekdays from ``first`` to ``last`` inclusive (None:
    without an end). On its dates it replaces the weekly ones, unless it ``adds`` to them.
    """

    id: str
    name: str
    days: frozenset[int]
    opens: int
    closes: int
    last_seating: int
    allow_overrun: bool
    turn_times: tuple[TurnTime, ...] | None
    dates: frozenset[date] = frozenset()
    first: date | None = None
    last: date | None = None
    adds: bool = False

    @property
    def dated(self) -> bool:
        return bool(self.dates) or self.first is not None or self.last is not None

    def runs_on(self, day: date) -> bool:
        """Does its own row allow this day? Another service may replace it."""
        if self.dates:
            return day in self.dates
        begun = self.first is None or self.first <= day
        return begun and (self.last is None or day <= self.last) and day.weekday() in self.days


@dataclass(frozen=True, slots=True)
class Closure:
    """Some tables (by zone, by id, or all) are closed during ``[start, end)``, restaurant's local time."""

    start: datetime
    end: datetime
    zones: frozenset[str] | None
    tables: frozenset[str] | None
    reason: str | None

    @property
    def whole_house(self) -> bool:
        return self.zones is None and self.tables is None


@dataclass(frozen=True, slots=True)
class Pause:
    """No party may start at the tables of ``zones`` (None: anywhere) during ``[start, end)``, local time."""

    start: datetime
    end: datetime
    zones: frozenset[str] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the restaurant. ``position``: its place in a list of zones, the lowest first; None: any."""

    id: str
    name: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The tables that one server looks after. ``server``: who that is."""

    id: str
    tables: frozenset[str]
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``attributes`` includes its seating type.

    ``max_party`` may exceed ``capacity``: chairs are added then, if the table stands alone.
    """

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
    name: str | None = None

    @property
    def assignable(self) -> bool:
        """May the planner give this table to a new booking?"""
        return self.active and not self.out_of_service and not self.walk_in_only


@dataclass(frozen=True, slots=True)
class Combination:
    """A set that is allowed by name, with its own party range. It needs no edges.

    ``seats``: the seats of the tables when they are pushed together; None: the sum of the tables' own.
    """

    tables: tuple[str, ...]
    min_party: int
    max_party: int
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """One layout version of one restaurant. ``adjacency`` has each edge once, its two ids sorted.

    ``locale``: language tag of its letters. ``contact_email``: the address for notices to the restaurant.
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
    sections: tuple[Section, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def services_on(self, day: date) -> tuple[Service, ...]:
        """The services that open on this day, in the document's order."""
        running = [service for service in self.services if service.runs_on(day)]
        if any(service.dated and not service.adds for service in running):
            return tuple(service for service in running if service.dated)
        return tuple(running)

    def seats(self, *, walk_in: bool = False) -> int:
        """Seats of all active tables, those for walk-ins included if ``walk_in``. A larger party never fits.

        More, if a table with chairs added, or a combination pushed together, seats a larger party alone.
        """
        usable = {t.id: t for t in self.tables if t.active and (walk_in or not t.walk_in_only)}
        alone = [t.max_party for t in usable.values()]
        together = [row.max_party for row in self.combinations if usable.keys() >= set(row.tables)]
        return max([sum(t.capacity for t in usable.values()), *alone, *together])
