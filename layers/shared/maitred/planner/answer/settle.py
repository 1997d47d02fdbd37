"""Where the planner's own search ended undecided: what to ask an exact solver, and what its answer means.

The answer is believed only as far as the planner's own rules confirm it. The same answer settles the same
decision again, so a replay needs no solver.
"""

from dataclasses import replace

from maitred.planner.answer.explanation import explained
from maitred.planner.answer.quote import proven
from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.day.stays import Stays
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.model import Allocation, Decision, Plan, Refusal, StrategyResult
from maitred.planner.options import EXACT
from maitred.planner.search.join_search import Steps
from maitred.planner.search.rearrange import Arrangement
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import find_plan, plan_by_moves

_PROVEN = " An exact search proved that no allowed moves of other bookings would help."
_FOUND = " An exact search found it."


class WrongAnswerError(Exception):
    """The answer of an exact solver breaks a rule."""


def exact_question(day: DrawnDay, problem: Problem) -> ExactQuestion | None:
    """The question to ask where the deadline ended the planner's search; None if no solver could help.

    A solver moves others. If none may move, or the party's pacing slot is full, no moves can help.
    """
    situation = Situation.of(day, problem)
    if not situation.most_moves or situation.turned_away:
        return None
    request, movable, most = problem.request, problem.movable, situation.most_moves
    return ExactQuestion(day.index, day.occupancy, request, movable, most, situation.barred)


def settled(day: DrawnDay, problem: Problem, decision: Decision, answer: ExactAnswer) -> Decision:
    """The open decision, as the answer to its ``exact_question`` settles it.

    Raises ``WrongAnswerError`` if the answer breaks a rule.
    """
    if answer.proof is Proof.UNKNOWN:
        return decision
    situation = Situation.of(day, problem)
    made: Decision
    if answer.proof is Proof.IMPOSSIBLE:
        made, text = _proven(situation), _PROVEN
    elif answer.moves:
        made, text = explained(situation, _arranged(situation, answer)), _FOUND
    else:
        made, text = explained(situation, _free(situation)), ""
    return replace(made, explanation=made.explanation + text, checks=decision.checks)


def _free(situation: Situation) -> Plan:
    """A set is free without moves, and the planner only had no time to look: it chooses itself."""
    plan = find_plan(situation, Steps()) if situation.free_sets(situation.blocked, Steps()) else None
    if plan is None:
        raise WrongAnswerError("nothing is free without moves")
    return plan


def _proven(situation: Situation) -> Refusal:
    """No moves let the party in: the reason is the rule that binds as things stand."""
    if situation.free_sets(situation.blocked, Steps()):
        raise WrongAnswerError("a set is free without moves")
    candidates = len(situation.candidates.sets)
    names = situation.problem.options.strategies
    results = (*map(StrategyResult, names), StrategyResult(EXACT, candidates))
    return proven(situation, Steps(), results)


def _arranged(situation: Situation, answer: ExactAnswer) -> Plan:
    moved = {move.booking_id for move in answer.moves}
    if len(moved) != len(answer.moves) or len(moved) > situation.most_moves:
        raise WrongAnswerError("too many moves")
    arrangement = Arrangement(_checked(situation, answer), answer.moves, len(situation.candidates.sets))
    return plan_by_moves(situation, Scoring(situation), arrangement, EXACT)


def _checked(situation: Situation, answer: ExactAnswer) -> TableSet:
    """The party's set, once every booking that moves has a set of its own that keeps its promises."""
    index, occupancy, movable = situation.index, situation.occupancy, situation.problem.movable
    stays = Stays.build(index, occupancy, movable).stays
    by_booking = {stay.booking.booking_id: (stay, stay.booking) for stay in stays if stay.booking is not None}
    after = occupancy.changed(index, {move.booking_id for move in answer.moves}, ())
    for move in answer.moves:
        if move.booking_id not in by_booking:
            raise WrongAnswerError("a booking that may not be moved")
        stay, booking = by_booking[move.booking_id]
        if index.bits_of(move.from_tables) != stay.tables or index.bits_of(move.to_tables) == stay.tables:
            raise WrongAnswerError("a move from elsewhere, or to nowhere else")
        busy = after.busy_mask(stay.start, stay.end)
        _allowed(index, move.to_tables, booking.party_size, busy | stay.unfit)
        rows = [Allocation(table, stay.start, stay.end, move.booking_id) for table in move.to_tables]
        after = after.changed(index, (), rows)
    left = Situation.of(DrawnDay(index, after, movable), situation.problem)
    return _allowed(index, answer.tables, situation.request.party_size, left.blocked)


def _allowed(index: FloorIndex, tables: tuple[str, ...], party_size: int, taken: int) -> TableSet:
    bits = index.bits_of(tables)
    found = next((each for each in index.candidates(party_size).sets if each.bits == bits), None)
    if found is None or bits & taken:
        raise WrongAnswerError("tables that are taken, unfit, or no allowed set")
    return found
