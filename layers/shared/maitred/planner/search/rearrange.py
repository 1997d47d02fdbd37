"""Seating a party by moving others: the fewest moves, then the best set for the party.

The party takes a set. The stays there are in its way and must take other tables, where more stays may be in
the way in turn. No other booking needs to move: in an arrangement with the fewest moves, each one that moves
is in the way of the party or of another that moves. So the search, one number of moves after the other, is
complete within its limit.

Sets of tables and sets of stays are integers, a bit each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from maitred.planner.day.occupancy import Span
from maitred.planner.day.open_sets import Neighbourhood, Option
from maitred.planner.day.places import Claim
from maitred.planner.day.room import least_need
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import Move
from maitred.planner.search.join_search import Steps
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation

#: Of a hundred parties that one move seated in crowded restaurants, each was seated by one of the first six.
_GLANCES = 8


#: A movable stay, and the tables it is given.
type Assignment = tuple[int, Claim]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The set for the party, the moves that free it, and how many sets were considered for it."""

    set: TableSet
    moves: tuple[Move, ...]
    considered: int


def rearrange(situation: Situation, scoring: Scoring, steps: Steps) -> Arrangement | None:
    """The best arrangement within the situation's number of moves, which is at least 1.

    None is a proof that there is none, unless the floor's list of sets was cut short: then the search only
    failed to find one. To be asked when nothing is free. Raises ``SearchEndedError``.
    """
    most, day = situation.most_moves, situation.day
    steps.check()
    stays = day.stays_around(*situation.window)
    request = situation.request
    zone = request.zone if request.zone_required else None
    if full_whoever_moves(situation.index, stays, request.party_size, situation.window, zone):
        return None
    steps.check()
    wanted = _wanted(situation, stays, scoring)
    if wanted and not day.numbered:
        found = _at_first_glance(situation, stays, wanted, steps)
        if found is not None:
            return found
        wanted = _wanted(situation, day.places.stays, scoring)
    if not wanted:
        return None
    search = _Search(situation, steps)
    tries = (search.best(wanted, moves) for moves in range(1, most + 1))
    return next((found for found in tries if found is not None), None)


def full_whoever_moves(
    index: FloorIndex, stays: Stays, party_size: int, window: Span, zone: str | None
) -> bool:
    """Is it proven that no moves, however many, seat the party? False says nothing.

    ``window``: its stay with buffers; ``zone``: the one that it requires.

    It is if at some minute of the stay the parties that are there together need more seats, or more tables
    of some capacity and above, than the floor (or the zone that the party requires) has. That takes
    microseconds instead of a search.
    """
    if index.truncated:  # the list of sets is not complete, so neither are the least needs
        return False
    need = least_need(index, party_size)
    return need is None or stays.room_left(zone).lacks(need, *window)


def _wanted(situation: Situation, stays: Stays, scoring: Scoring) -> list[Option]:
    """The sets that the party could have if few enough others moved, best first."""
    candidates, index = situation.candidates, situation.index
    present = stays.overlapping(*situation.window)
    free = index.assignable & ~situation.blocked
    unfit = situation.unfit | situation.closed | situation.barred
    around = Neighbourhood(candidates, present, stays.at_table, free, unfit)
    found = around.open_sets(range(len(stays.at_table)), stays.movers, situation.most_moves)
    if scoring.as_listed:
        return list(found)
    sets = candidates.sets
    return sorted(found, key=lambda option: (scoring.fit(sets[option.order]), option.order))


def _at_first_glance(
    situation: Situation, stays: Stays, wanted: Sequence[Option], steps: Steps
) -> Arrangement | None:
    """The best arrangement with one move, if one of the first few single stays in the way can make it.

    None proves nothing. Most parties that a move can seat are seated here, before the whole day is numbered.
    """
    alone = (option for option in wanted if option.conflicts.bit_count() == 1)
    for option in islice(alone, _GLANCES):
        steps.take()
        number = option.conflicts.bit_length() - 1
        tables = stays.elsewhere(number, option.bits)
        if tables:
            return _arrangement(situation, stays, wanted, option, [(number, (tables, 0))])
    return None


def _arrangement(
    situation: Situation,
    stays: Stays,
    wanted: Sequence[Option],
    option: Option,
    assignments: Sequence[Assignment],
) -> Arrangement:
    """The arrangement with its moves by booking."""
    moves = []
    for number, (bits, _) in sorted(assignments):
        booking = stays.stays[number].booking
        if booking is not None:
            tables = situation.index.names(bit_positions(bits))
            moves.append(Move(booking.booking_id, tuple(sorted(booking.tables)), tables))
    return Arrangement(situation.candidates.sets[option.order], tuple(moves), len(wanted))


class _Search:
    """``_present``: the stays during the party's. ``_set``: the tables that the party has in this try."""

    def __init__(self, situation: Situation, steps: Steps) -> None:
        self._situation = situation
        self._places = situation.day.places
        self._stays = self._places.stays
        self._most = situation.most_moves
        self._steps = steps
        self._present = self._stays.overlapping(*situation.window)
        self._set = 0

    def best(self, wanted: Sequence[Option], moves: int) -> Arrangement | None:
        """The first of these sets that the party can have if exactly ``moves`` others move."""
        for option in self._within_reach(wanted, moves):
            assignments = self._free_up(option, moves)
            if assignments is not None:
                return _arrangement(self._situation, self._stays, wanted, option, assignments)
        return None

    def _within_reach(self, wanted: Sequence[Option], moves: int) -> list[Option]:
        """The sets that ``moves`` moves may free, in their order: a quick look before any is tried.

        If no moves are to spare, each stay in the way needs a free table, or keeps one of several.
        """
        joined, immovable = self._stays.joined, self._places.immovable
        return [
            option
            for option in wanted
            if (count := option.conflicts.bit_count()) < moves
            or (count == moves and (option.conflicts & joined or not option.conflicts & immovable))
        ]

    def _free_up(self, option: Option, moves: int) -> tuple[Assignment, ...] | None:
        """Where exactly ``moves`` others go if the party takes this set."""
        self._steps.take()
        spare = moves - option.conflicts.bit_count()
        if not spare and not self._places.can_move(option.conflicts):
            return None
        if self._no_way_out(option, spare):
            return None
        return self._assign_all(option.conflicts, option.bits, spare)

    def _no_way_out(self, option: Option, spare: int) -> bool:
        """Can the stays in conflict, with ``spare`` more, go nowhere without the tables they lose?

        The answer is the same for every set of the party's that takes the same of their tables, and at every
        time that keeps the same others away from these tables. It is worked out once for all of those.
        """
        moved, lost = option.conflicts, 0
        for number in bit_positions(moved):
            lost |= self._stays.stays[number].tables
        lost &= option.bits
        key = (moved, lost, spare, self._kept_away(lost, moved, spare))
        known = self._places.no_way_out.get(key)
        if known is None:
            known = not spare and not self._all_can_relocate(moved, lost)
            known = known or self._assign_all(moved, lost, spare) is None
            self._places.no_way_out[key] = known
        return known

    def _kept_away(self, lost: int, moved: int, spare: int) -> int:
        """The stays that might want the ``lost`` tables but cannot have them during the party's stay.

        The stays in the party's way always are among them, so they are left out. With more than one move to
        spare, all others that are present count: there mostly is only one, and only then is it cheap to
        find out which of the others might want the tables.
        """
        if not spare:
            return 0
        return self._present & self._places.candidates_for(lost, moved) if spare == 1 else self._present

    def _assign_all(self, moved: int, bits: int, spare: int) -> tuple[Assignment, ...] | None:
        """Where these and ``spare`` more go if the party has the tables ``bits``."""
        self._set = bits
        return self._assign(tuple(bit_positions(moved)), moved, (), spare)

    def _all_can_relocate(self, moved: int, lost: int) -> bool:
        """May each of these find tables if no others leave and the party takes ``lost``?"""
        for number in bit_positions(moved):
            own = 1 << number
            if not self._places.can_relocate(moved & ~own, own, ((lost, self._present),)):
                return False
        return True

    def _assign(
        self, todo: tuple[int, ...], moved: int, done: tuple[Assignment, ...], spare: int
    ) -> tuple[Assignment, ...] | None:
        """Tables for all of ``todo``. ``moved``: all stays that leave; ``spare``: how many more may leave."""
        if not todo:
            return done if not spare else None
        number, rest = todo[0], todo[1:]
        claims = ((self._set, self._present), *[claim for _, claim in done])
        leavers, able = self._leavers(number, moved, claims, spare)
        if spare and not rest and leavers == moved:
            return None  # no stay is in its way that could find other tables
        for option in self._places.options(number, _blocked(number, claims), leavers, self._most):
            self._steps.take()
            fresh = option.conflicts & ~moved
            left = spare - fresh.bit_count()
            if left < 0 or (left and not rest and not fresh):
                continue  # too many moves; or too few, and those were tried before
            if fresh & ~able and not left and not fresh & self._stays.joined:
                continue  # these are the last to leave, and one of them would find no tables
            here = number, (option.bits, self._places.overlapping(number))
            found = self._assign((*rest, *bit_positions(fresh)), moved | fresh, (*done, here), left)
            if found is not None:
                return found
        return None

    def _leavers(self, number: int, moved: int, claims: Sequence[Claim], spare: int) -> tuple[int, int]:
        """The stays that may be in the way of this one: those that leave already, and as many more as may.

        Second, those of the latter that may find tables if no others leave after them. (Stays that leave
        together leave nothing to each other: what this one takes is lost to every stay in its way. Only a
        stay at several tables leaves some that this one does not take.)
        """
        if not spare:
            return moved, 0
        others = self._stays.movers & self._places.overlapping(number) & ~moved
        able = self._places.can_relocate(moved, others, claims)
        return moved | (able if spare == 1 else others), able


def _blocked(number: int, claims: Sequence[Claim]) -> int:
    """The tables that the party, or a stay with new tables, has during this stay."""
    blocked = 0
    for tables, excluded in claims:
        if excluded >> number & 1:
            blocked |= tables
    return blocked
