"""Where the planner's own search ended undecided: what to ask an exact solver, and what its answer means.

An answer is believed only as far as the planner's own rules bear it out, and settles the same decision
again when it is given again: a replay needs no solver.
"""

from dataclasses import replace

from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.quote import Aids, Found, decided, find_plan, moving_plan, refused
from maitred.planner.answer.refusal import binding_reason
from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import movers_of
from maitred.planner.day.stays import Stay, Stays
from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.model import Allocation, Decision, Move, StrategyResult
from maitred.planner.options import EXACT, PlannerOptions
from maitred.planner.search.join_search import Steps
from maitred.planner.search.scoring import Scoring
from maitred.planner.search.situation import Situation, situation

_PROVEN = "An exact search proved that no allowed moves of others would help."
_FOUND = "An exact search found it."


class WrongAnswerError(Exception):
    """The answer of an exact solver breaks a rule."""


def exact_question(index: FloorIndex, occupancy: Occupancy, inputs: PlannerInputs) -> ExactQuestion | None:
    """What to ask where the deadline ended the planner's search; None if no solver could help.

    It moves others, and a full pacing slot lets nobody in, whoever moves.
    """
    most = inputs.options.moves_allowed(index.floor.policy)
    if not most or not inputs.movable:
        return None
    if situation(index, occupancy, inputs.request, inputs.pacing).slot_full():
        return None
    return ExactQuestion(index, occupancy, inputs.request, inputs.movable, most)


def settled(
    index: FloorIndex, occupancy: Occupancy, inputs: PlannerInputs, decision: Decision, answer: ExactAnswer
) -> Decision:
    """The decision that was open, as the answer to its ``exact_question`` settles it.

    Raises ``WrongAnswerError`` if the answer breaks a rule.
    """
    if answer.proof is Proof.UNKNOWN:
        return decision
    asked = situation(index, occupancy, inputs.request, inputs.pacing)
    aids = Aids(inputs.demand, inputs.options, movers_of(index, occupancy, inputs.movable))
    if answer.proof is Proof.IMPOSSIBLE:
        made = _proven(asked, inputs.options)
    elif answer.moves:
        made = _explained(decided(asked, _arranged(asked, aids, inputs, answer)), _FOUND)
    else:
        made = _free(asked, aids)
    return replace(made, checks=decision.checks)


class _InTime:
    """A deadline for what is short by itself: a look at each set, and a limited number of steps a rule."""

    def expired(self) -> bool:
        return False


def _free(asked: Situation, aids: Aids) -> Decision:
    """A set is free as it is, the planner only had no time to look: it chooses itself."""
    if not asked.any_free(asked.blocked, Steps(_InTime())):
        raise WrongAnswerError("nothing is free without moves")
    found = find_plan(asked, aids, Steps(_InTime()))
    if found is None:
        raise WrongAnswerError("no plan for a free set")
    return decided(asked, found)


def _proven(asked: Situation, options: PlannerOptions) -> Decision:
    """Nobody can let the party in: the reason is the rule that binds as things stand."""
    if asked.any_free(asked.blocked, Steps(_InTime())):
        raise WrongAnswerError("a set is free without moves")
    candidates = len(asked.index.candidates(asked.request.party_size).sets)
    decision = refused(binding_reason(asked, _InTime()), candidates)
    strategies = (*_idle(options), StrategyResult(EXACT, candidates, None, None, chosen=False))
    return _explained(replace(decision, strategies=strategies), _PROVEN)


def _explained(decision: Decision, sentence: str) -> Decision:
    return replace(decision, explanation=f"{decision.explanation} {sentence}")


def _idle(options: PlannerOptions) -> tuple[StrategyResult, ...]:
    return tuple(StrategyResult(name, 0, None, None, chosen=False) for name in options.strategies)


def _arranged(asked: Situation, aids: Aids, inputs: PlannerInputs, answer: ExactAnswer) -> Found:
    most = aids.most_moves(asked.index)
    if len({move.booking_id for move in answer.moves}) != len(answer.moves) or len(answer.moves) > most:
        raise WrongAnswerError("too many moves")
    chosen = _checked(asked, inputs, answer)
    scoring = Scoring(asked, aids.demand, wide=aids.wide)
    plan = moving_plan(asked, scoring, EXACT, chosen, answer.moves)
    considered = len(asked.index.candidates(asked.request.party_size).sets)
    own = StrategyResult(EXACT, considered, plan.tables, plan.score, chosen=True)
    return Found(plan, 0, (*_idle(aids.options), own), ())


def _checked(asked: Situation, inputs: PlannerInputs, answer: ExactAnswer) -> TableSet:
    """The party's set, once everybody who moves has a set of their own that keeps every promise."""
    index, occupancy = asked.index, asked.occupancy
    stays = Stays.build(index, occupancy, inputs.movable)
    by_booking = {stay.booking.booking_id: stay for stay in stays.stays if stay.booking is not None}
    after = occupancy.changed(index, {move.booking_id for move in answer.moves}, ())
    for move in answer.moves:
        stay = by_booking.get(move.booking_id)
        if stay is None or stay.booking is None:
            raise WrongAnswerError("a booking that may not be moved")
        taken = after.busy_mask(stay.start, stay.end) | stay.unfit
        _check_move(index, stay, move)
        _allowed(index, move.to_tables, stay.booking.party_size, taken)
        after = after.changed(index, (), _rows(stay, move))
    request = asked.request
    left = replace(asked, occupancy=after, taken=after.taken(request.start, request.end))
    return _allowed(index, answer.tables, request.party_size, left.blocked)


def _check_move(index: FloorIndex, stay: Stay, move: Move) -> None:
    if index.bits_of(move.from_tables) != stay.tables or index.bits_of(move.to_tables) == stay.tables:
        raise WrongAnswerError("a move from elsewhere, or to nowhere else")


def _rows(stay: Stay, move: Move) -> list[Allocation]:
    return [Allocation(table, stay.start, stay.end, move.booking_id) for table in move.to_tables]


def _allowed(index: FloorIndex, tables: tuple[str, ...], party_size: int, taken: int) -> TableSet:
    bits = index.bits_of(tables)
    found = next((each for each in index.candidates(party_size).sets if each.bits == bits), None)
    if found is None or bits & taken:
        raise WrongAnswerError("tables that are taken, unfit, or no allowed set")
    return found
