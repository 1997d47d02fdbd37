"""The evening without data: a restaurant of 40 tables, and more guests than it can seat."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from demo.model import Document, Programme, Restaurant, Showing, Step

RESTAURANT = "harbour-room"
BOOKINGS = 105
CANCEL_SHARE = 0.1
RATE = 50.0
SEED = 1719
DAYS_AHEAD = 7
_OPENS, _CLOSES = time(17), time(23)
_PARTIES = {1: 3, 2: 40, 3: 16, 4: 22, 5: 7, 6: 7, 7: 2, 8: 3}
_STARTS = {
    "17:00": 8,
    "17:15": 5, "17:30": 8, "18:00": 9, "18:15": 4, "18:30": 6, "18:45": 4, "19:00": 12,
    "19:15": 6, "19:30": 9, "19:45": 5, "20:00": 7, "20:15": 4, "20:30": 8,
    "21:00": 10, "21:15": 6, "21:30": 6,
}  # fmt: skip
_PREFERENCES: tuple[tuple[Document, int], ...] = (
    ({}, 74),
    ({"attributes": ["window"]}, 12),
    ({"zone": "terrace"}, 8),
    ({"zone": "terrace", "zoneRequired": True}, 3),
    ({"required": ["accessible"]}, 3),
)
# zone, prefix, seats of the tables in the order in which they stand in a row
_ROWS = (
    ("main", "M", (2, 2, 4, 4, 4, 2, 2)),
    ("main", "N", (4, 4, 6, 6, 4, 4)),
    ("main", "P", (2, 2, 2, 4, 4, 8)),
    ("terrace", "T", (2, 2, 4, 4, 2, 2)),
    ("terrace", "U", (4, 4, 6, 6, 2)),
    ("bar", "B", (2, 2, 2, 2, 2, 2, 2, 2, 4, 4)),
)
_WINDOWS = {"M", "T"}
_ACCESSIBLE = {"M1", "M7", "N1", "P6", "T1", "U5"}


def floor() -> Document:
    """The restaurant's floor document."""
    return {
        "name": "Harbour Room",
        "timezone": "Europe/London",
        "policy": {"bufferAfterMinutes": 5, "maxTables": 3},
        "services": [
            {"id": "dinner", "name": "Dinner", "opens": "17:00", "closes": "23:00", "lastSeating": "21:30"}
        ],
        "zones": [
            {"id": "main", "name": "Main room"},
            {"id": "terrace", "name": "Terrace"},
            {"id": "bar", "name": "Bar"},
        ],
        "tables": list(_tables()),
        "adjacency": [
            pair for _, prefix, seats in _ROWS if prefix != "B" for pair in _neighbours(prefix, seats)
        ],
        "combinations": [{"tables": ["B9", "B10"], "minParty": 5, "maxParty": 8}],
    }


def _tables() -> Iterator[Document]:
    for zone, prefix, seats in _ROWS:
        for number, capacity in enumerate(seats, 1):
            name = f"{prefix}{number}"
            attributes = ["window"] * (prefix in _WINDOWS) + ["accessible"] * (name in _ACCESSIBLE)
            yield {
                "id": name,
                "zone": zone,
                "capacity": capacity,
                "movable": prefix != "B",  # the bar's are fixed; its last two are joined by a combination
                "seatingType": "counter" if prefix == "B" and capacity == min(seats) else "standard",
                "attributes": attributes,
            }


def _neighbours(prefix: str, seats: tuple[int, ...]) -> Iterator[list[str]]:
    for left, right in pairwise(range(1, len(seats) + 1)):
        yield [f"{prefix}{left}", f"{prefix}{right}"]


def programme(bookings: int = BOOKINGS, now: datetime | None = None) -> Programme:
    """A repeatable evening a week from ``now`` with this many bookings, and some cancellations."""
    day = ((now or datetime.now(UTC)) + timedelta(days=DAYS_AHEAD)).date()
    steps = _steps(random.Random(SEED), bookings, datetime.combine(day, time()))  # noqa: S311 - demand, no secret
    cancels = sum(step.cancels is not None for step in steps)
    return Programme(
        restaurants=[Restaurant(RESTAURANT, floor())],
        steps=steps,
        showing=Showing(RESTAURANT, day, datetime.combine(day, _OPENS), datetime.combine(day, _CLOSES)),
        intro=[
            f"Harbour Room, 40 tables, dinner on {day:%A %d %B %Y}, 17:00-23:00.",
            f"{bookings} parties ask for a table, {cancels} of them cancel later.",
            f"Demand is random but the same every time (seed {SEED}), and more than the restaurant can seat.",
        ],
        rate=RATE,
    )


def _steps(dice: random.Random, bookings: int, midnight: datetime) -> list[Step]:
    """Bookings in the order of asking; each cancellation some way after its booking."""
    requests = [_request(dice, midnight) for _ in range(bookings)]
    leaving: dict[int, list[int]] = {}
    for number in sorted(dice.sample(range(bookings), round(bookings * CANCEL_SHARE))):
        leaving.setdefault(dice.randint(max(number, bookings // 2), bookings - 1), []).append(number)
    steps: list[Step] = []
    made: dict[int, Step] = {}
    for number, (start, party, preferences) in enumerate(requests):
        made[number] = Step(len(steps), RESTAURANT, start, party, preferences)
        steps.append(made[number])
        for gone in leaving.get(number, ()):
            booked = made[gone]
            steps.append(Step(len(steps), RESTAURANT, booked.start, booked.party, cancels=booked.number))
    return steps


def _request(dice: random.Random, midnight: datetime) -> tuple[datetime, int, Document]:
    [clock] = dice.choices(list(_STARTS), list(_STARTS.values()))
    [party] = dice.choices(list(_PARTIES), list(_PARTIES.values()))
    [preferences] = dice.choices([each for each, _ in _PREFERENCES], [weight for _, weight in _PREFERENCES])
    hour, minute = map(int, clock.split(":"))
    return midnight + timedelta(hours=hour, minutes=minute), party, preferences
