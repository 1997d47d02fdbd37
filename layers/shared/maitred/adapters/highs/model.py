"""An exact question as a mixed integer program: who takes which set, who leaves, and nobody shares a table.

Only those stand in it who can have to move: whoever sits where the party could go, then whoever sits where
these could go, and so on, as many steps as there may be moves. In an arrangement with the fewest moves
everybody who moves is in the way of somebody else that does, or of the party, so that no other can matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from maitred.planner.day.exact import ExactQuestion
from maitred.planner.day.stays import Stays
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import Deadline
from maitred.planner.search.situation import musts


class OutOfTimeError(Exception):
    """The time was over before the program was written down."""


@dataclass(frozen=True, slots=True)
class Use:
    """A decision: the stay ``number`` (None: the party) has the set ``bits`` over ``[start, end)``.

    ``conflicts``: the stays, as bits, that would have to leave for it.
    """

    number: int | None
    bits: int
    start: int
    end: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Row:
    """``low <= sum of the columns times their factors <= high``."""

    low: float
    high: float
    columns: tuple[int, ...]
    factors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Columns are decisions of 0 or 1: first ``uses``, then for each of ``movers`` whether it moves."""

    uses: tuple[Use, ...]
    movers: tuple[int, ...]
    rows: tuple[Row, ...]

    @property
    def costs(self) -> list[float]:
        """Each move is 1; nothing else costs."""
        return [0.0] * len(self.uses) + [1.0] * len(self.movers)


def program(question: ExactQuestion, stays: Stays, deadline: Deadline) -> Program:
    """Write the question down. Raises ``OutOfTimeError`` if the deadline passes."""
    uses = _Uses(question, stays, deadline).reachable()
    movers = tuple(sorted({use.number for use in uses if use.number is not None}))
    column = {number: len(uses) + place for place, number in enumerate(movers)}
    # Who has no other set can not move; whatever needs it to is none of the decisions.
    rows = [*_choices(uses, column), *_tables(uses, stays, column, deadline)]
    if question.most_moves is not None:
        columns = tuple(column.values())
        rows.append(Row(0, question.most_moves, columns, (1.0,) * len(columns)))
    return Program(tuple(uses), movers, tuple(rows))


class _Uses:
    def __init__(self, question: ExactQuestion, stays: Stays, deadline: Deadline) -> None:
        self._question = question
        self._stays = stays
        self._deadline = deadline
        self._most = stays.movable if question.most_moves is None else question.most_moves

    def reachable(self) -> list[Use]:
        """The uses of the party and of those who can be in the way, without the uses that cannot be."""
        found = list(self._of_party())
        steps = [_together(found)]
        while steps[-1] and len(steps) <= self._most:
            new = [use for number in bit_positions(steps[-1]) for use in self._of_stay(number)]
            found += new
            steps.append(_together(new) & ~sum(steps))
        return _possible([use for use in found if self._fewest(use, steps) <= self._most])

    def _fewest(self, use: Use, steps: Sequence[int]) -> int:
        """So many must move at least for this use: a way to each of them leads over every step before."""
        moving = use.conflicts if use.number is None else use.conflicts | 1 << use.number
        left, missing = moving, 0
        for step in steps:
            if not left:
                break
            missing += not step & moving
            left &= ~step
        return moving.bit_count() + missing

    def _of_party(self) -> Iterator[Use]:
        question = self._question
        request, occupancy = question.request, question.occupancy
        unfit = musts(question.index, request) | occupancy.closed_mask(request.start, request.end)
        window = occupancy.buffered(request.start, request.end)
        return self._of(None, window, request.party_size, unfit)

    def _of_stay(self, number: int) -> Iterator[Use]:
        stay = self._stays.stays[number]
        if stay.booking is None:
            raise ValueError("only bookings are in the way of anybody who may have their tables")
        window = (stay.start, stay.end)
        for use in self._of(number, window, stay.booking.party_size, stay.unfit):
            if use.bits != stay.tables:
                yield use

    def _of(self, number: int | None, window: tuple[int, int], size: int, unfit: int) -> Iterator[Use]:
        if self._deadline.expired():
            raise OutOfTimeError
        own = 0 if number is None else 1 << number
        here = self._in_the_way(window, own)
        for each in self._question.index.candidates(size).sets:
            if each.bits & unfit or any(here[position] is None for position in each.positions):
                continue
            conflicts = 0
            for position in each.positions:
                conflicts |= here[position] or 0
            if (conflicts | own).bit_count() <= self._most:
                yield Use(number, each.bits, *window, conflicts)

    def _in_the_way(self, window: tuple[int, int], own: int) -> list[int | None]:
        """For each table the stays there, as bits; None where one of them stays for certain."""
        others = self._stays.overlapping(*window) & ~own
        fixed = others & ~self._stays.movers
        return [None if at & fixed else at & others for at in self._stays.at_table]


def _together(uses: Iterable[Use]) -> int:
    conflicts = 0
    for use in uses:
        conflicts |= use.conflicts
    return conflicts


def _possible(uses: list[Use]) -> list[Use]:
    """Without those that need somebody to leave who has no other set left, again and again."""
    while True:
        able = 0
        for use in uses:
            if use.number is not None:
                able |= 1 << use.number
        kept = [use for use in uses if not use.conflicts & ~able]
        if len(kept) == len(uses):
            return kept
        uses = kept


def _choices(uses: Sequence[Use], column: dict[int, int]) -> Iterator[Row]:
    """The party has one set; whoever moves has one, and nobody else has a new one."""
    own: defaultdict[int | None, list[int]] = defaultdict(list)
    own[None] = []
    for place, use in enumerate(uses):
        own[use.number].append(place)
    for number, places in own.items():
        ones = (1.0,) * len(places)
        if number is None:
            yield Row(1, 1, tuple(places), ones)
        else:
            yield Row(0, 0, (*places, column[number]), (*ones, -1.0))


def _tables(uses: Sequence[Use], stays: Stays, column: dict[int, int], deadline: Deadline) -> Iterator[Row]:
    """At no minute two parties at one table; whoever sits there now is gone if another is there."""
    at_table: defaultdict[int, list[int]] = defaultdict(list)
    for place, use in enumerate(uses):
        for position in bit_positions(use.bits):
            at_table[position].append(place)
    for position in sorted(at_table):
        if deadline.expired():
            raise OutOfTimeError
        yield from _table(uses, stays, column, position, at_table[position])


def _table(
    uses: Sequence[Use], stays: Stays, column: dict[int, int], position: int, here: Sequence[int]
) -> Iterator[Row]:
    sitting = [n for n in bit_positions(stays.at_table[position]) if n in column]
    windows = [(uses[place].start, uses[place].end) for place in here]
    windows += [(stays.stays[number].start, stays.stays[number].end) for number in sitting]
    for minute in _crowded(windows):
        new = [place for place in here if uses[place].start <= minute < uses[place].end]
        now = [column[n] for n in sitting if stays.stays[n].start <= minute < stays.stays[n].end]
        if now or len({uses[place].number for place in new}) > 1:
            factors = (1.0,) * len(new) + (-1.0,) * len(now)
            yield Row(-len(now), 1 - len(now), (*new, *now), factors)


def _crowded(windows: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The starts after which somebody leaves before the next one comes: whoever meets, meets then."""
    starts = sorted({start for start, _ in windows})
    ends = sorted(end for _, end in windows)
    left = 0
    for minute, following in pairwise([*starts, float("inf")]):
        before = left
        while left < len(ends) and ends[left] <= following:
            left += 1
        if left > before:
            yield int(minute)
