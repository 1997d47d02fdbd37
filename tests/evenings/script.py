"""What the guests of one evening will do, drawn before it begins: whatever becomes of their tables."""

import random
from dataclasses import dataclass
from typing import Any

OPENS, LAST_SEATING, CLOSES = 17 * 60, 22 * 60, 23 * 60 + 30
BUFFER_BEFORE, BUFFER_AFTER, LOOKAHEAD = 0, 10, 60

_NOON = 12 * 60
_LAST_CALL = 16 * 60 + 30  # the last booking is made
_SIZES = {1: 4, 2: 46, 3: 14, 4: 24, 5: 4, 6: 5, 7: 1, 8: 2}
#: Starts every quarter of an hour; full and half hours are asked for most.
_STARTS = {OPENS + 15 * quarter: 3 if quarter % 2 == 0 else 2 for quarter in range(18)}
_TABLES = (
    ("T1", "main", 2), ("T2", "main", 2), ("T3", "main", 2), ("T4", "main", 4), ("T5", "main", 4),
    ("T6", "main", 4), ("T7", "main", 4), ("T8", "main", 6), ("G1", "garden", 2), ("G2", "garden", 4),
    ("G3", "garden", 4), ("G4", "garden", 8),
)  # fmt: skip
_JOINS = (("T1", "T2"), ("T2", "T3"), ("T4", "T5"), ("T6", "T7"), ("G1", "G2"))


def house() -> dict[str, Any]:
    """Twelve tables of two zones, some of which may be joined; the last one is for walk-ins."""
    tables = [{"id": name, "zone": zone, "capacity": seats} for name, zone, seats in _TABLES]
    return {
        "name": "Harbour Room",
        "timezone": "Europe/London",
        "policy": {
            "bufferBeforeMinutes": BUFFER_BEFORE,
            "bufferAfterMinutes": BUFFER_AFTER,
            "lookaheadMinutes": LOOKAHEAD,
            "maxTables": 2,
            "maxMoves": 2,
            "earlySeatMinutes": 120,
            "turnTimes": [
                {"maxParty": 2, "minutes": 75},
                {"maxParty": 4, "minutes": 90},
                {"maxParty": 6, "minutes": 105},
                {"maxParty": None, "minutes": 120},
            ],
        },
        "services": [
            {"id": "dinner", "name": "Dinner", "opens": "17:00", "closes": "23:30", "lastSeating": "22:00"}
        ],
        "zones": [{"id": "main", "name": "Main room"}, {"id": "garden", "name": "Garden"}],
        "tables": [*tables, {"id": "W1", "zone": "main", "capacity": 2, "walkInOnly": True}],
        "adjacency": [list(pair) for pair in _JOINS],
    }


@dataclass(frozen=True, slots=True)
class Visit:
    """A party. Times are minutes of the day.

    ``comes``: when it is at the door; None: never. ``stays``: as a share of the stay that it was given.
    ``cancels``: when it calls the visit off. ``misplaced``: the host seats it by mistake and corrects that.
    ``lingers``: it is taken to have left, and has not.
    """

    size: int
    start: int
    comes: int | None
    stays: float
    booked_at: int | None = None
    zone: str | None = None
    cancels: int | None = None
    misplaced: bool = False
    lingers: bool = False


@dataclass(frozen=True, slots=True)
class Breakage:
    """A table that is out of order from ``at`` to ``until``. ``mended``: when the host says so, if ever."""

    table: str
    at: int
    until: int
    mended: int | None


@dataclass(frozen=True, slots=True)
class Script:
    seed: int
    booked: tuple[Visit, ...]
    walk_ins: tuple[Visit, ...]
    breakages: tuple[Breakage, ...]


def draw(seed: int) -> Script:
    """The evening of ``seed``: 25 to 40 bookings in the order in which they are made, and who walks in."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    booked = sorted(
        (_booked(chance) for _ in range(chance.randint(25, 40))), key=lambda visit: visit.booked_at or 0
    )
    walk_ins = tuple(_walk_in(chance) for _ in range(chance.randint(4, 10)))
    breakages = tuple(_breakage(chance) for _ in range(chance.choice([0, 0, 1, 1, 2])))
    return Script(seed, tuple(booked), walk_ins, breakages)


def _booked(chance: random.Random) -> Visit:
    start = _one_of(chance, _STARTS)
    punctual = max(-25.0, min(25.0, chance.gauss(2.0, 8.0)))
    comes = None if chance.random() < 0.06 else max(OPENS, start + round(punctual))
    cancels = None
    if chance.random() < 0.05:
        comes, cancels = None, chance.randint(OPENS - 30, max(OPENS - 30, start - 10))
    return Visit(
        size=_one_of(chance, _SIZES),
        start=start,
        comes=comes,
        stays=_stay(chance),
        booked_at=chance.randint(_NOON, _LAST_CALL),
        zone=chance.choice([None, None, None, None, "main", "garden"]),
        cancels=cancels,
        misplaced=chance.random() < 0.04,
        lingers=chance.random() < 0.04,
    )


def _stay(chance: random.Random) -> float:
    """Within 30 % of what was planned, one way as often as the other."""
    return max(0.7, min(1.3, chance.lognormvariate(0.0, 0.25)))


def _walk_in(chance: random.Random) -> Visit:
    start = chance.randint(OPENS + 15, LAST_SEATING - 30)
    return Visit(_one_of(chance, _SIZES), start, start, _stay(chance))


def _breakage(chance: random.Random) -> Breakage:
    at = chance.randint(OPENS, LAST_SEATING)
    until = at + chance.choice([20, 30, 45, 60, 90])
    mended = chance.randint(at + 5, until - 1) if chance.random() < 0.5 else None
    return Breakage(chance.choice([name for name, _, _ in _TABLES]), at, until, mended)


def _one_of(chance: random.Random, weights: dict[int, int]) -> int:
    return chance.choices(list(weights), list(weights.values()))[0]
