"""What is in a refused party's way, and the smallest change that would let it in.

Of the sets that could serve the party, the one with the fewest bookings and holds on it is named; and the
nearest later start at which a set is free without any change. Both are facts of the day as it was decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from maitred.domain.windows import from_minutes
from maitred.planner.answer.alternatives import REACH_MINUTES, at_start
from maitred.planner.floor.index import TableSet
from maitred.planner.model import Allocation, Blocker, LaterStart, Obstruction
from maitred.planner.search.situation import Situation

#: The most sets that are looked at, best first.
_SETS = 64
#: The most bookings and holds that are named: nobody would ask more parties to go.
_NAMED = 4

#: A booking's id; a hold is known by its time, since one hold is like another.
type _Owner = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Way:
    """A set of tables, and who is on it."""

    tables: TableSet
    owners: frozenset[_Owner]


def blocking(situation: Situation) -> Obstruction | None:
    """None if something else than bookings and holds is in the way, at every set."""
    if situation.turned_away:
        return None
    rows = _rows(situation)
    ways = list(_ways(situation, rows))
    if not ways:
        return None
    fewest = min(ways, key=lambda way: len(way.owners))
    if len(fewest.owners) > _NAMED:
        return None
    parties = tuple(_blocker(situation, rows, owner) for owner in sorted(fewest.owners))
    tables, later = situation.index.names(fewest.tables.positions), _later(situation, ways)
    text = f"{_listed(tables)} would do if {' and '.join(map(_words, parties))} could go"
    if later is not None:
        start = from_minutes(later.start).astimezone(situation.index.floor.timezone)
        text = f"{text}; {_listed(later.tables)} would do from {start:%H:%M}"
    return Obstruction(tables, parties, later, f"{text}.")


def _words(party: Blocker) -> str:
    if party.booking_id is None:
        who = "the hold"
    else:
        who = f"the party of {party.party_size}" if party.party_size else "the booking"
    return f"{who} at {', '.join(party.tables)}"


def _listed(tables: Sequence[str]) -> str:
    return f"Table {tables[0]}" if len(tables) == 1 else f"Tables {' and '.join(tables)} joined"


def _rows(situation: Situation) -> Mapping[int, Sequence[Allocation]]:
    """By table: what keeps it from the stay."""
    start, end = situation.window
    found: dict[int, list[Allocation]] = {}
    for row in situation.occupancy.allocations:
        if row.start < end and start < row.end:
            found.setdefault(situation.index.position[row.table_id], []).append(row)
    return found


def _ways(situation: Situation, rows: Mapping[int, Sequence[Allocation]]) -> Iterator[_Way]:
    """The sets that only bookings and holds keep from the party."""
    out_of_order = sum(
        1 << position for position, there in rows.items() if any(_owner(row) is None for row in there)
    )
    never = situation.closed | situation.unfit | situation.barred | out_of_order
    for tables in situation.candidates.sets[:_SETS]:
        if not tables.bits & never:
            owners = (_owner(row) for position in tables.positions for row in rows.get(position, ()))
            yield _Way(tables, frozenset(owner for owner in owners if owner is not None))


def _owner(row: Allocation) -> _Owner | None:
    """None: the table is out of order."""
    if row.booking_id is not None:
        return row.booking_id, 0, 0
    return ("", row.start, row.end) if row.hold_id is not None else None


def _blocker(situation: Situation, rows: Mapping[int, Sequence[Allocation]], owner: _Owner) -> Blocker:
    own = [row for there in rows.values() for row in there if _owner(row) == owner]
    tables = tuple(sorted({row.table_id for row in own}))
    spans = min(row.start for row in own), max(row.end for row in own)
    booking_id = owner[0] or None
    sizes = (
        each.party_size
        for each in situation.problem.movable
        if each.booking_id == booking_id and each.tables == tables
    )
    return Blocker(booking_id, tables, *spans, next(sizes, None))


def _later(situation: Situation, ways: Sequence[_Way]) -> LaterStart | None:
    """The nearest later start on the grid of slots that one of the ways is free at."""
    occupancy, first = situation.occupancy, situation.request.start
    length, slot = situation.request.end - first, situation.index.floor.policy.pacing.slot_minutes
    for start in range(first - first % slot + slot, first + REACH_MINUTES + 1, slot):
        if not occupancy.covers(start, start + length):
            break
        busy = occupancy.busy_mask(*occupancy.buffered(start, start + length))
        free = [way.tables for way in ways if not way.tables.bits & busy]
        request = at_start(situation.index, situation.request, start, length) if free else None
        if request is None:
            continue
        then = Situation.of(situation.day, situation.problem, request)
        for tables in free:
            if not then.turned_away and not tables.bits & then.blocked:
                return LaterStart(start, situation.index.names(tables.positions))
    return None
