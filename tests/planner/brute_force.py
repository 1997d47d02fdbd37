"""The tests' judge: the rules of the floor document, written a second time and tried on every subset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from maitred.domain.floor import Adjacency, Floor, Table
from maitred.domain.reasons import ReasonCode
from maitred.planner.model import Allocation, PartyRequest

LIFTED_IN_ORDER = ("max_tables", "adjacency", "zone", "attributes", "min_party")


@dataclass(frozen=True)
class Judge:
    floor: Floor

    def ways(self, party_size: int, lifted: str = "") -> Iterator[frozenset[str]]:
        """Every set that may seat the party by the rules, whether or not a part of it would do."""
        usable = [t for t in self.floor.tables if t.active and not t.out_of_service and not t.walk_in_only]
        for size in range(1, len(usable) + 1):
            for chosen in combinations(usable, size):
                if self._serves(chosen, party_size, lifted):
                    yield frozenset(t.id for t in chosen)

    def candidates(self, party_size: int) -> set[frozenset[str]]:
        """The sets that may be given: no allowed proper subset serves."""
        ways = set(self.ways(party_size))
        return {way for way in ways if not any(other < way for other in ways)}

    def free(
        self, request: PartyRequest, busy: Iterable[Allocation], lifted: str = ""
    ) -> Iterator[frozenset[str]]:
        """The ways that are free and have everything the request requires."""
        before = self.floor.policy.buffer_before_minutes
        after = self.floor.policy.buffer_after_minutes
        occupied = {
            each.table_id
            for each in busy
            if each.start < request.end + after and request.start - before < each.end
        }
        for way in self.ways(request.party_size, lifted):
            if not way & occupied and self._has_required(way, request, lifted):
                yield way

    def refusal(self, request: PartyRequest, busy: Sequence[Allocation]) -> ReasonCode | None:
        """The reason's code without pacing, None if the party can be seated."""
        bookings = [each for each in busy if each.hold_id is None]
        if request.party_size > self.floor.seats():
            return ReasonCode.PARTY_TOO_LARGE
        if any(self.free(request, busy)):
            return None
        if any(self.free(request, bookings)):
            return ReasonCode.HOLD_CONFLICT
        for lifted in LIFTED_IN_ORDER:
            if any(self.free(request, busy, lifted)):
                return ReasonCode(lifted)
        return ReasonCode.PARTY_TOO_LARGE if self.never(request.party_size) else ReasonCode.NO_CAPACITY

    def never(self, party_size: int) -> bool:
        """Is no set, of however many guests more, allowed once every table is back in service?"""
        back = tuple(replace(table, out_of_service=False) for table in self.floor.tables)
        whole = type(self)(replace(self.floor, tables=back))
        return not any(any(whole.ways(size)) for size in range(party_size, self.floor.seats() + 1))

    def score(self, way: frozenset[str], request: PartyRequest) -> float:
        """The score of a set by the documented default weights."""
        tables = [t for t in self.floor.tables if t.id in way]
        seats = self.seats(way, request.party_size)
        missed = sum(any(name not in t.attributes for t in tables) for name in request.attributes)
        zone_preferred = request.zone is not None and not request.zone_required
        elsewhere = zone_preferred and any(t.zone != request.zone for t in tables)
        asked = request.attributes | request.required
        accessible = any("accessible" in t.attributes for t in tables) and "accessible" not in asked
        special = any(t.seating_type not in {"standard", *asked} for t in tables)
        joins = len(tables) == 1 and self._joinable(tables[0])
        kept = 0.05 * joins + 0.04 * (2 * accessible + special) / 3
        return (seats - request.party_size) + 1.5 * (len(tables) - 1) + 4.0 * elsewhere + 2.0 * missed + kept

    def _joinable(self, one: Table) -> bool:
        usable = {t.id: t for t in self.floor.tables if t.assignable}
        rows = [set(row.tables) for row in self.floor.combinations if usable.keys() >= set(row.tables)]
        if any(one.id in row for row in rows):
            return True
        others = [t for t in usable.values() if t.id != one.id and t.movable and t.zone == one.zone]
        touching = [t for t in others if self._touch(sorted((one.id, t.id)))]
        return one.movable and self.floor.policy.max_tables > 1 and bool(touching)

    def seats(self, way: frozenset[str], party_size: int) -> int:
        """The tables' own seats, with those that may be added if the party needs them."""
        own = sum(t.capacity for t in self.floor.tables if t.id in way)
        more = [row.seats or row.max_party for row in self.floor.combinations if set(row.tables) == way]
        more += [t.max_party for t in self.floor.tables if {t.id} == way]
        return max([own, *(min(party_size, seats) for seats in more)])

    def _serves(self, chosen: tuple[Table, ...], party_size: int, lifted: str) -> bool:
        names = {t.id for t in chosen}
        for row in self.floor.combinations:
            enough = party_size >= row.min_party or lifted == "min_party"
            if set(row.tables) == names and enough and party_size <= row.max_party:
                return True
        if len(chosen) == 1:
            only = chosen[0]
            enough = party_size >= only.min_party or lifted == "min_party"
            return enough and party_size <= only.max_party
        return (
            sum(t.capacity for t in chosen) >= party_size
            and all(t.movable for t in chosen)
            and (len({t.zone for t in chosen}) == 1 or lifted == "zone")
            and (len(chosen) <= self.floor.policy.max_tables or lifted == "max_tables")
            and (lifted == "adjacency" or self._touch(sorted(names)))
        )

    def _touch(self, names: list[str]) -> bool:
        mode = self.floor.policy.adjacency
        if mode is Adjacency.NONE:
            return True
        if mode is Adjacency.PAIRWISE:
            return all(self._edge(a, b) for a, b in combinations(names, 2))
        if mode is Adjacency.NEIGHBORS:
            return any(all(self._edge(a, b) for b in names if b != a) for a in names)
        reached = {names[0]}
        for _ in names:
            reached |= {b for b in names if any(self._edge(a, b) for a in reached)}
        return reached == set(names)

    def _edge(self, a: str, b: str) -> bool:
        return (min(a, b), max(a, b)) in self.floor.adjacency

    def _has_required(self, way: frozenset[str], request: PartyRequest, lifted: str) -> bool:
        tables = [t for t in self.floor.tables if t.id in way]
        zone = lifted == "zone" or not request.zone_required or all(t.zone == request.zone for t in tables)
        attributes = lifted == "attributes" or all(request.required <= t.attributes for t in tables)
        return zone and attributes
