"""One sentence or two that a host understands: why these tables."""

from maitred.planner.model import Plan
from maitred.planner.situation import Situation
from maitred.planner.weights import ATTRIBUTES_MISSED, ZONE_MISSED


def explain_plan(asked: Situation, plan: Plan, alternates: int) -> str:
    """Say how the tables fit, what they were chosen from, and which wishes they leave open."""
    sentence = f"{_tables(plan)} {_fit(plan, asked.request.party_size)}; {_chosen_from(alternates)}."
    missed = _missed(asked, plan)
    return f"{sentence} Not met: {', '.join(missed)}." if missed else sentence


def _tables(plan: Plan) -> str:
    if len(plan.tables) == 1:
        return f"Table {plan.tables[0]}"
    return f"Tables {', '.join(plan.tables[:-1])} and {plan.tables[-1]} joined"


def _fit(plan: Plan, party_size: int) -> str:
    verb = "fits" if len(plan.tables) == 1 else "fit"
    if plan.seats == party_size:
        return f"{verb} a party of {party_size} exactly"
    empty = plan.seats - party_size
    seats = "1 seat" if empty == 1 else f"{empty} seats"
    return f"{verb} a party of {party_size} with {seats} left empty"


def _chosen_from(alternates: int) -> str:
    if alternates == 0:
        return "nothing else was free"
    return f"the best of {alternates + 1} free choices"


def _missed(asked: Situation, plan: Plan) -> list[str]:
    missed = []
    terms = dict(plan.terms)
    if ZONE_MISSED in terms:
        missed.append(f"the wished zone {asked.request.zone}")
    if ATTRIBUTES_MISSED in terms:
        bits = asked.index.bits_of(plan.tables)
        missed += [
            f"the wish {attribute}"
            for attribute in sorted(asked.request.attributes)
            if bits & ~asked.index.matching(None, (attribute,))
        ]
    return missed
