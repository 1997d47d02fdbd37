"""The limits of guests who start in one slot, put to a whole shift."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from maitred.planner.search.pacing import Slot, slot_of
from maitred.planner.shift.model import Shift
from maitred.planner.shift.parties import Party


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` guests of these parties may have a table among ``tables`` (bits).

    ``booked``: those of them that have tables today, of which some may leave the zone; without any, only new
    guests count. A slot or zone that is over its limit today takes nobody new.
    """

    most: int
    tables: int
    waiting: tuple[Party, ...]
    booked: tuple[Party, ...] = ()

    def kept(self, seats: Mapping[str, int]) -> bool:
        """Do these seats (bits by booking id) keep the limit?"""
        new = self._guests(self.waiting, seats)
        return not new or new + self._guests(self.booked, seats) <= self.most

    def _guests(self, parties: Iterable[Party], seats: Mapping[str, int]) -> int:
        return sum(each.size for each in parties if seats.get(each.booking_id, 0) & self.tables)


def limits(shift: Shift, parties: Iterable[Party]) -> Iterator[Limit]:
    """The limits of every slot in which a party waits."""
    pacing = shift.index.floor.policy.pacing
    if not pacing.limited:
        return
    parties = tuple(parties)
    slots = {slot_of(shift.index, each.request): None for each in parties if not each.now}
    for slot in slots:
        inside = [each for each in parties if slot.takes(each.request.start)]
        waiting = tuple(each for each in inside if not each.now)
        if slot.most is not None:
            started = sum(each.covers for each in shift.covers if slot.takes(each.start))
            yield Limit(max(0, slot.most - started), -1, waiting)
        for zone, most in sorted(pacing.per_zone.items()):
            booked = tuple(each for each in inside if each.now)
            yield _in_zone(shift, slot, zone, most, (waiting, booked))


def _in_zone(
    shift: Shift, slot: Slot, zone: str, most: int, inside: tuple[tuple[Party, ...], tuple[Party, ...]]
) -> Limit:
    waiting, booked = inside
    tables, own = shift.index.zone_bits.get(zone, 0), {each.booking_id for each in booked}
    here = tuple(each for each in booked if each.now & tables)
    others = sum(
        each.covers
        for each in shift.covers
        if slot.takes(each.start) and zone in each.zones and each.owner not in own
    )
    room = most - others
    if sum(each.size for each in here) > room:
        return Limit(0, tables, waiting)
    return Limit(room, tables, waiting, here)
