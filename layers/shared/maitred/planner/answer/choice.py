"""Tables that were chosen before, by a person or with a hold: are they allowed, and what do they score?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.quote import refused
from maitred.planner.day.drawn_day import Problem, draw_day
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.floor.joins import bit_positions
from maitred.planner.floor.rules import OVERRIDABLE, Violation, check_tables
from maitred.planner.model import Decision, Plan, StrategyResult
from maitred.planner.options import FULL
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation

#: The strategy's name where a person chose, and where a hold had kept the tables.
STAFF = "staff"
HOLD = "hold"

_ALL_OF_JOINING = frozenset({"adjacency", "zone"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Tables that a person named, and the rules that the person sets aside."""

    tables: tuple[str, ...]
    override: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BrokenRules:
    """The rules that stand against a choice."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The choice as a plan with the score that the planner gives it, or a refusal if a table is taken.

    ``overridden``: the rules that the choice breaks and the person set aside, sorted. ``exceeded``: a limit
    that the choice exceeds without having named it.
    """

    decision: Decision
    overridden: tuple[str, ...]
    exceeded: tuple[Violation, ...] = ()


def judge(index: FloorIndex, problem: Problem, choice: Choice) -> Judgement | BrokenRules:
    """May the party have these tables? The rules are those of a quote, less the ones set aside.

    Who sets aside both where joined tables stand and how they touch (``zone``, ``adjacency``) may also join
    more of them (``max_tables``). Full slots and tables for walk-ins bind the planner and not a person; one
    who names them (``pacing``, ``walk_in``) has it on record. A pause is set aside by ``pacing`` only.
    The problem's allocations and pacing are without the party itself. A taken table cannot be overridden.
    Raises ``ValueError`` if the problem's span does not cover the stay with its buffers.
    """
    situation = _situation(index, problem)
    named = choice.override & OVERRIDABLE
    set_aside = named | {"max_tables"} if named >= _ALL_OF_JOINING else named
    violations = check_tables(index, choice.tables, problem.request)
    if situation.paused & index.bits_of(choice.tables):
        violations = (*violations, Violation("pacing", "No parties start at these tables at this time"))
    broken = tuple(each for each in violations if each.code not in set_aside)
    if broken:
        return BrokenRules(broken)
    limits = tuple(_limits(situation, choice.tables))
    overridden = tuple(sorted({each.code for each in (*violations, *limits) if each.code in set_aside}))
    exceeded = tuple(each for each in limits if each.code == "pacing" and each.code not in named)
    return Judgement(_decision(situation, index.bits_of(choice.tables), overridden), overridden, exceeded)


def _limits(situation: Situation, tables: Sequence[str]) -> Iterator[Violation]:
    """What keeps the planner from such a choice, and not a person."""
    index = situation.index
    if situation.slot.full or situation.slot.crowded & index.bits_of(tables):
        yield Violation("pacing", situation.pacing_sentence())
    walk_in = [table for table in tables if index.tables[index.position[table]].walk_in_only]
    if walk_in:
        yield Violation("walk_in", f"These tables are kept for walk-ins: {', '.join(sorted(walk_in))}")


def _situation(index: FloorIndex, problem: Problem) -> Situation:
    """With all the terms of the score, whatever the restaurant's strategies are."""
    problem = replace(problem, options=FULL)
    return Situation.of(draw_day(index, problem), problem)


def _decision(situation: Situation, bits: int, overridden: Sequence[str]) -> Decision:
    index, party_size = situation.index, situation.request.party_size
    for code, state, taken in (
        (ReasonCode.NO_CAPACITY, "Taken", bits & situation.booked),
        (ReasonCode.HOLD_CONFLICT, "On hold", bits & situation.on_hold),
    ):
        if taken:
            reason = Reason(code, f"{state} at this time: {_listed(index, bit_positions(taken))}")
            return refused(reason, 1, (StrategyResult(STAFF, 1),))
    chosen = index.table_set(bits, party_size)
    tables = _listed(index, chosen.positions)
    text = f"Staff chose {tables}: {chosen.seats} seats for a party of {party_size}."
    if overridden:
        text = f"{text} Rules set aside: {', '.join(overridden)}."
    return _plan(situation, chosen, STAFF, text)


def keep_hold(index: FloorIndex, problem: Problem, tables: Sequence[str]) -> Plan:
    """The tables that a hold has kept for this party, as a plan with the score that the planner gives it.

    The problem's allocations are without the hold. Pacing is not looked at: the hold was counted when it
    was made. Raises ``ValueError`` if the problem's span does not cover the stay with its buffers.
    """
    situation = _situation(index, problem)
    chosen = index.table_set(index.bits_of(tables), problem.request.party_size)
    seats = f"{chosen.seats} seats for a party of {problem.request.party_size}"
    kept = _listed(situation.index, chosen.positions)
    return _plan(situation, chosen, HOLD, f"The guest had {kept} on hold: {seats}.")


def _plan(situation: Situation, chosen: TableSet, strategy: str, explanation: str) -> Plan:
    """The set was chosen before, so it is the only candidate."""
    scoring = Scoring(situation)
    plan = scoring.plan(scoring.weigh(chosen), strategy)
    own = StrategyResult(strategy, 1, plan.tables, plan.score, chosen=True)
    return replace(plan, explanation=explanation, candidates=1, truncated=False, strategies=(own,))


def _listed(index: FloorIndex, positions: Iterable[int]) -> str:
    tables = index.names(positions)
    return f"table {tables[0]}" if len(tables) == 1 else f"tables {', '.join(tables)}"
