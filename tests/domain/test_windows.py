"""Opening hours, stays and clocks that jump. P5 and P6 are lessons of systems before."""

import os
import time as clock
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from maitred.domain.errors import Closed, InvalidRequest, OutsideService, ServiceOverrun
from maitred.domain.floor import Closure, Floor, Pacing, Policy, Service, TurnTime
from maitred.domain.windows import (
    Window,
    closed_until,
    closure_interval,
    local_start,
    pacing_slot,
    resolve_window,
    service_day,
    slot_starts,
)
from tests.planner.floors import table

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
EVERY_DAY = frozenset(range(7))
FRIDAY = date(2026, 12, 4)


def service(opens: int, closes: int, last: int, name: str = "dinner", **changes: object) -> Service:
    plain = Service(name, name.title(), EVERY_DAY, opens * 60, closes * 60, last * 60, False, None)
    return replace(plain, **changes)  # type: ignore[arg-type]  # any of its members


DINNER = service(17, 23, 22)


def house(
    *services: Service, zone: ZoneInfo = LONDON, closures: tuple[Closure, ...] = (), **policy: int
) -> Floor:
    rules = replace(Policy(pacing=Pacing(30)), **policy)  # type: ignore[arg-type]  # minutes only
    return Floor("harbour", 1, "Harbour", zone, rules, services, closures, (), (), frozenset(), ())


def at(hour: int, minute: int = 0, day: date = FRIDAY, zone: ZoneInfo = LONDON) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def minutes(window: Window) -> int:
    return (window.end - window.start) // timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "utc", "notice"),
    [
        (LONDON, date(2026, 7, 1), time(19), datetime(2026, 7, 1, 18, tzinfo=UTC), None),
        (LONDON, date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "time_skipped"),
        (LONDON, date(2026, 3, 29), time(2), datetime(2026, 3, 29, 1, tzinfo=UTC), None),
        (
            LONDON,
            date(2026, 10, 25),
            time(1, 30),
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "time_ambiguous",
        ),
        (LONDON, date(2026, 10, 25), time(2), datetime(2026, 10, 25, 2, tzinfo=UTC), None),
        (NEW_YORK, date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC), "time_skipped"),
        (
            NEW_YORK,
            date(2026, 11, 1),
            time(1, 30),
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            "time_ambiguous",
        ),
        (
            LORD_HOWE,
            date(2026, 10, 4),
            time(2, 15),
            datetime(2026, 10, 3, 15, 45, tzinfo=UTC),
            "time_skipped",
        ),
        (
            LORD_HOWE,
            date(2026, 4, 5),
            time(1, 45),
            datetime(2026, 4, 4, 14, 45, tzinfo=UTC),
            "time_ambiguous",
        ),
        (SAO_PAULO, date(2018, 11, 4), time(0), datetime(2018, 11, 4, 3, tzinfo=UTC), "time_skipped"),
        (
            SAO_PAULO,
            date(2019, 2, 16),
            time(23, 30),
            datetime(2019, 2, 17, 1, 30, tzinfo=UTC),
            "time_ambiguous",
        ),
    ],
)
def test_wall_clock_to_utc(zone: ZoneInfo, day: date, wall: time, utc: datetime, notice: str | None) -> None:
    moment, notices = local_start(day, wall, zone)
    assert moment == utc
    assert [each.code for each in notices] == ([notice] if notice else [])


def test_a_skipped_time_moves_forward_by_the_gap() -> None:
    moment, _ = local_start(date(2026, 10, 4), time(2, 15), LORD_HOWE)
    assert moment.astimezone(LORD_HOWE).time() == time(2, 45)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_years_at_the_ends_of_the_calendar_are_refused(day: date) -> None:
    with pytest.raises(InvalidRequest):
        local_start(day, time(23, 59), NEW_YORK)
    for ask in (service_day, slot_starts):
        with pytest.raises(InvalidRequest):
            ask(house(DINNER), day)
    start = datetime.combine(day, time(12), UTC)
    with pytest.raises(OutsideService):
        resolve_window(house(DINNER), start, 2, None)


@pytest.mark.parametrize(
    ("party", "stay"), [(1, 90), (2, 90), (3, 105), (4, 105), (6, 120), (7, 150), (40, 150)]
)
def test_turn_time_by_party(party: int, stay: int) -> None:
    window = resolve_window(house(DINNER), at(18), party, None)
    assert (minutes(window), window.service, window.service_date, window.notices) == (
        stay,
        DINNER,
        FRIDAY,
        (),
    )


def test_turn_time_by_service_and_wanted_duration() -> None:
    quick = replace(DINNER, turn_times=(TurnTime(4, 60), TurnTime(None, 75)))
    assert minutes(resolve_window(house(quick), at(18), 4, None)) == 60
    assert minutes(resolve_window(house(quick), at(18), 5, None)) == 75
    assert minutes(resolve_window(house(quick), at(18), 5, 200)) == 200


@pytest.mark.parametrize("duration", [0, -5, 14, 44, 721, 10**9])
def test_durations_out_of_range(duration: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_window(house(DINNER), at(18), 2, duration)
    assert caught.value.errors[0].field == "durationMinutes"


@pytest.mark.parametrize("start", [at(17), at(22), at(19, 2)])
def test_any_minute_from_opens_to_last_seating(start: datetime) -> None:
    assert resolve_window(house(DINNER), start, 2, None).start == start


@pytest.mark.parametrize("start", [at(16, 59), at(22, 1), at(3)])
def test_p5_out_of_hours_is_never_another_service(start: datetime) -> None:
    lunch = service(12, 15, 14, "lunch")
    with pytest.raises(OutsideService):
        resolve_window(house(lunch, DINNER), start, 2, None)


def test_days_of_the_week() -> None:
    place = house(replace(DINNER, days=frozenset({4})))
    assert resolve_window(place, at(18), 2, None).service_date == FRIDAY
    with pytest.raises(OutsideService):
        resolve_window(place, at(18, day=FRIDAY + timedelta(days=1)), 2, None)


def test_a_stay_is_shortened_to_closing_with_a_notice() -> None:
    window = resolve_window(house(DINNER), at(22), 4, None)
    assert window.end == at(23)
    assert [notice.code for notice in window.notices] == ["stay_shortened"]
    assert minutes(resolve_window(house(DINNER), at(21, 15), 4, None)) == 105


def test_p5_a_stay_is_never_shortened_below_the_least_dining_time() -> None:
    late = house(replace(DINNER, last_seating=22 * 60 + 30))
    assert minutes(resolve_window(late, at(22, 15), 2, None)) == 45
    with pytest.raises(ServiceOverrun):
        resolve_window(late, at(22, 16), 2, None)
    with pytest.raises(ServiceOverrun):
        resolve_window(late, at(22, 16), 2, 60)


def test_with_overrun_nothing_is_shortened() -> None:
    place = house(replace(DINNER, allow_overrun=True, last_seating=23 * 60))
    window = resolve_window(place, at(23), 2, None)
    assert (minutes(window), window.notices) == (90, ())


LATE = service(18, 26, 25, "late")  # until two in the morning


def test_after_midnight_the_service_of_the_day_before() -> None:
    window = resolve_window(house(LATE), at(0, 30, FRIDAY + timedelta(days=1)), 2, None)
    assert (window.service_date, minutes(window)) == (FRIDAY, 90)
    with pytest.raises(OutsideService):
        resolve_window(house(LATE), at(1, 1, FRIDAY + timedelta(days=1)), 2, None)
    thursday_only = replace(LATE, days=frozenset({3}))
    with pytest.raises(OutsideService):
        resolve_window(house(thursday_only), at(0, 30, FRIDAY + timedelta(days=1)), 2, None)


def test_of_overlapping_services_the_one_that_opened_last() -> None:
    lunch, tea = service(12, 18, 17, "lunch"), service(15, 19, 18, "tea")
    for place in (house(lunch, tea), house(tea, lunch)):
        assert resolve_window(place, at(15), 2, None).service is tea
        assert resolve_window(place, at(14, 59), 2, None).service is lunch
    nested = replace(tea, closes=16 * 60, last_seating=16 * 60)
    assert resolve_window(house(lunch, nested), at(15, 30), 2, None).service is lunch
    twin = replace(lunch, id="twin")
    assert resolve_window(house(lunch, twin), at(13), 2, None).service is lunch
    assert resolve_window(house(twin, lunch), at(13), 2, None).service is twin


def closure(start: datetime, end: datetime, zones: frozenset[str] | None = None) -> Closure:
    return Closure(start, end, zones, None, "Christmas")


def wall(hour: int, day: int = 4) -> datetime:
    return datetime(2026, 12, day, hour)  # noqa: DTZ001 - the venue's wall clock


def test_a_closed_house() -> None:
    place = house(DINNER, closures=(closure(wall(20), wall(21)),))
    assert minutes(resolve_window(place, at(18, 30), 2, None)) == 90
    for start in (at(18, 31), at(20), at(20, 59)):
        with pytest.raises(Closed, match="Christmas"):
            resolve_window(place, start, 2, None)
    assert resolve_window(place, at(21), 2, None).start == at(21)


def test_a_closed_zone_does_not_close_the_house() -> None:
    place = house(DINNER, closures=(closure(wall(20), wall(21), frozenset({"patio"})),))
    assert resolve_window(place, at(20), 2, None).start == at(20)


def test_closures_are_wall_times_too() -> None:
    summer = datetime(2026, 7, 1, 19)  # noqa: DTZ001 - the venue's wall clock
    start, end = closure_interval(house(), summer, summer + timedelta(hours=1))
    assert (start.hour, end.hour) == (18, 19)


def test_the_service_day_reaches_from_first_opening_to_last_end() -> None:
    lunch = service(12, 15, 14, "lunch")
    assert service_day(house(lunch, DINNER), FRIDAY) == (at(12), at(23))
    assert service_day(house(LATE), FRIDAY) == (at(18), at(2, day=FRIDAY + timedelta(days=1)))
    endless = replace(DINNER, allow_overrun=True)
    assert service_day(house(endless), FRIDAY)[1] == at(22) + timedelta(minutes=720)


def test_a_day_without_service_is_from_midnight_to_midnight() -> None:
    begin, end = service_day(house(), date(2026, 3, 29))
    assert end - begin == timedelta(hours=23)
    assert begin == datetime(2026, 3, 29, tzinfo=UTC)


def test_slots_from_opening_to_last_seating_inclusive() -> None:
    slots = slot_starts(house(replace(DINNER, last_seating=19 * 60)), FRIDAY)
    assert [start for _, start in slots] == [at(17), at(17, 30), at(18), at(18, 30), at(19)]
    assert slot_starts(house(replace(DINNER, days=frozenset({0}))), FRIDAY) == ()


def test_a_slot_that_two_services_offer_is_told_once_as_it_will_be_resolved() -> None:
    lunch, tea = service(12, 18, 16, "lunch"), service(15, 19, 16, "tea")
    place = house(lunch, tea)
    slots = slot_starts(place, FRIDAY)
    assert len({start for _, start in slots}) == len(slots) == 9
    for owner, start in slots:
        assert resolve_window(place, start, 2, None).service is owner


def test_pacing_slots_are_counted_from_opening() -> None:
    place = house(replace(DINNER, opens=17 * 60 + 10))
    assert pacing_slot(place, "dinner", FRIDAY, at(17, 10)) == (at(17, 10), at(17, 40))
    assert pacing_slot(place, "dinner", FRIDAY, at(17, 39)) == (at(17, 10), at(17, 40))
    assert pacing_slot(place, "dinner", FRIDAY, at(17, 40)) == (at(17, 40), at(18, 10))
    assert pacing_slot(place, "gone", FRIDAY, at(17, 40)) == (at(17, 30), at(18))


NIGHT = service(22, 28, 27, "night")  # until four in the morning


@pytest.mark.parametrize(
    ("zone", "evening", "hours"),
    [
        (LONDON, date(2026, 3, 28), 5),
        (LONDON, date(2026, 10, 24), 7),
        (NEW_YORK, date(2026, 3, 7), 5),
        (NEW_YORK, date(2026, 10, 31), 7),
        (LORD_HOWE, date(2026, 10, 3), 5.5),
        (LORD_HOWE, date(2026, 4, 4), 6.5),
        (SAO_PAULO, date(2018, 11, 3), 5),
        (LONDON, FRIDAY, 6),
    ],
)
def test_a_night_in_which_the_clock_changes(zone: ZoneInfo, evening: date, hours: float) -> None:
    place = house(NIGHT, zone=zone)
    opens, closes = service_day(place, evening)
    assert closes - opens == timedelta(hours=hours)
    starts = [start for _, start in slot_starts(place, evening)]
    assert len(starts) == (hours - 1) * 2 + 1
    for start in starts:
        window = resolve_window(place, start, 2, None)
        assert window.service_date == evening
        assert minutes(window) == min(90, (closes - start) // timedelta(minutes=1))


def test_both_occurrences_of_an_hour_can_be_booked_by_their_instant() -> None:
    place = house(NIGHT)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for start in (first, first + timedelta(hours=1)):
        assert start.astimezone(LONDON).time() == time(1, 30)
        assert resolve_window(place, start, 2, None).start == start


@pytest.fixture(params=["UTC", "Pacific/Kiritimati", "America/St_Johns"])
def _host_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    clock.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    clock.tzset()


@pytest.mark.usefixtures("_host_zone")
def test_p6_the_clock_of_the_host_is_never_asked() -> None:
    place = house(LATE, closures=(closure(wall(3, 5), wall(4, 5)),))
    moment, _ = local_start(FRIDAY, time(23, 30), LONDON)
    assert moment == datetime(2026, 12, 4, 23, 30, tzinfo=UTC)
    window = resolve_window(place, moment, 2, None)
    assert (window.end, window.service_date) == (datetime(2026, 12, 5, 1, 0, tzinfo=UTC), FRIDAY)


@pytest.mark.parametrize(
    ("hour", "until"),
    [(11, None), (12, 15), (13, 15), (14, 15), (15, None), (20, 22), (22, None)],
)
def test_until_when_a_table_is_closed(hour: int, until: int | None) -> None:
    """Its own closure, its zone's and the house's count, one after the other; those of others do not."""
    own = Closure(wall(12), wall(14), None, frozenset({"T1"}), None)
    zone = Closure(wall(13), wall(15), frozenset({"main"}), None, None)
    others = Closure(wall(15), wall(16), frozenset({"patio"}), frozenset({"T2"}), None)
    everybody = Closure(wall(20), wall(22), None, None, None)
    place = house(DINNER, closures=(everybody, others, zone, own))
    assert closed_until(place, table("T1"), at(hour)) == (until and at(until))


# --- dated services ---

NEW_YEARS_EVE = date(2026, 12, 31)  # a Thursday


def ids_on(place: Floor, day: date) -> list[str]:
    return [each.id for each in place.services_on(day)]


def test_a_dated_service_replaces_the_weekly_ones_of_its_date() -> None:
    gala = service(19, 25, 20, "gala", dates=frozenset({NEW_YEARS_EVE}))
    place = house(service(12, 15, 14, "lunch"), DINNER, gala)
    assert ids_on(place, NEW_YEARS_EVE) == ["gala"]
    assert ids_on(place, FRIDAY) == ["lunch", "dinner"]
    assert {each.id for each, _ in slot_starts(place, NEW_YEARS_EVE)} == {"gala"}
    assert service_day(place, NEW_YEARS_EVE)[0] == at(19, day=NEW_YEARS_EVE)
    assert resolve_window(place, at(19, 30, NEW_YEARS_EVE), 2).service.id == "gala"
    with pytest.raises(OutsideService):
        resolve_window(place, at(12, 30, NEW_YEARS_EVE), 2)


def test_a_dated_service_may_add_to_them_and_two_stand_side_by_side() -> None:
    brunch = service(10, 12, 11, "brunch", dates=frozenset({NEW_YEARS_EVE}), adds=True)
    assert ids_on(house(DINNER, brunch), NEW_YEARS_EVE) == ["dinner", "brunch"]
    gala = service(19, 23, 20, "gala", dates=frozenset({NEW_YEARS_EVE}))
    assert ids_on(house(DINNER, brunch, gala), NEW_YEARS_EVE) == ["brunch", "gala"]


def test_a_period_is_inclusive_and_keeps_its_weekdays() -> None:
    terrace = replace(
        service(11, 15, 14, "terrace", first=FRIDAY, days=frozenset({4})), last=date(2026, 12, 11)
    )
    place = house(DINNER, terrace)
    days = [date(2026, 11, 27) + timedelta(days=number) for number in range(22)]
    assert [day.day for day in days if ids_on(place, day) == ["terrace"]] == [4, 11]
    assert ids_on(place, date(2026, 12, 7)) == ["dinner"]  # a Monday of the period


def test_a_period_may_be_open_at_either_end() -> None:
    since = house(DINNER, service(18, 23, 22, "new", first=FRIDAY))
    assert (ids_on(since, FRIDAY - timedelta(days=1)), ids_on(since, FRIDAY)) == (["dinner"], ["new"])
    until = house(DINNER, replace(service(18, 23, 22, "old"), last=FRIDAY))
    assert (ids_on(until, FRIDAY), ids_on(until, FRIDAY + timedelta(days=1))) == (["old"], ["dinner"])


def test_a_dated_service_after_midnight_belongs_to_the_day_it_opened() -> None:
    place = house(service(18, 26, 25, "gala", dates=frozenset({NEW_YEARS_EVE})))
    window = resolve_window(place, at(0, 30, date(2027, 1, 1)), 2)
    assert (window.service.id, window.service_date) == ("gala", NEW_YEARS_EVE)
