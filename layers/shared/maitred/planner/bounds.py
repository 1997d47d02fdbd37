"""Proofs that a house is full whoever is moved, for microseconds instead of a search.

If at some minute of the stay those that are there together need more seats, or more tables of some
capacity and above, than the house (or the zone that the party must have) holds, no moves will help.
"""

from maitred.planner.enumeration import bit_positions
from maitred.planner.floor_index import FloorIndex
from maitred.planner.situation import Situation
from maitred.planner.stays import Stay, Stays


def full_whoever_moves(asked: Situation, stays: Stays) -> bool:
    """Is it proven that no moves, however many, seat the party? False says nothing."""
    index, request = asked.index, asked.request
    if index.truncated:  # the list of sets is not complete, so neither are the least needs
        return False
    need = _least(index, request.party_size)
    if need is None:
        return True
    start, end = asked.occupancy.buffered(request.start, request.end)
    zone = request.zone if request.zone_required else None
    usable = index.assignable & index.matching(zone, ())
    weights = []
    for number in bit_positions(stays.overlapping(start, end)):
        stay = stays.stays[number]
        weights.append((stay, _weight(index, stay, usable, zone)))
    room = (index.needs.of(usable) | index.needs.guard) - need
    return _overfull(weights, room, index.needs.guard, start)


def _overfull(weights: list[tuple[Stay, int]], room: int, guard: int, start: int) -> bool:
    """Do those present at some minute from ``start`` on need more than there is room for?"""
    if room & guard != guard:
        return True
    changes = []
    for stay, weight in weights:
        if weight:
            changes.append((max(stay.start, start), 1, weight))
            changes.append((stay.end, 0, weight))
    changes.sort()  # at the same minute those who leave come first
    for _, arrives, weight in changes:
        room += -weight if arrives else weight
        if arrives and room & guard != guard:
            return True
    return False


def _weight(index: FloorIndex, stay: Stay, usable: int, zone: str | None) -> int:
    """What the stay takes at least of the usable tables, wherever it is moved."""
    here, booking = stay.tables & usable, stay.booking
    if booking is None:
        return index.needs.of(here)
    if zone is not None and booking.zone != zone:
        return 0
    least = _least(index, booking.party_size)
    if least is None:
        return index.needs.of(here)
    return index.needs.at_most(here, booking.party_size, least)


def _least(index: FloorIndex, party_size: int) -> int | None:
    candidates = index.candidates(party_size)
    return index.needs.least(party_size, (each.positions for each in candidates.sets))
