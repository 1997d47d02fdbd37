"""A whole service re-seated: the rules, the sum, and the best seats there are."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psutil
import pytest
from hypothesis import given

from bench.shift import evening
from maitred.adapters.highs import shift_child, shift_model
from maitred.adapters.highs.shift import HighsShiftSolver, apart
from maitred.adapters.system import SystemClock
from maitred.domain.floor import Floor, Pacing
from maitred.planner.day.demand import learn_demand
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Covers, MovableBooking, Move
from maitred.planner.shift.model import Booked, Reseating, Seats, Shift, Sum, Waiting
from maitred.planner.shift.replay import differences, record
from maitred.planner.shift.rules import violations
from maitred.planner.shift.score import sum_of
from tests.judges.reseated import best_of
from tests.planner.brute_force import Judge
from tests.planner.floors import SEVEN, floor, party, table
from tests.planner.random_shifts import Case, best_value, shift_of, shifts

SECONDS = 20.0
UNTIL = SEVEN + 90


def reseated(shift: Shift) -> Reseating:
    """In this process; the tests below have one apart."""
    return HighsShiftSolver(SystemClock(), shift_child.last).reseat(shift, SECONDS)


def seats_of(answer: Reseating) -> Mapping[str, tuple[str, ...]]:
    moved = {move.booking_id: move.to_tables for move in answer.moves}
    return moved | {each.booking_id: each.tables for each in answer.seats}


def booked(name: str, size: int, *tables: str, start: int = SEVEN, **promised: object) -> Booked:
    request = party(size, start)
    booking = MovableBooking(name, size, start, request.end, tables, **promised)  # type: ignore[arg-type]
    return Booked(booking, request)


def rows(*parties: Booked) -> list[Allocation]:
    return [
        Allocation(name, each.booking.start, each.booking.end, each.booking.booking_id)
        for each in parties
        for name in each.booking.tables
    ]


# --- the best seats there are ---


@given(shifts())
def test_most_covers_then_the_lowest_score_then_the_fewest_moves(case: Case) -> None:
    answer = reseated(case.shift)
    assert answer.proven
    found = (-answer.after.covers, round(answer.after.score, 4), len(answer.moves))
    assert found == best_value(case)
    assert answer.most_covers == answer.after.covers
    assert answer.gap == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("changed", [{"_FEW": 0, "_AT_ONCE": 1}, {"_NODES": 1}, {"_FIRST": 1, "_MORE": 1}])
@given(shifts())
def test_the_way_does_not_matter(changed: dict[str, int], case: Case) -> None:
    """Parts made whole one by one, all parties decided together, few columns at first."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in changed.items():
            patched.setattr(shift_child, name, value)
        answer = reseated(case.shift)
    found = (-answer.after.covers, round(answer.after.score, 4), len(answer.moves))
    assert (answer.proven, found) == (True, best_value(case))


def test_a_crowded_evening_made_whole_party_by_party(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = evening(20, 1.2, 2, 6)
    plain = reseated(shift)
    monkeypatch.setattr(shift_child, "_FEW", 0)
    monkeypatch.setattr(shift_child, "_NODES", 2)
    answer = reseated(shift)
    assert (answer.proven, answer.after.covers, answer.after.score) == (
        plain.proven, plain.after.covers, plain.after.score,
    )  # fmt: skip
    assert len(answer.moves) == len(plain.moves)


@given(shifts())
def test_the_answer_keeps_the_rules_and_adds_up(case: Case) -> None:
    answer = reseated(case.shift)
    seats = seats_of(answer)
    assert violations(case.shift, seats) == []
    assert sum_of(case.shift, seats) == answer.after
    assert sum_of(case.shift, {}) == answer.before
    assert sum(answer.after.terms.values()) == pytest.approx(answer.after.score, abs=1e-4)
    assert len(answer.moves) <= case.shift.max_moves
    assert (-answer.after.covers, answer.after.score) <= (-answer.before.covers, answer.before.score)
    assert reseated(case.shift) == answer


# --- judged again later ---


@given(shifts())
def test_what_is_kept_of_a_shift_tells_the_same_again(case: Case) -> None:
    kept = record(case.shift, reseated(case.shift))
    assert differences(case.shift.index, kept) == []


def test_what_is_not_as_it_was_kept_is_named() -> None:
    place = floor([table("A", capacity=2), table("B")], max_tables=1)
    two = booked("two", 2, "B")
    covers = Covers(SEVEN, 2, zones=("main",), owner="two")
    shift = Shift(
        index=compile_floor(place),
        span=(SEVEN - 600, SEVEN + 600),
        given=(),
        allocations=tuple(rows(two)),
        booked=(two,),
        waiting=(Waiting("four", party(4)),),
        covers=(covers,),
        demand=learn_demand({2: 40}),
        max_moves=1,
    )
    kept = json.loads(record(shift, reseated(shift)))
    assert kept["seats"] == {"two": ["A"], "four": ["B"]}
    assert differences(shift.index, json.dumps(kept)) == []
    assert differences(shift.index, json.dumps(kept | {"layout": 7})) == ["made on layout 7, not 1"]
    after = differences(shift.index, json.dumps(kept | {"after": -1}))
    assert len(after) == 1
    assert "the score after is" in after[0]
    both_at_b = differences(shift.index, json.dumps(kept | {"seats": {"two": ["B"], "four": ["B"]}}))
    assert [each for each in both_at_b if "score" not in each]


@pytest.mark.parametrize(("load", "seed", "moves"), [(0.9, 1, 2), (1.2, 2, -1)])
def test_an_evening_of_twelve_tables_is_as_good_as_another_solver_finds(
    load: float, seed: int, moves: int
) -> None:
    shift = evening(12, load, seed, moves)
    answer = reseated(shift)
    assert answer.proven
    best = best_of(shift, SECONDS)
    assert best is not None
    assert (answer.after.covers, answer.after.score) == pytest.approx(best, abs=1e-5)


@given(shifts())
def test_the_sum_is_that_of_the_documented_weights(case: Case) -> None:
    judge = Judge(case.floor)
    score = sum(judge.score(frozenset(b.booking.tables), b.request) for b in case.shift.booked)
    assert sum_of(case.shift, {}).score == pytest.approx(score, abs=1e-4)


def test_a_booking_makes_room_for_a_party_that_waits() -> None:
    place = floor([table("A", 2), table("B", 4)])
    pair = booked("pair", 2, "B")
    answer = reseated(shift_of(place, rows(pair), [pair], [party(4)]))
    assert answer.moves == (Move("pair", ("B",), ("A",)),)
    assert answer.seats == (Seats("w0", ("B",)),)
    assert (answer.before, answer.after.covers) == (
        Sum(2.0, {"wasted_seats": 2.0, "extra_tables": 0.0}, 2),
        6,
    )
    assert (answer.after.score, answer.improvement, answer.gap, answer.proven) == (0.0, 1.0, 0.0, True)


def test_more_covers_are_worth_any_score() -> None:
    place = floor([table("A", 2), table("B", 9)])
    answer = reseated(shift_of(place, [], [], [party(2), party(1)]))
    assert answer.after.covers == 3
    assert answer.improvement == 0.0  # nothing cost anything before


def test_what_the_demand_makes_scarce_counts() -> None:
    place = floor([table("A", 4), table("B", 4, movable=False), table("C", 4)], ["A-C"])
    pair = booked("pair", 4, "A")
    plain = shift_of(place, rows(pair), [pair])
    scarce = replace(plain, demand=learn_demand({8: 400, 4: 10}))
    assert "scarcity" not in reseated(plain).before.terms
    answer = reseated(scarce)
    assert answer.before.terms["scarcity"] > 0
    assert answer.moves == (Move("pair", ("A",), ("B",)),)


# --- what binds ---


def test_at_most_so_many_are_moved() -> None:
    place = floor([table("A", 2), table("B", 4), table("C", 6)])
    two, four = booked("two", 2, "B"), booked("four", 4, "C")
    for most, covers in ((0, 6), (1, 6), (2, 12)):
        answer = reseated(shift_of(place, rows(two, four), [two, four], [party(6)], most))
        assert (answer.after.covers, answer.proven) == (covers, True)


@pytest.mark.parametrize(
    "promised", [{"zone": "main"}, {"attributes": frozenset({"window"})}, {"required": frozenset({"window"})}]
)
def test_what_was_promised_is_kept(promised: dict[str, Any]) -> None:
    window = frozenset({"standard", "window"})
    place = floor([table("A", 2, "patio"), table("B", 4, attributes=window)])
    pair = booked("pair", 2, "B", **promised)
    answer = reseated(shift_of(place, rows(pair), [pair], [party(4)]))
    assert (answer.moves, answer.seats, answer.most_covers, answer.proven) == ((), (), 2, True)


def test_rows_that_are_given_stay() -> None:
    place = floor([table("A", 2), table("B", 4)])
    pair = booked("pair", 2, "B")
    for owner in ({"booking_id": "seated"}, {"hold_id": "hold"}):
        busy = [*rows(pair), Allocation("A", UNTIL - 1, UNTIL + 60, **owner)]
        assert reseated(shift_of(place, busy, [pair], [party(4)])).after.covers == 2


def test_a_booking_whose_rows_say_otherwise_stays() -> None:
    place = floor([table("A", 2), table("B", 4), table("C", 2)])
    pair = booked("pair", 2, "B")
    busy = [*rows(pair), Allocation("C", SEVEN, UNTIL, "pair")]
    answer = reseated(shift_of(place, busy, [pair], [party(4), party(2)]))
    assert (answer.moves, answer.seats, answer.before.score) == ((), (Seats("w1", ("A",)),), 2.0)


def paced(place: Floor, **limits: object) -> Floor:
    pacing = replace(Pacing(), **limits)  # type: ignore[arg-type]  # any of its members
    return replace(place, policy=replace(place.policy, pacing=pacing))


def test_a_slot_takes_no_more_guests_than_it_may() -> None:
    place = paced(floor([table(name) for name in "ABC"]), max_covers_per_slot=6)
    asked = shift_of(place, [], [], [party(4), party(4), party(2)])
    assert reseated(asked).after.covers == 6
    full = replace(asked, covers=(Covers(SEVEN, 5),))
    assert reseated(full).after.covers == 0
    broken = violations(full, {"w0": ("A",)})
    assert len(broken) == 1


def test_a_zone_takes_no_more_guests_than_it_may() -> None:
    tables = [table("A"), table("B", 2), table("P", zone="patio"), table("Q", zone="patio")]
    place = paced(floor(tables), per_zone={"patio": 4})
    pair = booked("pair", 2, "P")
    one = reseated(shift_of(place, rows(pair), [pair], [party(4)], 0))
    assert one.seats == (Seats("w0", ("A",)),)
    two = reseated(shift_of(place, rows(pair), [pair], [party(4), party(4)], 0))
    assert (two.after.covers, two.most_covers) == (6, 6)
    both = reseated(shift_of(place, rows(pair), [pair], [party(4), party(4)]))
    assert (both.after.covers, both.moves) == (10, (Move("pair", ("P",), ("B",)),))


def test_nobody_moves_into_a_zone_with_a_limit() -> None:
    place = floor([table("A"), table("P", 2, zone="patio")])
    pair = booked("pair", 2, "A")
    for where, covers in ((place, 6), (paced(place, per_zone={"patio": 9}), 2)):
        assert reseated(shift_of(where, rows(pair), [pair], [party(4)])).after.covers == covers


def test_a_party_outside_the_known_minutes_gets_nothing() -> None:
    answer = reseated(shift_of(floor([table("A")]), [], [], [party(4, SEVEN + 60 * 24)]))
    assert (answer.seats, answer.most_covers, answer.proven) == ((), 0, True)


def test_an_empty_shift_is_as_good_as_it_can_be() -> None:
    nothing = Sum(0.0, {}, 0)
    assert reseated(shift_of(floor([table("A")]))) == Reseating(nothing, nothing, (), (), 0.0, 0, proven=True)


# --- the judge of answers ---


def test_every_broken_rule_is_named() -> None:
    place = floor([table("A", 2), table("B"), table("C", walk_in_only=True)])
    two, four = booked("two", 2, "A"), booked("four", 4, "B", zone="main")
    asked = shift_of(place, rows(two, four), [two, four], [party(4)], 1)
    assert violations(asked, {}) == []
    for seats, words in (
        ({"nobody": ("A",)}, "no party"),
        ({"w0": ("B",)}, "share"),
        ({"w0": ("A",)}, "too large"),
        ({"two": ()}, "No table"),
        ({"two": ("X",)}, "no table X"),
        ({"two": ("C",)}, "not all of its tables"),
        ({"two": ("B",), "four": ("A",)}, "at most 1"),
    ):
        assert any(words in sentence for sentence in violations(asked, seats)), words


def test_who_stays_stays_and_keeps_what_it_has() -> None:
    place = floor([table("A"), table("B"), table("C")])
    elsewhere = booked("elsewhere", 2, "A")
    at_c = [Allocation("C", SEVEN, UNTIL, "elsewhere"), Allocation("B", SEVEN, UNTIL, "who stays")]
    asked = shift_of(place, at_c, [elsewhere], [party(4)])
    assert "elsewhere does not move" in violations(asked, {"elsewhere": ("B",)})
    assert any("taken by who stays" in sentence for sentence in violations(asked, {"w0": ("B",)}))


# --- when the solver fails ---


@pytest.fixture
def chain() -> Shift:
    """The party of six fits only if the four at its table go to the two's, and these to the free one."""
    place = floor([table("A", 2), table("B", 4), table("C", 6)])
    two, four = booked("two", 2, "B"), booked("four", 4, "C")
    return shift_of(place, rows(two, four), [two, four], [party(6)])


def assert_as_today(answer: Reseating) -> None:
    assert answer.after == answer.before
    assert (answer.moves, answer.seats, answer.proven) == ((), (), False)
    assert (answer.bound, answer.most_covers) == (0.0, 12)


@pytest.mark.parametrize("seconds", [0.0, 1e-9])
def test_without_time_everybody_stays_and_the_bound_is_honest(chain: Shift, seconds: float) -> None:
    assert_as_today(HighsShiftSolver(SystemClock()).reseat(chain, seconds))


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"ones": "what", "most": 6, "bound": 0.0, "fewest": True},
        {"ones": [10**6], "most": 6, "bound": 0.0, "fewest": True},
        {"ones": [], "most": None, "bound": 0.0, "fewest": True},
        {"ones": list(range(9)), "most": 6, "bound": 0.0, "fewest": True},
    ],
)
def test_nonsense_leaves_everybody_where_it_is(
    chain: Shift, report: shift_child.Report, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert_as_today(HighsShiftSolver(SystemClock(), lambda *_: report).reseat(chain, SECONDS))
    assert "no usable answer" in caplog.text


def test_a_process_apart_gives_the_same_answer(chain: Shift) -> None:
    answer = HighsShiftSolver(SystemClock()).reseat(chain, SECONDS)
    assert answer == reseated(chain)
    assert (answer.proven, len(answer.moves), answer.after.covers) == (True, 2, 12)


def test_a_process_that_takes_too_long_is_ended(chain: Shift) -> None:
    """Its time is over before Python has even started."""
    before = set(psutil.Process().children())
    assert_as_today(
        HighsShiftSolver(SystemClock(), lambda data, _: apart(data, 0.001)).reseat(chain, SECONDS)
    )
    assert set(psutil.Process().children()) <= before


def test_a_process_that_dies_leaves_everybody_where_it_is(
    chain: Shift, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "path", [])  # there is no HiGHS to be found
    with caplog.at_level(logging.ERROR):
        assert_as_today(HighsShiftSolver(SystemClock()).reseat(chain, SECONDS))
    assert "failed" in caplog.text


def test_what_a_process_told_before_its_end_counts(chain: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    written = b'{"ones": []}\n{"ones": [0, 0'

    def ended(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("solver", 1.0, output=written)

    monkeypatch.setattr(subprocess, "run", ended)
    assert apart({}, 1.0) == {"ones": []}


def test_a_list_of_sets_that_was_cut_short_proves_nothing() -> None:
    place = floor([table(name, 2) for name in "ABCD"], ["A-B", "B-C", "C-D"], max_tables=3)
    asked = shift_of(place, [], [], [party(2), party(6)])
    answer = reseated(replace(asked, index=compile_floor(place, max_joined_sets=1)))
    assert (answer.after.covers, answer.proven) == (2, False)
    assert reseated(asked).after.covers == 8


def test_sets_that_were_left_out_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = shift_of(floor([table(name) for name in "ABC"]), [], [], [party(4)])
    assert reseated(asked).proven
    monkeypatch.setattr(shift_model, "MOST_SETS", 1)
    assert (reseated(asked).after.covers, reseated(asked).proven) == (4, False)
