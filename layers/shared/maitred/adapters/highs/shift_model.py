"""A shift as an integer program: a column seats one party at one set, and no table has two in a minute."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice

from maitred.adapters.highs.model import crowded
from maitred.adapters.highs.shift_child import Data
from maitred.planner.floor.joins import bit_positions
from maitred.planner.shift.model import Shift
from maitred.planner.shift.pacing import limits
from maitred.planner.shift.parties import Parties, Party, cost_of

#: Of a party that could have more sets, the best are looked at, and nothing is proven: floors on which any
#: few tables may be joined have tens of thousands.
MOST_SETS = 1_000

#: The sum of the columns times their factors is at most so much.
type Row = tuple[float, Sequence[int], Sequence[float]]


@dataclass(frozen=True, slots=True)
class PossibleSet:
    """The column that seats the party (a number among ``ShiftProgram.parties``) at a set (bits)."""

    party: int
    bits: int
    cost: float


@dataclass(frozen=True, slots=True)
class ShiftProgram:
    """``parties``: those with any choice. ``whole``: no set of theirs is left out."""

    parties: tuple[Party, ...]
    choices: list[PossibleSet]
    rows: list[Row]
    whole: bool

    def data(self, most_moves: int) -> Data:
        """The program as lists of numbers. A waiting party has as many ``guests``, a booked one 0."""
        high, columns, factors = zip(*self.rows, strict=True) if self.rows else ((), (), ())
        return {
            "party": [each.party for each in self.choices],
            "cost": [each.cost for each in self.choices],
            "now": [n for n, each in enumerate(self.choices) if each.bits == self.parties[each.party].now],
            "guests": [0 if party.now else party.size for party in self.parties],
            "most_moves": most_moves,
            "high": high,
            "starts": [0, *accumulate(map(len, columns))],
            "columns": list(chain(*columns)),
            "factors": list(chain(*factors)),
        }


def shift_program(shift: Shift, parties: Parties) -> ShiftProgram:
    """The program of a shift; parties that have no choice at all are left out."""
    sets = [(party, list(islice(parties.could_have(party), MOST_SETS + 1))) for party in parties.all]
    sets = [(party, own) for party, own in sets if own and not party.fixed]
    choices = []
    for number, (party, own) in enumerate(sets):
        costs = parties.costs(party)
        choices += [PossibleSet(number, each.bits, cost_of(costs, each)) for each in own[:MOST_SETS]]
    able = tuple(party for party, _ in sets)
    rows = [*_tables(able, choices), *_limits(shift, parties, able, choices)]
    whole = not shift.index.truncated and all(len(own) <= MOST_SETS for _, own in sets)
    return ShiftProgram(able, choices, rows, whole)


def _tables(parties: Sequence[Party], choices: Sequence[PossibleSet]) -> Iterator[Row]:
    """No table has two parties in one minute."""
    at_table: defaultdict[int, list[int]] = defaultdict(list)
    for column, choice in enumerate(choices):
        for position in bit_positions(choice.bits):
            at_table[position].append(column)
    for _, here in sorted(at_table.items()):
        windows = {choices[column].party: None for column in here}
        spans = [(parties[number].start, parties[number].end) for number in windows]
        for minute in crowded(spans):
            meet = [column for column in here if _present(parties[choices[column].party], minute)]
            if len({choices[column].party for column in meet}) > 1:
                yield 1.0, meet, (1.0,) * len(meet)


def _present(party: Party, minute: int) -> bool:
    return party.start <= minute < party.end


def _limits(
    shift: Shift, parties: Parties, able: Sequence[Party], choices: Sequence[PossibleSet]
) -> Iterator[Row]:
    """No slot, and no zone in it, has more guests than it takes."""
    for limit in limits(shift, parties.all):
        counted = {each.booking_id for each in (*limit.waiting, *limit.booked)}
        columns = [
            column
            for column, choice in enumerate(choices)
            if choice.bits & limit.tables and able[choice.party].booking_id in counted
        ]
        sizes = [float(able[choices[column].party].size) for column in columns]
        fixed = sum(each.size for each in limit.booked if each.fixed)
        yield limit.most - fixed, columns, sizes
