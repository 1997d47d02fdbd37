"""The one sum by which the seats of a shift are compared."""

from collections import Counter
from collections.abc import Mapping

from maitred.planner.search.scoring import SCORE_DIGITS
from maitred.planner.shift.model import Shift, Sum
from maitred.planner.shift.parties import Parties, cost_of

type SeatsById = Mapping[str, tuple[str, ...]]


def sum_of(shift: Shift, seats: SeatsById, parties: Parties | None = None) -> Sum:
    """The sum over all parties of what their tables cost them by themselves.

    ``seats``: the tables of parties by id; who is not among them stays where it is. Dead time and balance
    are no part of the sum: they depend on who sits beside a party. ``parties``: those of the shift.
    """
    parties, index = parties or Parties(shift), shift.index
    terms: Counter[str] = Counter()
    score, covers = 0.0, 0
    for party in parties.all:
        chosen = seats.get(party.booking_id)
        bits = party.now if chosen is None else index.bits_of(chosen)
        if not bits:
            continue
        tables, costs = index.table_set(bits, party.size), parties.costs(party)
        score += cost_of(costs, tables)
        covers += party.size
        for name, cost in costs.terms_of(tables).items():
            terms[name] += cost  # type: ignore[assignment]  # a Counter adds floats as well
    return Sum(
        round(score, SCORE_DIGITS),
        {name: round(cost, SCORE_DIGITS) for name, cost in terms.items()},
        covers,
    )
