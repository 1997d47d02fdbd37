"""Pacing by slot and by zone, and who is never refused by it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.domain.floor import Combination, Floor, Pacing
from maitred.domain.reasons import ReasonCode
from maitred.planner.answer.choice import Choice, Judgement, judge
from maitred.planner.answer.quote import quote
from maitred.planner.answer.replay import record, replay
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Covers, Decision, MovableBooking, PartyRequest, Plan
from tests.planner.floors import SEVEN, Unhurried, floor, party, problem, refused_by, table, taken

TWO_ZONES = floor([table("A"), table("B"), table("P", zone="patio"), table("Q", zone="patio")])


def paced(place: Floor = TWO_ZONES, **limits: object) -> Floor:
    pacing = replace(Pacing(slot_minutes=30), **limits)  # type: ignore[arg-type]  # any of its members
    return replace(place, policy=replace(place.policy, pacing=pacing))


def decide(place: Floor, request: PartyRequest, *started: Covers, **more: object) -> Decision:
    asked = problem(request, pacing=started, **more)  # type: ignore[arg-type]
    index = compile_floor(place)
    decision = quote(index, asked, Unhurried())
    assert replay(index, record(index, asked, decision)) == decision
    return decision


def in_zone(zone: str, covers: int, start: int = SEVEN, **more: bool) -> Covers:
    return Covers(start, covers, more.get("on_hold", False), (zone,), f"{zone}/{start}/{covers}")


# --- one slot's own limit ---


@pytest.mark.parametrize(("minute", "most"), [(-1, 8), (0, 2), (29, 2), (30, 8)])
def test_a_slot_has_its_own_limit_in_place_of_the_general_one(minute: int, most: int) -> None:
    place = paced(max_covers_per_slot=8, per_slot=((19 * 60 + 10, 2),))
    start = SEVEN + minute
    assert refused_by(decide(place, party(1, start), Covers(start, most - 1))) is None
    assert refused_by(decide(place, party(2, start), Covers(start, most - 1))) is ReasonCode.PACING


def test_a_slot_may_take_more_than_the_general_limit_or_nobody() -> None:
    generous = paced(max_covers_per_slot=2, per_slot=((19 * 60, 8),))
    assert refused_by(decide(generous, party(4), Covers(SEVEN, 4))) is None
    closed = paced(per_slot=((19 * 60, 0),))
    assert refused_by(decide(closed, party(1))) is ReasonCode.PACING
    assert refused_by(decide(closed, party(1, SEVEN + 30))) is None


# --- zones ---


def test_a_zone_that_is_full_for_the_slot_leaves_the_others() -> None:
    place = paced(per_zone={"main": 6})
    decision = decide(place, party(4), in_zone("main", 4))
    assert isinstance(decision, Plan)
    assert decision.zone == "patio"
    assert refused_by(decide(place, party(2), in_zone("main", 4))) is None
    wanted = party(4, zone="main", zone_required=True)
    assert refused_by(decide(place, wanted, in_zone("main", 4))) is ReasonCode.PACING
    assert refused_by(decide(place, replace(wanted, start=SEVEN + 30), in_zone("main", 4))) is None


def test_a_zone_that_only_holds_have_filled_is_a_conflict_with_holds() -> None:
    place = paced(per_zone={"main": 6, "patio": 6})
    started = [in_zone(zone, 4, on_hold=True) for zone in ("main", "patio")]
    assert refused_by(decide(place, party(4), *started)) is ReasonCode.HOLD_CONFLICT


def test_a_set_across_zones_needs_room_in_each() -> None:
    place = floor([table("A"), table("P", zone="patio")])
    place = replace(place, combinations=(Combination(("A", "P"), 5, 8),))
    assert refused_by(decide(paced(place, per_zone={"patio": 8}), party(8))) is None
    full = decide(paced(place, per_zone={"patio": 8}), party(8), in_zone("patio", 1))
    assert refused_by(full) is ReasonCode.PACING


def test_nobody_is_moved_into_a_zone_with_a_limit() -> None:
    """The pair could go to the patio and free the four."""
    place = floor([table("A"), table("P", 2, zone="patio")])
    pair = MovableBooking("pair", 2, SEVEN, SEVEN + 90, ("A",))
    busy = (Allocation("A", SEVEN, SEVEN + 90, "pair"),)
    for where, expected in ((place, None), (paced(place, per_zone={"patio": 9}), ReasonCode.NO_CAPACITY)):
        asked = problem(party(4), busy, movable=(pair,), pacing=(in_zone("main", 2),))
        assert refused_by(quote(compile_floor(where), asked, Unhurried())) is expected


# --- who is in the book already ---


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 8), st.sampled_from([-30, 0, 29, 30]))
def test_a_change_is_refused_only_if_it_asks_for_more_in_its_slot(
    size: int, had: int, others: int, moved: int
) -> None:
    """The others alone may exceed the limit: it was lowered after they had booked."""
    place = paced(floor([table("A", 8)]), max_covers_per_slot=4)
    decision = decide(place, party(size), Covers(SEVEN, others), owned=Covers(SEVEN + moved, had))
    same_slot = 0 <= moved < 30
    fits = size + others <= 4 or (same_slot and size <= had)
    assert refused_by(decision) is (None if fits else ReasonCode.PACING)


def test_a_person_is_told_of_a_zone_that_is_over_its_limit() -> None:
    index = compile_floor(paced(per_zone={"main": 6}))
    asked = problem(party(4), pacing=(in_zone("main", 4),))
    for table_id, codes in (("A", ["pacing"]), ("P", [])):
        judgement = judge(index, asked, Choice((table_id,)))
        assert isinstance(judgement, Judgement)
        assert [each.code for each in judgement.exceeded] == codes
    assert isinstance(judge(index, problem(party(4), taken("P")), Choice(("A",))), Judgement)
