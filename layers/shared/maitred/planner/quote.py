"""The planner's one question: which tables for this party, and if none, why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.explanation import explain_plan
from maitred.planner.floor_index import FloorIndex, TableSet, best_first
from maitred.planner.model import Covers, Deadline, Decision, PartyRequest, Plan
from maitred.planner.occupancy import Occupancy
from maitred.planner.refusal import binding_reason
from maitred.planner.search import SearchEndedError, Steps, smallest_part
from maitred.planner.situation import Situation, situation
from maitred.planner.weights import ATTRIBUTES_MISSED, EXTRA_TABLES, WASTED_SEATS, ZONE_MISSED

BEST_FIT = "best_fit"
_SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class _Wish:
    """A wish as the tables that do not grant it, and what it costs not to."""

    term: str
    without: int
    cost: float


def quote(
    index: FloorIndex,
    occupancy: Occupancy,
    request: PartyRequest,
    pacing: Sequence[Covers],
    deadline: Deadline,
) -> Decision:
    """Decide where the party sits, or prove that it cannot and say which rule binds.

    A deadline that passes first gives the refusal ``search_truncated``, never a claim without proof.
    Raises ``ValueError`` if ``occupancy`` does not cover the stay with its buffers.
    """
    if request.party_size > index.seats:
        text = f"A party of {request.party_size} is larger than the house, which has {index.seats} seats"
        return _refused(Reason(ReasonCode.PARTY_TOO_LARGE, text), candidates=0)
    if occupancy.house_closed(request.start, request.end):
        text = "The restaurant is closed at some time of this stay"
        return _refused(Reason(ReasonCode.CLOSED, text), candidates=0)
    asked = situation(index, occupancy, request, pacing)
    try:
        return _decide(asked, deadline)
    except SearchEndedError:
        reason = Reason(
            ReasonCode.SEARCH_TRUNCATED, "The time for searching was over before an answer was found"
        )
        return _refused(reason, candidates=0, truncated=True)


def find_plan(asked: Situation, steps: Steps) -> tuple[Plan, int] | None:
    """The best free plan and how many other free sets there are; raises ``SearchEndedError``."""
    free = asked.free_sets(asked.blocked, steps)
    if free:
        sets = index_sets(asked)
        return _plan(asked, _best(asked, [sets[number] for number in free])), len(free) - 1
    unlisted = asked.unlisted(asked.blocked, steps)
    if unlisted:
        party = asked.request.party_size
        bits = smallest_part(asked.index.rules, unlisted, party)
        return _plan(asked, asked.index.table_set(bits, party)), 0
    return None


def index_sets(asked: Situation) -> tuple[TableSet, ...]:
    """Every set that could serve the party on an empty floor, best first."""
    return asked.index.candidates(asked.request.party_size).sets


def _decide(asked: Situation, deadline: Deadline) -> Decision:
    index = asked.index
    candidates = len(index_sets(asked))
    found = None if asked.slot_full() else find_plan(asked, Steps(deadline))
    if found is None:
        return _refused(binding_reason(asked, deadline), candidates)
    plan, alternates = found
    return Decision(
        plan=plan,
        refusal=None,
        candidates=candidates,
        evaluated=candidates,
        alternates=alternates,
        truncated=index.truncated,
        explanation=explain_plan(asked, plan, alternates),
    )


def _refused(reason: Reason, candidates: int, *, truncated: bool = False) -> Decision:
    return Decision(
        plan=None,
        refusal=reason,
        candidates=candidates,
        evaluated=candidates,
        alternates=0,
        truncated=truncated,
        explanation=f"{reason.detail}.",
    )


def _wishes(asked: Situation) -> list[_Wish]:
    index, request, weights = asked.index, asked.request, asked.index.weights
    wishes = []
    if request.zone is not None and not request.zone_required:
        wishes.append(_Wish(ZONE_MISSED, ~index.matching(request.zone, ()), weights.zone_missed))
    for attribute in sorted(request.attributes):
        without = ~index.matching(None, (attribute,))
        wishes.append(_Wish(ATTRIBUTES_MISSED, without, weights.attributes_missed))
    return wishes


def _best(asked: Situation, free: Sequence[TableSet]) -> TableSet:
    """The lowest score, then the lowest priority, then the first ids; ``free`` is so sorted but wishes."""
    wishes = _wishes(asked)
    if not wishes:
        return free[0]
    return min(free, key=lambda each: (_score(each, wishes), *best_first(each)[1:]))


def _score(each: TableSet, wishes: Sequence[_Wish]) -> float:
    missed = sum(wish.cost for wish in wishes if each.bits & wish.without)
    return round(each.cost + missed, _SCORE_DIGITS)


def _plan(asked: Situation, chosen: TableSet) -> Plan:
    wishes = _wishes(asked)
    tables = [asked.index.tables[position] for position in chosen.positions]
    return Plan(
        tables=tuple(table.id for table in tables),
        seats=chosen.seats,
        zone=tables[0].zone,
        strategy=BEST_FIT,
        score=_score(chosen, wishes),
        terms=_terms(asked, chosen, wishes),
    )


def _terms(asked: Situation, chosen: TableSet, wishes: Sequence[_Wish]) -> tuple[tuple[str, float], ...]:
    """The parts of the score by name; a missed wish only where there is one."""
    weights = asked.index.weights
    terms = {
        WASTED_SEATS: (chosen.seats - asked.request.party_size) * weights.wasted_seats,
        EXTRA_TABLES: (len(chosen.positions) - 1) * weights.extra_tables,
    }
    for wish in wishes:
        if chosen.bits & wish.without:
            terms[wish.term] = terms.get(wish.term, 0.0) + wish.cost
    return tuple((name, round(cost, _SCORE_DIGITS)) for name, cost in terms.items())
