"""Pacing: how many guests may start in a party's slot, in all and in each zone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maitred.domain.floor import Pacing
from maitred.domain.windows import from_minutes, pacing_slot, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Covers, PartyRequest

_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class CoversLeft:
    """How many more guests may start in a slot: ``in_all`` (None: any number), and in each zone with a limit.

    ``by_zone``: the tables of those zones, as bits, and what is left of their limits.
    """

    in_all: int | None = None
    by_zone: tuple[tuple[int, int], ...] = ()

    def too_few_for(self, party_size: int) -> bool:
        """Would a party of this size be too many for the slot?"""
        return self.in_all is not None and party_size > self.in_all

    def crowded_for(self, party_size: int) -> int:
        """The tables, as bits, in zones for which it would be too many."""
        bits = 0
        for tables, left in self.by_zone:
            if party_size > left:
                bits |= tables
        return bits


@dataclass(frozen=True, slots=True)
class SlotRoom:
    """What a party's slot still takes of it.

    ``most``: the slot's limit (None: no limit). ``full``: the party would be too many for the slot;
    ``full_by_bookings``: also without the live holds. ``crowded`` and ``crowded_by_bookings``: the tables, as
    bits, in zones for which it would be too many. ``left``: what bookings and holds leave of the limits.
    """

    most: int | None = None
    full: bool = False
    full_by_bookings: bool = False
    crowded: int = 0
    crowded_by_bookings: int = 0
    left: CoversLeft = CoversLeft()


@dataclass(frozen=True, slots=True)
class Slot:
    """The minutes ``[begin, end)`` in which at most ``most`` guests may start (None: any number)."""

    begin: int
    end: int
    most: int | None

    def takes(self, start: int) -> bool:
        """Does a party that starts at this minute count in the slot?"""
        return self.begin <= start < self.end


def slot_of(index: FloorIndex, request: PartyRequest) -> Slot:
    """The slot in which the request starts."""
    floor = index.floor
    slot = pacing_slot(floor, request.service_id, request.service_date, from_minutes(request.start))
    begin, end = (to_minutes(moment) for moment in slot)
    return Slot(begin, end, _most(floor.policy.pacing, slot[0].astimezone(floor.timezone)))


def slot_room(
    index: FloorIndex, request: PartyRequest, pacing: Sequence[Covers], owned: Covers | None
) -> SlotRoom:
    """The room in the request's slot. ``pacing``: the covers of the day, without the party itself.

    ``owned``: what the party has in the book; a change that asks for no more in its slot is never too many.
    """
    limits = index.floor.policy.pacing
    if not limits.limited:
        return SlotRoom()
    slot = slot_of(index, request)
    if owned is not None and slot.takes(owned.start) and request.party_size <= owned.covers:
        return SlotRoom()
    inside = [each for each in pacing if slot.takes(each.start)]
    left = _left(index, slot.most, inside)
    left_by_bookings = _left(index, slot.most, [each for each in inside if not each.on_hold])
    size = request.party_size
    return SlotRoom(
        slot.most,
        full=left.too_few_for(size),
        full_by_bookings=left_by_bookings.too_few_for(size),
        crowded=left.crowded_for(size),
        crowded_by_bookings=left_by_bookings.crowded_for(size),
        left=left,
    )


def _most(limits: Pacing, begin: datetime) -> int | None:
    """The limit of the slot that begins at this local time: its own, if it has one."""
    minute = begin.hour * 60 + begin.minute
    own = [most for time, most in limits.per_slot if (time - minute) % _DAY_MINUTES < limits.slot_minutes]
    return min(own) if own else limits.max_covers_per_slot


def _sum(started: Iterable[Covers]) -> int:
    return sum(each.covers for each in started)


def _left(index: FloorIndex, most: int | None, started: Sequence[Covers]) -> CoversLeft:
    """What those who have started leave."""
    by_zone = tuple(
        (index.zone_bits.get(zone, 0), limit - _sum(each for each in started if zone in each.zones))
        for zone, limit in index.floor.policy.pacing.per_zone.items()
    )
    return CoversLeft(None if most is None else most - _sum(started), by_zone)
