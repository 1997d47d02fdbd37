"""Proofs that a house is full whoever is moved, for microseconds instead of a search.

If at some minute of the stay those that are there together need more seats, or more tables of some
capacity and above, than the house (or the zone that the party must have) holds, no moves will help.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict

from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex
from maitred.planner.search.situation import Situation

_BEFORE_ALL = -1


def full_whoever_moves(asked: Situation, stays: Stays) -> bool:
    """Is it proven that no moves, however many, seat the party? False says nothing."""
    index, request = asked.index, asked.request
    if index.truncated:  # the list of sets is not complete, so neither are the least needs
        return False
    need = _least(index, request.party_size)
    if need is None:
        return True
    start, end = asked.window
    zone = request.zone if request.zone_required else None
    minutes, rooms = _rooms(index, stays, zone)
    guard = index.needs.guard
    begin, finish = bisect_right(minutes, start) - 1, bisect_left(minutes, end)
    return any((room - need) & guard != guard for room in rooms[begin:finish])


def _rooms(index: FloorIndex, stays: Stays, zone: str | None) -> tuple[list[int], list[int]]:
    """From each of these minutes on, what is left of the zone if everybody takes the least that will do.

    The first minute is before all others. Worked out once for a day and zone.
    """
    known = stays.rooms.get(zone)
    if known is None:
        known = stays.rooms[zone] = _find_rooms(index, stays, zone)
    return known


def _find_rooms(index: FloorIndex, stays: Stays, zone: str | None) -> tuple[list[int], list[int]]:
    usable = index.assignable & index.matching(zone, ())
    changes: dict[int, int] = defaultdict(int)
    known = index.needs.known
    begin, finish = stays.window
    for stay in stays.stays:
        booking = stay.booking
        if zone is not None and booking is not None and booking.zone != zone:
            continue
        key = (stay.tables & usable, stay.party_size)
        weight = known[key] if key in known else _weight(index, *key)
        if weight:
            changes[max(begin, stay.start)] -= weight
            if stay.end < finish:
                changes[stay.end] += weight
    room = index.needs.of(usable) | index.needs.guard
    minutes, rooms = [_BEFORE_ALL], [room]
    for minute in sorted(changes):
        room += changes[minute]
        minutes.append(minute)
        rooms.append(room)
    return minutes, rooms


def _weight(index: FloorIndex, here: int, party_size: int) -> int:
    """What a stay at these tables takes at least, wherever it is moved; a party of 0 may not be moved."""
    least = _least(index, party_size) if party_size else None
    return index.needs.at_most(here, party_size, least)


def _least(index: FloorIndex, party_size: int) -> int | None:
    candidates = index.candidates(party_size)
    return index.needs.least(party_size, (each.positions for each in candidates.sets))
