"""The planner's one question: which tables for this party, and if none, why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.explanation import explain_plan
from maitred.planner.answer.refusal import binding_reason
from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import Movers, movers_of
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.floor.weights import MOVES
from maitred.planner.model import (
    Covers,
    Deadline,
    Decision,
    Loser,
    MovableBooking,
    Move,
    PartyRequest,
    Plan,
    StrategyResult,
)
from maitred.planner.options import BEST_FIT, FULL, REARRANGE, PlannerOptions
from maitred.planner.search.join_search import SearchEndedError, Steps, smallest_part
from maitred.planner.search.rearrange import rearrange
from maitred.planner.search.scoring import Scoring, total
from maitred.planner.search.situation import Situation, situation
from maitred.planner.search.strategies import choose

_ENDED = Reason(ReasonCode.SEARCH_TRUNCATED, "The time for searching was over before an answer was found")
_UNLISTED = Reason(
    ReasonCode.SEARCH_TRUNCATED, "This floor allows too many sets of tables to try all moves of other parties"
)


def quote(  # noqa: PLR0913 - one question with many sides; five of them have no default
    index: FloorIndex,
    occupancy: Occupancy,
    request: PartyRequest,
    pacing: Sequence[Covers],
    deadline: Deadline,
    *,
    movable: Sequence[MovableBooking] | Movers = (),
    demand: Demand = PRIOR,
    options: PlannerOptions = FULL,
) -> Decision:
    """Decide where the party sits, or prove that it cannot and say which rule binds.

    If nothing is free, up to ``options.moves_allowed`` of the ``movable`` bookings are moved for it
    (``Movers`` are the same, numbered once for several questions about one occupancy).
    A deadline that passes first gives the refusal ``search_truncated``, never a claim without proof.
    Raises ``ValueError`` if ``occupancy`` does not cover the stay with its buffers.
    """
    if request.party_size > index.seats:
        text = f"A party of {request.party_size} is larger than the house, which has {index.seats} seats"
        return refused(Reason(ReasonCode.PARTY_TOO_LARGE, text), candidates=0)
    if occupancy.house_closed(request.start, request.end):
        text = "The restaurant is closed at some time of this stay"
        return refused(Reason(ReasonCode.CLOSED, text), candidates=0)
    asked = situation(index, occupancy, request, pacing)
    counted = CountedDeadline(deadline)
    try:
        return _decide(asked, Aids(demand, options, movers_of(index, occupancy, movable)), counted)
    except SearchEndedError:
        return replace(refused(_ENDED, candidates=0, truncated=True), checks=counted.asked)


class CountedDeadline:
    """Counts how often a deadline is asked until it has passed, so that a replay can end there too."""

    def __init__(self, deadline: Deadline) -> None:
        """Nothing has been asked yet."""
        self._deadline = deadline
        self._passed = False
        self.asked = 0

    def expired(self) -> bool:
        """Has it passed? Once it has, it is not asked again."""
        if not self._passed:
            self.asked += 1
            self._passed = self._deadline.expired()
        return self._passed


@dataclass(frozen=True, slots=True)
class Aids:
    """What the planner is given beside the situation."""

    demand: Demand
    options: PlannerOptions
    movers: Movers

    def most_moves(self, index: FloorIndex) -> int:
        """How many bookings may be moved for this party."""
        return self.options.moves_allowed(index.floor.policy) if self.movers else 0

    @property
    def wide(self) -> bool:
        """Does a strategy beyond the best fit look at the free sets?"""
        return any(name not in (BEST_FIT, REARRANGE) for name in self.options.strategies)


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, how many other free sets there are, and what was compared to come to it."""

    plan: Plan
    alternates: int
    strategies: tuple[StrategyResult, ...]
    losers: tuple[Loser, ...]


def find_plan(asked: Situation, aids: Aids, steps: Steps) -> Found | None:
    """The plan for a free set, else with moves; None: there is none. Raises ``SearchEndedError``.

    The pacing slot is not looked at.
    """
    scoring = Scoring(asked, aids.demand, wide=aids.wide)
    free = asked.free_sets(asked.blocked, steps)
    if free:
        sets = asked.index.candidates(asked.request.party_size).sets
        return _chosen(asked, scoring, [sets[number] for number in free], aids)
    unlisted = asked.unlisted(asked.blocked, steps)
    if unlisted:
        party = asked.request.party_size
        bits = smallest_part(asked.index.rules, unlisted, party)
        return _chosen(asked, scoring, [asked.index.table_set(bits, party)], aids)
    return _by_moves(asked, scoring, aids, steps)


def _chosen(asked: Situation, scoring: Scoring, free: Sequence[TableSet], aids: Aids) -> Found:
    choice = choose(asked, scoring, free, aids.options.strategies)
    terms = scoring.terms(choice.chosen)
    plan = make_plan(asked, choice.chosen.set, choice.strategy, terms)
    return Found(plan, len(free) - 1, choice.results, choice.losers)


def _by_moves(asked: Situation, scoring: Scoring, aids: Aids, steps: Steps) -> Found | None:
    most = aids.most_moves(asked.index)
    if not most:
        return None
    steps.check()
    found = rearrange(asked, aids.movers, scoring, most, steps)
    if found is None:
        return None
    plan = moving_plan(asked, scoring, REARRANGE, found.set, found.moves)
    results = tuple(
        StrategyResult(name, found.considered, plan.tables, plan.score, chosen=True)
        if name == REARRANGE
        else StrategyResult(name, 0, None, None, chosen=False)
        for name in aids.options.strategies
    )
    return Found(plan, 0, results, ())


def moving_plan(
    asked: Situation, scoring: Scoring, strategy: str, chosen: TableSet, moves: tuple[Move, ...]
) -> Plan:
    """The set as a plan for which others move."""
    weighed = scoring.weigh(scoring.fit(chosen), chosen)
    terms = scoring.terms(weighed) | {MOVES: len(moves) * asked.index.weights.moves}
    return make_plan(asked, chosen, strategy, terms, moves)


def make_plan(
    asked: Situation, chosen: TableSet, strategy: str, terms: dict[str, float], moves: tuple[Move, ...] = ()
) -> Plan:
    """The set as a plan with its named costs."""
    tables = [asked.index.tables[position] for position in chosen.positions]
    named = tuple(terms.items())
    return Plan(
        tables=tuple([table.id for table in tables]),
        seats=chosen.seats,
        zone=tables[0].zone,
        strategy=strategy,
        score=total(named),
        terms=named,
        moves=moves,
    )


def _decide(asked: Situation, aids: Aids, deadline: Deadline) -> Decision:
    candidates = len(asked.index.candidates(asked.request.party_size).sets)
    full = asked.slot_full()
    found = None if full else find_plan(asked, aids, Steps(deadline))
    if found is None:
        return _no_plan(asked, aids, deadline, candidates, tried=not full)
    return decided(asked, found)


def decided(asked: Situation, found: Found) -> Decision:
    """The plan that was found, explained."""
    candidates = len(asked.index.candidates(asked.request.party_size).sets)
    deciding = found.losers[0].term if found.losers else None
    return Decision(
        plan=found.plan,
        refusal=None,
        candidates=candidates,
        evaluated=candidates,
        alternates=found.alternates,
        truncated=asked.index.truncated,
        explanation=explain_plan(asked, found.plan, found.alternates, found.losers),
        strategies=found.strategies,
        losers=found.losers,
        deciding_term=deciding,
    )


def _no_plan(asked: Situation, aids: Aids, deadline: Deadline, candidates: int, *, tried: bool) -> Decision:
    """The refusal. ``tried``: free sets and moves have been looked for (the pacing slot is not full)."""
    strategies = tuple(StrategyResult(name, 0, None, None, chosen=False) for name in aids.options.strategies)
    if tried and asked.index.truncated and aids.most_moves(asked.index):
        return replace(refused(_UNLISTED, candidates, truncated=True), strategies=strategies)
    return replace(refused(binding_reason(asked, deadline), candidates), strategies=strategies)


def refused(reason: Reason, candidates: int, *, truncated: bool = False) -> Decision:
    """A refusal for this reason."""
    return Decision(
        plan=None,
        refusal=reason,
        candidates=candidates,
        evaluated=candidates,
        alternates=0,
        truncated=truncated,
        explanation=f"{reason.detail}.",
    )
