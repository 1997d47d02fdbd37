"""The quote without its words, for many questions about one day: where is a place for the party?"""

from maitred.planner.day.drawn_day import DrawnDay, Problem
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Deadline, Plan
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.planner.search.packing import PartyCount, count_parties
from maitred.planner.search.rearrange import full_whoever_moves
from maitred.planner.search.situation import Situation
from maitred.planner.search.strategies import find_plan

#: Larger counts of parties are of no use to a guest.
MOST_COUNTED = 9


def surely_full(day: DrawnDay, party_size: int, start: int, end: int, zone: str | None = None) -> bool:
    """Is it proven in microseconds that no arrangement of the day seats the party? False says nothing.

    ``zone``: the one that it requires.
    """
    window = day.occupancy.buffered(start, end)
    return full_whoever_moves(day.index, day.stays_around(*window), party_size, window, zone)


def find_place(index: FloorIndex, problem: Problem, deadline: Deadline, day: DrawnDay) -> Plan | None:
    """The tables and moves that ``quote`` would give the party; None is a proof that there are none.

    No reason is looked for, which takes most of a refusal's time. Raises ``SearchEndedError`` if the question
    stays open, and ``ValueError`` if the problem's span does not cover the stay with its buffers.
    """
    situation = _situation(index, problem, day)
    if situation is None:
        return None
    plan = find_plan(situation, Steps(deadline))
    if plan is None and index.truncated and situation.most_moves:
        raise SearchEndedError
    return plan


def count_places(index: FloorIndex, problem: Problem, deadline: Deadline, day: DrawnDay) -> PartyCount:
    """How many parties like this one find places at once while nobody is moved, up to ``MOST_COUNTED``.

    Raises ``ValueError`` as ``find_place`` does.
    """
    situation = _situation(index, problem, day)
    if situation is None:
        return PartyCount(0)
    return count_parties(situation, MOST_COUNTED, Steps(deadline))


def _situation(index: FloorIndex, problem: Problem, day: DrawnDay) -> Situation | None:
    """The problem put to its day; None: the party gets no place, whatever is free."""
    request = problem.request
    if request.party_size > index.seats or index.restaurant_closed(request.start, request.end):
        return None
    situation = Situation.of(day, problem)
    return None if situation.turned_away else situation
