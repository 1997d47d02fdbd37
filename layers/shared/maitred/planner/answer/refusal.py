"""Why a party cannot be seated: the name of the rule that binds.

The reason is the first of these that holds: ``hold_conflict`` if the party could be seated without the live
holds; ``pacing`` if a set is free and only the slot is full; then the first rule that would let the party in
if it alone were lifted, in the order ``max_tables``, ``adjacency``, ``zone`` (a required zone, and that
joined tables share a zone), ``attributes``, ``min_party``; else ``no_capacity``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_

from maitred.domain.floor import Adjacency
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.floor.joins import JoinRules
from maitred.planner.model import Deadline
from maitred.planner.search.join_search import SearchEndedError, Steps, find_joined
from maitred.planner.search.situation import Situation

#: The most steps spent on finding out whether lifting one rule would help; after that it is taken not to.
_STEPS_A_RULE = 1_000

type Lifted = Callable[[Steps], bool]


def binding_reason(situation: Situation, deadline: Deadline) -> Reason:
    """The reason for a refusal already proven. Raises ``SearchEndedError`` if the deadline passes."""
    return Reason(*_binding_code(situation, deadline))


def _binding_code(situation: Situation, deadline: Deadline) -> tuple[ReasonCode, str]:
    steps = Steps(deadline)
    party = situation.request.party_size
    if _only_holds(situation, steps):
        return (
            ReasonCode.HOLD_CONFLICT,
            f"The only tables left for a party of {party} at this time are on hold",
        )
    if situation.slot_full():
        if situation.any_free(situation.blocked, steps):
            most = situation.index.floor.policy.pacing.max_covers_per_slot
            return ReasonCode.PACING, f"The kitchen takes at most {most} covers in this slot"
        return ReasonCode.NO_CAPACITY, f"No tables are free for a party of {party} at this time"
    for code, detail, lifted in _lifts(situation):
        try:
            if lifted(Steps(deadline, _STEPS_A_RULE)):
                return code, detail
        except SearchEndedError:
            steps.check()  # the deadline ends everything; the rule's own limit of steps only skips the rule
    return (
        ReasonCode.NO_CAPACITY,
        f"No table or combination of tables is free for a party of {party} at this time",
    )


def _only_holds(situation: Situation, steps: Steps) -> bool:
    return not situation.slot_full(with_holds=False) and situation.any_free(
        situation.blocked_but_for_holds, steps
    )


def _lifts(situation: Situation) -> Iterator[tuple[ReasonCode, str, Lifted]]:
    """Each rule with the sentence for it, and the question whether the party could be seated without it."""
    index, request = situation.index, situation.request
    rules, policy, blocked = index.rules, index.floor.policy, situation.blocked

    def joined(rules: JoinRules, blocked: int) -> Lifted:
        return lambda steps: bool(find_joined(rules, ~blocked, request.party_size, steps))

    def without_zone(steps: Steps) -> bool:
        blocked = _blocked_but_for(situation, index.matching(None, request.required))
        one_pool = replace(rules, pools=(reduce(or_, rules.pools, 0),))
        return situation.any_free(blocked, steps) or joined(one_pool, blocked)(steps)

    def without_attributes(steps: Steps) -> bool:
        zone = request.zone if request.zone_required else None
        return situation.any_free(_blocked_but_for(situation, index.matching(zone, ())), steps)

    yield (
        ReasonCode.MAX_TABLES,
        f"The free tables would be enough only if more than {policy.max_tables} could be joined",
        joined(replace(rules, max_tables=len(index.tables)), blocked),
    )
    yield (
        ReasonCode.ADJACENCY,
        "The free tables that are large enough together are not next to each other",
        joined(replace(rules, mode=Adjacency.NONE), blocked),
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
        without_attributes,
    )
    yield (
        ReasonCode.MIN_PARTY,
        "The free tables are kept for larger parties",
        lambda _: any(not bits & blocked for bits in index.below_least_party(request.party_size)),
    )


def _blocked_but_for(situation: Situation, fit: int) -> int:
    """The tables that the party cannot have if only ``fit`` (bits) are fit for it."""
    return situation.taken.booked | situation.taken.on_hold | situation.taken.closed | ~fit
