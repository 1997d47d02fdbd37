"""How much room a day has left, minute by minute, if every stay took as little as it could."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from maitred.planner.day.occupancy import Span
from maitred.planner.day.placed import PlacedStay
from maitred.planner.floor.index import FloorIndex

_BEFORE_ALL = -1


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """The room left in a zone (or on the floor) from each of ``minutes`` on, counted as in floor/needs.py.

    Every stay counts with the least that would do for it wherever it is moved. The first minute is before
    all others.
    """

    minutes: list[int]
    rooms: list[int]
    guard: int

    @classmethod
    def of(cls, index: FloorIndex, stays: Iterable[PlacedStay], window: Span, zone: str | None) -> "RoomLeft":
        """The room that these stays leave within ``window``; ``zone`` None: on the whole floor."""
        usable = index.assignable & index.matching(zone, ())
        changes: dict[int, int] = defaultdict(int)
        known = index.needs.known
        begin, finish = window
        for stay in stays:
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
        minutes = sorted(changes)
        rooms = list(accumulate([changes[minute] for minute in minutes], initial=room))
        return cls([_BEFORE_ALL, *minutes], rooms, index.needs.guard)

    def lacks(self, need: int, start: int, end: int) -> bool:
        """Is there less room than ``need`` at some minute of ``[start, end)``?"""
        begin, finish = bisect_right(self.minutes, start) - 1, bisect_left(self.minutes, end)
        guard = self.guard
        return any((room - need) & guard != guard for room in self.rooms[begin:finish])


def least_need(index: FloorIndex, party_size: int) -> int | None:
    """The least that a party of this size takes, count by count; None: no set serves it."""
    candidates = index.candidates(party_size)
    return index.needs.least(party_size, (each.positions for each in candidates.sets))


def _weight(index: FloorIndex, here: int, party_size: int) -> int:
    """The least that a stay at these tables takes, wherever it is moved; a party of 0 may not be moved."""
    least = least_need(index, party_size) if party_size else None
    return index.needs.at_most(here, party_size, least)
