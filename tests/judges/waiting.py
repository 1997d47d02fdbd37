"""Who should be woken, found out the long way: every party, every arrangement, nothing remembered."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from uuid import UUID

from maitred.domain.booking import Preferences
from maitred.domain.floor import Adjacency, Floor
from maitred.domain.windows import from_minutes, to_minutes
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import Problem
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Covers, Plan
from maitred.services.assignment.planning import movable_bookings
from maitred.services.ports import Day, MovableStay, Snapshot, WaitingParty
from tests.planner.floors import DAY, SEVEN, SPAN, Unhurried, floor, party, table
from tests.planner.move_judge import carried_out, fewest_moves

#: Noon of the day: whoever starts from 14:00 on may be moved.
NOW = from_minutes(SEVEN - 7 * 60)
_SLOT = 15


@dataclass
class House:
    """A restaurant's day, those who have been seated on it, and those who wait, oldest first.

    ``moves``: how many bookings have been moved for others.
    """

    floor: Floor
    day: Snapshot
    waiting: list[WaitingParty] = field(default_factory=list)
    seated: dict[str, WaitingParty] = field(default_factory=dict)
    moves: int = 0

    @property
    def index(self) -> FloorIndex:
        return compile_floor(self.floor)

    def cancel(self, booking_id: str) -> None:
        """The booking is gone from the day."""
        party = self.seated.pop(booking_id)
        covers = list(self.day.covers)
        covers.remove(Covers(to_minutes(party.start_at), party.party_size))
        self.day = replace(
            self.day,
            allocations=tuple(row for row in self.day.allocations if row.booking_id != booking_id),
            stays=tuple(stay for stay in self.day.stays if stay.booking_id != booking_id),
            covers=tuple(covers),
        )

    def with_leases(self, names: Collection[str]) -> "House":
        """The same house, but that these bookings are not confirmed yet: their tables are kept by leases."""
        rows, covers = [], list(self.day.covers)
        for row in self.day.allocations:
            leased = row.booking_id in names
            rows.append(replace(row, booking_id=None, hold_id=f"of {row.booking_id}") if leased else row)
        for name in names:
            party = self.seated[name]
            at = Covers(to_minutes(party.start_at), party.party_size)
            covers.remove(at)
            covers.append(replace(at, on_hold=True))
        day = replace(
            self.day,
            allocations=tuple(rows),
            stays=tuple(stay for stay in self.day.stays if stay.booking_id not in names),
            covers=tuple(covers),
            leases={f"of {name}": name for name in names},
        )
        waiting = [*self.waiting, *(self.seated[name] for name in names)]
        return House(self.floor, day, sorted(waiting, key=lambda party: (party.created_at, party.id)))


def random_house(random: Random, waiting: int) -> House:
    """Up to six tables, as many parties as they happen to seat, and ``waiting`` more who want in."""
    names = "ABCDEF"[: random.randint(2, 6)]
    tables = [
        table(
            name,
            capacity := random.choice((2, 2, 4, 4, 6)),
            random.choice(("main", "main", "patio")),
            min_party=random.choice((1, 1, 1, max(1, capacity - 2))),
            movable=random.random() < 0.8,
            attributes=frozenset({"standard", *(["window"] if random.random() < 0.3 else [])}),
        )
        for name in names
    ]
    edges = [f"{a}-{b}" for a in names for b in names if a < b and random.random() < 0.5]
    place = floor(
        tables,
        edges,
        max_covers=random.choice((None, None, None, 6)),
        max_moves=random.choice((0, 1, 2, 2)),
        adjacency=random.choice((Adjacency.CONNECTED, Adjacency.NONE)),
        max_tables=random.choice((1, 2, 3)),
        buffer_after_minutes=random.choice((0, 5)),
    )
    span = [from_minutes(minute) for minute in SPAN]
    free_from = NOW + timedelta(minutes=place.policy.freeze_minutes) if place.policy.max_moves else None
    day = Day("harbour", DAY, span[0], span[1], free_from, "", NOW, NOW)
    house = House(place, Snapshot(day, 1, None, 1, (), (), (), {}, None, None))
    for wanted in (_wanted(random, number) for number in range(60)):
        if len(house.waiting) == waiting:
            break
        if not _seated(house, wanted):
            house.waiting.append(wanted)
    return house


def _wanted(random: Random, number: int) -> WaitingParty:
    start = SEVEN + _SLOT * random.choice((-6, -4, -2, 0, 0, 0, 2, 4))
    zone = random.choice((None, None, None, "main", "patio"))
    return WaitingParty(
        id=UUID(int=number + 1),
        version=1,
        request_version=1,
        party_size=random.choice((1, 2, 2, 2, 3, 4, 4, 5, 6, 8)),
        start_at=from_minutes(start),
        end_at=from_minutes(start + random.choice((60, 90))),
        duration_minutes=None,
        service_date=DAY,
        created_at=NOW + timedelta(minutes=number),
        preferences=Preferences(
            zone=zone,
            zone_required=zone is not None and random.random() < 0.4,
            attributes=("window",) if random.random() < 0.1 else (),
            required=("window",) if random.random() < 0.1 else (),
        ),
    )


def who_should_wake(house: House) -> list[UUID]:
    """Those who wait and find a place, one after the other; they are seated in ``house`` and wait no more."""
    awake = [each for each in house.waiting if _seated(house, each)]
    house.waiting = [each for each in house.waiting if each not in awake]
    return [each.id for each in awake]


def _seated(house: House, each: WaitingParty) -> bool:
    """Seat the party if any arrangement of the day has a place for it."""
    place, day = house.floor, house.day
    start = to_minutes(each.start_at)
    request = party(
        each.party_size,
        start,
        to_minutes(each.end_at) - start,
        zone=each.preferences.zone,
        zone_required=each.preferences.zone_required,
        attributes=frozenset(each.preferences.attributes),
        required=frozenset(each.preferences.required),
    )
    most, slot = place.policy.pacing.max_covers_per_slot, start - start % _SLOT
    started = sum(row.covers for row in day.covers if slot <= row.start < slot + _SLOT)
    if each.party_size > place.seats() or (most is not None and started + each.party_size > most):
        return False
    movable = movable_bookings(house.index, day)
    if fewest_moves(place, request, day.allocations, movable, place.policy.max_moves) is None:
        return False
    problem = Problem(request, SPAN, day.allocations, day.covers, movable)
    plan = quote(house.index, problem, Unhurried())
    assert isinstance(plan, Plan)
    house.moves += len(plan.moves)
    rows = carried_out(place, request, day.allocations, plan)
    name = str(each.id)
    house.seated[name] = each
    free_from = day.day.movable_from
    stay = MovableStay(name, each.version, each.party_size, request.start, request.end, each.preferences)
    house.day = replace(
        day,
        allocations=tuple(
            replace(row, booking_id=name) if row.booking_id == "the party" else row for row in rows
        ),
        covers=(*day.covers, Covers(start, each.party_size)),
        stays=(*day.stays, stay) if free_from is not None and each.start_at > free_from else day.stays,
    )
    return True
