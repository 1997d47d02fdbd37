"""Why a party cannot be seated, named by the rule that binds (contract 9).

Asked in this order, the first that holds is the reason:
``hold_conflict`` if without the live holds the party would be let in; ``pacing`` if a set is free and
only the slot is full; then, one rule lifted at a time and all others kept, ``max_tables``,
``adjacency``, ``zone`` (the wish that is a must, and that joined tables share a zone), ``attributes``,
``min_party``; else ``no_capacity``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from maitred.domain.floor import Adjacency
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.floor.joins import JoinRules
from maitred.planner.model import Deadline
from maitred.planner.search.join_search import SearchEndedError, Steps, find_joined
from maitred.planner.search.situation import Situation

#: Steps spent on finding out whether one lifted rule would help; beyond that it is taken not to.
_STEPS_A_RULE = 1_000

type Lifted = Callable[[Situation, Steps], bool]


def binding_reason(asked: Situation, deadline: Deadline) -> Reason:
    """The reason for a refusal already proven. Raises ``SearchEndedError`` if the deadline passes."""
    return Reason(*_binding_code(asked, deadline))


def _binding_code(asked: Situation, deadline: Deadline) -> tuple[ReasonCode, str]:
    steps = Steps(deadline)
    party = asked.request.party_size
    if _only_holds(asked, steps):
        return ReasonCode.HOLD_CONFLICT, f"For a party of {party} only tables on hold are left at this time"
    if asked.slot_full():
        if asked.any_free(asked.blocked, steps):
            most = asked.index.floor.policy.pacing.max_covers_per_slot
            return ReasonCode.PACING, f"The kitchen takes at most {most} covers in this slot"
        return ReasonCode.NO_CAPACITY, f"No tables are free for a party of {party} at this time"
    for code, detail, lifted in _lifts(asked):
        try:
            if lifted(asked, Steps(deadline, _STEPS_A_RULE)):
                return code, detail
        except SearchEndedError:
            # Its own limit: the name of this rule is not worth more. The deadline ends everything.
            steps.check()
    return ReasonCode.NO_CAPACITY, f"No set of tables is free for a party of {party} at this time"


def _only_holds(asked: Situation, steps: Steps) -> bool:
    return not asked.slot_full(with_holds=False) and asked.any_free(asked.blocked_but_for_holds, steps)


def _lifts(asked: Situation) -> Iterator[tuple[ReasonCode, str, Lifted]]:
    policy, request = asked.index.floor.policy, asked.request
    yield (
        ReasonCode.MAX_TABLES,
        f"The free tables would do only if more than {policy.max_tables} could be joined",
        _more_tables,
    )
    yield ReasonCode.ADJACENCY, "The free tables that are large enough together do not touch", _any_neighbours
    yield (
        ReasonCode.ZONE,
        f"Nothing is free in the zone {request.zone}, elsewhere there is"
        if request.zone_required
        else "The free tables that are large enough together lie in different zones",
        _any_zone,
    )
    yield (
        ReasonCode.ATTRIBUTES,
        f"No free tables have all of: {', '.join(sorted(request.required))}",
        _any_attributes,
    )
    yield ReasonCode.MIN_PARTY, "The free tables are kept for larger parties", _any_least_party


def _joins(asked: Situation, rules: JoinRules, steps: Steps) -> bool:
    return bool(find_joined(rules, ~asked.blocked, asked.request.party_size, steps))


def _more_tables(asked: Situation, steps: Steps) -> bool:
    return _joins(asked, replace(asked.index.rules, max_tables=len(asked.index.tables)), steps)


def _any_neighbours(asked: Situation, steps: Steps) -> bool:
    return _joins(asked, replace(asked.index.rules, mode=Adjacency.NONE), steps)


def _any_zone(asked: Situation, steps: Steps) -> bool:
    index, request, taken = asked.index, asked.request, asked.taken
    blocked = taken.booked | taken.held | taken.closed | ~index.matching(None, request.required)
    if asked.any_free(blocked, steps):
        return True
    movable = 0
    for pool in index.rules.pools:
        movable |= pool
    return bool(find_joined(replace(index.rules, pools=(movable,)), ~blocked, request.party_size, steps))


def _any_attributes(asked: Situation, steps: Steps) -> bool:
    index, request, taken = asked.index, asked.request, asked.taken
    zone = request.zone if request.zone_required else None
    return asked.any_free(taken.booked | taken.held | taken.closed | ~index.matching(zone, ()), steps)


def _any_least_party(asked: Situation, _steps: Steps) -> bool:
    return any(not bits & asked.blocked for bits in asked.index.below_least_party(asked.request.party_size))
