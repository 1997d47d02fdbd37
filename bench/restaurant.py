"""Seeded restaurants and evenings: the same numbers everywhere."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

from maitred.domain.floor import Adjacency, Floor, Pacing, Policy, Service, Table, Zone
from maitred.domain.windows import to_minutes, turn_minutes
from maitred.planner.day.demand import PRIOR_SHARES
from maitred.planner.model import Allocation, MovableBooking, PartyRequest

DAY = date(2026, 12, 4)
OPENS = to_minutes(datetime(2026, 12, 4, 17, 0, tzinfo=ZoneInfo("UTC")))
LAST = OPENS + 270
SPAN = (OPENS - 60, LAST + 330)
DINNER = Service("dinner", "Dinner", frozenset(range(7)), 17 * 60, 23 * 60, 21 * 60 + 30, True, None)

_ZONE_TABLES = 20
_ROW = 5
_SIZES = (2, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 8)
_SLOTS = range(0, 271, 15)
_FIXED_SHARE = 0.2
_MOVABLE_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Evening:
    """Bookings on a floor, most of which may be moved."""

    allocations: tuple[Allocation, ...]
    movable: tuple[MovableBooking, ...]


def restaurant(tables: int, adjacency: Adjacency, seed: int = 1) -> Floor:
    """A restaurant with zones of twenty tables, five to a row, each touching the next ones."""
    random = Random(f"{tables}-{seed}")
    made = tuple(_table(number, random) for number in range(tables))
    edges = frozenset(
        (_name(number), _name(other))
        for number in range(tables)
        for other in (number + 1, number + _ROW)
        if other < tables and _touch(number, other)
    )
    return Floor(
        restaurant_id="bench",
        layout_version=1,
        name="Bench",
        timezone=ZoneInfo("UTC"),
        policy=Policy(adjacency=adjacency, pacing=Pacing()),
        services=(DINNER,),
        closures=(),
        zones=tuple(Zone(zone, zone) for zone in sorted({table.zone for table in made})),
        tables=made,
        adjacency=edges,
        combinations=(),
    )


def _touch(number: int, other: int) -> bool:
    same_zone = number // _ZONE_TABLES == other // _ZONE_TABLES
    same_row = number // _ROW == other // _ROW
    return same_zone and (same_row or other - number == _ROW)


def _name(number: int) -> str:
    return f"T{number:03}"


def _table(number: int, random: Random) -> Table:
    capacity = random.choice(_SIZES)
    return Table(
        id=_name(number),
        zone=f"zone{number // _ZONE_TABLES}",
        capacity=capacity,
        min_party=1,
        max_party=capacity,
        movable=random.random() >= _FIXED_SHARE,
        active=True,
        out_of_service=False,
        walk_in_only=False,
        priority=0,
        seating_type="standard",
        attributes=frozenset({"standard"} | ({"window"} if random.random() < _FIXED_SHARE else set())),
    )


def party_size(random: Random) -> int:
    sizes, shares = zip(*sorted(PRIOR_SHARES.items()), strict=True)
    return int(random.choices(sizes, shares)[0])


def a_request(floor: Floor, random: Random) -> PartyRequest:
    """A party at some slot of the evening; one in ten would like a window."""
    size = party_size(random)
    start = OPENS + random.choice(_SLOTS)
    plain = PartyRequest(size, start, start + turn_minutes(floor, DINNER, size), "dinner", DAY)
    return replace(plain, attributes=frozenset({"window"})) if random.random() < _FIXED_SHARE / 2 else plain


def filled(floor: Floor, share: float, random: Random) -> Evening:
    """An evening packed from end to end, with a ``share`` of its stays kept (1: nothing is free)."""
    allocations: list[Allocation] = []
    movable: list[MovableBooking] = []
    for table in floor.tables:
        for booking in _at_table(floor, table, random):
            kept, may_move = random.random() < share, random.random() < _MOVABLE_SHARE
            if kept:
                end = booking.end + floor.policy.buffer_after_minutes
                allocations.append(Allocation(table.id, booking.start, end, booking.booking_id))
            if kept and may_move:
                movable.append(booking)
    return Evening(tuple(allocations), tuple(movable))


def _at_table(floor: Floor, table: Table, random: Random) -> Iterator[MovableBooking]:
    """Stays one after the other, a few minutes apart, from before the first slot until the last one's end."""
    at, after = OPENS - random.randrange(60), floor.policy.buffer_after_minutes
    number = 0
    while at <= LAST + 150:
        size = random.randint(max(1, table.capacity - 1), table.capacity)
        stay = turn_minutes(floor, DINNER, size)
        yield MovableBooking(f"{table.id}-{number}", size, at, at + stay, (table.id,))
        at += stay + after + random.choice((0, 5, 10, 15))
        number += 1
