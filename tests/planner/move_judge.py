"""All arrangements of a tiny evening, tried one by one: the judge of moves, and of their promises."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from maitred.domain.floor import Floor
from maitred.planner.day.exact import ExactAnswer
from maitred.planner.model import Allocation, MovableBooking, PartyRequest, Plan
from tests.planner.brute_force import Judge


def fewest_moves(
    place: Floor,
    request: PartyRequest,
    busy: Sequence[Allocation],
    movable: Sequence[MovableBooking],
    most: int,
) -> int | None:
    """How many moves let the party in, up to ``most``; None: no arrangement does."""
    judge = Judge(place)
    for count in range(most + 1):
        for moved in combinations(movable, count):
            gone = {each.booking_id for each in moved}
            left = [row for row in busy if row.booking_id not in gone]
            for way in judge.free(request, left):
                if _all_fit(judge, moved, [*left, *_rows(place, request, way)], busy):
                    return count
    return None


def _all_fit(
    judge: Judge, moved: Sequence[MovableBooking], taken: list[Allocation], before: Sequence[Allocation]
) -> bool:
    if not moved:
        return True
    first, rest = moved[0], moved[1:]
    own = next(row for row in before if row.booking_id == first.booking_id)
    for way in ways_kept(judge, first):
        rows = [Allocation(name, own.start, own.end, first.booking_id) for name in way]
        if not _clash(rows, taken) and _all_fit(judge, rest, [*taken, *rows], before):
            return True
    return False


def ways_kept(judge: Judge, booking: MovableBooking) -> Iterator[frozenset[str]]:
    """The sets that keep everything that the booking was promised."""
    tables = {t.id: t for t in judge.floor.tables}
    for way in judge.ways(booking.party_size):
        inside = [tables[name] for name in way]
        if all(
            (booking.zone is None or t.zone == booking.zone)
            and booking.attributes <= t.attributes
            and booking.required <= t.attributes
            for t in inside
        ):
            yield way


def _rows(place: Floor, request: PartyRequest, way: frozenset[str]) -> list[Allocation]:
    start = request.start - place.policy.buffer_before_minutes
    end = request.end + place.policy.buffer_after_minutes
    return [Allocation(name, start, end, "the party") for name in way]


def _clash(rows: Sequence[Allocation], taken: Sequence[Allocation]) -> bool:
    return any(a.table_id == b.table_id and a.start < b.end and b.start < a.end for a in rows for b in taken)


def carried_out(
    place: Floor, request: PartyRequest, busy: Sequence[Allocation], plan: Plan | ExactAnswer
) -> list[Allocation]:
    """The ledger after the plan; fails if two stays share a table at some minute."""
    moves = {move.booking_id: move for move in plan.moves}
    rows = [row for row in busy if row.booking_id not in moves]
    for move in plan.moves:
        own = [row for row in busy if row.booking_id == move.booking_id]
        assert tuple(sorted(row.table_id for row in own)) == move.from_tables
        assert move.from_tables != move.to_tables
        fresh = [Allocation(name, own[0].start, own[0].end, move.booking_id) for name in move.to_tables]
        assert not _clash(fresh, rows)
        rows += fresh
    own_rows = _rows(place, request, frozenset(plan.tables))
    assert not _clash(own_rows, rows)
    return [*rows, *own_rows]
