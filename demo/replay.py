"""Real reservations as a programme: the ten busiest restaurants, and one large restaurant for everybody."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from demo import halls
from demo.model import Programme, Restaurant, Showing, Step
from demo.reservations import Part, Reservation, busiest_part, moved_ahead, read

AT_LEAST = 5000
BUSIEST = 10
POOLED = "large-restaurant"
OWN_BUSY_SHARE = 0.7  # an own hall is too small on its busiest days, as a real one is
POOLED_BUSY_SHARE = 0.75
_A_DAY = timedelta(days=1)
_SERVICE_OPENS, _NIGHT = time(10), timedelta(hours=18)
_MANY_TABLES = 45  # more rows than fit a terminal


def programme(path: Path, at_least: int = AT_LEAST, now: datetime | None = None) -> Programme:
    """The busiest weeks of a file with at least this many reservations (or the whole file).

    Raises DataError when the file cannot be played.
    """
    part = busiest_part(read(path), at_least)
    local_now = (now or datetime.now(UTC)).astimezone(ZoneInfo(halls.TIMEZONE)).replace(tzinfo=None)
    visits = moved_ahead(part.reservations, local_now + _A_DAY)
    own = _own_restaurants(visits)
    pooled = Restaurant(
        POOLED, halls.hall("The large restaurant", halls.table_sizes(visits, POOLED_BUSY_SHARE))
    )
    restaurants = [*own.values(), pooled]
    steps = _steps(visits, own)
    intro = _intro(path, part, visits, restaurants, steps)
    return Programme(restaurants, steps, _showing(visits, own), intro, rate=0)


def _own_restaurants(visits: Sequence[Reservation]) -> dict[str, Restaurant]:
    """A hall for each of the busiest restaurants, by its name in the file."""
    counts = Counter(visit.restaurant for visit in visits)
    names = sorted(counts, key=lambda name: (-counts[name], name))[:BUSIEST]
    restaurants = {}
    for place, name in enumerate(names, 1):
        mine = [visit for visit in visits if visit.restaurant == name]
        document = halls.hall(f"Restaurant {name}"[:100], halls.table_sizes(mine, OWN_BUSY_SHARE))
        restaurants[name] = Restaurant(f"r{place:02}-{re.sub('[^A-Za-z0-9_-]', '-', name)[:40]}", document)
    return restaurants


def _steps(visits: Sequence[Reservation], own: dict[str, Restaurant]) -> list[Step]:
    steps: list[Step] = []
    for visit in visits:
        restaurants = [POOLED] + ([own[visit.restaurant].id] if visit.restaurant in own else [])
        for restaurant in restaurants:
            steps.append(Step(len(steps), restaurant, visit.visit_at, visit.party))
    return steps


def _showing(visits: Sequence[Reservation], own: dict[str, Restaurant]) -> Showing:
    """The busiest day among the own halls that fit a terminal, from its first visit to its last hours."""
    small = {name: each for name, each in own.items() if len(each.tables) <= _MANY_TABLES} or own
    counts = Counter((visit.restaurant, visit.service_day) for visit in visits if visit.restaurant in small)
    restaurant, day = max(counts, key=lambda key: (counts[key], key))
    mine = [visit for visit in visits if (visit.restaurant, visit.service_day) == (restaurant, day)]
    opens = datetime.combine(day, _SERVICE_OPENS)
    begins = max(opens, min(visit.visit_at for visit in mine))
    ends = max(visit.visit_at + timedelta(minutes=halls.turn_minutes(visit.party)) for visit in mine)
    return Showing(small[restaurant].id, day, begins, min(ends, opens + _NIGHT))


def _intro(
    path: Path,
    part: Part,
    visits: Sequence[Reservation],
    restaurants: Sequence[Restaurant],
    steps: Sequence[Step],
) -> list[str]:
    span = f"{part.first_week:%Y-%m-%d} to {part.last_week + timedelta(days=6):%Y-%m-%d}"
    days: set[date] = {visit.service_day for visit in visits}
    played = len(part.reservations)
    why = (
        "all there are" if played == part.of else "the busiest run of weeks that is enough for a few minutes"
    )
    own = ", ".join(str(len(restaurant.tables)) for restaurant in restaurants[:-1])
    return [
        f"{path.name}: {played:,} of its {part.of:,} reservations, {part.weeks} weeks, {span}: {why}.",
        f"Moved to {min(days):%Y-%m-%d} ... {max(days):%Y-%m-%d}, so weekdays stay and all lie ahead.",
        f"Each asks for a table in one large restaurant ({len(restaurants[-1].tables)} tables);",
        f"those of the {len(restaurants) - 1} busiest restaurants also in their own ({own} tables):",
        f"{len(steps):,} bookings in all.",
    ]
