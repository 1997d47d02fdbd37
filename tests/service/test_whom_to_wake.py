"""Freed capacity wakes exactly those it can serve, in order of creation. CANCELLATIONS=20000 tries more."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from maitred.adapters.system import SystemClock
from maitred.domain.booking import Preferences
from maitred.domain.floor import Closure, Floor
from maitred.domain.windows import from_minutes
from maitred.planner.day.drawn_day import Problem
from maitred.planner.model import Allocation, Deadline, PartyRequest, Plan
from maitred.services.assignment.planning import DayPlanner, Planning
from maitred.services.assignment.waking import Awake, could_ever_sit, whom_to_wake
from maitred.services.ports import Day, Snapshot, WaitingParty
from tests.judges.waiting import NOW, House, random_house, who_should_wake
from tests.planner.floors import DAY, SEVEN, SPAN, AfterChecks, Unhurried, floor, table

logger = logging.getLogger(__name__)

CANCELLATIONS = int(os.environ.get("CANCELLATIONS", "300"))
_A_HOUSE = 5


def planner_of(house: House) -> Callable[[Snapshot], DayPlanner]:
    planning, index = Planning(SystemClock()), house.index
    return lambda day: planning.of_day(index, day)


def woken(house: House, deadline: Unhurried | AfterChecks | None = None) -> list[Awake]:
    return whom_to_wake(
        house.index, house.day, house.waiting, planner_of(house), NOW, deadline or Unhurried()
    )


def test_as_if_every_arrangement_had_been_tried() -> None:
    """One cancellation after the other; some of those woken are not confirmed yet when the next one comes."""
    cancelled = served = moves = leases = 0
    for seed in range(CANCELLATIONS):
        random = Random(seed)  # noqa: S311 - repeatable on purpose
        house = random_house(random, waiting=random.randint(3, 12))
        house.moves = 0
        for _ in range(_A_HOUSE):
            if not house.seated or not house.waiting:
                break
            gone = random.choice(sorted(house.seated))
            house.cancel(gone)
            seen = house.with_leases([name for name in house.seated if random.choice((True, False, False))])
            found = woken(seen)
            assert [each.party.id for each in found] == who_should_wake(house), seed
            cancelled, served, leases = cancelled + 1, served + len(found), leases + len(seen.day.leases)
        moves += house.moves
        if cancelled >= CANCELLATIONS:
            break
    logger.info(
        "%d cancellations: %d served, %d moves, %d leases in between", cancelled, served, moves, leases
    )
    assert min(served, moves, leases) > cancelled // 50


def refused_house() -> House:
    """One six-top that takes four and more, two pairs' tables, 22 pairs who wait, and a five after them."""
    tables = [table("L", 6, min_party=4), table("S1", 2), table("S2", 2)]
    place = floor(tables)
    return waiting_at(place, *[2] * 22, 5, busy=("S1", "S2"))


def waiting_at(place: Floor, *sizes: int, busy: Sequence[str] = (), **preferences: Any) -> House:
    """These parties wait for seven o'clock; pinned parties sit at the ``busy`` tables."""
    rows = [Allocation(name, SEVEN - 60, SEVEN + 200, f"at {name}") for name in busy]
    free_from = NOW + timedelta(minutes=place.policy.freeze_minutes)
    day = Day("harbour", DAY, from_minutes(SPAN[0]), from_minutes(SPAN[1]), free_from, "", NOW, NOW)
    snapshot = Snapshot(day, 1, None, 1, tuple(rows), (), (), {}, None, None)
    return House(place, snapshot, [wants(number, size, **preferences) for number, size in enumerate(sizes)])


def wants(number: int, size: int, at: int = SEVEN, **preferences: Any) -> WaitingParty:
    stay = from_minutes(at), from_minutes(at + 90)
    made = NOW + timedelta(minutes=number)
    return WaitingParty(UUID(int=number + 1), 1, 1, size, *stay, None, DAY, made, Preferences(**preferences))


def sizes(found: Sequence[Awake]) -> list[int]:
    return [each.party.party_size for each in found]


def test_many_who_cannot_be_served_do_not_stand_before_one_who_can() -> None:
    assert sizes(woken(refused_house())) == [5]


def test_equal_wishes_are_judged_once() -> None:
    asked: list[Any] = []

    class Counting(DayPlanner):
        def place(self, request: PartyRequest, deadline: Deadline) -> Plan | None:
            asked.append(request)
            return super().place(request, deadline)

        def is_full(self, party_size: int, start: int, end: int, zone: str | None) -> bool:
            asked.append((party_size, start, end, zone))
            return False

    house = waiting_at(floor([table("A", 4), table("B", 2)]), *[2] * 500, busy=["A", "B"])
    planner = planner_of(house)

    def counting(day: Snapshot) -> DayPlanner:
        made = planner(day)
        return Counting(made.day, made.problem_of, made.ask)

    assert whom_to_wake(house.index, house.day, house.waiting, counting, NOW, Unhurried()) == []
    assert len(asked) == 1 + 1


def test_each_is_judged_on_what_the_older_ones_leave() -> None:
    house = waiting_at(floor([table("A", 4), table("B", 2)]), 4, 4, 2, 2)
    assert [each.party.id.int for each in woken(house)] == [1, 3]


def test_the_kitchen_takes_no_more_than_it_can() -> None:
    house = waiting_at(floor([table("A", 4), table("B", 4)], max_covers=6), 4, 4, 2)
    assert sizes(woken(house)) == [4, 2]


def test_a_closed_table_wakes_nobody() -> None:
    begin, end = (from_minutes(SEVEN + minutes).replace(tzinfo=None) for minutes in (-60, 60))
    closed = Closure(begin, end, None, frozenset({"A"}), None)
    house = waiting_at(floor([table("A", 4)], closures=[closed]), 4)
    assert woken(house) == []
    assert not could_ever_sit(house.index, house.waiting[0], NOW)


@pytest.mark.parametrize("minutes", [-11, -9])
def test_who_starts_too_soon_for_the_job_is_not_woken(minutes: int) -> None:
    house = waiting_at(floor([table("A", 4)]), 4)
    at = from_minutes(SEVEN + minutes)
    found = whom_to_wake(house.index, house.day, house.waiting, planner_of(house), at, Unhurried())
    assert sizes(found) == ([4] if minutes < -10 else [])


def test_who_is_not_judged_in_time_is_woken_all_the_same() -> None:
    """Not those for whom there is no room at a glance: the second four, once the first one has the table."""
    house = waiting_at(floor([table("A", 4), table("B", 2)]), 4, 2, 4, 2)
    found = woken(house, AfterChecks(1))
    assert sizes(found) == [4, 2, 2]
    assert [each.window is None for each in found] == [False, True, True]


def test_a_party_of_another_day_is_left_to_the_job() -> None:
    house = waiting_at(floor([table("A", 4)]), 4)
    tomorrow = replace(
        house.waiting[0], start_at=from_minutes(SEVEN + 1440), end_at=from_minutes(SEVEN + 1530)
    )
    house.waiting.append(replace(tomorrow, id=UUID(int=9), service_date=DAY + timedelta(days=1)))
    assert [(each.party.id.int, each.window is None) for each in woken(house)] == [(1, False), (9, True)]


def test_a_defect_of_the_planner_wakes_rather_than_forgets() -> None:
    house = waiting_at(floor([table("A", 4)]), 4)

    def broken(_: PartyRequest) -> Problem:
        raise ZeroDivisionError

    planner = planner_of(house)
    found = whom_to_wake(
        house.index,
        house.day,
        house.waiting,
        lambda day: replace(planner(day), problem_of=broken),
        NOW,
        Unhurried(),
    )
    assert [each.window for each in found] == [None]
