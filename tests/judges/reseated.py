"""The best covers and score of a shift, by OR-tools' CP-SAT: the judge of the re-seating."""

from collections import defaultdict

from ortools.sat.python import cp_model

from maitred.planner.floor.joins import bit_positions
from maitred.planner.shift.model import Shift
from maitred.planner.shift.pacing import limits
from maitred.planner.shift.parties import Parties, Party, cost_of
from tests.judges.settings import configured

_SCALE = 10**6

type _Choice = tuple[Party, int, int, cp_model.IntVar]


def best_of(shift: Shift, seconds: float) -> tuple[int, float] | None:
    """Covers with a table, and the lowest score for so many; None if it is not proven in time.

    Each of the two goals has ``seconds`` of its own.
    """
    parties, model = Parties(shift), cp_model.CpModel()
    choices = [choice for party in parties.all for choice in _choices(model, parties, party)]
    _limit(model, shift, parties, choices)
    covers = sum(party.size * chosen for party, _, _, chosen in choices)
    score = sum(cost * chosen for _, _, cost, chosen in choices)
    model.maximize(covers)
    solver = configured(seconds)
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    most = round(solver.objective_value)
    model.add(covers == most)
    model.minimize(score)
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    return most, solver.objective_value / _SCALE


def _choices(model: cp_model.CpModel, parties: Parties, party: Party) -> list[_Choice]:
    costs = parties.costs(party)
    own = [
        (party, each.bits, round(cost_of(costs, each) * _SCALE), model.new_bool_var(""))
        for each in parties.could_have(party)
    ]
    chosen = [choice for *_, choice in own]
    if party.now:
        model.add_exactly_one(chosen)
        for _, bits, _, choice in own:
            model.add_hint(choice, bits == party.now)
    else:
        model.add_at_most_one(chosen)
    return own


def _limit(model: cp_model.CpModel, shift: Shift, parties: Parties, choices: list[_Choice]) -> None:
    """No two parties at one table, no more moves than allowed, no more guests in a slot than it takes."""
    stays = defaultdict(list)
    for party, bits, _, chosen in choices:
        for position in bit_positions(bits):
            length = party.end - party.start
            stays[position].append(
                model.new_optional_interval_var(party.start, length, party.end, chosen, "")
            )
    for own in stays.values():
        model.add_no_overlap(own)
    model.add(
        sum(chosen for party, bits, _, chosen in choices if party.now not in (0, bits)) <= shift.max_moves
    )
    for limit in limits(shift, parties.all):
        counted = {each.booking_id for each in (*limit.waiting, *limit.booked)}
        guests = [
            party.size * chosen
            for party, bits, _, chosen in choices
            if bits & limit.tables and party.booking_id in counted
        ]
        model.add(sum(guests) <= limit.most)
