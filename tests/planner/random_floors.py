"""Random small floors, requests and occupancies for property tests."""

from dataclasses import dataclass
from itertools import combinations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from maitred.domain.floor import Combination, Floor, Table
from maitred.planner.model import Allocation, PartyRequest
from tests.planner.floors import ALL_MODES, SEVEN, floor, party, table

NAMES = "ABCDEFGH"
ZONES = ("main", "patio")
ATTRIBUTES = ("window", "accessible")


@dataclass(frozen=True)
class Case:
    floor: Floor
    request: PartyRequest
    busy: tuple[Allocation, ...]


@st.composite
def tables(draw: DrawFn, name: str) -> Table:
    capacity = draw(st.sampled_from([1, 2, 2, 4, 4, 6, 8]))
    most = draw(st.sampled_from([capacity, capacity, capacity, max(1, capacity - 1), capacity + 1]))
    often = st.sampled_from([True, True, True, True, True, False])
    return table(
        name,
        capacity,
        draw(st.sampled_from([ZONES[0], *ZONES])),
        min_party=draw(st.sampled_from([1, 1, 1, most, max(1, most - 1)])),
        max_party=most,
        movable=draw(often),
        active=draw(often),
        out_of_service=not draw(often),
        walk_in_only=not draw(often),
        priority=draw(st.integers(-1, 1)),
        attributes=frozenset({"standard", *draw(st.sets(st.sampled_from(ATTRIBUTES)))}),
    )


@st.composite
def rows(draw: DrawFn, inside: tuple[Table, ...]) -> Combination:
    chosen = draw(st.lists(st.sampled_from(inside), min_size=2, max_size=4, unique=True))
    seats = sum(t.capacity for t in chosen) + draw(st.sampled_from([0, 0, 0, 2]))
    most = draw(st.integers(1, seats))
    together = draw(st.sampled_from([None, seats]))
    return Combination(tuple(sorted(t.id for t in chosen)), draw(st.integers(1, most)), most, together)


@st.composite
def floors(draw: DrawFn) -> Floor:
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    inside = tuple(draw(tables(name)) for name in names)
    pairs = [f"{a}-{b}" for a, b in combinations(names, 2)]
    edges = draw(st.sets(st.sampled_from(pairs))) if pairs else ()
    few_rows = st.lists(rows(inside), max_size=2)
    return floor(
        draw(st.permutations(inside)),
        edges,
        combinations=draw(few_rows) if len(inside) > 1 else (),
        adjacency=draw(st.sampled_from(ALL_MODES)),
        max_tables=draw(st.integers(1, 4)),
        buffer_before_minutes=draw(st.sampled_from([0, 0, 10])),
        buffer_after_minutes=draw(st.sampled_from([0, 5])),
    )


@st.composite
def cases(draw: DrawFn) -> Case:
    place = draw(floors())
    start = SEVEN + draw(st.integers(-60, 60))
    request = party(
        draw(st.integers(1, 14)),
        start,
        draw(st.sampled_from([45, 90, 150])),
        zone=draw(st.sampled_from([None, None, *ZONES])),
        zone_required=draw(st.booleans()),
        attributes=frozenset(draw(st.sets(st.sampled_from(ATTRIBUTES)))),
        required=frozenset(draw(st.sets(st.sampled_from(ATTRIBUTES), max_size=1))),
    )
    if request.zone is None:
        request = party(request.party_size, start, request.end - start, required=request.required)
    busy = draw(st.lists(allocations(tuple(t.id for t in place.tables)), max_size=10))
    return Case(place, request, tuple(busy))


@st.composite
def allocations(draw: DrawFn, names: tuple[str, ...]) -> Allocation:
    start = SEVEN + draw(st.integers(-240, 240))
    end = start + draw(st.integers(1, 200))
    owner = {"hold_id": "hold"} if draw(st.booleans()) else {"booking_id": "booking"}
    return Allocation(draw(st.sampled_from(names)), start, end, **owner)
