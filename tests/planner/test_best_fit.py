"""Which tables a party gets, and what is said about it. P1-P4 are lessons of systems before."""

from collections.abc import Iterable
from typing import Any

import pytest

from maitred.domain.floor import Adjacency, Combination, Floor
from maitred.planner.answer.quote import quote
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Decision, PartyRequest, Plan
from tests.planner.floors import Unhurried, floor, party, problem, table, taken


def decide(place: Floor, request: PartyRequest, busy: Iterable[Allocation] = ()) -> Decision:
    index = compile_floor(place)
    return quote(index, problem(request, busy), Unhurried())


def tables_for(
    place: Floor, request: PartyRequest, busy: Iterable[Allocation] = ()
) -> tuple[str, ...] | None:
    decision = decide(place, request, busy)
    return decision.tables if isinstance(decision, Plan) else None


def test_p1_an_isolated_adjacent_pair_is_merged() -> None:
    place = floor([table("A"), table("B"), table("C"), table("D")], ["C-D"])
    assert tables_for(place, party(8)) == ("C", "D")


def test_p1_a_chain_of_three_is_found() -> None:
    assert tables_for(floor([table("A"), table("B"), table("C")], ["A-B", "B-C"]), party(12)) == (
        "A",
        "B",
        "C",
    )


@pytest.mark.parametrize("edge", ["A-Z", "Z-A"])
def test_p1_a_pair_is_found_however_its_edge_is_written(edge: str) -> None:
    assert tables_for(floor([table("Z"), table("M"), table("A")], [edge]), party(8)) == ("A", "Z")


def test_p1_a_triangle_is_found_in_every_mode() -> None:
    for mode in Adjacency:
        place = floor([table(name) for name in "ABC"], ["A-B", "B-C", "C-A"], adjacency=mode)
        assert tables_for(place, party(12)) == ("A", "B", "C")


def test_p2_a_single_table_needs_no_edge() -> None:
    assert tables_for(floor([table("A")], adjacency=Adjacency.PAIRWISE), party(4)) == ("A",)


def test_p2_without_any_adjacency_single_tables_still_work() -> None:
    place = floor([table("A"), table("B", 8)])
    assert tables_for(place, party(7)) == ("B",)
    assert tables_for(place, party(9)) is None


def test_p3_an_exact_table_beats_a_larger_one() -> None:
    place = floor([table("A", 6), table("B", 4, priority=9)])
    assert tables_for(place, party(4)) == ("B",)


def test_p4_a_small_party_gets_a_large_table_rather_than_a_refusal() -> None:
    assert tables_for(floor([table("A", 8)]), party(3)) == ("A",)


def test_b7_two_separate_pairs_are_no_set_of_four() -> None:
    place = floor([table(name) for name in "ABCD"], ["A-B", "C-D"], max_tables=4)
    assert tables_for(place, party(16)) is None


def test_b8_fixed_tables_are_never_merged() -> None:
    place = floor([table("A"), table("B", movable=False)], ["A-B"])
    assert tables_for(place, party(8)) is None


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        (Adjacency.CONNECTED, True),
        (Adjacency.NEIGHBORS, False),
        (Adjacency.PAIRWISE, False),
        (Adjacency.NONE, True),
    ],
)
def test_a_chain_of_four_is_connected_but_no_star_and_no_clique(mode: Adjacency, found: bool) -> None:
    place = floor([table(name) for name in "ABCD"], ["A-B", "B-C", "C-D"], adjacency=mode, max_tables=4)
    assert (tables_for(place, party(16)) is not None) is found


def test_a_star_is_neighbours_but_no_clique() -> None:
    tables, edges = [table(name) for name in "ABCD"], ["A-B", "A-C", "A-D"]
    star = floor(tables, edges, adjacency=Adjacency.NEIGHBORS, max_tables=4)
    clique = floor(tables, edges, adjacency=Adjacency.PAIRWISE, max_tables=4)
    assert tables_for(star, party(16)) == ("A", "B", "C", "D")
    assert tables_for(clique, party(16)) is None


def test_tables_of_two_zones_are_not_merged() -> None:
    place = floor([table("A"), table("B", zone="patio")], ["A-B"])
    assert tables_for(place, party(8)) is None


def test_no_set_is_given_when_a_part_of_it_would_do() -> None:
    place = floor([table("A", 2), table("B", 2), table("C", 6)], ["A-B", "B-C", "A-C"])
    assert tables_for(place, party(5)) == ("C",)
    index = compile_floor(place)
    assert [each.positions for each in index.candidates(5).sets] == [(2,)]


def test_least_and_most_party_hold_for_a_table_alone_but_not_in_a_set() -> None:
    place = floor([table("A", 4, min_party=3, max_party=3), table("B", 4, min_party=3, max_party=3)], ["A-B"])
    assert tables_for(place, party(3)) == ("A",)
    assert tables_for(place, party(2)) == ("A", "B")
    assert tables_for(place, party(4)) == ("A", "B")


def test_a_combination_needs_no_edge_no_zone_no_movable_tables_and_no_max_tables() -> None:
    tables = [table("A", movable=False), table("B", zone="patio"), table("C")]
    place = floor(tables, combinations=[Combination(("A", "B", "C"), 5, 10)], max_tables=1)
    assert tables_for(place, party(10)) == ("A", "B", "C")
    assert tables_for(place, party(11)) is None


def test_a_combination_adds_a_way_and_takes_none_away() -> None:
    place = floor([table("A"), table("B")], ["A-B"], combinations=[Combination(("A", "B"), 8, 8)])
    assert tables_for(place, party(6)) == ("A", "B")


@pytest.mark.parametrize("change", ["active", "out_of_service", "walk_in_only"])
def test_tables_out_of_use_are_not_given_alone_or_in_sets(change: str) -> None:
    changes: dict[str, Any] = {change: change != "active"}
    broken = table("A", 8, "main", **changes)
    place = floor([broken, table("B")], ["A-B"], combinations=[Combination(("A", "B"), 1, 12)])
    assert tables_for(place, party(2)) == ("B",)
    assert tables_for(place, party(8)) is None


def test_among_equals_lower_priority_comes_first_then_the_id() -> None:
    tables = [table("A", priority=1), table("C"), table("B")]
    assert tables_for(floor(tables), party(4)) == ("B",)
    assert tables_for(floor(tables), party(4), taken("B", "C")) == ("A",)


def test_a_requirement_excludes_and_a_preference_only_prefers() -> None:
    place = floor([table("A", 4), table("B", 6, zone="patio", attributes=frozenset({"window"}))])
    assert tables_for(place, party(4, zone="patio")) == ("B",)
    assert tables_for(place, party(4, zone="patio"), taken("B")) == ("A",)
    assert tables_for(place, party(4, zone="patio", zone_required=True), taken("B")) is None
    assert tables_for(place, party(4, required=frozenset({"window"}))) == ("B",)
    assert tables_for(place, party(4, required=frozenset({"window"})), taken("B")) is None


def test_a_required_attribute_must_be_on_every_table_of_a_set() -> None:
    window = frozenset({"window"})
    place = floor([table("A", attributes=window), table("B"), table("C", attributes=window)], ["A-B", "B-C"])
    assert tables_for(place, party(8, required=window)) is None


def test_weights_of_the_restaurant_replace_the_defaults() -> None:
    tables, edges = [table("A", 2), table("B", 2), table("C", 6)], ["A-B"]
    assert tables_for(floor(tables, edges), party(4)) == ("A", "B")
    assert tables_for(floor(tables, edges, weights={"extra_tables": 10}), party(4)) == ("C",)


def test_p6_a_stay_until_19_02_ends_at_19_02() -> None:
    place = floor([table("A")])
    before = taken("A", start=party(1).start - 60, minutes=62)
    start = party(1).start
    assert tables_for(place, party(2, start + 2), before) == ("A",)
    assert tables_for(place, party(2, start + 1), before) is None


def test_buffers_of_neighbouring_stays_add_up() -> None:
    place = floor([table("A")], buffer_before_minutes=10, buffer_after_minutes=5)
    start = party(1).start
    earlier = taken("A", start=start - 100, minutes=105)  # its dining ended at 19:00, its buffer at 19:05
    assert tables_for(place, party(2, start + 14), earlier) is None
    assert tables_for(place, party(2, start + 15), earlier) == ("A",)


def test_p7_last_night_and_the_whole_evening_are_seen() -> None:
    place = floor([table("A")])
    long_before = taken("A", start=party(1).start - 6 * 60, minutes=6 * 60 + 1)
    assert tables_for(place, party(2), long_before) is None


def test_minutes_that_are_not_known_are_never_free() -> None:
    index = compile_floor(floor([table("A")]))
    with pytest.raises(ValueError, match="outside the known span"):
        quote(index, problem(party(2, party(1).start + 24 * 60)), Unhurried())


def test_the_plan_says_how_it_was_scored_and_explains_itself() -> None:
    place = floor([table("A", 6), table("B", 8), table("C", 2, zone="patio")])
    decision = decide(place, party(4, zone="patio", attributes=frozenset({"window"})))
    assert isinstance(decision, Plan)
    assert decision.terms == (
        ("wasted_seats", 2.0),
        ("extra_tables", 0.0),
        ("zone_missed", 4.0),
        ("attributes_missed", 2.0),
    )
    assert decision.score == 8.0
    assert (decision.strategy, decision.zone, decision.seats) == ("best_fit", "main", 6)
    assert (decision.candidates, decision.alternates) == (2, 1)
    assert decision.explanation == (
        "Table A fits a party of 4 with 2 seats left empty; the best of 2 free choices. "
        "Preferences not met: zone patio, attribute window."
    )


def test_joined_tables_are_explained_as_joined() -> None:
    decision = decide(floor([table("A"), table("B")], ["A-B"]), party(8))
    assert decision.explanation == "Tables A and B joined fit a party of 8 exactly; nothing else was free."


def test_p8_parties_of_11_to_14_are_seated_where_the_rules_allow() -> None:
    place = floor([table(name) for name in "ABCDEF"], ["A-B", "B-C", "C-D", "D-E", "E-F"], max_tables=4)
    for size in (11, 12, 13, 14):
        assert tables_for(place, party(size)) is not None
