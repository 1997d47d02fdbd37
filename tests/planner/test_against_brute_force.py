"""Whatever the floor: exactly the sets that the contract's words allow, and the best of them."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from maitred.domain.floor import Floor
from maitred.domain.reasons import ReasonCode
from maitred.planner.answer.quote import quote
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.floor.rules import check_tables
from maitred.planner.model import Plan, Refusal
from maitred.planner.options import PLAIN
from tests.planner.brute_force import Judge
from tests.planner.floors import AfterChecks, Unhurried, party, problem, refused_by
from tests.planner.random_floors import Case, cases, floors


def named(index: FloorIndex, party_size: int) -> list[frozenset[str]]:
    return [
        frozenset(index.tables[position].id for position in each.positions)
        for each in index.candidates(party_size).sets
    ]


@given(floors())
def test_candidates_are_exactly_the_allowed_sets(place: Floor) -> None:
    index, judge = compile_floor(place), Judge(place)
    assert not index.truncated
    for party_size in range(1, sum(t.capacity for t in place.tables) + 2):
        found = named(index, party_size)
        assert len(set(found)) == len(found)
        assert set(found) == judge.candidates(party_size)


@given(cases())
def test_quote_seats_the_party_best_or_names_the_binding_rule(case: Case) -> None:
    index, judge = compile_floor(case.floor), Judge(case.floor)
    decision = quote(index, problem(case.request, case.busy, options=PLAIN), Unhurried())
    assert refused_by(decision) == judge.refusal(case.request, case.busy)
    if isinstance(decision, Refusal):
        return
    free = [
        way for way in judge.free(case.request, case.busy) if way in judge.candidates(case.request.party_size)
    ]
    assert frozenset(decision.tables) in free
    assert decision.alternates == len(free) - 1
    assert abs(decision.score - min(judge.score(way, case.request) for way in free)) < 1e-6
    assert abs(decision.score - sum(cost for _, cost in decision.terms)) < 1e-6


@given(cases())
def test_a_list_cut_short_loses_nothing(case: Case) -> None:
    """P8: what was too much to list is searched when asked, so "full" is still a proof."""
    judge = Judge(case.floor)
    index = compile_floor(case.floor, max_joined_sets=0)
    decision = quote(index, problem(case.request, case.busy), Unhurried())
    expected = judge.refusal(case.request, case.busy)
    if index.truncated and expected is ReasonCode.PARTY_TOO_LARGE and case.request.party_size <= index.seats:
        expected = ReasonCode.NO_CAPACITY  # the sets of other evenings are not known
    assert refused_by(decision) == expected
    if isinstance(decision, Plan):
        given_set = frozenset(decision.tables)
        assert given_set in set(judge.free(case.request, case.busy))
        assert given_set in judge.candidates(case.request.party_size)


@given(cases(), st.integers(0, 12))
def test_a_deadline_never_makes_an_unproven_claim(case: Case, checks: int) -> None:
    index = compile_floor(case.floor, max_joined_sets=1)
    asked = problem(case.request, case.busy)
    whole, hurried = quote(index, asked, Unhurried()), quote(index, asked, AfterChecks(checks))
    if isinstance(hurried, Refusal) and hurried.reason.code == "search_truncated":
        assert hurried.truncated
    else:
        assert hurried == whole


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_document_changes_nothing(case: Case, shuffler: random.Random) -> None:
    def shuffled[T](items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(shuffler.sample(items, len(items)))

    other = replace(
        case.floor,
        tables=shuffled(case.floor.tables),
        zones=shuffled(case.floor.zones),
        combinations=shuffled(case.floor.combinations),
    )
    one_index, other_index = compile_floor(case.floor), compile_floor(other)
    one = quote(one_index, problem(case.request, case.busy), Unhurried())
    two = quote(other_index, problem(case.request, shuffled(case.busy)), Unhurried())
    assert one == two


@given(floors(), st.integers(1, 14), st.data())
def test_check_tables_allows_exactly_the_allowed_ways(
    place: Floor, party_size: int, data: st.DataObject
) -> None:
    # Walk-in tables may be given by a person, so that here they are ordinary ones.
    place = replace(place, tables=tuple(replace(t, walk_in_only=False) for t in place.tables))
    names = tuple(sorted(t.id for t in place.tables))
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    violations = check_tables(compile_floor(place), chosen, party(party_size))
    assert (not violations) == (frozenset(chosen) in set(Judge(place).ways(party_size)))
