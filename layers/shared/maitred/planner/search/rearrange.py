"""Seating a party by moving others: the fewest moves, then the best set for the party.

A set for the party is taken; whoever sits there is in the way and must take other tables, at which
somebody may be in the way in turn. Bookings that need not move for this never do: in an arrangement with
the fewest moves each one is in the way of the party or of another that moved. So the search, one number
of moves after the other, is complete within its limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from maitred.planner.day.open_sets import Around, Option
from maitred.planner.day.places import Given, Movers, Places
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import TableSet
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import Move
from maitred.planner.search.bounds import full_whoever_moves
from maitred.planner.search.join_search import Steps
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation

#: Of a hundred parties whom one move seated in crowded houses, each was seated by one of the first six.
_GLANCES = 8


@dataclass(frozen=True, slots=True)
class Placed:
    """A movable stay, and the tables that it is given."""

    number: int
    given: Given


@dataclass(frozen=True, slots=True)
class Rearranged:
    """The set for the party, the moves that free it, and the sets that were considered for it."""

    set: TableSet
    moves: tuple[Move, ...]
    considered: int


def rearrange(
    asked: Situation, movers: Movers, scoring: Scoring, most_moves: int, steps: Steps
) -> Rearranged | None:
    """The best arrangement with at most ``most_moves``; None is a proof that there is none.

    (Unless the floor's list of sets was cut short: then it is only a failure to find.) Asked only when
    nothing is free. Raises ``SearchEndedError``.
    """
    if most_moves <= 0:
        return None
    steps.check()
    stays = movers.around(*asked.window)
    if full_whoever_moves(asked, stays):
        return None
    steps.check()
    wanted = _wanted(asked, stays, scoring, most_moves)
    if wanted and not movers.numbered:
        found = _at_first_glance(asked, stays, wanted, steps)
        if found is not None:
            return found
        wanted = _wanted(asked, movers.places.stays, scoring, most_moves)
    if not wanted:
        return None
    search = _Search(asked, movers.places, most_moves, steps)
    tries = (search.best(wanted, moves) for moves in range(1, most_moves + 1))
    return next((found for found in tries if found is not None), None)


def _wanted(asked: Situation, stays: Stays, scoring: Scoring, most: int) -> list[Option]:
    """The sets that the party could have if few enough others moved, best first."""
    candidates = asked.index.candidates(asked.request.party_size)
    there = stays.overlapping(*asked.window)
    free, unfit = asked.index.assignable & ~asked.blocked, asked.unfit | asked.taken.closed
    around = Around(candidates, there, stays.at_table, free, unfit)
    found = around.open_sets(range(len(stays.at_table)), stays.movers, most)
    if not scoring.wishes:
        return list(found)
    sets = candidates.sets
    return sorted(found, key=lambda option: (scoring.fit(sets[option.order]), option.order))


def _at_first_glance(
    asked: Situation, stays: Stays, wanted: Sequence[Option], steps: Steps
) -> Rearranged | None:
    """The best arrangement with one move, if one of the first few who are alone in the way can make it.

    None says nothing. Most who are seated by a move are found here, before the whole day is numbered.
    """
    alone = (option for option in wanted if option.conflicts.bit_count() == 1)
    for option in islice(alone, _GLANCES):
        steps.take()
        number = option.conflicts.bit_length() - 1
        tables = stays.elsewhere(number, option.bits)
        if tables:
            return _rearranged(asked, stays, wanted, option, [Placed(number, (tables, 0))])
    return None


def _rearranged(
    asked: Situation, stays: Stays, wanted: Sequence[Option], option: Option, placed: Sequence[Placed]
) -> Rearranged:
    """The arrangement as the outside knows it: moves by booking."""
    told = []
    for each in sorted(placed, key=lambda one: one.number):
        booking = stays.stays[each.number].booking
        if booking is not None:
            tables = tuple([asked.index.tables[position].id for position in bit_positions(each.given[0])])
            told.append(Move(booking.booking_id, tuple(sorted(booking.tables)), tables))
    chosen = asked.index.candidates(asked.request.party_size).sets[option.order]
    return Rearranged(chosen, tuple(told), len(wanted))


class _Search:
    def __init__(self, asked: Situation, places: Places, most_moves: int, steps: Steps) -> None:
        self._asked = asked
        self._places = places
        self._stays = places.stays
        self._most = most_moves
        self._steps = steps
        self._around = self._stays.overlapping(*asked.window)
        self._set = 0

    def best(self, wanted: Sequence[Option], moves: int) -> Rearranged | None:
        """The first of these sets that the party may have if exactly ``moves`` others move."""
        for option in self._within_reach(wanted, moves):
            placed = self._seat(option, moves)
            if placed is not None:
                return _rearranged(self._asked, self._stays, wanted, option, placed)
        return None

    def _within_reach(self, wanted: Sequence[Option], moves: int) -> list[Option]:
        """Those for which ``moves`` others may be enough, in their order: a glance before any is tried.

        If nobody else is to leave, each of those in the way needs a free table, or keeps one of several.
        """
        joined, rooted = self._stays.joined, self._places.rooted
        return [
            option
            for option in wanted
            if (count := option.conflicts.bit_count()) < moves
            or (count == moves and (option.conflicts & joined or not option.conflicts & rooted))
        ]

    def _seat(self, option: Option, moves: int) -> tuple[Placed, ...] | None:
        """Where exactly ``moves`` others go if the party takes this set."""
        self._steps.take()
        spare = moves - option.conflicts.bit_count()
        if not spare and not self._places.mobile(option.conflicts):
            return None
        if self._stuck(option, spare):
            return None
        return self._all_placed(option.conflicts, option.bits, spare)

    def _stuck(self, option: Option, spare: int) -> bool:
        """Is there no way for those in conflict, with ``spare`` more, without the tables they lose?

        The same for all sets of the party's that take the same of their tables, and at all times that
        keep the same others from these: asked once for all of those.
        """
        moved, lost = option.conflicts, 0
        for number in bit_positions(moved):
            lost |= self._stays.stays[number].tables
        lost &= option.bits
        kept_away = self._kept_away(lost, moved, spare)
        known = self._places.stuck.get((moved, lost, spare, kept_away))
        if known is None:
            known = not spare and not self._all_land(moved, lost)
            known = known or self._all_placed(moved, lost, spare) is None
            self._places.stuck[moved, lost, spare, kept_away] = known
        return known

    def _kept_away(self, lost: int, moved: int, spare: int) -> int:
        """Those who might want what is ``lost`` and may not have it, as it is the party's during their stay.

        All in the party's way are among them at any time, so they are left out. Of the others it is asked
        closely who might want it only where there is one to spare: so it mostly is, and is cheap to tell.
        """
        if not spare:
            return 0
        return self._around & self._places.takers(lost, moved) if spare == 1 else self._around

    def _all_placed(self, moved: int, bits: int, spare: int) -> tuple[Placed, ...] | None:
        """Where these and ``spare`` more go if the party has the tables ``bits``."""
        self._set = bits
        return self._place(tuple(bit_positions(moved)), moved, (), spare)

    def _all_land(self, moved: int, lost: int) -> bool:
        """May each of these find tables if only they leave and the party takes ``lost``?"""
        for number in bit_positions(moved):
            own = 1 << number
            if not self._places.landing(moved & ~own, own, ((lost, self._around),)):
                return False
        return True

    def _place(
        self, todo: tuple[int, ...], moved: int, placed: tuple[Placed, ...], spare: int
    ) -> tuple[Placed, ...] | None:
        """Tables for all of ``todo``; ``moved``: everybody who leaves; ``spare``: how many more may."""
        if not todo:
            return placed if not spare else None
        number, rest = todo[0], todo[1:]
        given = ((self._set, self._around), *[each.given for each in placed])
        leavers, landers = self._leavers(number, moved, given, spare)
        if spare and not rest and leavers == moved:
            return None  # nobody is in its way who could find other tables
        for option in self._places.options(number, self._blocked(number, given), leavers, self._most):
            self._steps.take()
            fresh = option.conflicts & ~moved
            left = spare - fresh.bit_count()
            if left < 0 or (left and not rest and not fresh):
                continue  # too many; or nobody is left to use up the spare moves: found with fewer before
            if fresh & ~landers and not left and not fresh & self._stays.joined:
                continue  # the last who leave, of whom one would find no tables
            there = Placed(number, (option.bits, self._places.overlap(number)))
            todo_then = (*rest, *bit_positions(fresh))
            found = self._place(todo_then, moved | fresh, (*placed, there), left)
            if found is not None:
                return found
        return None

    def _leavers(self, number: int, moved: int, given: Sequence[Given], spare: int) -> tuple[int, int]:
        """Who may be in the way of this one: those who left, and as many more as may leave.

        Second, those of the latter who may find tables if nobody else leaves after them. (Others who leave
        with them leave nothing to them: what this one takes is lost to all who are in its way. Only who has
        several tables leaves some that this one does not take.)
        """
        if not spare:
            return moved, 0
        others = self._stays.movers & self._places.overlap(number) & ~moved
        landers = self._places.landing(moved, others, given)
        return moved | (landers if spare == 1 else others), landers

    def _blocked(self, number: int, given: Sequence[Given]) -> int:
        """Tables that the party or somebody already placed will have during this stay."""
        blocked = 0
        for tables, hindered in given:
            if hindered >> number & 1:
                blocked |= tables
        return blocked
