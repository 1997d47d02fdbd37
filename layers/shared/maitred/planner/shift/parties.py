"""The parties of a shift, each with the tables it has and the sets it could have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from maitred.planner.day.occupancy import Occupancy, Span
from maitred.planner.day.placed import PlacedStay, placed_stays
from maitred.planner.floor.index import TableSet
from maitred.planner.model import Allocation, PartyRequest
from maitred.planner.search.scoring import SCORE_DIGITS, SetCosts
from maitred.planner.search.situation import unfit_tables
from maitred.planner.shift.model import Booked, Shift, Waiting


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the shift. Sets of tables are bits.

    ``start`` and ``end`` are its stay with the buffers; ``now``: its tables (0: it waits); ``barred``: the
    tables that it cannot get, because of rules, promises, or rows that stay. ``musts``: the request with
    what new tables must have. ``fixed``: it keeps its tables.
    """

    booking_id: str
    size: int
    request: PartyRequest
    musts: PartyRequest
    start: int
    end: int
    now: int
    barred: int
    fixed: bool = False


class Parties:
    """All parties of a shift, by id; the rows of those that do not move count as given."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        index, span = shift.index, shift.span
        drawn = Occupancy.build(index, span, shift.allocations)
        moving, _ = placed_stays(index, drawn, [each.booking for each in shift.booked], span)
        self._moving = {stay.booking.booking_id: stay for stay in moving if stay.booking is not None}
        #: The rows that stay, whatever is moved.
        self.given = Occupancy.build(index, span, self._rows_that_stay())

    @cached_property
    def all(self) -> tuple[Party, ...]:
        """Sorted by id."""
        found = [self._booked(each) for each in self._shift.booked]
        found += [self._waiting(each) for each in self._shift.waiting]
        return tuple(sorted(found, key=lambda party: party.booking_id))

    def could_have(self, party: Party) -> Iterator[TableSet]:
        """The sets that the party could have if nobody else moved or waited; its own come first."""
        index = self._shift.index
        if party.now:
            yield index.table_set(party.now, party.size)
        if party.fixed:
            return
        free = index.assignable & ~party.barred
        candidates = index.candidates(party.size)
        for number in candidates.within(free):
            if candidates.bits[number] != party.now:
                yield candidates.sets[number]

    def costs(self, party: Party) -> SetCosts:
        """What sets cost this party."""
        return SetCosts(self._shift.index, party.request, self._shift.demand)

    def _rows_that_stay(self) -> Iterable[Allocation]:
        pinned = (row for row in self._shift.allocations if row.booking_id not in self._moving)
        return (*self._shift.given, *pinned)

    def _booked(self, each: Booked) -> Party:
        booking, index = each.booking, self._shift.index
        stay = self._moving.get(booking.booking_id)
        window = (booking.start, booking.end) if stay is None else (stay.start, stay.end)
        barred = -1 if stay is None else self._barred_of(stay)
        now = index.bits_of(booking.tables)
        return Party(
            booking.booking_id,
            booking.party_size,
            each.request,
            _promised(each),
            *window,
            now,
            barred,
            fixed=stay is None,
        )

    def _barred_of(self, stay: PlacedStay) -> int:
        return stay.unfit | self.given.busy_mask(stay.start, stay.end)

    def _waiting(self, each: Waiting) -> Party:
        request, index = each.request, self._shift.index
        window: Span = self.given.buffered(request.start, request.end)
        barred = -1
        if self.given.covers(request.start, request.end):
            barred = unfit_tables(index, request) | index.closed(request.start, request.end)
            barred |= index.paused(request.start) | self.given.busy_mask(*window)
        return Party(each.booking_id, request.party_size, request, request, *window, 0, barred)


def _promised(each: Booked) -> PartyRequest:
    booking = each.booking
    return replace(
        each.request,
        party_size=booking.party_size,
        start=booking.start,
        end=booking.end,
        zone=booking.zone,
        zone_required=booking.zone is not None,
        required=booking.attributes | booking.required,
    )


def cost_of(costs: SetCosts, each: TableSet) -> float:
    """All that a set costs a party by itself."""
    return round(costs.fit(each) + costs.scarcity(each), SCORE_DIGITS)
