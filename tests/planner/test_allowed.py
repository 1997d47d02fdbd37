"""Sets that a person or an old layout chose, against the rules."""

from datetime import datetime
from typing import get_args

import pytest

from maitred.contracts.bookings import Overridable
from maitred.domain.floor import Adjacency, Closure, Combination, Floor
from maitred.planner.floor.index import compile_floor
from maitred.planner.floor.rules import OVERRIDABLE, check_tables
from maitred.planner.model import PartyRequest
from tests.planner.floors import floor, party, table


def codes(place: Floor, tables: list[str], request: PartyRequest) -> list[str]:
    return [violation.code for violation in check_tables(compile_floor(place), tables, request)]


PLACE = floor(
    [
        table("A", 4, min_party=2, max_party=3, attributes=frozenset({"window"})),
        table("B"),
        table("C", movable=False),
        table("D", zone="patio"),
        table("E", active=False),
        table("F", out_of_service=True),
        table("G", walk_in_only=True),
        table("H", max_party=5),
    ],
    ["A-B", "B-C", "B-D"],
    combinations=[Combination(("C", "D"), 6, 7), Combination(("D", "H"), 5, 10, 10)],
    max_tables=2,
)


@pytest.mark.parametrize(
    ("tables", "request_", "expected"),
    [
        (["A"], party(3), []),
        (["A"], party(4), ["capacity"]),
        (["A"], party(1), ["min_party"]),
        (["A", "B"], party(8), []),
        (["B", "A"], party(1), []),
        (["A", "B"], party(9), ["capacity"]),
        (["B", "C"], party(8), ["not_movable"]),
        (["B", "D"], party(8), ["zone"]),
        (["A", "D"], party(8), ["zone", "adjacency"]),
        (["C", "D"], party(7), []),
        (["C", "D"], party(8), ["capacity"]),
        (["C", "D"], party(5), ["min_party"]),
        (["A", "B", "D"], party(9), ["max_tables", "zone"]),
        (["H"], party(5), []),
        (["H"], party(6), ["capacity"]),
        (["D", "H"], party(10), []),
        (["D", "H"], party(11), ["capacity"]),
        (["E"], party(2), ["inactive"]),
        (["F"], party(2), ["out_of_service"]),
        (["G"], party(2), []),
        ([], party(2), ["no_tables"]),
        (["A", "A"], party(2), ["duplicate_table"]),
        (["A", "X"], party(2), ["unknown_table"]),
        (["D"], party(2, zone="main", zone_required=True), ["zone"]),
        (["D"], party(2, zone="main"), []),
        (["A", "B"], party(8, required=frozenset({"window"})), ["attributes"]),
    ],
)
def test_every_rule(tables: list[str], request_: PartyRequest, expected: list[str]) -> None:
    assert codes(PLACE, tables, request_) == expected


def test_closed_tables_zones_and_restaurants() -> None:
    start, end = datetime(2026, 12, 4, 20), datetime(2026, 12, 4, 21)  # noqa: DTZ001 - wall time
    for zones, tables in ((frozenset({"main"}), None), (None, frozenset({"A"})), (None, None)):
        place = floor([table("A")], closures=[Closure(start, end, zones, tables, None)])
        assert codes(place, ["A"], party(2)) == ["closed"]
        assert codes(place, ["A"], party(2, minutes=60)) == []


def test_b7_two_separate_pairs_are_no_set() -> None:
    for mode in (Adjacency.CONNECTED, Adjacency.NEIGHBORS, Adjacency.PAIRWISE):
        place = floor([table(name) for name in "ABCD"], ["A-B", "C-D"], adjacency=mode, max_tables=4)
        assert codes(place, ["A", "B", "C", "D"], party(16)) == ["adjacency"]


def test_the_rules_a_person_may_override_have_the_names_of_the_contract() -> None:
    assert frozenset(get_args(Overridable)) == OVERRIDABLE
