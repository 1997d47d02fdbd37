"""Do these seats keep every rule? Each answer of a solver is judged here before anybody sees it."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from maitred.planner.floor.joins import bit_positions
from maitred.planner.floor.rules import check_tables
from maitred.planner.shift.model import Shift
from maitred.planner.shift.pacing import limits
from maitred.planner.shift.parties import Parties, Party
from maitred.planner.shift.score import SeatsById


def violations(shift: Shift, seats: SeatsById, parties: Parties | None = None) -> list[str]:
    """A sentence for every rule that is broken; none if the seats are allowed.

    ``seats``: the tables of parties by id; who is not among them stays where it is. Who stays is not judged:
    a person may have put it there. ``parties``: those of the shift.
    """
    parties = parties or Parties(shift)
    by_id = {party.booking_id: party for party in parties.all}
    unknown = sorted(seats.keys() - by_id.keys())
    if unknown:
        return [f"{name} is no party of the shift" for name in unknown]
    after = {name: _bits(shift, seats, party) for name, party in by_id.items()}
    changed = [party for party in parties.all if after[party.booking_id] != party.now]
    return [
        *(sentence for party in changed for sentence in _own(shift, seats, party)),
        *_moves(shift, changed),
        *_shared(parties, after),
        *_pacing(shift, parties, after),
    ]


def _bits(shift: Shift, seats: SeatsById, party: Party) -> int:
    chosen = seats.get(party.booking_id)
    return party.now if chosen is None else shift.index.bits_of(chosen)


def _own(shift: Shift, seats: SeatsById, party: Party) -> Iterator[str]:
    """The rules that a party's tables break by themselves."""
    index, name = shift.index, party.booking_id
    tables = seats[name]
    if party.fixed:
        yield f"{name} does not move"
    for broken in check_tables(index, tables, party.musts):
        yield f"{name}: {broken.message}"
    bits = index.bits_of(tables)
    if bits & ~index.assignable:
        yield f"{name}: not all of its tables are given to bookings"
    if bits & party.barred:
        yield f"{name}: a table is barred, promised away, or taken by who stays"


def _moves(shift: Shift, changed: list[Party]) -> Iterator[str]:
    moved = sum(bool(party.now) for party in changed)
    if moved > shift.max_moves:
        yield f"{moved} bookings are moved, and at most {shift.max_moves} may be"


def _shared(parties: Parties, after: Mapping[str, int]) -> Iterator[str]:
    """No two parties at one table in a minute."""
    at_table: dict[int, list[Party]] = {}
    for party in parties.all:
        for position in bit_positions(after[party.booking_id]):
            at_table.setdefault(position, []).append(party)
    for position, here in sorted(at_table.items()):
        for one, other in combinations(here, 2):
            moved = after[one.booking_id] != one.now or after[other.booking_id] != other.now
            if moved and one.start < other.end and other.start < one.end:
                yield f"{one.booking_id} and {other.booking_id} share table number {position}"


def _pacing(shift: Shift, parties: Parties, after: Mapping[str, int]) -> Iterator[str]:
    for limit in limits(shift, parties.all):
        if not limit.kept(after):
            names = ", ".join(each.booking_id for each in limit.waiting)
            yield f"More guests start in a slot than it takes, of {names}"
