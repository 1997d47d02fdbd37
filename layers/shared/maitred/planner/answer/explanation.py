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
from maitred.planner.model import Decision, Plan, Refusal
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import Found

#: The data of one explanation, as compact JSON in UTF-8, is never longer.
MOST_BYTES = 4096

_LOST = {
    SCARCITY: "is kept for parties that need it more",
    DEAD_TIME: "would leave a gap that is too short for another party",
    BALANCE: "is in a busier zone",
}


def explain(situation: Situation, found: Found) -> str:
    """How the tables fit, what they were chosen from, who moves, and which preferences are not met."""
    sentences = [f"{_tables(situation, found)} {_fit(situation, found)}; {_chosen_from(found)}."]
    sentences += _spared(situation, found)
    if found.moves:
        others = len(found.moves)
        moved = "1 other booking moves" if others == 1 else f"{others} other bookings move"
        sentences.append(f"To make room, {moved} to equivalent tables.")
    missed = _missed(situation, found)
    if missed:
        sentences.append(f"Preferences not met: {', '.join(missed)}.")
    return " ".join(sentences)


def explanation_data(decision: Decision) -> dict[str, object]:
    """Why, as JSON values: at most ``MOST_BYTES`` long. Longer data loses its least important parts."""
    data = _data(decision)
    for name in ("losers", "strategies", "moves", "chosen"):
        if len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES:
            break
        data |= {name: [], "cut": True}
    return data


def _data(decision: Decision) -> dict[str, object]:
    plan = decision if isinstance(decision, Plan) else None
    return {
        "summary": decision.explanation,
        "decision": "plan" if plan else "refusal",
        "chosen": list(plan.tables) if plan else None,
        "strategy": plan.strategy if plan else None,
        "score": plan.score if plan else None,
        "scoreTerms": dict(plan.terms) if plan else {},
        "decidingTerm": plan.deciding_term if plan else None,
        "losers": [
            {"tables": list(each.tables), "score": each.score, "term": each.term, "by": each.by}
            for each in (plan.losers if plan else ())
        ],
        "refusedBy": decision.reason.code.value if isinstance(decision, Refusal) else None,
        "moves": [
            {"bookingId": each.booking_id, "from": list(each.from_tables), "to": list(each.to_tables)}
            for each in (plan.moves if plan else ())
        ],
        "strategies": strategies_data(decision),
        "candidates": decision.candidates,
        "alternates": plan.alternates if plan else 0,
        "searchTruncated": decision.truncated,
    }


def strategies_data(decision: Decision) -> list[dict[str, object]]:
    """The result of each strategy, as JSON values."""
    return [
        {
            "name": each.name,
            "considered": each.considered,
            "best": list(each.best) if each.best is not None else None,
            "score": each.score,
            "chosen": each.chosen,
        }
        for each in decision.strategies
    ]


def _tables(situation: Situation, found: Found) -> str:
    names = situation.index.names(found.set.positions)
    if len(names) == 1:
        return f"Table {names[0]}"
    return f"Tables {', '.join(names[:-1])} and {names[-1]} joined"


def _fit(situation: Situation, found: Found) -> str:
    verb = "fits" if len(found.set.positions) == 1 else "fit"
    party_size = situation.request.party_size
    empty = found.set.seats - party_size
    if not empty:
        return f"{verb} a party of {party_size} exactly"
    seats = "1 seat" if empty == 1 else f"{empty} seats"
    return f"{verb} a party of {party_size} with {seats} left empty"


def _chosen_from(found: Found) -> str:
    if found.alternates:
        return f"the best of {found.alternates + 1} free choices"
    return "nothing was free" if found.moves else "nothing else was free"


def _spared(situation: Situation, found: Found) -> list[str]:
    """Why a set that would have fitted better was not taken."""
    for each in found.losers:
        if (
            each.term in _LOST
            and _seats(situation, each.tables) < found.set.seats
            and found.terms[WASTED_SEATS]
        ):
            return [f"{' and '.join(each.tables)} would fit better, but {_LOST[each.term]}."]
    return []


def _seats(situation: Situation, tables: Sequence[str]) -> int:
    return situation.index.rules.seats(situation.index.bits_of(tables))


def _missed(situation: Situation, found: Found) -> list[str]:
    missed = []
    if ZONE_MISSED in found.terms:
        missed.append(f"zone {situation.request.zone}")
    if ATTRIBUTES_MISSED in found.terms:
        missed += [
            f"attribute {attribute}"
            for attribute in sorted(situation.request.attributes)
            if found.set.bits & ~situation.index.matching(None, (attribute,))
        ]
    return missed
