"""The strategies: their terms, the choice among them, and how it is explained."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maitred.domain.floor import Adjacency, Combination, Floor, Section
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.quote import quote
from maitred.planner.answer.replay import record, replay
from maitred.planner.day.demand import PRIOR, Demand, learn_demand, scarcities
from maitred.planner.floor.index import compile_floor
from maitred.planner.floor.weights import DEFAULT_WEIGHTS
from maitred.planner.model import Decision, MovableBooking, Move, PartyRequest, Plan, Refusal
from maitred.planner.options import ALL_STRATEGIES, PLAIN, PlannerOptions
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, Unhurried, arrangement, floor, party, problem, table, taken
from tests.planner.random_floors import Case, cases

MANY_TWOS = learn_demand({2: 900, 4: 50, 6: 50})


def decide(
    place: object,
    request: PartyRequest,
    busy: object = (),
    demand: Demand = PRIOR,
    movable: tuple[MovableBooking, ...] = (),
) -> Decision:
    asked = problem(request, busy, demand=demand, movable=movable)  # type: ignore[arg-type]
    return quote(compile_floor(place), asked, Unhurried())  # type: ignore[arg-type]


@given(cases(), st.dictionaries(st.integers(1, 9), st.integers(0, 90), max_size=5))
def test_never_worse_than_best_fit_by_its_own_score(case: Case, counts: dict[int, int]) -> None:
    index = compile_floor(case.floor)
    asked = problem(case.request, case.busy, demand=learn_demand(counts))
    full = quote(index, asked, Unhurried())
    plain = quote(index, replace(asked, options=PLAIN), Unhurried())
    if isinstance(full, Refusal):
        assert isinstance(plain, Refusal)
        assert full.reason == plain.reason
        return
    assert isinstance(plain, Plan)
    best_fit = next(each for each in full.strategies if each.name == "best_fit")
    assert best_fit.score is not None
    assert full.score <= best_fit.score
    assert all(each.score >= full.score for each in full.losers)
    assert [each.name for each in full.strategies] == list(ALL_STRATEGIES)
    assert [each.name for each in full.strategies if each.chosen] == [full.strategy]
    assert frozenset(full.tables) in Judge(case.floor).candidates(case.request.party_size)
    assert abs(full.score - sum(cost for _, cost in full.terms)) < 1e-6


@given(cases())
def test_without_learnt_demand_a_single_table_that_fits_exactly_wins(case: Case) -> None:
    index = compile_floor(case.floor)
    request = PartyRequest(
        case.request.party_size, case.request.start, case.request.end, "dinner", case.request.service_date
    )
    plan = quote(index, problem(request, case.busy), Unhurried())
    exact = [
        way
        for way in Judge(case.floor).free(request, case.busy)
        if len(way) == 1 and index.rules.seats(index.bits_of(way)) == request.party_size
    ]
    if exact:
        assert isinstance(plan, Plan)
        assert plan.seats == request.party_size


def test_a_scarce_exact_table_is_kept_and_the_explanation_says_so() -> None:
    tables = [table("A", 2), *(table(name, 4) for name in "BCDEFGH")]
    place = floor(tables)
    one, other = decide(place, party(2)), decide(place, party(2), demand=learn_demand({4: 900}))
    assert isinstance(one, Plan)
    assert isinstance(other, Plan)
    assert arrangement(one) == arrangement(other)
    spared = decide(place, party(2), demand=MANY_TWOS)
    assert isinstance(spared, Plan)
    assert spared.seats == 4
    best_fit = next(each for each in spared.strategies if each.name == "best_fit")
    assert best_fit.best == ("A",)
    assert best_fit.score is not None
    assert best_fit.score > spared.score
    assert not best_fit.chosen


def test_with_one_other_table_the_term_that_decided_is_scarcity() -> None:
    place = floor([table("A", 2), table("B", 4), *(table(name, 4) for name in "CDEFGH")])
    busy = taken("C", "D", "E", "F", "G", "H")
    decision = decide(place, party(2), busy, MANY_TWOS)
    assert isinstance(decision, Plan)
    assert decision.tables == ("B",)
    assert decision.losers[0].term == "scarcity"
    assert "A would fit better, but is kept for parties that need it more." in decision.explanation


def test_scarcity_grows_with_what_is_known() -> None:
    index = compile_floor(floor([table("A", 2), table("B", 4), table("C", 4), table("D", 6)]))
    assert scarcities(index, PRIOR) == (0.0, 0.0, 0.0, 0.0)
    little, much = scarcities(index, learn_demand({2: 10})), scarcities(index, learn_demand({2: 500}))
    assert 0 < little[0] < much[0] <= 4
    assert much[1:] == (0.0, 0.0, 0.0)


def test_of_two_equal_tables_the_one_without_a_dead_gap_is_taken() -> None:
    place = floor([table("A"), table("B")])
    before = [*taken("A", start=SEVEN - 120, minutes=90), *taken("B", start=SEVEN - 90, minutes=90)]
    decision = decide(place, party(4), before)
    assert isinstance(decision, Plan)
    assert decision.tables == ("B",)
    assert decision.losers[0].term == "dead_time"


def test_of_two_equal_tables_the_one_in_the_emptier_zone_is_taken() -> None:
    tables = [table("A"), table("B"), table("C", zone="patio")]
    decision = decide(floor(tables), party(4), taken("A"))
    assert isinstance(decision, Plan)
    assert decision.zone == "patio"
    assert decision.losers[0].term == "balance"


def test_guests_are_balanced_over_sections_where_there_are_any() -> None:
    """A is taken: its section is fuller than the other one, although B is in another zone."""
    tables = [table("A"), table("B", zone="patio"), table("C"), table("D")]
    sections = (Section("one", frozenset("AB"), "Kim"), Section("two", frozenset("CD")))
    place = replace(floor(tables), sections=sections)
    decision = decide(place, party(4), taken("A"))
    assert isinstance(decision, Plan)
    assert decision.tables == ("C",)
    assert decision.losers[-1].tables == ("B",)
    assert decision.losers[-1].term == "balance"


def test_tables_without_a_section_are_balanced_as_one_more() -> None:
    place = replace(floor([table("A"), table("B"), table("C")]), sections=(Section("one", frozenset("AB")),))
    decision = decide(place, party(4), taken("A"))
    assert isinstance(decision, Plan)
    assert decision.tables == ("C",)


# --- scarce things last ---


def chosen(place: Floor, request: PartyRequest, demand: Demand = PRIOR) -> tuple[tuple[str, ...], str | None]:
    """The tables, and the term that decided."""
    decision = decide(place, request, demand=demand)
    assert isinstance(decision, Plan)
    assert decision.score == round(sum(cost for _, cost in decision.terms), 6)
    return decision.tables, decision.losers[0].term if decision.losers else None


@pytest.mark.parametrize("plain", ["0", "Z"])
@pytest.mark.parametrize("how", ["row", "edge", "none"])
def test_plain_tables_go_before_those_that_can_be_joined(plain: str, how: str) -> None:
    tables = [table("8"), table("9"), table(plain, movable=how == "edge", priority=7)]
    rows = (Combination(("8", "9"), 5, 8),) if how == "row" else ()
    mode = Adjacency.NONE if how == "none" else Adjacency.CONNECTED
    place = floor(tables, ["8-9"] if how == "edge" else (), combinations=rows, adjacency=mode)
    assert chosen(place, party(4)) == ((plain,), "joins")


def test_tables_that_could_be_joined_with_nothing_are_plain() -> None:
    alone = floor([table("A"), table("B", priority=1)], ["A-B"], max_tables=1)
    assert chosen(alone, party(4)) == (("A",), "priority")
    neighbour_gone = floor([table("A"), table("B", active=False), table("C", priority=1)], ["A-B"])
    assert chosen(neighbour_gone, party(4)) == (("A",), "priority")


def test_what_nobody_asked_for_is_kept_and_accessible_tables_most() -> None:
    wheelchair = frozenset({"standard", "accessible"})
    booth = frozenset({"booth"})
    tables = [
        table("A", attributes=wheelchair),
        table("B", seating_type="booth", attributes=booth),
        table("C", priority=9),
    ]
    place = floor(tables)
    assert chosen(place, party(4)) == (("C",), "unasked")
    assert chosen(floor(tables[:2]), party(4)) == (("B",), "unasked")
    assert chosen(place, party(4, required=frozenset({"accessible"}))) == (("A",), None)
    assert chosen(floor(tables[::2]), party(4, attributes=frozenset({"accessible"})))[0] == ("A",)
    assert chosen(place, party(4, attributes=frozenset({"booth"})))[0] == ("B",)
    assert "unasked" not in dict(_terms(place, party(4, attributes=frozenset({"booth"}))))


def _terms(place: Floor, request: PartyRequest) -> tuple[tuple[str, float], ...]:
    decision = decide(place, request)
    assert isinstance(decision, Plan)
    return decision.terms


def test_an_exact_fit_still_wins_over_a_plain_table_that_is_too_large() -> None:
    special = table("A", attributes=frozenset({"accessible", "booth"}), seating_type="booth")
    place = floor([special, table("B", 5), table("C", 2)], ["A-C"])
    assert chosen(place, party(4)) == (("A",), "wasted_seats")
    kept = DEFAULT_WEIGHTS["joins"] + DEFAULT_WEIGHTS["unasked"]
    soft = kept + DEFAULT_WEIGHTS["dead_time"] + DEFAULT_WEIGHTS["balance"]
    assert soft < DEFAULT_WEIGHTS["wasted_seats"]


def test_the_weights_may_turn_it_off() -> None:
    tables = [table("A", attributes=frozenset({"accessible"})), table("B"), table("C")]
    place = floor(tables, ["A-B"], weights={"joins": 0.0, "unasked": 0.0})
    assert chosen(place, party(4)) == (("A",), "order")


def test_parties_that_only_joined_tables_seat_make_those_scarce() -> None:
    """Eights come often, and only A and B joined seat them: a four takes C."""
    place = floor([table("A"), table("B"), table("C")], ["A-B"])
    index = compile_floor(place)
    prices = scarcities(index, learn_demand({4: 100, 8: 100}))
    assert prices[0] == prices[1] > prices[2]
    assert scarcities(index, learn_demand({9: 200}))[2] == 0.0  # nothing seats nine
    off = compile_floor(floor([table("A"), table("B"), table("C")], ["A-B"], weights={"joins": 0.0}))
    assert len(set(scarcities(off, learn_demand({4: 100, 8: 100})))) == 1


def test_a_decision_of_the_first_schema_is_made_again_as_it_was() -> None:
    """Before these terms, the first of equal tables was taken."""
    index = compile_floor(floor([table("A"), table("B"), table("C")], ["A-B"]))
    asked = problem(party(4))
    now = quote(index, asked, Unhurried())
    recorded = record(index, asked, now)
    before = replay(index, recorded.replace('"v":2', '"v":1'))
    assert isinstance(now, Plan)
    assert isinstance(before, Plan)
    assert (now.tables, before.tables, before.score) == (("C",), ("A",), 0.0)
    assert replay(index, recorded) == now


def mover(booking_id: str, size: int, *tables: str, **promise: object) -> MovableBooking:
    return MovableBooking(booking_id, size, SEVEN, SEVEN + 90, tables, **promise)  # type: ignore[arg-type]


def test_a_small_party_leaves_a_large_table_for_one_that_needs_it() -> None:
    """P11: the first one is moved, so that the second is not refused."""
    place = floor([table("A", 8), table("B", 2)])
    small = mover("booking", 2, "A")
    assert isinstance(decide(place, party(8), taken("A")), Refusal)
    decision = decide(place, party(8), taken("A"), movable=(small,))
    assert isinstance(decision, Plan)
    assert decision.moves == (Move("booking", ("A",), ("B",)),)
    assert decision.strategy == "rearrange"
    assert "1 other booking moves" in decision.explanation


def test_a_chain_counts_every_booking_that_moves() -> None:
    place = floor([table("A", 8), table("B", 4), table("C", 2)])
    busy = [*taken("A"), *(row for row in taken("B"))]
    rows = [
        row if row.table_id == "A" else type(row)(row.table_id, row.start, row.end, "other") for row in busy
    ]
    movable = (mover("booking", 4, "A"), mover("other", 2, "B"))
    decision = decide(place, party(8), rows, movable=movable)
    assert isinstance(decision, Plan)
    assert decision.moves == (Move("booking", ("A",), ("B",)), Move("other", ("B",), ("C",)))
    one = PlannerOptions(max_moves=1)
    index = compile_floor(place)
    limited = quote(index, problem(party(8), rows, movable=movable, options=one), Unhurried())
    assert isinstance(limited, Refusal)
    assert limited.reason.code == "no_capacity"


def test_promises_hold_a_booking_back() -> None:
    window = frozenset({"window"})
    place = floor([table("A", 8, attributes=window), table("B", 2, zone="patio")])
    busy = taken("A")
    for promise in ({"zone": "main"}, {"attributes": window}, {"required": window}):
        kept = decide(place, party(8), busy, movable=(mover("booking", 2, "A", **promise),))
        assert isinstance(kept, Refusal)
    assert isinstance(decide(place, party(8), busy, movable=(mover("booking", 2, "A"),)), Plan)


def test_plain_mode_moves_no_booking() -> None:
    place = floor([table("A", 8), table("B", 2)])
    index = compile_floor(place)
    movable = (mover("booking", 2, "A"),)
    plain = quote(index, problem(party(8), taken("A"), movable=movable, options=PLAIN), Unhurried())
    assert isinstance(plain, Refusal)
    assert [each.name for each in plain.strategies] == ["best_fit"]


def test_the_data_of_an_explanation_has_all_its_parts() -> None:
    data = explanation_data(decide(floor([table(name) for name in "ABCDE"]), party(4)))
    assert data["chosen"] == ["A"]
    assert data["decidingTerm"] == "order"
    assert data["losers"] == [
        {"tables": [name], "score": 0.0, "term": "order", "by": 0.0} for name in ("B", "C", "D")
    ]
    assert data["refusedBy"] is None
    refused = explanation_data(decide(floor([table("A")]), party(4), taken("A")))
    assert refused["refusedBy"] == "no_capacity"
    assert refused["chosen"] is None
