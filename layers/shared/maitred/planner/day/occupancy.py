"""The tables that are taken, and when: one integer a table, a bit a minute.

Bookings and live holds are two layers, so that a refusal can name the one that binds. The windows are the
stored ones, with their buffers.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation

type Span = tuple[int, int]


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

    @classmethod
    def build(cls, index: FloorIndex, span: Span, allocations: Iterable[Allocation]) -> "Occupancy":
        """Draw the allocations (buffers included). Unknown tables are left out."""
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
        )

    def changed(
        self, index: FloorIndex, released: Collection[str], added: Iterable[Allocation]
    ) -> "Occupancy":
        """The same day without the bookings or holds ``released`` (ids), and with ``added``."""
        kept = [each for each in self.allocations if (each.hold_id or each.booking_id) not in released]
        return Occupancy.build(index, self.span, (*kept, *added))

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

    def taken(self, start: int, end: int) -> tuple[int, int]:
        """The tables, as bits, that bookings, and that live holds, keep from a stay ``[start, end)``.

        Its buffers are added here. Raises ``ValueError`` outside the span.
        """
        window = self._window(*self.buffered(start, end))
        return _overlapping(self._booked, window), _overlapping(self._on_hold, window)

    def busy_mask(self, start: int, end: int) -> int:
        """Tables, as bits, that a booking or hold occupies at some minute of ``[start, end)``.

        No buffers are added. Raises ``ValueError`` outside the span.
        """
        window = self._window(start, end)
        return _overlapping(self._booked, window) | _overlapping(self._on_hold, window)

    def _window(self, start: int, end: int) -> int:
        if start < self.span[0] or end > self.span[1]:
            raise ValueError(
                f"minutes {start}-{end} lie outside the known span {self.span[0]}-{self.span[1]}"
            )
        return _minutes(self.span, start, end)


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
