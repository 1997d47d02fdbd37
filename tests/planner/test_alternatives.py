"""Other times for a refused party: near, real, and free as promised."""

from dataclasses import replace

from maitred.domain.floor import Floor
from maitred.domain.windows import from_minutes, resolve_window, to_minutes
from maitred.planner.answer.alternatives import Reach, alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.drawn_day import draw_day
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Alternative, MovableBooking, PartyRequest, Plan, Refusal
from tests.planner.floors import (
    DINNER,
    SEVEN,
    AfterChecks,
    Unhurried,
    covers,
    floor,
    party,
    problem,
    table,
    taken,
)


def others(
    place: Floor, request: PartyRequest, busy: list[Allocation], now: int = 0
) -> tuple[Alternative, ...]:
    return alternatives(compile_floor(place), problem(request, busy), Reach(now), Unhurried())


def minutes(found: tuple[Alternative, ...]) -> list[int]:
    return [each.start - SEVEN for each in found]


def test_nearest_first_and_the_earlier_of_two() -> None:
    place = floor([table("A")])
    found = others(place, party(2), taken("A", start=SEVEN, minutes=1))
    assert minutes(found) == [15, 30, 45, 60, 75]
    found = others(place, party(2, SEVEN + 1), [])
    assert minutes(found) == [0, 15, -15, 30, -30]


def test_only_slots_within_two_hours_and_within_the_service() -> None:
    place = floor([table("A")])
    busy = taken("A", start=SEVEN - 110, minutes=220)
    assert minutes(others(place, party(2), busy)) == [120]
    late = party(2, to_minutes(from_minutes(SEVEN)) + 150)
    assert minutes(others(place, late, taken("A", start=SEVEN + 100, minutes=200))) == []


def test_never_in_the_past() -> None:
    place = floor([table("A")])
    found = others(place, party(2), [], now=SEVEN - 14)
    assert minutes(found) == [15, 30, 45, 60, 75]


def test_each_has_the_stay_of_its_own_start_and_confirms_when_asked_for() -> None:
    place = floor([table("A", 6), table("B", 4)], services=[replace(DINNER, last_seating=22 * 60)])
    index = compile_floor(place)
    busy = [*taken("A", start=SEVEN, minutes=150), *taken("B", start=SEVEN, minutes=130)]
    request = party(4, SEVEN + 75, 105)
    found = alternatives(index, problem(request, busy), Reach(0), Unhurried())
    assert found
    for each in found:
        window = resolve_window(place, from_minutes(each.start), 4)
        assert each.end == to_minutes(window.end)
        asked = replace(request, start=each.start, end=each.end)
        decision = quote(index, problem(asked, busy), Unhurried())
        assert isinstance(decision, Plan)
        assert (decision.tables, decision.zone) == (each.tables, each.zone)
    assert found[0] == Alternative(SEVEN + 135, SEVEN + 240, ("B",), "main")


def test_a_wanted_duration_is_kept() -> None:
    index = compile_floor(floor([table("A")]))
    reach = Reach(0, limit=1, duration_minutes=60)
    found = alternatives(index, problem(party(2, SEVEN, 60)), reach, Unhurried())
    assert found == (Alternative(SEVEN - 15, SEVEN + 45, ("A",), "main"),)


def test_pacing_holds_for_alternatives_too() -> None:
    index = compile_floor(floor([table("A")], max_covers=4))
    pacing = (*covers(4, SEVEN), *covers(4, SEVEN - 15))
    found = alternatives(index, problem(party(2), pacing=pacing), Reach(0, limit=2), Unhurried())
    assert minutes(found) == [15, -30]


def test_a_deadline_returns_what_was_found_until_then() -> None:
    index = compile_floor(floor([table("A")]))
    whole = alternatives(index, problem(party(2)), Reach(0), Unhurried())
    some = alternatives(index, problem(party(2)), Reach(0), AfterChecks(5))
    assert 0 < len(some) < len(whole)
    assert whole[: len(some)] == some


def test_a_stay_that_cannot_leave_for_the_start_asked_for_may_leave_for_another() -> None:
    """At seven the party keeps b from the large table; later it does not."""
    quiet = frozenset({"quiet"})
    tables = [table("large", 4, attributes=quiet), table("small", 2, attributes=quiet), table("loud", 4)]
    index = compile_floor(floor(tables, max_tables=1, max_moves=2))
    stays = {"a": ("large", SEVEN + 30, SEVEN + 120), "b": ("small", SEVEN, SEVEN + 90)}
    busy = [Allocation(name, start, end, who) for who, (name, start, end) in stays.items()]
    movable = tuple(
        MovableBooking(who, 2, start, end, (name,), required=quiet)
        for who, (name, start, end) in stays.items()
    )
    asked = problem(party(4, SEVEN + 15, required=quiet), busy, movable=movable)
    day, reach = draw_day(index, asked), Reach(0, limit=20)
    assert isinstance(quote(index, asked, Unhurried(), day), Refusal)
    found = alternatives(index, asked, reach, Unhurried(), day)
    assert SEVEN + 90 in {each.start for each in found}
    assert found == alternatives(index, asked, reach, Unhurried())
