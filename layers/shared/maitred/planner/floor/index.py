"""A floor, compiled for questions: tables as bits and, for each party size, every set that may seat it.

Compile once per layout version and keep it; the lists for one party size are made when first asked for.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_

from maitred.domain.floor import ACCESSIBLE, STANDARD, Closure, Combination, Floor, Pause, Table
from maitred.domain.windows import closure_interval, to_minutes
from maitred.planner.floor.joins import (
    JoinedSet,
    JoinRules,
    bit_positions,
    joinable_tables,
    joined_sets,
    smaller_join,
)
from maitred.planner.floor.needs import Needs
from maitred.planner.floor.weights import DEFAULT_WEIGHTS, EXTRA_TABLES, JOINS, UNASKED, WASTED_SEATS

#: The most sets of joined tables that are kept. 160 tables on a dense grid with four to a set need 15,000. A
#: floor with more (say, any four of 160) is truncated, and searched when a question is asked instead.
MAX_JOINED_SETS = 120_000

_SCORE_DIGITS = 6
_KEPT_PRICES = 32


@dataclass(frozen=True, slots=True)
class TableSet:
    """A set that serves a party of one size. ``cost`` is its score before the party's preferences.

    ``positions`` are the tables' places in the order of their ids, so that they compare as the ids do.
    """

    bits: int
    positions: tuple[int, ...]
    seats: int
    priority: int
    cost: float


@dataclass(slots=True)
class Candidates:
    """The sets for one party size, best first; ``bits`` repeats theirs for fast scanning.

    ``single``: the tables that are a set by themselves; ``joined``: those that are in one with others.
    """

    sets: tuple[TableSet, ...]
    bits: tuple[int, ...]
    single: int
    joined: int
    _by_lowest: dict[int, list[tuple[int, int]]] | None = None

    def within(self, tables: int) -> list[int]:
        """The numbers of the sets that lie within these tables (bits), best first."""
        closed = ~tables
        if 2 * tables.bit_count() > (self.single | self.joined).bit_count():
            return [number for number, bits in enumerate(self.bits) if not bits & closed]
        if self._by_lowest is None:
            self._by_lowest = _by_lowest(self.bits)
        found = []
        for position in bit_positions(tables):
            found += [number for number, bits in self._by_lowest.get(position, ()) if not bits & closed]
        found.sort()
        return found


def _by_lowest(sets: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """The sets (bits) with their numbers, by their lowest table: each stands in one place."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, bits in enumerate(sets):
        found.setdefault((bits & -bits).bit_length() - 1, []).append((number, bits))
    return found


@dataclass(frozen=True, slots=True)
class _ClosedTables:
    bits: int
    start: int
    end: int
    whole_restaurant: bool


@dataclass(frozen=True, slots=True)
class _PausedTables:
    bits: int
    start: int
    end: int
    pause: Pause


@dataclass(slots=True)
class FloorIndex:
    """One compiled floor. Only its caches ever change.

    ``tables`` are sorted by id (plain code points, no locale), and table ``i`` is bit ``1 << i``.
    ``assignable``: tables, as bits, that the planner may give away. ``seats``: a larger party is refused as
    ``party_too_large``; ``seats_with_walk_ins``: where the tables kept for walk-ins count as well.
    ``truncated``: ``MAX_JOINED_SETS`` ended the enumeration. ``shortest_stay``: the shortest turn time, in
    minutes, with its buffers; a shorter gap is of no use. ``needs``: the least that parties take.
    ``shares``: groups of tables, as bits, between which guests are balanced: the sections, with the tables
    that have none as one more, or without sections the zones. ``joinable``: the tables that may be part of a
    joined set; ``accessible`` and ``special``: those that are accessible, and those of a seating type other
    than standard.
    """

    floor: Floor
    tables: tuple[Table, ...]
    position: dict[str, int]
    assignable: int
    seats: int
    seats_with_walk_ins: int
    zone_bits: dict[str, int]
    attribute_bits: dict[str, int]
    shares: tuple[int, ...]
    joinable: int
    accessible: int
    special: int
    rules: JoinRules
    weights: Mapping[str, float]
    truncated: bool
    shortest_stay: int
    needs: Needs
    _joined: list[JoinedSet]
    _rows: tuple[tuple[int, Combination], ...]
    _most_seats: Mapping[int, int]
    _closures: tuple[_ClosedTables, ...] | None = None
    _pauses: tuple[_PausedTables, ...] | None = None
    _candidates: dict[int, Candidates] = field(default_factory=dict)
    _prices: dict[Hashable, tuple[float, ...]] = field(default_factory=dict)
    _largest: int | None = None

    def candidates(self, party_size: int) -> Candidates:
        """Every set that may seat this party on an empty floor, except those of which a part would do."""
        known = self._candidates.get(party_size)
        if known is None:
            known = self._candidates[party_size] = self._find_candidates(party_size)
        return known

    def never_seats(self, party_size: int) -> bool:
        """Is the party too large for every set that the floor will ever allow, however empty it is?

        Tables that are out of service count: they come back. False where the sets are too many to know.
        """
        if self.truncated or self.candidates(party_size).sets:
            return False
        return party_size > self.largest_party

    @property
    def largest_party(self) -> int:
        """The largest party that may sit together, tables that are out of service included."""
        if self._largest is None:
            self._largest = self._find_largest()
        return self._largest

    def _find_largest(self) -> int:
        if any(table.out_of_service for table in self.tables):
            tables = tuple(replace(table, out_of_service=False) for table in self.tables)
            return compile_floor(replace(self.floor, tables=tables)).largest_party
        singles = (table.max_party for table in self.tables if table.assignable)
        joined = (each.seats for each in self._joined)
        return max((*singles, *joined, *(row.max_party for _, row in self._rows)), default=0)

    def prices(self, key: Hashable, make: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
        """One number a table, by position, made once a key; a bounded number of keys is kept."""
        known = self._prices.get(key)
        if known is None:
            if len(self._prices) >= _KEPT_PRICES:
                self._prices.clear()
            known = self._prices[key] = make()
        return known

    def matching(self, zone: str | None, attributes: Iterable[str]) -> int:
        """The tables, as bits, that lie in ``zone`` (None: any) and have all of ``attributes``."""
        bits = (1 << len(self.tables)) - 1 if zone is None else self.zone_bits.get(zone, 0)
        for attribute in attributes:
            bits &= self.attribute_bits.get(attribute, 0)
        return bits

    def matching_zones(self, zones: Iterable[str]) -> int:
        """The tables, as bits, that lie in any of these zones."""
        bits = 0
        for zone in zones:
            bits |= self.zone_bits.get(zone, 0)
        return bits

    def zones_of(self, tables: int) -> int:
        """All tables, as bits, of the zones in which these tables lie."""
        return self.matching_zones({self.tables[position].zone for position in bit_positions(tables)})

    def bits_of(self, table_ids: Iterable[str]) -> int:
        """The tables as bits; ids that this layout does not have are left out."""
        bits = 0
        for table_id in table_ids:
            position = self.position.get(table_id)
            if position is not None:
                bits |= 1 << position
        return bits

    def names(self, positions: Iterable[int]) -> tuple[str, ...]:
        """The ids of the tables at these positions."""
        return tuple([self.tables[position].id for position in positions])

    def closed(self, start: int, end: int) -> int:
        """Tables, as bits, that are closed at some minute of ``[start, end)``."""
        bits = 0
        for closure in self._resolved():
            if closure.start < end and start < closure.end:
                bits |= closure.bits
        return bits

    def restaurant_closed(self, start: int, end: int) -> bool:
        """Is the whole restaurant closed at some minute of ``[start, end)``?"""
        return any(c.whole_restaurant and c.start < end and start < c.end for c in self._resolved())

    def paused(self, start: int) -> int:
        """Tables, as bits, at which no party may start at this minute."""
        bits = 0
        for each in self._pauses_at(start):
            bits |= each.bits
        return bits

    def house_pause(self, start: int) -> Pause | None:
        """The pause of the whole restaurant at this minute, if there is one."""
        return next((each.pause for each in self._pauses_at(start) if each.pause.zones is None), None)

    def _pauses_at(self, start: int) -> list[_PausedTables]:
        if not self.floor.pauses:
            return []
        if self._pauses is None:
            self._pauses = tuple(_paused_tables(self, pause) for pause in self.floor.pauses)
        return [each for each in self._pauses if each.start <= start < each.end]

    def _resolved(self) -> tuple[_ClosedTables, ...]:
        if self._closures is None:
            self._closures = tuple(_closed_tables(self, closure) for closure in self.floor.closures)
        return self._closures

    def table_set(self, bits: int, party_size: int) -> TableSet:
        """The set of these tables, with its cost for this party."""
        positions = tuple(bit_positions(bits))
        seats = self.seats_for(bits, party_size)
        waste, extra = seats - party_size, len(positions) - 1
        cost = waste * self.weights[WASTED_SEATS] + extra * self.weights[EXTRA_TABLES]
        cost += self.cost_of_joins(bits) + self.cost_of_unasked(bits)
        priority = sum(self.tables[position].priority for position in positions)
        return TableSet(bits, positions, seats, priority, round(cost, _SCORE_DIGITS))

    def seats_for(self, bits: int, party_size: int) -> int:
        """The seats of these tables, with as many more as this party needs and the floor allows them."""
        own = self.rules.seats(bits)
        return max(own, min(party_size, self._most_seats.get(bits, own)))

    def cost_of_joins(self, bits: int) -> float:
        """The cost of a single table that could be joined; a joined set uses its tables as they are meant."""
        alone = not bits & (bits - 1)
        return self.weights[JOINS] if alone and bits & self.joinable else 0.0

    def cost_of_unasked(self, bits: int, asked: frozenset[str] = frozenset()) -> float:
        """The cost of what these tables have and nobody ``asked`` for: two thirds if accessible."""
        accessible = bits & self.accessible and ACCESSIBLE not in asked
        special = bits & self.special
        for kind in asked if special else ():
            special &= ~self.attribute_bits.get(kind, 0)
        return (2 * bool(accessible) + bool(special)) / 3 * self.weights[UNASKED]

    def keeps(self, attribute: str) -> bool:
        """Are some tables kept for guests who ask for this?"""
        bits = self.accessible if attribute == ACCESSIBLE else self.special
        return bool(bits & self.attribute_bits.get(attribute, 0))

    def most_joined(self) -> int:
        """The largest party that a joined set or a combination seats; 0: there is none."""
        joined = max([each.seats for each in self._joined], default=0)
        return max([joined, *(row.max_party for _, row in self._rows)])

    def below_least_party(self, party_size: int) -> Iterator[int]:
        """Tables and combinations, as bits, that are kept for larger parties than this."""
        for position in bit_positions(self.assignable):
            if party_size < self.tables[position].min_party:
                yield 1 << position
        for bits, row in self._rows:
            if party_size < row.min_party:
                yield bits

    def _find_candidates(self, party_size: int) -> Candidates:
        single = _bits(
            position
            for position in bit_positions(self.assignable)
            if self.tables[position].min_party <= party_size <= self.tables[position].max_party
        )
        # A joined set is never given if a smaller one, or one of its tables, would do.
        joined = {
            each.bits
            for each in self._joined
            if each.most_below < party_size <= each.seats and not each.bits & single
        }
        rows = {
            bits
            for bits, row in self._rows
            if row.min_party <= party_size <= row.max_party and not bits & single
        }
        if self.truncated:  # a smaller join may be one of those that are not listed
            rows = {bits for bits in rows if not smaller_join(self.rules, bits, party_size)}
        found = [1 << position for position in bit_positions(single)]
        found += [bits for bits in joined if not _contains_another(bits, rows)]
        found += [
            bits
            for bits in rows - joined
            if not _contains_another(bits, joined) and not _contains_another(bits, rows)
        ]
        # A row that is also a joined set is listed with ``joined``: the same sets exclude it in either list.
        sets = [self.table_set(bits, party_size) for bits in found]
        sets.sort(key=lambda each: (each.cost, each.priority, each.positions))
        together = reduce(or_, (each.bits for each in sets if len(each.positions) > 1), 0)
        return Candidates(tuple(sets), tuple(each.bits for each in sets), single, together)


def compile_floor(floor: Floor, max_joined_sets: int = MAX_JOINED_SETS) -> FloorIndex:
    """The index of a floor. The order in which its document lists things makes no difference.

    A floor with more than ``max_joined_sets`` sets of joined tables is ``truncated``.
    """
    tables = tuple(sorted(floor.tables, key=lambda table: table.id))
    position = {table.id: number for number, table in enumerate(tables)}
    assignable = _bits(number for number, table in enumerate(tables) if table.assignable)
    zone_bits = _grouped((table.zone, number) for number, table in enumerate(tables))
    rules = _join_rules(floor, tables, position, assignable, zone_bits)
    joined, truncated = joined_sets(rules, max_joined_sets)
    rows = _rows(floor, position, assignable)
    return FloorIndex(
        floor=floor,
        tables=tables,
        position=position,
        assignable=assignable,
        seats=floor.seats(),
        seats_with_walk_ins=floor.seats(walk_in=True),
        zone_bits=zone_bits,
        attribute_bits=_grouped(
            (attribute, number) for number, table in enumerate(tables) for attribute in table.attributes
        ),
        shares=_shares(floor, position, zone_bits),
        joinable=joinable_tables(rules) | reduce(or_, (bits for bits, _ in rows), 0),
        accessible=_bits(n for n, table in enumerate(tables) if ACCESSIBLE in table.attributes),
        special=_bits(n for n, table in enumerate(tables) if table.seating_type != STANDARD),
        rules=rules,
        weights={**DEFAULT_WEIGHTS, **floor.policy.weights},
        truncated=truncated,
        shortest_stay=_shortest_stay(floor),
        needs=Needs.build(rules.capacities),
        _joined=joined,
        _rows=rows,
        _most_seats=_most_seats(floor, position),
    )


def _shares(floor: Floor, position: dict[str, int], zone_bits: dict[str, int]) -> tuple[int, ...]:
    if not floor.sections:
        return tuple(zone_bits[zone] for zone in sorted(zone_bits))
    sections = [_bits(position[table] for table in section.tables) for section in floor.sections]
    without = (1 << len(floor.tables)) - 1 & ~reduce(or_, sections)
    return (*sections, without) if without else tuple(sections)


def _shortest_stay(floor: Floor) -> int:
    turns = [turn.minutes for turn in floor.policy.turn_times]
    turns += [turn.minutes for service in floor.services for turn in service.turn_times or ()]
    return min(turns) + floor.policy.buffer_before_minutes + floor.policy.buffer_after_minutes


def _join_rules(
    floor: Floor,
    tables: tuple[Table, ...],
    position: dict[str, int],
    assignable: int,
    zone_bits: dict[str, int],
) -> JoinRules:
    neighbours = [0] * len(tables)
    for one, other in floor.adjacency:
        neighbours[position[one]] |= 1 << position[other]
        neighbours[position[other]] |= 1 << position[one]
    movable = assignable & _bits(number for number, table in enumerate(tables) if table.movable)
    return JoinRules(
        mode=floor.policy.adjacency,
        max_tables=floor.policy.max_tables,
        pools=tuple(zone_bits[zone] & movable for zone in sorted(zone_bits)),
        neighbours=tuple(neighbours),
        capacities=tuple(table.capacity for table in tables),
    )


def _rows(floor: Floor, position: dict[str, int], assignable: int) -> tuple[tuple[int, Combination], ...]:
    """The combinations of the floor document with tables that may all be given away, and those as bits."""
    rows = ((_bits(position[table] for table in row.tables), row) for row in floor.combinations)
    return tuple((bits, row) for bits, row in rows if not bits & ~assignable)


def _most_seats(floor: Floor, position: dict[str, int]) -> dict[int, int]:
    """The sets, as bits, that may have more seats than their tables' capacities add up to."""
    most = {1 << position[table.id]: table.max_party for table in floor.tables}
    for row in floor.combinations:
        bits = _bits(position[table] for table in row.tables)
        most[bits] = max(most.get(bits, 0), row.seats or row.max_party)
    return most


def _closed_tables(index: FloorIndex, closure: Closure) -> _ClosedTables:
    start, end = closure_interval(index.floor, closure.start, closure.end)
    bits = index.bits_of(closure.tables or ()) | index.matching_zones(closure.zones or ())
    if closure.whole_house:
        bits = index.matching(None, ())
    return _ClosedTables(bits, to_minutes(start), to_minutes(end), closure.whole_house)


def _paused_tables(index: FloorIndex, pause: Pause) -> _PausedTables:
    start, end = closure_interval(index.floor, pause.start, pause.end)
    bits = index.matching(None, ()) if pause.zones is None else index.matching_zones(pause.zones)
    return _PausedTables(bits, to_minutes(start), to_minutes(end), pause)


def _bits(positions: Iterable[int]) -> int:
    return reduce(or_, (1 << position for position in positions), 0)


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    groups: dict[str, int] = {}
    for name, position in pairs:
        groups[name] = groups.get(name, 0) | 1 << position
    return groups


def _contains_another(bits: int, others: Iterable[int]) -> bool:
    """Is one of ``others`` a proper subset of the set?"""
    return any(other != bits and other & bits == other for other in others)
