"""What the strategies weigh, what they agree on, and what is said about it."""

from hypothesis import given
from hypothesis import strategies as st

from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import PRIOR, Demand, learn_demand, scarcities
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Decision, MovableBooking, Move, PartyRequest
from maitred.planner.options import ALL_STRATEGIES, PLAIN, PlannerOptions
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, Unhurried, evening, floor, party, table, taken
from tests.planner.random_floors import Case, cases

MANY_TWOS = learn_demand({2: 900, 4: 50, 6: 50})


def decide(
    place: object,
    request: PartyRequest,
    busy: object = (),
    demand: Demand = PRIOR,
    movable: tuple[MovableBooking, ...] = (),
) -> Decision:
    index = compile_floor(place)  # type: ignore[arg-type]
    occupancy = evening(index, busy)  # type: ignore[arg-type]
    return quote(index, occupancy, request, (), Unhurried(), demand=demand, movable=movable)


@given(cases(), st.dictionaries(st.integers(1, 9), st.integers(0, 90), max_size=5))
def test_never_worse_than_best_fit_by_its_own_score(case: Case, counts: dict[int, int]) -> None:
    index = compile_floor(case.floor)
    occupancy, demand = evening(index, case.busy), learn_demand(counts)
    full = quote(index, occupancy, case.request, (), Unhurried(), demand=demand)
    plain = quote(index, occupancy, case.request, (), Unhurried(), demand=demand, options=PLAIN)
    assert (full.plan is None) == (plain.plan is None)
    assert full.refusal == plain.refusal
    if full.plan is None:
        return
    assert plain.plan is not None
    best_fit = next(each for each in full.strategies if each.name == "best_fit")
    assert best_fit.score is not None
    assert full.plan.score <= best_fit.score
    assert all(each.score >= full.plan.score for each in full.losers)
    assert [each.name for each in full.strategies] == list(ALL_STRATEGIES)
    assert [each.name for each in full.strategies if each.chosen] == [full.plan.strategy]
    assert frozenset(full.plan.tables) in Judge(case.floor).candidates(case.request.party_size)
    assert abs(full.plan.score - sum(cost for _, cost in full.plan.terms)) < 1e-6


@given(cases())
def test_without_learnt_demand_a_single_table_that_fits_exactly_wins(case: Case) -> None:
    index = compile_floor(case.floor)
    request = PartyRequest(
        case.request.party_size, case.request.start, case.request.end, "dinner", case.request.service_date
    )
    plan = quote(index, evening(index, case.busy), request, (), Unhurried()).plan
    exact = [
        way
        for way in Judge(case.floor).free(request, case.busy)
        if len(way) == 1 and index.rules.seats(index.bits_of(way)) == request.party_size
    ]
    if exact:
        assert plan is not None
        assert plan.seats == request.party_size


def test_a_scarce_exact_table_is_kept_and_the_explanation_says_so() -> None:
    tables = [table("A", 2), *(table(name, 4) for name in "BCDEFGH")]
    place = floor(tables)
    assert decide(place, party(2)).plan == decide(place, party(2), demand=learn_demand({4: 900})).plan
    spared = decide(place, party(2), demand=MANY_TWOS)
    assert spared.plan is not None
    assert spared.plan.seats == 4
    best_fit = next(each for each in spared.strategies if each.name == "best_fit")
    assert best_fit.best == ("A",)
    assert best_fit.score is not None
    assert best_fit.score > spared.plan.score
    assert not best_fit.chosen


def test_with_one_other_table_the_term_that_decided_is_scarcity() -> None:
    place = floor([table("A", 2), table("B", 4), *(table(name, 4) for name in "CDEFGH")])
    busy = taken("C", "D", "E", "F", "G", "H")
    decision = decide(place, party(2), busy, MANY_TWOS)
    assert decision.plan is not None
    assert decision.plan.tables == ("B",)
    assert decision.deciding_term == "scarcity"
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
    assert decision.plan is not None
    assert decision.plan.tables == ("B",)
    assert decision.deciding_term == "dead_time"


def test_of_two_equal_tables_the_one_in_the_emptier_zone_is_taken() -> None:
    tables = [table("A"), table("B"), table("C", zone="patio")]
    decision = decide(floor(tables), party(4), taken("A"))
    assert decision.plan is not None
    assert decision.plan.zone == "patio"
    assert decision.deciding_term == "balance"


def mover(booking_id: str, size: int, *tables: str, **promise: object) -> MovableBooking:
    return MovableBooking(booking_id, size, SEVEN, SEVEN + 90, tables, **promise)  # type: ignore[arg-type]


def test_a_small_party_leaves_a_large_table_for_one_that_needs_it() -> None:
    """P11: the first one is moved, so that the second is not refused."""
    place = floor([table("A", 8), table("B", 2)])
    small = mover("booking", 2, "A")
    assert decide(place, party(8), taken("A")).plan is None
    decision = decide(place, party(8), taken("A"), movable=(small,))
    assert decision.plan is not None
    assert decision.plan.moves == (Move("booking", ("A",), ("B",)),)
    assert decision.plan.strategy == "rearrange"
    assert "1 other booking moves" in decision.explanation


def test_a_chain_counts_everybody_who_moves() -> None:
    place = floor([table("A", 8), table("B", 4), table("C", 2)])
    busy = [*taken("A"), *(row for row in taken("B"))]
    rows = [
        row if row.table_id == "A" else type(row)(row.table_id, row.start, row.end, "other") for row in busy
    ]
    movable = (mover("booking", 4, "A"), mover("other", 2, "B"))
    decision = decide(place, party(8), rows, movable=movable)
    assert decision.plan is not None
    assert decision.plan.moves == (Move("booking", ("A",), ("B",)), Move("other", ("B",), ("C",)))
    one = PlannerOptions(max_moves=1)
    index = compile_floor(place)
    limited = quote(index, evening(index, rows), party(8), (), Unhurried(), movable=movable, options=one)
    assert limited.refusal is not None
    assert limited.refusal.code == "no_capacity"


def test_promises_hold_a_booking_back() -> None:
    window = frozenset({"window"})
    place = floor([table("A", 8, attributes=window), table("B", 2, zone="patio")])
    busy = taken("A")
    for promise in ({"zone": "main"}, {"attributes": window}, {"required": window}):
        assert decide(place, party(8), busy, movable=(mover("booking", 2, "A", **promise),)).plan is None
    assert decide(place, party(8), busy, movable=(mover("booking", 2, "A"),)).plan is not None


def test_plain_mode_moves_nobody() -> None:
    place = floor([table("A", 8), table("B", 2)])
    index = compile_floor(place)
    movable = (mover("booking", 2, "A"),)
    plain = quote(
        index, evening(index, taken("A")), party(8), (), Unhurried(), movable=movable, options=PLAIN
    )
    assert plain.plan is None
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
