"""Proofs that a restaurant is full whatever is moved: microseconds instead of a search.

If at some minute of the stay the parties that are there together need more seats, or more tables of some
capacity and above, than the floor (or the zone that the party requires) has, no moves will help.
"""

from maitred.planner.day.room import least_need
from maitred.planner.day.stays import Stays
from maitred.planner.search.situation import Situation


def full_whoever_moves(situation: Situation, stays: Stays) -> bool:
    """Is it proven that no moves, however many, seat the party? False says nothing."""
    index, request = situation.index, situation.request
    if index.truncated:  # the list of sets is not complete, so neither are the least needs
        return False
    need = least_need(index, request.party_size)
    if need is None:
        return True
    zone = request.zone if request.zone_required else None
    return stays.room_left(zone).lacks(need, *situation.window)
