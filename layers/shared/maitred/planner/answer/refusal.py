"""Why a party cannot be seated: the name of the rule that binds.

The reason is the first of these that holds: ``hold_conflict`` if the party could be seated without the live
holds; ``pacing`` if a set is free and only the slot is full; then the first rule that would let the party in
if it alone were lifted, in the order ``paused`` (in a zone), ``max_tables``, ``adjacency``, ``zone`` (a
required zone, and that joined tables share a zone), ``attributes``, ``min_party``; else ``no_capacity``, or
``party_too_large`` for a party that no set of tables will ever seat. Such a party is told so, whatever the
code.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from maitred.domain.floor import Adjacency, Pause
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.search.join_search import SearchEndedError, Steps, find_joined
from maitred.planner.search.situation import Situation

#: The most steps spent on finding out whether lifting one rule would help; after that it is taken not to.
_STEPS_A_RULE = 1_000

type Lifted = Callable[[], bool]


def binding_reason(situation: Situation, steps: Steps) -> Reason:
    """The reason for a refusal already proven. Raises ``SearchEndedError`` if the deadline passes."""
    reason, index, party_size = _binding_now(situation, steps), situation.index, situation.request.party_size
    if not index.never_seats(party_size):
        return reason
    text = (
        f"At most {index.largest_party} can sit together here, at any time; "
        f"a party of {party_size} has to call the restaurant, or to split"
    )
    too_large = reason.code is ReasonCode.NO_CAPACITY
    return Reason(ReasonCode.PARTY_TOO_LARGE if too_large else reason.code, text)


def _binding_now(situation: Situation, steps: Steps) -> Reason:
    steps.restart()
    party = f"a party of {situation.request.party_size} at this time"
    if not situation.slot.full_by_bookings and situation.free_sets(situation.blocked_but_for_holds, steps):
        return Reason(ReasonCode.HOLD_CONFLICT, f"The only tables left for {party} are on hold")
    if situation.slot.full or situation.slot.crowded:
        if situation.free_sets(situation.blocked_but_for_pacing, steps):
            return Reason(ReasonCode.PACING, situation.pacing_sentence())
        if situation.slot.full:
            return Reason(ReasonCode.NO_CAPACITY, f"No tables are free for {party}")
    for code, detail, lifted in _lifts(situation, steps):
        steps.restart(_STEPS_A_RULE)
        try:
            if lifted():
                return Reason(code, detail)
        except SearchEndedError:
            steps.check()  # the deadline ends everything; the rule's own limit of steps only skips the rule
    return Reason(ReasonCode.NO_CAPACITY, f"No table or combination of tables is free for {party}")


def paused(pause: Pause) -> Reason:
    """The reason for a refusal because no parties start during this pause."""
    because = f" ({pause.reason})" if pause.reason else ""
    text = f"No parties start from {pause.start:%H:%M} to {pause.end:%H:%M}{because}"
    return Reason(ReasonCode.PAUSED, text)


def _lifts(situation: Situation, steps: Steps) -> Iterator[tuple[ReasonCode, str, Lifted]]:
    """Each rule with the sentence for it, and the question whether the party could be seated without it."""
    index, request = situation.index, situation.request
    rules, policy = index.rules, index.floor.policy
    occupied = situation.booked | situation.on_hold | situation.closed
    taken = occupied | situation.barred
    zone = request.zone if request.zone_required else None

    def joined(blocked: int = situation.blocked, **lifted: Any) -> bool:
        return bool(find_joined(replace(rules, **lifted), ~blocked, request.party_size, steps))

    def without_zone() -> bool:
        blocked = taken | ~index.matching(None, request.required)
        free = situation.free_sets(blocked, steps)
        return bool(free) or joined(blocked, pools=(reduce(or_, rules.pools, 0),))

    if situation.paused:
        yield (
            ReasonCode.PAUSED,
            "Tables are free only in a zone where no parties start at this time",
            lambda: bool(situation.free_sets(occupied | situation.unfit | situation.slot.crowded, steps)),
        )
    yield (
        ReasonCode.MAX_TABLES,
        f"The free tables would be enough only if more than {policy.max_tables} could be joined",
        lambda: joined(max_tables=len(index.tables)),
    )
    yield (
        ReasonCode.ADJACENCY,
        "The free tables that are large enough together are not next to each other",
        lambda: joined(mode=Adjacency.NONE),
    )
    yield (
        ReasonCode.ZONE,
        f"Nothing is free in the zone {request.zone}, but there are free tables elsewhere"
        if request.zone_required
        else "The free tables that are large enough together are in different zones",
        without_zone,
    )
    yield (
        ReasonCode.ATTRIBUTES,
        f"No free table has everything that is required: {', '.join(sorted(request.required))}",
        lambda: bool(situation.free_sets(taken | ~index.matching(zone, ()), steps)),
    )
    yield (
        ReasonCode.MIN_PARTY,
        "The free tables are kept for larger parties",
        lambda: any(not bits & situation.blocked for bits in index.below_least_party(request.party_size)),
    )
