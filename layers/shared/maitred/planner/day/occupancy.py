"""The tables that are taken, and when: one integer a table, a bit a minute.

Bookings and live holds are two layers, so that a refusal can name the one that binds; closures of zones and
tables stand beside them. The windows are the stored ones, with their buffers.
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
    on_hold: int
    closed: int


@dataclass(frozen=True, slots=True)
class _ClosedTables:
    bits: int
    start: int
    end: int
    whole_restaurant: bool


@dataclass(frozen=True, slots=True)
class Occupancy:
    """All that is known about ``span``. A question about minutes outside it is an error, never "free".

    It must be built from every allocation that overlaps the span, of whatever service date: last night's
    guests may still be there. ``before`` and ``after`` are the buffers, in minutes.
    """

    span: Span
    before: int
    after: int
    allocations: tuple[Allocation, ...]
    _booked: tuple[int, ...]
    _on_hold: tuple[int, ...]
    _closed: tuple[_ClosedTables, ...]

    @classmethod
    def build(cls, index: FloorIndex, span: Span, allocations: Iterable[Allocation]) -> "Occupancy":
        """Draw the allocations (buffers included) and the floor's closures. Unknown tables are left out."""
        known = tuple(each for each in allocations if each.table_id in index.position)
        booked = [0] * len(index.tables)
        on_hold = [0] * len(index.tables)
        for allocation in known:
            layer = booked if allocation.hold_id is None else on_hold
            layer[index.position[allocation.table_id]] |= _minutes(span, allocation.start, allocation.end)
        policy = index.floor.policy
        return cls(
            span=span,
            before=policy.buffer_before_minutes,
            after=policy.buffer_after_minutes,
            allocations=known,
            _booked=tuple(booked),
            _on_hold=tuple(on_hold),
            _closed=tuple(_closed_tables(index, closure) for closure in index.floor.closures),
        )

    def changed(
        self, index: FloorIndex, released: Collection[str], added: Iterable[Allocation]
    ) -> "Occupancy":
        """The same day without the bookings or holds ``released`` (ids), and with ``added``.

        Only the tables concerned are drawn again.
        """
        fresh = tuple(each for each in added if each.table_id in index.position)
        kept = tuple(each for each in self.allocations if _owner(each) not in released)
        touched = {each.table_id for each in fresh}
        if len(kept) != len(self.allocations):
            touched |= {each.table_id for each in self.allocations if _owner(each) in released}
        booked, on_hold = list(self._booked), list(self._on_hold)
        for table_id in touched:
            booked[index.position[table_id]] = on_hold[index.position[table_id]] = 0
        for each in (*kept, *fresh):
            if each.table_id in touched:
                layer = booked if each.hold_id is None else on_hold
                layer[index.position[each.table_id]] |= _minutes(self.span, each.start, each.end)
        return replace(self, allocations=(*kept, *fresh), _booked=tuple(booked), _on_hold=tuple(on_hold))

    def gaps(self, position: int, start: int, end: int) -> tuple[int | None, int | None]:
        """The minutes between the stay, with its buffers, and the ones before and after it at this table.

        None: there is none within the span. The table must be free for the stay.
        """
        begin, finish = start - self.before - self.span[0], end + self.after - self.span[0]
        minutes = self._booked[position] | self._on_hold[position]
        earlier, later = minutes & ((1 << begin) - 1), minutes >> finish
        return (
            begin - earlier.bit_length() if earlier else None,
            (later & -later).bit_length() - 1 if later else None,
        )

    def free_runs(self, positions: Iterable[int], window: Span, least: int) -> Iterator[tuple[int, int, int]]:
        """The times of ``least`` (> 0) minutes or more when one of these tables is empty: table, start, end.

        ``window``, within the span, bounds them. Closures are not looked at.
        """
        shift, within = window[0] - self.span[0], (1 << window[1] - window[0]) - 1
        booked, on_hold = self._booked, self._on_hold
        for position in positions:
            free = ~(booked[position] | on_hold[position]) >> shift & within
            begins = _run_begins(free, least) if free.bit_count() >= least else 0
            while begins:
                begin = (begins & -begins).bit_length() - 1
                busy = ~free >> begin
                end = begin + (busy & -busy).bit_length() - 1
                yield position, window[0] + begin, window[0] + end
                begins = begins >> end << end

    def left_free(self, position: int, leaving: Sequence[Span]) -> Iterator[Span]:
        """For each of the stays that leave this table, the time around it when the table would be empty.

        The stays lie within the span, and share no minute with other stays at the table.
        """
        first, last = self.span
        busy = self._booked[position] | self._on_hold[position] | 1 << last - first
        for start, end in leaving:
            busy &= ~_minutes(self.span, start, end)
        for start, _ in leaving:
            earlier, later = busy & (1 << start - first) - 1, busy >> start - first
            yield first + earlier.bit_length(), start + (later & -later).bit_length() - 1

    def covers(self, start: int, end: int) -> bool:
        """Is the stay ``[start, end)`` with its buffers inside the span?"""
        return self.span[0] <= start - self.before and end + self.after <= self.span[1]

    def buffered(self, start: int, end: int) -> Span:
        """The minutes that a new booking with the stay ``[start, end)`` would occupy."""
        return start - self.before, end + self.after

    def taken(self, start: int, end: int) -> Taken:
        """The tables that a stay ``[start, end)`` cannot have; its buffers are added here.

        Closures apply to the stay itself, not to its buffers. Raises ``ValueError`` outside the span.
        """
        window = self._window(start - self.before, end + self.after)
        return Taken(
            _overlapping(self._booked, window),
            _overlapping(self._on_hold, window),
            self.closed_mask(start, end),
        )

    def busy_mask(self, start: int, end: int) -> int:
        """Tables, as bits, that a booking or hold occupies at some minute of ``[start, end)``.

        No buffers are added. Raises ``ValueError`` outside the span.
        """
        window = self._window(start, end)
        return _overlapping(self._booked, window) | _overlapping(self._on_hold, window)

    def closed_mask(self, start: int, end: int) -> int:
        """Tables, as bits, that are closed at some minute of ``[start, end)``."""
        bits = 0
        for closure in self._closed:
            if closure.start < end and start < closure.end:
                bits |= closure.bits
        return bits

    def restaurant_closed(self, start: int, end: int) -> bool:
        """Is the whole restaurant closed at some minute of ``[start, end)``?"""
        return any(c.whole_restaurant and c.start < end and start < c.end for c in self._closed)

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
    """The bits that begin a run of ``least`` (> 0) or more; each shift keeps those with longer runs."""
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
