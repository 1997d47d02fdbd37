"""Why these tables: a sentence or two that a host understands, and the data behind them."""

import json
from collections.abc import Iterator
from dataclasses import replace

from maitred.domain.windows import from_minutes
from maitred.planner.floor.weights import (
    ATTRIBUTES_MISSED,
    BALANCE,
    DEAD_TIME,
    JOINS,
    SCARCITY,
    UNASKED,
    WASTED_SEATS,
    ZONE_MISSED,
)
from maitred.planner.model import Decision, Obstruction, Plan, Refusal
from maitred.planner.search.situation import Situation

#: The data of one explanation, as compact JSON in UTF-8, is never longer.
MOST_BYTES = 4096

_LOST = {
    SCARCITY: "is kept for parties that need it more",
    DEAD_TIME: "would leave a gap that is too short for another party",
    JOINS: "can be joined for a larger party",
    UNASKED: "has what other guests ask for",
    BALANCE: "is in a busier part of the restaurant",
}


def explained(situation: Situation, plan: Plan) -> Plan:
    """The plan with its sentences: how it fits, what it was chosen from, who moves, and what is not met."""
    sentences = [f"{_fit(situation, plan)}; {_chosen_from(plan)}."]
    terms = dict(plan.terms)
    if terms[WASTED_SEATS]:
        sentences += _spared(situation, plan)
    if plan.moves:
        others = len(plan.moves)
        moved = "1 other booking moves" if others == 1 else f"{others} other bookings move"
        sentences.append(f"To make room, {moved} to equivalent tables.")
    missed = _missed(situation, plan) if terms.keys() & {ZONE_MISSED, ATTRIBUTES_MISSED} else ()
    if missed:
        sentences.append(f"Preferences not met: {', '.join(missed)}.")
    return replace(plan, explanation=" ".join(sentences))


def explanation_data(decision: Decision) -> dict[str, object]:
    """Why, as JSON values: at most ``MOST_BYTES`` long. Longer data loses its least important parts."""
    return cut(_data(decision))


def cut(data: dict[str, object]) -> dict[str, object]:
    """At most ``MOST_BYTES`` of it."""
    for name in ("losers", "strategies", "blockedBy", "moves", "chosen"):
        if len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) <= MOST_BYTES:
            break
        data |= {name: [], "cut": True}
    return data


def _data(decision: Decision) -> dict[str, object]:
    plan = decision if isinstance(decision, Plan) else None
    blocking = decision.blocking if isinstance(decision, Refusal) else None
    return {
        "summary": decision.explanation,
        "decision": "plan" if plan else "refusal",
        "chosen": list(plan.tables) if plan else None,
        "strategy": plan.strategy if plan else None,
        "score": plan.score if plan else None,
        "scoreTerms": dict(plan.terms) if plan else {},
        "decidingTerm": plan.losers[0].term if plan and plan.losers else None,
        "losers": [
            {"tables": list(each.tables), "score": each.score, "term": each.term, "by": each.by}
            for each in (plan.losers if plan else ())
        ],
        "refusedBy": decision.reason.code.value if isinstance(decision, Refusal) else None,
        "blockedBy": _blockers(blocking) if blocking else [],
        "wouldHelp": blocking.words if blocking else None,
        "moves": [
            {"bookingId": each.booking_id, "from": list(each.from_tables), "to": list(each.to_tables)}
            for each in (plan.moves if plan else ())
        ],
        "strategies": strategies_data(decision),
        "candidates": decision.candidates,
        "alternates": plan.alternates if plan else 0,
        "searchTruncated": decision.truncated,
    }


def _blockers(found: Obstruction) -> list[dict[str, object]]:
    """Who is in the way at the tables where the fewest are."""
    return [
        {
            "bookingId": each.booking_id,
            "tables": list(each.tables),
            "partySize": each.party_size,
            "from": from_minutes(each.start).isoformat(),
            "until": from_minutes(each.end).isoformat(),
        }
        for each in found.parties
    ]


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


def _fit(situation: Situation, plan: Plan) -> str:
    *others, last = plan.tables
    tables = f"Tables {', '.join(others)} and {last} joined fit" if others else f"Table {last} fits"
    party_size = situation.request.party_size
    empty = plan.seats - party_size
    if not empty:
        return f"{tables} a party of {party_size} exactly"
    seats = "1 seat" if empty == 1 else f"{empty} seats"
    return f"{tables} a party of {party_size} with {seats} left empty"


def _chosen_from(plan: Plan) -> str:
    if plan.alternates:
        return f"the best of {plan.alternates + 1} free choices"
    return "nothing was free" if plan.moves else "nothing else was free"


def _spared(situation: Situation, plan: Plan) -> Iterator[str]:
    """Why a set that would have fitted better was not taken."""
    index = situation.index
    for each in plan.losers:
        if each.term in _LOST and index.rules.seats(index.bits_of(each.tables)) < plan.seats:
            yield f"{' and '.join(each.tables)} would fit better, but {_LOST[each.term]}."
            return


def _missed(situation: Situation, plan: Plan) -> list[str]:
    terms, index, request = dict(plan.terms), situation.index, situation.request
    missed = []
    if ZONE_MISSED in terms:
        missed.append(f"zone {request.zone}")
    if ATTRIBUTES_MISSED in terms:
        bits = index.bits_of(plan.tables)
        missed += [
            f"attribute {attribute}"
            for attribute in sorted(request.attributes)
            if bits & ~index.matching(None, (attribute,))
        ]
    return missed
