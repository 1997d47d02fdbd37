"""Times: calendar and clock of the venue, changes of the clock, stays after midnight, stays cut short."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness.problems import call
from tests.harness.service import Answer, Service, evening, house, party


def clock_change(zone: str, *, forward: bool) -> date:
    """The next day, two days ahead at least, on which the clocks of ``zone`` change that way."""
    tz = ZoneInfo(zone)
    day = datetime.now(UTC).date() + timedelta(days=2)
    while True:
        before, after = (
            datetime(d.year, d.month, d.day, 12, tzinfo=tz).utcoffset()
            for d in (day - timedelta(days=1), day)
        )
        assert before is not None
        assert after is not None
        if (after > before) if forward else (after < before):
            return day
        day += timedelta(days=1)


def night_house(zone: str) -> dict[str, Any]:
    service = {"id": "night", "opens": "18:00", "closes": "05:00", "lastSeating": "04:00"}
    return house(2, 2, 2, 2, timezone=zone, services=[service])


def booked(answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer.text
    assert answer.json["assignment"]["outcome"] == "confirmed", answer.text
    found: dict[str, Any] = answer.json["booking"]
    return found


def warnings_of(answer: Answer) -> list[str]:
    assert all(w.keys() == {"code", "message"} and w["message"] for w in answer.json["warnings"])
    return [w["code"] for w in answer.json["warnings"]]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# zone, in the gap, what is meant, offset after; twice shown, its first offset
CHANGES = [
    ("Europe/London", "01:30", "02:30:00+01:00", "01:30", "+01:00"),
    ("America/New_York", "02:15", "03:15:00-04:00", "01:45", "-04:00"),
]


@pytest.mark.parametrize(("zone", "skipped", "meant", "_twice", "_offset"), CHANGES)
def test_a_time_the_clock_skips_moves_forward(
    service: Service, zone: str, skipped: str, meant: str, _twice: str, _offset: str
) -> None:
    service.put_restaurant("night", night_house(zone))
    day = clock_change(zone, forward=True)
    answer = service.book("night", party(2, skipped, date=day.isoformat()))
    booking = booked(answer)
    assert booking["startAt"] == f"{day}T{meant}"
    assert utc(booking["endAt"]) - utc(booking["startAt"]) == timedelta(minutes=90)
    assert warnings_of(answer) == ["time_skipped"]


@pytest.mark.parametrize(("zone", "_skipped", "_meant", "twice", "offset"), CHANGES)
def test_of_a_time_shown_twice_the_first_is_meant(
    service: Service, zone: str, _skipped: str, _meant: str, twice: str, offset: str
) -> None:
    service.put_restaurant("night", night_house(zone))
    day = clock_change(zone, forward=False)
    answer = service.book("night", party(2, twice, date=day.isoformat()))
    booking = booked(answer)
    assert booking["startAt"] == f"{day}T{twice}:00{offset}"
    assert utc(booking["endAt"]) - utc(booking["startAt"]) == timedelta(minutes=90)
    assert warnings_of(answer) == ["time_ambiguous"]
    # The second is another moment, which an offset can name; nothing about it is in doubt.
    second = utc(booking["startAt"]) + timedelta(hours=1)
    later = service.book("night", {"partySize": 2, "startAt": second.isoformat()})
    assert utc(booked(later)["startAt"]) == second
    assert warnings_of(later) == []


def test_a_stay_over_a_change_of_the_clock_is_not_longer(service: Service) -> None:
    """Two sittings that touch in real time do not overlap, whatever the clock on the wall shows."""
    service.put_restaurant(
        "night", night_house("Europe/London") | {"tables": [{"id": "T1", "zone": "main", "capacity": 2}]}
    )
    day = clock_change("Europe/London", forward=False).isoformat()
    first = booked(service.book("night", party(2, "00:30", date=day)))
    assert first["endAt"] == f"{day}T01:00:00+00:00"
    assert booked(service.book("night", {"partySize": 2, "startAt": first["endAt"]}))["tables"] == ["T1"]


def test_a_moment_and_the_venues_clock_are_the_same_start(service: Service) -> None:
    service.put_restaurant("ny", house(2, 2, timezone="America/New_York"))
    local = booked(service.book("ny", party(2, "19:00")))
    start = datetime.fromisoformat(f"{evening()}T19:00").replace(tzinfo=ZoneInfo("America/New_York"))
    for text in (
        start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        start.astimezone(ZoneInfo("Asia/Tokyo")).isoformat(),
    ):
        moment = booked(service.book("ny", {"partySize": 2, "startAt": text}))
        assert (moment["startAt"], moment["endAt"]) == (local["startAt"], local["endAt"])
        service.cancel(moment["id"])
    assert local["startAt"] == start.isoformat()


@pytest.mark.parametrize(
    "text", ["{}T19:00Z", "{}t19:00:00z", "{}T19:00:00.000Z", "{}T20:00+01:00", "{}T14:00:00-05:00"]
)
def test_spellings_of_one_moment(service: Service, text: str) -> None:
    service.put_restaurant("utc", house(2, timezone="UTC"))
    booking = booked(service.book("utc", {"partySize": 2, "startAt": text.format(evening())}))
    assert booking["startAt"] == f"{evening()}T19:00:00+00:00"


def test_after_midnight_the_date_is_the_calendars_and_the_list_is_by_service_day(service: Service) -> None:
    service.put_restaurant("night", night_house("Europe/London"))
    opened, next_day = evening(14), evening(15)
    early = booked(service.book("night", party(2, "23:00", date=opened)))
    late = booked(service.book("night", party(2, "01:30", date=next_day)))
    assert late["startAt"].startswith(f"{next_day}T01:30")
    tomorrow = booked(service.book("night", party(2, "18:00", date=next_day)))

    def listed(day: str) -> list[str]:
        answer = call("bookings", "GET", "/restaurants/night/bookings", query={"date": day})
        return [item["id"] for item in answer.json["items"]]

    assert listed(opened) == [early["id"], late["id"]]
    assert listed(next_day) == [tomorrow["id"]]


@pytest.mark.parametrize("time", ["05:00", "17:59", "04:01"])
def test_between_the_nights_nobody_is_seated(service: Service, time: str) -> None:
    service.put_restaurant("night", night_house("Europe/London"))
    answer = service.book("night", party(2, time))
    assert (answer.status, answer.json["code"]) == (422, "outside_service")


def test_a_stay_is_cut_at_closing_with_a_warning(harbour: Service) -> None:
    answer = harbour.book("harbour", party(2, "22:00"))
    booking = booked(answer)
    assert booking["endAt"][11:16] == "23:00"
    assert warnings_of(answer) == ["stay_shortened"]


def test_with_overrun_it_is_not(service: Service) -> None:
    service.put_restaurant(
        "late", house(2, services=[{"id": "d", "opens": "17:00", "closes": "23:00", "allowOverrun": True}])
    )
    answer = service.book("late", party(2, "23:00"))
    assert booked(answer)["endAt"].startswith(f"{evening(15)}T00:30")
    assert warnings_of(answer) == []


def test_a_length_of_ones_own(harbour: Service) -> None:
    assert booked(harbour.book("harbour", party(2, durationMinutes=45)))["endAt"][11:16] == "19:45"
    answer = harbour.book("harbour", party(2, durationMinutes=720))
    assert booked(answer)["endAt"][11:16] == "23:00"
    assert warnings_of(answer) == ["stay_shortened"]


def test_a_services_own_turn_times(service: Service) -> None:
    lunch = {
        "id": "lunch",
        "opens": "12:00",
        "closes": "16:00",
        "turnTimes": [{"maxParty": None, "minutes": 60}],
    }
    dinner = {"id": "dinner", "opens": "17:00", "closes": "23:00"}
    service.put_restaurant("two", house(2, services=[lunch, dinner]))
    noon = booked(service.book("two", party(2, "12:00")))
    assert (noon["service"], noon["endAt"][11:16]) == ("lunch", "13:00")
    night = booked(service.book("two", party(2, "17:00")))
    assert (night["service"], night["endAt"][11:16]) == ("dinner", "18:30")


def test_a_walk_in_of_a_moment_ago(service: Service) -> None:
    """A start up to five minutes ago is taken."""
    service.put_restaurant(
        "always",
        house(
            2,
            timezone="UTC",
            services=[
                {"id": "all", "opens": "00:00", "closes": "23:59", "allowOverrun": True},
                {"id": "m", "opens": "23:50", "closes": "01:00", "allowOverrun": True},
            ],
        ),
    )
    start = (datetime.now(UTC) - timedelta(minutes=3)).replace(second=0, microsecond=0)
    booking = booked(service.book("always", {"partySize": 2, "startAt": start.isoformat()}))
    assert utc(booking["startAt"]) == start
