"""The set for a party: the best free one, or else one that moves of others make free."""

from maitred.planner.floor.weights import MOVES
from maitred.planner.model import StrategyResult
from maitred.planner.options import REARRANGE
from maitred.planner.search.join_search import Steps, smallest_part
from maitred.planner.search.rearrange import Arrangement, rearrange
from maitred.planner.search.scoring import Scoring, total
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import Found, choose, idle_results


def find_set(situation: Situation, steps: Steps) -> Found | None:
    """The set for the party, or None if there is none. The pacing slot is not looked at.

    None is a proof, unless the floor's list of sets was cut short. Raises ``SearchEndedError``.
    """
    index, party_size, scoring = situation.index, situation.request.party_size, Scoring(situation)
    free = situation.free_sets(situation.blocked, steps)
    if free:
        sets = situation.candidates.sets
        return choose(situation, scoring, [sets[number] for number in free])
    unlisted = situation.unlisted(situation.blocked, steps)
    if unlisted:
        bits = smallest_part(index.rules, unlisted, party_size)
        return choose(situation, scoring, [index.table_set(bits, party_size)])
    if not situation.most_moves:
        return None
    steps.check()
    arrangement = rearrange(situation, scoring, steps)
    return None if arrangement is None else found_by_moves(situation, scoring, arrangement, REARRANGE)


def found_by_moves(situation: Situation, scoring: Scoring, arrangement: Arrangement, strategy: str) -> Found:
    """The arrangement's set, with the cost of its moves among the terms."""
    chosen, moves = arrangement.set, arrangement.moves
    terms = scoring.terms_of(chosen) | {MOVES: len(moves) * situation.index.weights.moves}
    names = situation.problem.options.strategies
    tables = situation.index.names(chosen.positions)
    own = StrategyResult(strategy, arrangement.considered, tables, total(terms.items()), chosen=True)
    idle = idle_results(names if strategy in names else (*names, strategy))
    results = tuple(own if each.name == strategy else each for each in idle)
    return Found(chosen, strategy, terms, results, moves)
