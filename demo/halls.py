"""Halls for restaurants of which only the reservations are known: tables for their busy days."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from demo.model import Document
from demo.reservations import Reservation

MOST_TABLES = 500  # a floor document holds no more
TIMEZONE = "Asia/Tokyo"
BUFFER_MINUTES = 5
TABLES_IN_A_ROW = 8
ROWS_IN_A_ZONE = 5
_SEATS = (2, 4, 6, 8, 10, 12, 16, 20, 30, 50, 100)
_LARGEST_MOVABLE = 8
_TURNS = ((2, 90), (4, 105), (6, 120), (LARGEST := 10_000, 150))


def turn_minutes(party: int) -> int:
    """How long a party stays: the turn times that a floor document has by default."""
    return next(minutes for most, minutes in _TURNS if party <= most)


def seats_for(party: int) -> int:
    """The smallest table that takes a party; the largest there is for parties beyond."""
    return next((seats for seats in _SEATS if party <= seats), _SEATS[-1])


def table_sizes(reservations: Sequence[Reservation], busy: float) -> list[int]:
    """Seats of the tables that are enough on all but the busiest days.

    ``busy``: the share of days, 0 to 1, on which every party has a table of its own size. Where that would be
    more than a floor may have, all sizes are cut in proportion.
    """
    needed: defaultdict[int, list[int]] = defaultdict(list)
    days: defaultdict[date, list[Reservation]] = defaultdict(list)
    for reservation in reservations:
        days[reservation.service_day].append(reservation)
    for of_day in days.values():
        at_once = _most_at_once(of_day)
        for seats in _SEATS:
            needed[seats].append(at_once.get(seats, 0))
    wanted = {seats: _at_share(counts, busy) for seats, counts in needed.items()}
    total = sum(wanted.values())
    if total > MOST_TABLES:
        wanted = {seats: count * MOST_TABLES // total for seats, count in wanted.items()}
    sizes = [seats for seats, count in sorted(wanted.items()) for _ in range(count)]
    return sizes or [seats_for(max(reservation.party for reservation in reservations))]


def _at_share(counts: Sequence[int], share: float) -> int:
    ordered = sorted(counts)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def _most_at_once(reservations: Iterable[Reservation]) -> Counter[int]:
    """For each table size the most parties of it that sit at one time."""
    changes: list[tuple[datetime, int, int]] = []
    for reservation in reservations:
        stay = timedelta(minutes=turn_minutes(reservation.party) + BUFFER_MINUTES)
        seats = seats_for(reservation.party)
        changes += [(reservation.visit_at, 1, seats), (reservation.visit_at + stay, -1, seats)]
    present: Counter[int] = Counter()
    most: Counter[int] = Counter()
    for _, change, seats in sorted(changes):
        present[seats] += change
        most[seats] = max(most[seats], present[seats])
    return most


def hall(name: str, sizes: Sequence[int]) -> Document:
    """The floor document of a hall: rows of tables, neighbours touch; open 10:00 to 04:00 every day."""
    rows = [sizes[at : at + TABLES_IN_A_ROW] for at in range(0, len(sizes), TABLES_IN_A_ROW)]
    zones = [f"hall-{number + 1}" for number in range(math.ceil(len(rows) / ROWS_IN_A_ZONE))]
    names: list[list[str]] = []
    tables: list[Document] = []
    for number, row in enumerate(rows):
        names.append([f"{_letters(number)}{place}" for place in range(1, len(row) + 1)])
        tables += _tables(names[-1], row, zones[number // ROWS_IN_A_ZONE])
    return {
        "name": name,
        "timezone": TIMEZONE,
        "policy": {"bufferAfterMinutes": BUFFER_MINUTES, "maxTables": 3},
        "services": [{"id": "all-day", "name": "All day", "opens": "10:00", "closes": "04:00"}],
        "zones": [{"id": zone} for zone in zones],
        "tables": tables,
        "adjacency": [list(pair) for row in names for pair in pairwise(row)],
    }


def _tables(names: Sequence[str], sizes: Sequence[int], zone: str) -> Iterator[Document]:
    for name, seats in zip(names, sizes, strict=True):
        yield {"id": name, "zone": zone, "capacity": seats, "movable": seats <= _LARGEST_MOVABLE}


def _letters(number: int) -> str:
    """A, B ... Z, AA, AB ..."""
    first, second = divmod(number, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + second)
