"""An exact question as a mixed integer program: which party gets which set, so that no two share a table.

The program contains only bookings that may have to move: those at tables that the party could have, then
those at tables that these could have, and so on, for as many steps as moves are allowed. In an arrangement
with the fewest moves every moved booking is in the way of the party or of another moved booking, so no other
booking matters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_

from maitred.planner.day.exact import ExactQuestion
from maitred.planner.day.stays import Stays
from maitred.planner.floor.joins import bit_positions
from maitred.planner.search.join_search import Steps
from maitred.planner.search.situation import unfit_tables

#: ``low <= sum of the columns times their factors <= high``: low, high, columns, factors.
type Row = tuple[float, float, tuple[int, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Use:
    """A decision: the stay ``number`` (None: the party) has the set ``bits`` over ``[start, end)``.

    ``conflicts``: the stays, as bits, that would have to give up their tables.
    """

    number: int | None
    bits: int
    start: int
    end: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Program:
    """Each column is 0 or 1: first the ``uses``, then for each stay that may move whether it does.

    ``costs``: each move costs 1, everything else 0.
    """

    uses: list[Use]
    costs: list[float]
    rows: list[Row]


def program(question: ExactQuestion, stays: Stays, steps: Steps) -> Program:
    """The program of a question. Raises ``SearchEndedError`` if the deadline passes."""
    uses = _Uses(question, stays, steps).reachable()
    movers = sorted({use.number for use in uses if use.number is not None})
    column = {number: place for place, number in enumerate(movers, len(uses))}
    # A stay without another set cannot move; uses that need it to move are not in the program.
    rows = [*_choices(uses, column), *_tables(uses, stays, column, steps)]
    moves = (1.0,) * len(movers)
    if question.most_moves is not None:
        rows.append((0, question.most_moves, tuple(column.values()), moves))
    return Program(uses, [*(0.0,) * len(uses), *moves], rows)


class _Uses:
    def __init__(self, question: ExactQuestion, stays: Stays, steps: Steps) -> None:
        self._question = question
        self._stays = stays
        self._steps = steps
        self._most = stays.movable if question.most_moves is None else question.most_moves

    def reachable(self) -> list[Use]:
        """The possible uses of the party and of the stays that can be in the way."""
        found = list(self._of_party())
        steps = [_together(found)]
        while steps[-1] and len(steps) <= self._most:
            new = [use for number in bit_positions(steps[-1]) for use in self._of_stay(number)]
            found += new
            steps.append(_together(new) & ~sum(steps))
        return _possible([use for use in found if self._fewest(use, steps) <= self._most])

    def _fewest(self, use: Use, steps: Sequence[int]) -> int:
        """The fewest moves that this use needs: a stay moves only for a stay of the step before."""
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
        closed = question.index.closed(request.start, request.end) | question.barred
        unfit = unfit_tables(question.index, request) | closed
        window = occupancy.buffered(request.start, request.end)
        return self._of(None, window, request.party_size, unfit)

    def _of_stay(self, number: int) -> Iterator[Use]:
        stay = self._stays.stays[number]
        uses = self._of(number, (stay.start, stay.end), stay.party_size, stay.unfit)
        return (use for use in uses if use.bits != stay.tables)

    def _of(self, number: int | None, window: tuple[int, int], size: int, unfit: int) -> Iterator[Use]:
        self._steps.check()
        own = 0 if number is None else 1 << number
        here = self._in_the_way(window, own)
        for each in self._question.index.candidates(size).sets:
            if each.bits & unfit or any(here[position] is None for position in each.positions):
                continue
            conflicts = reduce(or_, (here[position] or 0 for position in each.positions))
            if (conflicts | own).bit_count() <= self._most:
                yield Use(number, each.bits, *window, conflicts)

    def _in_the_way(self, window: tuple[int, int], own: int) -> list[int | None]:
        """For each table its stays, as bits; None if one of them cannot move."""
        others = self._stays.overlapping(*window) & ~own
        fixed = others & ~self._stays.movers
        return [None if at & fixed else at & others for at in self._stays.at_table]


def _together(uses: Iterable[Use]) -> int:
    return reduce(or_, (use.conflicts for use in uses), 0)


def _possible(uses: list[Use]) -> list[Use]:
    """Drop uses that need a stay to move that has no other set, until none is left."""
    while True:
        able = reduce(or_, (1 << use.number for use in uses if use.number is not None), 0)
        kept = [use for use in uses if not use.conflicts & ~able]
        if len(kept) == len(uses):
            return kept
        uses = kept


def _choices(uses: Sequence[Use], column: dict[int, int]) -> Iterator[Row]:
    """The party has one set. A stay that moves has one new set, and no other stay has a new one."""
    own: defaultdict[int | None, list[int]] = defaultdict(list)
    own[None] = []
    for place, use in enumerate(uses):
        own[use.number].append(place)
    for number, places in own.items():
        ones = (1.0,) * len(places)
        if number is None:
            yield 1, 1, tuple(places), ones
        else:
            yield 0, 0, (*places, column[number]), (*ones, -1.0)


def _tables(uses: Sequence[Use], stays: Stays, column: dict[int, int], steps: Steps) -> Iterator[Row]:
    """No table has two parties in one minute. If another party has it, its present one has moved."""
    at_table: defaultdict[int, list[int]] = defaultdict(list)
    for place, use in enumerate(uses):
        for position in bit_positions(use.bits):
            at_table[position].append(place)
    for position in sorted(at_table):
        steps.check()
        yield from _table(uses, stays, column, position, at_table[position])


def _table(
    uses: Sequence[Use], stays: Stays, column: dict[int, int], position: int, here: Sequence[int]
) -> Iterator[Row]:
    sitting = [n for n in bit_positions(stays.at_table[position]) if n in column]
    windows = [(uses[place].start, uses[place].end) for place in here]
    windows += [(stays.stays[number].start, stays.stays[number].end) for number in sitting]
    for minute in crowded(windows):
        new = [place for place in here if uses[place].start <= minute < uses[place].end]
        now = [column[n] for n in sitting if stays.stays[n].start <= minute < stays.stays[n].end]
        if now or len({uses[place].number for place in new}) > 1:
            factors = (1.0,) * len(new) + (-1.0,) * len(now)
            yield -len(now), 1 - len(now), (*new, *now), factors


def crowded(windows: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The starts that are followed by an end before the next start: all stays that ever meet, meet then."""
    starts = sorted({start for start, _ in windows})
    ends = sorted(end for _, end in windows)
    left = 0
    for minute, following in pairwise([*starts, float("inf")]):
        before = left
        while left < len(ends) and ends[left] <= following:
            left += 1
        if left > before:
            yield int(minute)
