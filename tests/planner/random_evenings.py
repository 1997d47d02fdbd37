"""Random small evenings: valid bookings, some of which may be moved, and a party that wants in."""

from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from maitred.domain.floor import Floor
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Allocation, MovableBooking, PartyRequest
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, party
from tests.planner.random_floors import ATTRIBUTES, ZONES, floors


@dataclass(frozen=True)
class Evening:
    floor: Floor
    index: FloorIndex
    request: PartyRequest
    busy: tuple[Allocation, ...]
    movable: tuple[MovableBooking, ...]


@st.composite
def evenings(draw: DrawFn, most_tables: int = 6) -> Evening:
    """Bookings are seated one after the other at any allowed free set, never two at one table."""
    place = draw(floors())
    assume(any(t.assignable for t in place.tables) and len(place.tables) <= most_tables)
    place = replace(place, policy=replace(place.policy, max_moves=draw(st.integers(1, 3))))
    busy: list[Allocation] = []
    movable: list[MovableBooking] = []
    for number in range(draw(st.integers(1, 7))):
        _book(draw, place, busy, movable, number)
    request = draw(requests())
    return Evening(place, compile_floor(place), request, tuple(busy), tuple(movable))


@st.composite
def requests(draw: DrawFn) -> PartyRequest:
    zone = draw(st.sampled_from([None, None, *ZONES]))
    return party(
        draw(st.sampled_from([1, 2, 2, 3, 4, 4, 5, 6, 8])),
        SEVEN + draw(st.sampled_from([-30, 0, 0, 20])),
        draw(st.sampled_from([60, 90])),
        zone=zone,
        zone_required=zone is not None and draw(st.booleans()),
        attributes=frozenset(draw(st.sets(st.sampled_from(ATTRIBUTES), max_size=1))),
        required=frozenset(draw(st.sampled_from([(), (), (), ATTRIBUTES[:1]]))),
    )


def _book(
    draw: DrawFn, place: Floor, busy: list[Allocation], movable: list[MovableBooking], number: int
) -> None:
    size = draw(st.sampled_from([1, 2, 2, 3, 4, 6]))
    start = SEVEN + draw(st.sampled_from([-90, -45, -30, 0, 0, 15, 45]))
    stay = party(size, start, draw(st.sampled_from([60, 90])))
    ways = sorted(Judge(place).free(stay, busy), key=sorted)
    if not ways:
        return
    way = draw(st.sampled_from(ways))
    before, after = place.policy.buffer_before_minutes, place.policy.buffer_after_minutes
    hold = draw(st.integers(0, 9)) == 0
    owner = {"hold_id": f"h{number}"} if hold else {"booking_id": f"b{number}"}
    busy += [Allocation(name, start - before, stay.end + after, **owner) for name in sorted(way)]
    if not hold and draw(st.integers(0, 4)):
        movable.append(_movable(draw, place, way, f"b{number}", stay))


def _movable(
    draw: DrawFn, place: Floor, way: frozenset[str], booking_id: str, stay: PartyRequest
) -> MovableBooking:
    tables = [t for t in place.tables if t.id in way]
    shared = frozenset.intersection(*(t.attributes for t in tables)) & set(ATTRIBUTES)
    zones = {t.zone for t in tables}
    promised = draw(st.booleans()) and len(zones) == 1
    return MovableBooking(
        booking_id,
        stay.party_size,
        stay.start,
        stay.end,
        tuple(sorted(way)),
        zone=zones.pop() if promised else None,
        attributes=shared if draw(st.booleans()) else frozenset(),
        required=shared if draw(st.integers(0, 3)) == 0 else frozenset(),
    )
