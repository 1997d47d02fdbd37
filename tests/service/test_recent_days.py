"""What is kept of answered days, and for how long."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from maitred.planner.floor.index import compile_floor
from maitred.services.booking.recent_days import AnsweredDay, RecentDays, stands_alone
from maitred.services.ports import DayRevisions
from tests.planner.floors import DAY, DINNER, floor, table

NOON = datetime(2026, 12, 1, 12, 0, 20, tzinfo=UTC)
ANSWER = AnsweredDay(compile_floor(floor([table("A")])), 7, NOON, None, [], final=True)


def found(recent: RecentDays, seconds: float, *days: date, question: str = "two") -> bool:
    later = NOON + timedelta(seconds=seconds)
    return recent.find(question, days or (DAY,), later, 100 + seconds) is not None


def kept(answer: AnsweredDay = ANSWER) -> RecentDays:
    recent = RecentDays()
    recent.keep("two", DAY, answer, 100)
    return recent


def test_for_a_second() -> None:
    assert [found(kept(), seconds) for seconds in (0, 0.99, 1, 2)] == [True, True, False, False]


def test_never_into_the_next_minute() -> None:
    late = kept(replace(ANSWER, as_of=NOON + timedelta(seconds=39.5)))
    assert late.find("two", [DAY], NOON + timedelta(seconds=39.9), 100.4) is not None
    assert late.find("two", [DAY], NOON + timedelta(seconds=40), 100.5) is None


def test_never_past_the_end_of_a_hold() -> None:
    on_hold = kept(replace(ANSWER, first_expiry=NOON + timedelta(seconds=0.5)))
    assert [found(on_hold, seconds) for seconds in (0, 0.49, 0.5)] == [True, True, False]


def test_all_days_or_none_and_only_the_same_question() -> None:
    assert not found(kept(), 0, DAY, DAY + timedelta(days=1))
    assert not found(kept(), 0, question="three")
    assert not found(kept(replace(ANSWER, final=False)), 0)


def test_a_bounded_number_is_kept() -> None:
    recent = kept()
    for number in range(600):
        recent.keep("two", DAY + timedelta(days=number + 1), ANSWER, 100)
    assert not found(recent, 0)
    assert found(recent, 0, DAY + timedelta(days=600))


@pytest.mark.parametrize(
    ("layout", "of_days", "same"),
    [(1, {DAY: 7}, True), (1, {DAY: 8}, False), (1, {}, False), (2, {DAY: 7}, False)],
)
def test_day_and_floor_must_be_as_they_were(layout: int, of_days: dict[date, int], *, same: bool) -> None:
    assert ANSWER.still_holds(DAY, DayRevisions(layout, of_days)) is same


def test_a_day_that_nobody_has_booked_yet_has_the_revision_0() -> None:
    assert replace(ANSWER, revision=0).still_holds(DAY, DayRevisions(1, {}))


@pytest.mark.parametrize(
    ("opens", "closes", "overrun", "alone"),
    [
        (17 * 60, 23 * 60, False, True),
        (17 * 60, 26 * 60, False, True),
        (17 * 60, 23 * 60, True, True),
        (0, 24 * 60 - 1, True, False),
        (6 * 60, 30 * 60, False, False),
    ],
)
def test_days_whose_stays_reach_into_the_next_are_not_kept(
    opens: int, closes: int, *, overrun: bool, alone: bool
) -> None:
    """The revision of a day says nothing of the guests of the night before."""
    service = replace(DINNER, opens=opens, closes=closes, last_seating=closes - 60, allow_overrun=overrun)
    assert stands_alone(floor([table("A")], services=[service], buffer_after_minutes=5), DAY) is alone
