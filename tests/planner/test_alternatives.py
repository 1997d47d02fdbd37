"""Other times for a refused party: near, real, and free as told."""

from dataclasses import replace

from maitred.domain.floor import Floor
from maitred.domain.timeline import from_minutes, to_minutes
from maitred.domain.windows import resolve_window
from maitred.planner.answer.alternatives import find_alternatives
from maitred.planner.answer.quote import quote
from maitred.planner.day.places import Movers
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Alternative, MovableBooking, PartyRequest
from tests.planner.floors import (
    DINNER,
    SEVEN,
    AfterChecks,
    Unhurried,
    covers,
    evening,
    floor,
    party,
    table,
    taken,
)


def alternatives(
    place: Floor, request: PartyRequest, busy: list[Allocation], now: int = 0
) -> tuple[Alternative, ...]:
    index = compile_floor(place)
    return find_alternatives(index, evening(index, busy), request, (), Unhurried(), now)


def minutes(found: tuple[Alternative, ...]) -> list[int]:
    return [each.start - SEVEN for each in found]


def test_nearest_first_and_the_earlier_of_two() -> None:
    place = floor([table("A")])
    found = alternatives(place, party(2), taken("A", start=SEVEN, minutes=1))
    assert minutes(found) == [15, 30, 45, 60, 75]
    found = alternatives(place, party(2, SEVEN + 1), [])
    assert minutes(found) == [0, 15, -15, 30, -30]


def test_only_slots_within_two_hours_and_within_the_service() -> None:
    place = floor([table("A")])
    busy = taken("A", start=SEVEN - 110, minutes=220)
    assert minutes(alternatives(place, party(2), busy)) == [120]
    late = party(2, to_minutes(from_minutes(SEVEN)) + 150)
    assert minutes(alternatives(place, late, taken("A", start=SEVEN + 100, minutes=200))) == []


def test_never_in_the_past() -> None:
    place = floor([table("A")])
    found = alternatives(place, party(2), [], now=SEVEN - 14)
    assert minutes(found) == [15, 30, 45, 60, 75]


def test_each_has_the_stay_of_its_own_start_and_confirms_when_asked_for() -> None:
    place = floor([table("A", 6), table("B", 4)], services=[replace(DINNER, last_seating=22 * 60)])
    index = compile_floor(place)
    busy = [*taken("A", start=SEVEN, minutes=150), *taken("B", start=SEVEN, minutes=130)]
    request = party(4, SEVEN + 75, 105)
    occupancy = evening(index, busy)
    found = find_alternatives(index, occupancy, request, (), Unhurried(), 0)
    assert found
    for each in found:
        window = resolve_window(place, from_minutes(each.start), 4)
        assert each.end == to_minutes(window.end)
        asked = replace(request, start=each.start, end=each.end)
        decision = quote(index, occupancy, asked, (), Unhurried())
        assert decision.plan is not None
        assert (decision.plan.tables, decision.plan.zone) == (each.tables, each.zone)
    assert found[0] == Alternative(SEVEN + 135, SEVEN + 240, ("B",), "main")


def test_a_wanted_duration_is_kept() -> None:
    index = compile_floor(floor([table("A")]))
    found = find_alternatives(
        index, evening(index), party(2, SEVEN, 60), (), Unhurried(), 0, limit=1, duration_minutes=60
    )
    assert found == (Alternative(SEVEN - 15, SEVEN + 45, ("A",), "main"),)


def test_pacing_holds_for_alternatives_too() -> None:
    index = compile_floor(floor([table("A")], max_covers=4))
    pacing = [*covers(4, SEVEN), *covers(4, SEVEN - 15)]
    found = find_alternatives(index, evening(index), party(2), pacing, Unhurried(), 0, limit=2)
    assert minutes(found) == [15, -30]


def test_a_deadline_returns_what_was_found_until_then() -> None:
    index = compile_floor(floor([table("A")]))
    whole = find_alternatives(index, evening(index), party(2), (), Unhurried(), 0)
    some = find_alternatives(index, evening(index), party(2), (), AfterChecks(5), 0)
    assert 0 < len(some) < len(whole)
    assert whole[: len(some)] == some


def test_who_could_not_leave_for_the_wished_time_may_for_another() -> None:
    """At seven the party keeps b from the large table; later it does not."""
    quiet = frozenset({"quiet"})
    tables = [table("large", 4, attributes=quiet), table("small", 2, attributes=quiet), table("loud", 4)]
    index = compile_floor(floor(tables, max_tables=1, max_moves=2))
    stays = {"a": ("large", SEVEN + 30, SEVEN + 120), "b": ("small", SEVEN, SEVEN + 90)}
    busy = [Allocation(name, start, end, who) for who, (name, start, end) in stays.items()]
    movable = [
        MovableBooking(who, 2, start, end, (name,), required=quiet)
        for who, (name, start, end) in stays.items()
    ]
    occupancy, request = evening(index, busy), party(4, SEVEN + 15, required=quiet)
    known = Movers(index, occupancy, movable)
    asked = (index, occupancy, request, (), Unhurried())
    assert quote(*asked, movable=known).plan is None
    found = find_alternatives(*asked, 0, movable=known, limit=20)
    assert SEVEN + 90 in {each.start for each in found}
    assert found == find_alternatives(*asked, 0, movable=movable, limit=20)
