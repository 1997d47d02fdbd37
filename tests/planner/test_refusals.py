"""Why a party is not seated: the one rule that binds, in the documented order."""

from dataclasses import replace
from datetime import datetime, timedelta

from maitred.domain.floor import Closure, Combination, Floor, Pause
from maitred.domain.reasons import Category, ReasonCode
from maitred.planner.answer.quote import quote
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import (
    Allocation,
    Covers,
    Decision,
    MovableBooking,
    PartyRequest,
    Plan,
    Refusal,
)
from tests.planner.floors import (
    SEVEN,
    AfterChecks,
    Unhurried,
    covers,
    floor,
    party,
    problem,
    refused_by,
    table,
    taken,
)


def decide(
    place: Floor,
    request: PartyRequest,
    busy: list[Allocation] | None = None,
    pacing: list[Covers] | None = None,
) -> Decision:
    asked = problem(request, busy or (), pacing=tuple(pacing or ()))
    return quote(compile_floor(place), asked, Unhurried())


def refusal(
    place: Floor,
    request: PartyRequest,
    busy: list[Allocation] | None = None,
    pacing: list[Covers] | None = None,
) -> ReasonCode | None:
    return refused_by(decide(place, request, busy, pacing))


def test_a_party_larger_than_all_seats() -> None:
    place = floor([table("A"), table("B", walk_in_only=True), table("C", active=False)])
    assert refusal(place, party(5)) is ReasonCode.PARTY_TOO_LARGE


def test_a_seat_that_may_be_added_at_a_table_out_of_service_comes_back_with_it() -> None:
    place = floor(
        [*(table(name, capacity=1) for name in "ABCDE"), table("F", max_party=5, out_of_service=True)]
    )
    assert refusal(place, party(5)) is ReasonCode.NO_CAPACITY
    assert refusal(place, party(6)) is ReasonCode.PARTY_TOO_LARGE


def test_a_full_restaurant_has_no_capacity() -> None:
    assert refusal(floor([table("A")]), party(2), taken("A")) is ReasonCode.NO_CAPACITY


def test_more_tables_would_do() -> None:
    place = floor([table(name) for name in "ABC"], ["A-B", "B-C"], max_tables=2)
    assert refusal(place, party(12)) is ReasonCode.MAX_TABLES


def test_touching_tables_would_do() -> None:
    assert refusal(floor([table("A"), table("B")]), party(8)) is ReasonCode.ADJACENCY


def test_another_zone_would_do() -> None:
    place = floor([table("A"), table("B", zone="patio")])
    request = party(4, zone="main", zone_required=True)
    assert refusal(place, request, taken("A")) is ReasonCode.ZONE
    assert refusal(place, party(4, zone="nowhere", zone_required=True)) is ReasonCode.ZONE


def test_joining_over_zones_would_do() -> None:
    place = floor([table("A"), table("B", zone="patio")], ["A-B"])
    assert refusal(place, party(8)) is ReasonCode.ZONE


def test_without_the_attribute_it_would_do() -> None:
    assert refusal(floor([table("A")]), party(4, required=frozenset({"window"}))) is ReasonCode.ATTRIBUTES


def test_kept_for_larger_parties() -> None:
    assert refusal(floor([table("A", min_party=3)]), party(2)) is ReasonCode.MIN_PARTY
    row = Combination(("A", "B"), 6, 8)
    place = floor([table("A", max_party=1), table("B", max_party=1, movable=False)], combinations=[row])
    assert refusal(place, party(5)) is ReasonCode.MIN_PARTY


def test_two_rules_in_the_way_are_no_single_one() -> None:
    place = floor([table("A", zone="patio")])
    request = party(4, zone="main", zone_required=True, required=frozenset({"window"}))
    assert refusal(place, request) is ReasonCode.NO_CAPACITY


def test_max_tables_is_named_before_adjacency() -> None:
    place = floor([table("A", 4), table("B", 4), table("C", 4), table("D", 8)], ["A-B", "B-C"], max_tables=2)
    assert refusal(place, party(12)) is ReasonCode.MAX_TABLES


def test_only_a_hold_stands_in_the_way() -> None:
    place = floor([table("A"), table("B")])
    decision = decide(place, party(4), [*taken("A"), *taken("B", hold=True)])
    assert isinstance(decision, Refusal)
    assert decision.reason.code is ReasonCode.HOLD_CONFLICT
    assert decision.reason.category is Category.TRANSIENT


def test_a_hold_that_would_not_help_is_not_named() -> None:
    place = floor([table("A", 4), table("B", 2)])
    assert refusal(place, party(4), [*taken("A"), *taken("B", hold=True)]) is ReasonCode.NO_CAPACITY


def test_pacing_counts_the_covers_of_the_slot() -> None:
    place = floor([table("A")], max_covers=10)
    assert refusal(place, party(4), pacing=covers(6)) is None
    assert refusal(place, party(4), pacing=covers(7)) is ReasonCode.PACING
    assert refusal(place, party(4, SEVEN + 14), pacing=covers(7)) is ReasonCode.PACING
    assert refusal(place, party(4, SEVEN + 15), pacing=covers(7)) is None
    assert refusal(place, party(4), pacing=[*covers(7, SEVEN - 1), *covers(7, SEVEN + 15)]) is None


def test_pacing_that_only_holds_fill_is_a_hold_conflict() -> None:
    place = floor([table("A")], max_covers=10)
    assert refusal(place, party(4), pacing=[*covers(6), *covers(1, on_hold=True)]) is ReasonCode.HOLD_CONFLICT
    assert refusal(place, party(4), pacing=[*covers(7), *covers(1, on_hold=True)]) is ReasonCode.PACING


def test_a_full_slot_and_a_full_restaurant_are_no_capacity() -> None:
    place = floor([table("A")], max_covers=4)
    assert refusal(place, party(4), taken("A"), covers(1)) is ReasonCode.NO_CAPACITY


def _closure(start_hour: int, end_hour: int, **what: frozenset[str]) -> Closure:
    whole = {"zones": None, "tables": None}
    start, end = datetime(2026, 12, 4, start_hour), datetime(2026, 12, 4, end_hour)  # noqa: DTZ001 - wall time
    return Closure(start=start, end=end, reason=None, **{**whole, **what})


def test_closed_zones_and_tables_are_not_given() -> None:
    tables = [table("A"), table("B", zone="patio")]
    by_zone = floor(tables, closures=[_closure(20, 22, zones=frozenset({"patio"}))])
    assert refusal(by_zone, party(4), taken("A")) is ReasonCode.NO_CAPACITY
    by_table = floor(tables, closures=[_closure(20, 22, tables=frozenset({"B"}))])
    assert refusal(by_table, party(4), taken("A")) is ReasonCode.NO_CAPACITY
    later = floor(tables, closures=[_closure(21, 22, zones=frozenset({"patio"}))], buffer_after_minutes=60)
    assert refusal(later, party(4), taken("A")) is None


def test_a_closed_restaurant_is_closed() -> None:
    place = floor([table("A")], closures=[_closure(20, 22)])
    assert refusal(place, party(4)) is ReasonCode.CLOSED
    assert refusal(place, party(4, SEVEN - 60, 60 + 60)) is None


def test_p8_a_deadline_is_undecided_never_full() -> None:
    index = compile_floor(floor([table("A")]))
    decision = quote(index, problem(party(2), taken("A")), AfterChecks(0))
    assert isinstance(decision, Refusal)
    assert decision.reason.code is ReasonCode.SEARCH_TRUNCATED
    assert decision.reason.category is Category.UNDECIDED
    assert decision.truncated


def test_a_hopeless_search_ends_at_its_deadline() -> None:
    """A wide floor of small tables: the large ones would do together, but stand far apart."""
    squares = [(x, y) for x in range(13) for y in range(13)]
    names = {square: f"T{square[0]:02}{square[1]:02}" for square in squares}
    edges = [f"{names[x, y]}-{names[x + 1, y]}" for x, y in squares if x < 12]
    edges += [f"{names[x, y]}-{names[x, y + 1]}" for x, y in squares if y < 12]
    far_apart = [(x, y) for x in (0, 6, 12) for y in (0, 12)]
    tables = [table(names[square], 8 if square in far_apart else 2) for square in squares]
    index = compile_floor(floor(tables, edges, max_tables=6), max_joined_sets=0)
    deadline = AfterChecks(20)
    decision = quote(index, problem(party(24)), deadline)
    assert isinstance(decision, Refusal)
    assert decision.reason.code is ReasonCode.SEARCH_TRUNCATED
    assert decision.truncated
    assert deadline.left == -1, "nothing is asked after the deadline has passed"


# --- pauses ---

_SEVEN = datetime(2026, 12, 4, 19)  # noqa: DTZ001 - wall time


def paused(place: Floor, *zones: str, begin: int = 0, end: int = 30) -> Floor:
    """No party starts between these minutes after seven; without zones, nowhere."""
    start, finish = (_SEVEN + timedelta(minutes=minute) for minute in (begin, end))
    return replace(place, pauses=(Pause(start, finish, frozenset(zones) or None, "Kitchen"),))


def test_nobody_starts_in_a_pause_and_it_is_half_open() -> None:
    place = paused(floor([table("A")]))
    found = [refusal(place, party(2, SEVEN + minute)) for minute in (-1, 0, 29, 30)]
    assert found == [None, ReasonCode.PAUSED, ReasonCode.PAUSED, None]
    decision = decide(place, party(2))
    assert isinstance(decision, Refusal)
    assert decision.explanation == "No parties start from 19:00 to 19:30 (Kitchen)."
    assert decision.reason.category is Category.DETERMINISTIC


def test_a_pause_of_a_zone_leaves_the_others() -> None:
    place = paused(floor([table("A"), table("B", 6, zone="patio")]), "main")
    decision = decide(place, party(4))
    assert isinstance(decision, Plan)
    assert decision.tables == ("B",)
    assert refusal(place, party(4), taken("B")) is ReasonCode.PAUSED
    assert refusal(place, party(4), taken("A", "B")) is ReasonCode.NO_CAPACITY


def test_nobody_is_moved_to_where_nobody_may_start() -> None:
    """The pair at the four could go to the patio, were it not for the pause there."""
    place = floor([table("A"), table("B", 2, zone="patio")])
    pair = MovableBooking("pair", 2, SEVEN, SEVEN + 90, ("A",))
    busy = [Allocation("A", SEVEN, SEVEN + 90, "pair")]
    for where, expected in ((place, None), (paused(place, "patio"), ReasonCode.NO_CAPACITY)):
        asked = problem(party(4), busy, movable=(pair,))
        assert refused_by(quote(compile_floor(where), asked, Unhurried())) is expected


def test_who_is_in_the_book_at_this_start_already_is_no_new_arrival() -> None:
    place = paused(floor([table("A")]))
    for start, expected in ((SEVEN, None), (SEVEN - 60, ReasonCode.PAUSED)):
        asked = problem(party(4), owned=Covers(start, 2))
        assert refused_by(quote(compile_floor(place), asked, Unhurried())) is expected
