"""Tables that were chosen before: by a person, or with a hold. Put to the planner's rules and its scores."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.quote import make_plan
from maitred.planner.day.demand import Demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import OVERRIDABLE, Violation, check_tables
from maitred.planner.model import Covers, Decision, PartyRequest, Plan, StrategyResult
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation, situation

#: The strategy's name where a person chose, and where a hold had kept the tables.
STAFF = "staff"
HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Choice:
    """Tables that a person named, and the rules that the person sets aside."""

    tables: tuple[str, ...]
    override: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """``broken``: the rules that stand against the choice; then there is no decision.

    ``overridden``: those that it breaks and the person set aside, sorted. ``decision``: the choice as a
    plan, with the score that the planner gives it, or the refusal if a table is taken.
    """

    broken: tuple[Violation, ...]
    overridden: tuple[str, ...]
    decision: Decision | None


def judge(
    index: FloorIndex,
    occupancy: Occupancy,
    request: PartyRequest,
    pacing: Sequence[Covers],
    demand: Demand,
    choice: Choice,
) -> Judgement:
    """May the party have these tables? The same rules as for a quote, but for those that may be set aside.

    ``occupancy`` and ``pacing`` are without the party itself. Occupancy is never overridden.
    """
    asked = situation(index, occupancy, request, pacing)
    violations = (*check_tables(index, choice.tables, request), *_pacing(asked))
    may_be_set_aside = choice.override & OVERRIDABLE
    broken = tuple(each for each in violations if each.code not in may_be_set_aside)
    if broken:
        return Judgement(broken, (), None)
    overridden = tuple(sorted({each.code for each in violations}))
    return Judgement((), overridden, _decision(asked, demand, index.bits_of(choice.tables), overridden))


def _pacing(asked: Situation) -> Iterator[Violation]:
    if asked.slot_full():
        most = asked.index.floor.policy.pacing.max_covers_per_slot
        yield Violation("pacing", f"The kitchen takes at most {most} covers in this slot")


def _decision(asked: Situation, demand: Demand, bits: int, overridden: Sequence[str]) -> Decision:
    booked, held = bits & asked.taken.booked, bits & asked.taken.held
    if booked or held:
        return _refused(
            asked.index, ReasonCode.NO_CAPACITY if booked else ReasonCode.HOLD_CONFLICT, booked or held
        )
    plan = _plan(asked, demand, bits, STAFF)
    return _given(plan, _explanation(plan, asked.request.party_size, overridden))


def keep_held(
    index: FloorIndex, occupancy: Occupancy, request: PartyRequest, demand: Demand, tables: Sequence[str]
) -> Decision:
    """The tables that a hold has kept for this party, as a decision, with the score that the planner gives.

    ``occupancy`` is without the hold. Pacing is not asked: the hold was counted when it was made.
    """
    asked = situation(index, occupancy, request, ())
    plan = _plan(asked, demand, index.bits_of(tables), HOLD)
    seats = f"{plan.seats} seats for a party of {request.party_size}"
    return _given(plan, f"The guest had {_names(plan.tables)} on hold: {seats}.")


def _given(plan: Plan, explanation: str) -> Decision:
    """Somebody else has chosen; there was nothing to compare."""
    return Decision(
        plan=plan,
        refusal=None,
        candidates=1,
        evaluated=1,
        alternates=0,
        truncated=False,
        explanation=explanation,
        strategies=(StrategyResult(plan.strategy, 1, plan.tables, plan.score, chosen=True),),
    )


def _plan(asked: Situation, demand: Demand, bits: int, strategy: str) -> Plan:
    chosen = asked.index.table_set(bits, asked.request.party_size)
    scoring = Scoring(asked, demand, wide=True)
    return make_plan(asked, chosen, strategy, scoring.terms(scoring.weigh(scoring.fit(chosen), chosen)))


def _refused(index: FloorIndex, code: ReasonCode, taken: int) -> Decision:
    names = _names([table.id for position, table in enumerate(index.tables) if taken >> position & 1])
    state = "on hold" if code is ReasonCode.HOLD_CONFLICT else "taken"
    reason = Reason(code, f"At this time {state}: {names}")
    return Decision(
        plan=None,
        refusal=reason,
        candidates=1,
        evaluated=1,
        alternates=0,
        truncated=False,
        explanation=f"{reason.detail}.",
        strategies=(StrategyResult(STAFF, 1, None, None, chosen=False),),
    )


def _explanation(plan: Plan, party_size: int, overridden: Collection[str]) -> str:
    told = f"A person chose {_names(plan.tables)}: {plan.seats} seats for a party of {party_size}."
    return f"{told} Set aside: {', '.join(overridden)}." if overridden else told


def _names(tables: Sequence[str]) -> str:
    return f"table {tables[0]}" if len(tables) == 1 else f"tables {', '.join(tables)}"
