"""How many parties of one size have room together: never more, never fewer than an exact judge finds."""

from dataclasses import replace
from datetime import datetime
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bench.restaurant import DAY, OPENS, SPAN, filled, restaurant
from maitred.domain.floor import Adjacency, Closure, Combination, Floor, Pacing, Pause
from maitred.planner.answer.place import MOST_COUNTED, count_places, find_place
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import Problem, draw_day
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.model import Allocation, Covers, PartyRequest, Plan
from maitred.planner.options import PLAIN
from maitred.planner.search.packing import PartyCount
from maitred.planner.search.situation import Situation
from tests.judges.packed import most_disjoint
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, AfterChecks, Unhurried, floor, party, problem, table, taken
from tests.planner.random_floors import ZONES, Case, cases

FOURS = [table(name) for name in "ABCDEFGHIJKL"]


def count(place: Floor | FloorIndex, asked: Problem, checks: int | None = None) -> PartyCount:
    index = compile_floor(place) if isinstance(place, Floor) else place
    deadline = Unhurried() if checks is None else AfterChecks(checks)
    return count_places(index, asked, deadline, draw_day(index, asked))


def paced(place: Floor, most: int | None, **zones: int) -> Floor:
    return replace(place, policy=replace(place.policy, pacing=Pacing(30, most, per_zone=zones)))


# --- against the judge ---


@st.composite
def paced_cases(draw: DrawFn) -> tuple[Case, tuple[Covers, ...]]:
    case = draw(cases())
    most = draw(st.sampled_from([None, None, None, 8, 20]))
    zones = {zone: draw(st.sampled_from([2, 6, 12])) for zone in ZONES if draw(st.integers(0, 2)) == 0}
    started = tuple(
        Covers(case.request.start, draw(st.integers(1, 4)), draw(st.booleans()), (zone,), zone)
        for zone in draw(st.sampled_from([(), ("main",), ("main", "patio")]))
    )
    return Case(paced(case.floor, most, **zones), case.request, case.busy), started


@given(paced_cases())
def test_the_count_is_the_largest_packing(drawn: tuple[Case, tuple[Covers, ...]]) -> None:
    case, started = drawn
    asked = problem(case.request, case.busy, pacing=started, options=PLAIN)
    index = compile_floor(case.floor)
    found = count(index, asked)
    assert found == PartyCount(min(MOST_COUNTED, _judged(case, started)))
    decision = quote(index, asked, Unhurried())
    assert isinstance(decision, Plan) == (found.parties > 0)


@given(paced_cases())
def test_a_list_cut_short_gives_a_proven_least(drawn: tuple[Case, tuple[Covers, ...]]) -> None:
    case, started = drawn
    index = compile_floor(case.floor, max_joined_sets=0)
    found = count(index, problem(case.request, case.busy, pacing=started, options=PLAIN))
    most = min(MOST_COUNTED, _judged(case, started))
    assert found.parties <= most
    assert found.parties == most or not found.exact
    assert bool(found.parties) == bool(most)


def _judged(case: Case, started: tuple[Covers, ...]) -> int:
    place, size, limits = case.floor, case.request.party_size, case.floor.policy.pacing
    if size > place.seats():
        return 0
    zones = {
        frozenset(each.id for each in place.tables if each.zone == zone): (
            limit - sum(each.covers for each in started if zone in each.zones)
        )
        // size
        for zone, limit in limits.per_zone.items()
    }
    zones = {tables: max(0, parties) for tables, parties in zones.items() if tables}
    ways = list(Judge(place).free(case.request, case.busy))
    most = most_disjoint(ways, zones) if ways else 0
    if limits.max_covers_per_slot is None:
        return most
    left = limits.max_covers_per_slot - sum(each.covers for each in started)
    return max(0, min(most, left // size))


# --- small floors ---


def test_single_tables_count_one_each_up_to_nine() -> None:
    place = floor(FOURS)
    assert count(place, problem(party(3))) == PartyCount(9)
    assert count(place, problem(party(3), taken(*"ABCDEFGHIJ"))) == PartyCount(2)
    assert count(place, problem(party(3), taken(*"ABCDEF", hold=True))) == PartyCount(6)
    assert count(place, problem(party(3), taken(*"ABCDEFGHIJKL"))) == PartyCount(0)


def test_the_first_set_that_comes_to_mind_is_not_the_one_that_leaves_most() -> None:
    """In a row of four tables the middle pair leaves nothing to anybody."""
    row = floor(FOURS[:4], ["B-C", "A-B", "C-D"], max_tables=2)
    assert count(row, problem(party(8))) == PartyCount(2)
    star = floor(FOURS[:5], ["A-B", "A-C", "A-D", "A-E"], max_tables=2)
    assert count(star, problem(party(8))) == PartyCount(1)


def test_what_a_single_table_seats_is_never_joined_for() -> None:
    place = floor([table("A", 2), table("B", 2), table("C", 4)], ["A-B", "B-C"], max_tables=2)
    assert count(place, problem(party(4))) == PartyCount(2)
    assert count(place, problem(party(4), taken("C"))) == PartyCount(1)


def test_pacing_is_kept_for_all_of_them_together() -> None:
    place = floor(FOURS)
    started = (Covers(SEVEN, 4),)
    assert count(paced(place, 14), problem(party(3), pacing=started)) == PartyCount(3)
    assert count(paced(place, 14), problem(party(3, SEVEN + 30), pacing=started)) == PartyCount(4)
    assert count(paced(place, 3), problem(party(3), pacing=started)) == PartyCount(0)


def test_a_set_across_zones_takes_from_each() -> None:
    tables = [*FOURS[:2], *(table(name, zone="patio") for name in "PQ")]
    both = floor(tables, combinations=[Combination(("A", "P"), 5, 8), Combination(("B", "Q"), 5, 8)])
    both = replace(both, policy=replace(both.policy, max_tables=1))
    assert count(both, problem(party(6))) == PartyCount(2)
    assert count(paced(both, None, main=12, patio=11), problem(party(6))) == PartyCount(1)
    assert count(paced(both, None, main=12, patio=5), problem(party(6))) == PartyCount(0)


def test_what_is_closed_paused_or_too_large_counts_nothing() -> None:
    today, tomorrow = datetime(2026, 12, 4), datetime(2026, 12, 5)  # noqa: DTZ001 - the restaurant's own time
    house = floor(FOURS, closures=[Closure(today, tomorrow, None, None, None)])
    assert count(house, problem(party(3))) == PartyCount(0)
    tables = floor(FOURS, closures=[Closure(today, tomorrow, None, frozenset("ABCDEFGHI"), None)])
    assert count(tables, problem(party(3))) == PartyCount(3)
    paused = replace(floor(FOURS), pauses=(Pause(today, tomorrow, None, None),))
    assert count(paused, problem(party(3))) == PartyCount(0)
    assert count(floor(FOURS), problem(party(49))) == PartyCount(0)


# --- larger ones ---


@pytest.mark.parametrize("mode", Adjacency)
def test_crowded_evenings_at_forty_tables(mode: Adjacency) -> None:
    """Sizes that only joined tables seat, where many of the tables are taken."""
    place = restaurant(40, mode)
    index, random = compile_floor(place), Random(f"{mode}")  # noqa: S311 - repeatable on purpose
    seen = set()
    for share in (0.2, 0.4, 0.6):
        busy = filled(place, share, random).allocations
        for size, start in product((5, 9, 12), (OPENS, OPENS + 60)):
            asked = Problem(PartyRequest(size, start, start + 120, "dinner", DAY), SPAN, busy)
            situation = Situation.of(draw_day(index, asked), asked)
            free = index.candidates(size).within(index.assignable & ~situation.blocked)
            sets = [frozenset(map(str, index.candidates(size).sets[number].positions)) for number in free]
            most = min(MOST_COUNTED, most_disjoint(sets, {})) if sets else 0
            assert count(index, asked) == PartyCount(most), (share, size, start)
            seen.add(most)
    assert len(seen) > 3, seen


def test_a_deadline_leaves_what_is_proven() -> None:
    """The count is the least that is known, and says so; tables that seat the party alone need no search."""
    place = restaurant(40, Adjacency.CONNECTED)
    index = compile_floor(place)
    busy = filled(place, 0.5, Random(1)).allocations  # noqa: S311 - repeatable on purpose
    asked = Problem(PartyRequest(9, OPENS, OPENS + 120, "dinner", DAY), SPAN, busy)
    exact = count(index, asked)
    assert exact.exact
    for checks in range(3):
        found = count(index, asked, checks)
        assert found.parties <= exact.parties
        assert found == exact or not found.exact
    assert count(floor(FOURS), problem(party(3)), checks=0) == PartyCount(9)


def test_counted_parties_find_their_places_one_after_the_other() -> None:
    place = floor(FOURS[:6], ["A-B", "B-C", "C-D", "D-E", "E-F"], max_tables=2)
    index = compile_floor(place)
    busy: list[Allocation] = []
    parties = count(index, problem(party(7))).parties
    for _ in range(parties):
        asked = problem(party(7), busy)
        plan = find_place(index, asked, Unhurried(), draw_day(index, asked))
        assert plan is not None
        busy += taken(*plan.tables)
    assert (parties, count(index, problem(party(7), busy)).parties) == (3, 0)
