"""Why these tables: a sentence or two that a host understands, and the data behind them."""

import json
from collections.abc import Sequence

from maitred.planner.floor.weights import (
    ATTRIBUTES_MISSED,
    BALANCE,
    DEAD_TIME,
    SCARCITY,
    WASTED_SEATS,
    ZONE_MISSED,
)
from maitred.planner.model import Decision, Loser, Plan
from maitred.planner.search.situation import Situation

#: The data of one explanation, as compact JSON in UTF-8, is never longer.
MOST_BYTES = 4096

_LOST = {
    SCARCITY: "is kept for parties that need it more",
    DEAD_TIME: "would leave a gap too short for anybody",
    BALANCE: "lies in a busier zone",
}


def explain_plan(asked: Situation, plan: Plan, alternates: int, losers: Sequence[Loser] = ()) -> str:
    """Say how the tables fit, what they were chosen from, who was moved, and which wishes stay open."""
    sentences = [f"{_tables(plan)} {_fit(plan, asked.request.party_size)}; {_chosen_from(plan, alternates)}."]
    sentences += _spared(asked, plan, losers)
    if plan.moves:
        moved = "1 other booking moves" if len(plan.moves) == 1 else f"{len(plan.moves)} other bookings move"
        sentences.append(f"For it {moved} to equivalent tables.")
    missed = _missed(asked, plan)
    if missed:
        sentences.append(f"Not met: {', '.join(missed)}.")
    return " ".join(sentences)


def explanation_data(decision: Decision) -> dict[str, object]:
    """Why, as JSON values: at most ``MOST_BYTES`` long; what is too much loses its detail first."""
    data = _data(decision)
    for name in ("losers", "strategies", "moves", "chosen"):
        if len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES:
            break
        data |= {name: [], "cut": True}
    return data


def _data(decision: Decision) -> dict[str, object]:
    plan, refusal = decision.plan, decision.refusal
    return {
        "summary": decision.explanation,
        "decision": "plan" if plan else "refusal",
        "chosen": list(plan.tables) if plan else None,
        "strategy": plan.strategy if plan else None,
        "score": plan.score if plan else None,
        "scoreTerms": dict(plan.terms) if plan else {},
        "decidingTerm": decision.deciding_term,
        "losers": [
            {"tables": list(each.tables), "score": each.score, "term": each.term, "by": each.by}
            for each in decision.losers
        ],
        "refusedBy": refusal.code.value if refusal else None,
        "moves": [
            {"bookingId": each.booking_id, "from": list(each.from_tables), "to": list(each.to_tables)}
            for each in (plan.moves if plan else ())
        ],
        "strategies": [
            {
                "name": each.name,
                "considered": each.considered,
                "best": list(each.best) if each.best is not None else None,
                "score": each.score,
                "chosen": each.chosen,
            }
            for each in decision.strategies
        ],
        "candidates": decision.candidates,
        "alternates": decision.alternates,
        "searchTruncated": decision.truncated,
    }


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


def _chosen_from(plan: Plan, alternates: int) -> str:
    if alternates:
        return f"the best of {alternates + 1} free choices"
    return "nothing was free" if plan.moves else "nothing else was free"


def _spared(asked: Situation, plan: Plan, losers: Sequence[Loser]) -> list[str]:
    """Why a set that would have fitted better was not taken."""
    waste = dict(plan.terms)[WASTED_SEATS]
    for each in losers:
        if each.term in _LOST and _seats(asked, each.tables) < plan.seats and waste:
            return [f"{' and '.join(each.tables)} would fit better, but {_LOST[each.term]}."]
    return []


def _seats(asked: Situation, tables: Sequence[str]) -> int:
    return asked.index.rules.seats(asked.index.bits_of(tables))


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
