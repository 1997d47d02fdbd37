"""Who sits where, when: one integer a table, a bit a minute.

Two layers, bookings and live holds, so that a refusal can tell them apart; closures of zones and tables
beside them. Windows are stored ones, with their buffers; nothing is computed again from a booking.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from maitred.domain.floor import Closure
from maitred.domain.timeline import to_minutes
from maitred.domain.windows import closure_interval
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation

type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """Tables, as bits, that are not free for a stay: by bookings, by live holds, by closures."""

    booked: int
    held: int
    closed: int


@dataclass(frozen=True, slots=True)
class _ClosedTables:
    bits: int
    start: int
    end: int
    whole_house: bool


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What is known about ``span``. Asking about minutes outside it is an error, never "free".

    Whoever builds one loads every allocation that overlaps the span, of whatever service date: last
    night's guests may still be there.
    """

    span: Span
    before: int
    after: int
    allocations: tuple[Allocation, ...]
    _booked: tuple[int, ...]
    _held: tuple[int, ...]
    _closed: tuple[_ClosedTables, ...]

    @classmethod
    def build(cls, index: FloorIndex, span: Span, allocations: Iterable[Allocation]) -> "Occupancy":
        """Draw the allocations (buffers included) and the floor's closures; unknown tables are left out."""
        known = tuple(each for each in allocations if each.table_id in index.position)
        booked = [0] * len(index.tables)
        held = [0] * len(index.tables)
        for allocation in known:
            layer = booked if allocation.hold_id is None else held
            layer[index.position[allocation.table_id]] |= _minutes(span, allocation.start, allocation.end)
        policy = index.floor.policy
        return cls(
            span=span,
            before=policy.buffer_before_minutes,
            after=policy.buffer_after_minutes,
            allocations=known,
            _booked=tuple(booked),
            _held=tuple(held),
            _closed=tuple(_closed_tables(index, closure) for closure in index.floor.closures),
        )

    def changed(
        self, index: FloorIndex, released: Collection[str], added: Iterable[Allocation]
    ) -> "Occupancy":
        """The same day after the bookings or holds ``released`` left and others came.

        Only the tables concerned are drawn again.
        """
        fresh = tuple(each for each in added if each.table_id in index.position)
        kept = tuple(each for each in self.allocations if _owner(each) not in released)
        touched = {each.table_id for each in fresh}
        if len(kept) != len(self.allocations):
            touched |= {each.table_id for each in self.allocations if _owner(each) in released}
        booked, held = list(self._booked), list(self._held)
        for table_id in touched:
            booked[index.position[table_id]] = held[index.position[table_id]] = 0
        for each in (*kept, *fresh):
            if each.table_id in touched:
                layer = booked if each.hold_id is None else held
                layer[index.position[each.table_id]] |= _minutes(self.span, each.start, each.end)
        return replace(self, allocations=(*kept, *fresh), _booked=tuple(booked), _held=tuple(held))

    def gaps(self, position: int, start: int, end: int) -> tuple[int | None, int | None]:
        """Minutes between the stay, with its buffers, and what is before and after it at this table.

        None: nothing is, within the span. The table is free for the stay.
        """
        begin, finish = start - self.before - self.span[0], end + self.after - self.span[0]
        minutes = self._booked[position] | self._held[position]
        earlier, later = minutes & ((1 << begin) - 1), minutes >> finish
        return (
            begin - earlier.bit_length() if earlier else None,
            (later & -later).bit_length() - 1 if later else None,
        )

    def free_runs(self, positions: Iterable[int], window: Span, least: int) -> Iterator[tuple[int, int, int]]:
        """When nobody is at one of these tables, within ``window``: the table, from when, and until when.

        Only times of ``least`` (> 0) minutes and more. ``window`` lies within the span. Closures are not
        looked at.
        """
        shift, within = window[0] - self.span[0], (1 << window[1] - window[0]) - 1
        booked, held = self._booked, self._held
        for position in positions:
            free = ~(booked[position] | held[position]) >> shift & within
            begins = _run_begins(free, least) if free.bit_count() >= least else 0
            while begins:
                begin = (begins & -begins).bit_length() - 1
                busy = ~free >> begin
                end = begin + (busy & -busy).bit_length() - 1
                yield position, window[0] + begin, window[0] + end
                begins = begins >> end << end

    def left_free(self, position: int, leaving: Sequence[Span]) -> Iterator[Span]:
        """When nobody would be at this table around each of the stays that leave it, as far as is known.

        The stays lie within the span, and share no minute with others there.
        """
        first, last = self.span
        busy = self._booked[position] | self._held[position] | 1 << last - first
        for start, end in leaving:
            busy &= ~_minutes(self.span, start, end)
        for start, _ in leaving:
            earlier, later = busy & (1 << start - first) - 1, busy >> start - first
            yield first + earlier.bit_length(), start + (later & -later).bit_length() - 1

    def covers(self, start: int, end: int) -> bool:
        """Is the stay ``[start, end)`` with its buffers inside what is known?"""
        return self.span[0] <= start - self.before and end + self.after <= self.span[1]

    def buffered(self, start: int, end: int) -> Span:
        """What a stay ``[start, end)`` of a new booking occupies."""
        return start - self.before, end + self.after

    def taken(self, start: int, end: int) -> Taken:
        """What is in the way of a stay ``[start, end)``, whose buffers are added here.

        Closures bind the stay itself, not its buffers. Raises ``ValueError`` outside the span.
        """
        window = self._window(start - self.before, end + self.after)
        return Taken(
            _overlapping(self._booked, window), _overlapping(self._held, window), self.closed_mask(start, end)
        )

    def busy_mask(self, start: int, end: int) -> int:
        """Tables, as bits, that a booking or hold occupies at some minute of ``[start, end)``, as it is."""
        window = self._window(start, end)
        return _overlapping(self._booked, window) | _overlapping(self._held, window)

    def closed_mask(self, start: int, end: int) -> int:
        """Tables, as bits, that a closure takes away at some minute of ``[start, end)``."""
        bits = 0
        for closure in self._closed:
            if closure.start < end and start < closure.end:
                bits |= closure.bits
        return bits

    def house_closed(self, start: int, end: int) -> bool:
        """Is the whole house closed at some minute of ``[start, end)``?"""
        return any(c.whole_house and c.start < end and start < c.end for c in self._closed)

    def _window(self, start: int, end: int) -> int:
        if start < self.span[0] or end > self.span[1]:
            raise ValueError(
                f"minutes {start}-{end} lie outside the known span {self.span[0]}-{self.span[1]}"
            )
        return _minutes(self.span, start, end)


def _owner(allocation: Allocation) -> str | None:
    return allocation.booking_id if allocation.hold_id is None else allocation.hold_id


def _minutes(span: Span, start: int, end: int) -> int:
    """The part of ``[start, end)`` inside the span, a bit a minute."""
    start, end = max(start, span[0]), min(end, span[1])
    return ((1 << end - start) - 1) << start - span[0] if start < end else 0


def _run_begins(minutes: int, least: int) -> int:
    """The bits that begin so many in a row (> 0): each shift keeps those that so many more follow."""
    kept = 1
    while 2 * kept < least and minutes:
        minutes &= minutes >> kept
        kept *= 2
    return minutes & minutes >> least - kept


def _overlapping(layer: tuple[int, ...], window: int) -> int:
    bits = 0
    for position, minutes in enumerate(layer):
        if minutes & window:
            bits |= 1 << position
    return bits


def _closed_tables(index: FloorIndex, closure: Closure) -> _ClosedTables:
    start, end = closure_interval(index.floor, closure.start, closure.end)
    bits = index.bits_of(closure.tables or ())
    for zone in closure.zones or ():
        bits |= index.zone_bits.get(zone, 0)
    if closure.whole_house:
        bits = (1 << len(index.tables)) - 1
    return _ClosedTables(bits, to_minutes(start), to_minutes(end), closure.whole_house)
