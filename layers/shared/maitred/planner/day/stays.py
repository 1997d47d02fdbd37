"""All stays of a day, as bits: which of them overlap, and which sit at a table.

A stay is a booking (or hold) with the window that is stored for it, buffers included. The stays that may
move have the lowest numbers, in the order of their bookings' ids. Numbering the whole day pays for several
questions; for one party, its own time alone costs less (``DrawnDay.stays_around``).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import or_

from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.day.placed import PlacedStay, placed_stays
from maitred.planner.day.room import RoomLeft
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import MovableBooking


@dataclass
class Stays:
    """The stays of one day that share a minute with ``window``; nothing is said about other minutes.

    ``movable``: how many of them may move; ``shortest``: the shortest of those, in minutes; ``at_table``: the
    stays, as bits, by table; ``joined``: those at several tables.
    """

    index: FloorIndex
    occupancy: Occupancy
    window: Span
    stays: tuple[PlacedStay, ...]
    movable: int
    at_table: tuple[int, ...]
    joined: int
    shortest: int
    _room_left: dict[str | None, RoomLeft] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        index: FloorIndex,
        occupancy: Occupancy,
        movable: Iterable[MovableBooking],
        window: Span | None = None,
    ) -> "Stays":
        """Number the stays: all of them, or those that share a minute with ``window``.

        A booking whose allocations are not all known, or differ from what it says, does not move.
        """
        window = window or occupancy.span
        moving, fixed = placed_stays(index, occupancy, movable, window)
        stays = (*moving, *fixed)
        at_table = [0] * len(index.tables)
        joined, bit = 0, 1
        for stay in stays:
            positions = stay.positions
            for position in positions:
                at_table[position] |= bit
            if len(positions) > 1:
                joined |= bit
            bit <<= 1
        shortest = min([stay.end - stay.start for stay in moving], default=1)
        return cls(index, occupancy, window, stays, len(moving), tuple(at_table), joined, shortest)

    @property
    def movers(self) -> int:
        """The stays that may move, as bits."""
        return (1 << self.movable) - 1

    def overlapping(self, start: int, end: int) -> int:
        """The stays, as bits, that share a minute with ``[start, end)``, which lies within the window."""
        if (start, end) == self.window:
            return (1 << len(self.stays)) - 1
        starts, started = self._begun
        ends, ended = self._over
        return started[bisect_left(starts, end)] & ~ended[bisect_right(ends, start)]

    def within(self, start: int, end: int) -> int:
        """The stays, as bits, that begin and end in ``[start, end]``."""
        starts, started = self._begun
        ends, ended = self._over
        return ended[bisect_right(ends, end)] & ~started[bisect_left(starts, start)]

    def elsewhere(self, number: int, lost: int) -> int:
        """The best free tables, as bits, for a stay that must leave some of its own; 0: none are free.

        ``lost``: tables that it cannot have, at least one of its own. No other stay moves.
        """
        stay, index = self.stays[number], self.index
        candidates = index.candidates(stay.party_size)
        busy = self.occupancy.busy_mask(stay.start, stay.end) & ~stay.tables
        fitting = candidates.within(index.assignable & ~(busy | stay.unfit | lost))
        return candidates.bits[fitting[0]] if fitting else 0

    def room_left(self, zone: str | None) -> RoomLeft:
        """The room that the stays leave in the zone (None: on the floor), however they are moved."""
        known = self._room_left.get(zone)
        if known is None:
            known = self._room_left[zone] = RoomLeft.of(self.index, self.stays, self.window, zone)
        return known

    @cached_property
    def _begun(self) -> tuple[list[int], list[int]]:
        return _running([stay.start for stay in self.stays])

    @cached_property
    def _over(self) -> tuple[list[int], list[int]]:
        return _running([stay.end for stay in self.stays])


def _running(moments: Iterable[int]) -> tuple[list[int], list[int]]:
    """The moments of the stays in order, and for each place the stays, as bits, before it."""
    at: dict[int, int] = defaultdict(int)
    bit = 1
    for moment in moments:
        at[moment] |= bit
        bit <<= 1
    order = sorted(at)
    return order, list(accumulate([at[moment] for moment in order], or_, initial=0))
