"""The floor of a day, as the page lays it out, after the true handlers wrote it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from localstack.page.records import MOST_EVENTS, DayRows, Records, Unknown, floor_of_day
from tests.harness.fixtures import service
from tests.harness.service import Service, at, evening, house, party, set_clock

__all__ = ["service"]

DAYS_AHEAD = 5
DAY = date.fromisoformat(evening(DAYS_AHEAD))


def records(service: Service) -> Records:
    return Records(service.database.server.dsn(service.database.name))


def book(service: Service, size: int, time: str = "19:00", **changes: Any) -> dict[str, Any]:
    body = party(size, time, date=DAY.isoformat(), **changes)
    booking: dict[str, Any] = service.book("harbour", body).json["booking"]
    return booking


def open_house(service: Service, *capacities: int, name: str = "harbour", **changes: Any) -> None:
    assert service.put_restaurant(name, house(*capacities, **changes)).status == 201


def act(service: Service, booking: dict[str, Any], what: str) -> None:
    answer = service.http("operations", "POST", f"/bookings/{booking['id']}/{what}")
    assert answer.status == 200, answer.text


def test_stays_holds_and_who_waits(service: Service) -> None:
    open_house(service, 2, 4)
    seats = book(service, 4)
    created = service.hold("harbour", {"partySize": 2, "date": DAY.isoformat(), "time": "19:00"}).json
    waits = book(service, 2)
    floor = records(service).floor("harbour", DAY)
    stay, hold = floor["stays"]
    assert (stay["table"], stay["party"], stay["reference"], stay["words"], stay["guest"]) == (
        "T2", 4, seats["reference"], "19:00-20:45", "Ada",
    )  # fmt: skip
    assert stay["starts"] == datetime.fromisoformat(seats["startAt"]).timestamp()
    assert (hold["kind"], hold["table"], hold["party"], hold["hold"]) == (
        "hold",
        "T1",
        2,
        created["holdId"],
    )
    assert [row["reference"] for row in floor["pending"]] == [waits["reference"]]
    assert floor["pending"][0]["reason"] == "hold_conflict"
    assert [table["id"] for table in floor["tables"]] == ["T1", "T2"]
    assert [hour["label"] for hour in floor["hours"]] == ["17", "18", "19", "20", "21", "22", "23"]
    assert floor["moves"] == []


def test_an_expired_hold_and_a_cancelled_booking_are_not_on_the_floor(service: Service) -> None:
    open_house(service, 2, 4)
    created = service.hold("harbour", {"partySize": 2, "date": DAY.isoformat(), "time": "19:00"}).json
    service.database.query("update holds set expires_at = now() where id = %s", created["holdId"])
    assert service.cancel(book(service, 4)["id"]).status == 200
    floor = records(service).floor("harbour", DAY)
    assert (floor["stays"], floor["pending"]) == ([], [])


def test_a_move_is_shown_where_it_went_and_where_it_came_from(service: Service) -> None:
    open_house(service, 2, 4)
    first, second = book(service, 2), book(service, 2)
    assert service.cancel(first["id"]).status == 200
    mover = book(service, 4)
    floor = records(service).floor("harbour", DAY)
    (move,) = floor["moves"]
    assert (move["reference"], move["from_tables"], move["to_tables"], move["moved_for"]) == (
        second["reference"], ["T2"], ["T1"], mover["reference"],
    )  # fmt: skip
    assert {stay["reference"]: (stay["table"], stay["moved"]) for stay in floor["stays"]} == {
        second["reference"]: ("T1", True),
        mover["reference"]: ("T2", False),
    }


def test_who_has_left_is_shown_at_the_tables_of_the_end(service: Service) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "earlySeatMinutes": 43_200}  # the evening is days away
    open_house(service, 2, 4, policy=policy)
    left = book(service, 2)
    assert service.assign(left["id"], "T2").status == 200
    act(service, left, "seat")
    act(service, left, "complete")
    (stay,) = records(service).floor("harbour", DAY)["stays"]
    assert (stay["table"], stay["state"]) == ("T2", "completed")


def test_who_sits_is_shown_from_then_on_and_never_leaves_before_now(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table out of order is shown too."""
    set_clock(monkeypatch, at("18:30", DAYS_AHEAD))
    open_house(service, 2, 4)
    early = book(service, 2, "19:00")
    act(service, early, "seat")
    path, until = "/restaurants/harbour/tables/T2/block", at("20:00", DAYS_AHEAD).isoformat()
    body = {"until": until, "reason": "a leg is loose"}
    assert service.http("operations", "POST", path, body=body).status == 200
    stay, block = records(service).floor("harbour", DAY)["stays"]
    assert (stay["state"], stay["words"]) == ("seated", "18:30-20:00")
    assert (block["kind"], block["table"], block["words"], block["reason"]) == (
        "block", "T2", "18:30-20:00", "a leg is loose",
    )  # fmt: skip
    service.database.query(
        "update bookings set seated_at = now() - interval '2 days' where id = %s", early["id"]
    )
    sat = records(service).floor("harbour", DAY)["stays"][0]
    assert sat["ends"] == pytest.approx(datetime.now(UTC).timestamp(), abs=60)


def test_the_hours_of_a_day_are_not_those_of_a_party_that_never_leaves() -> None:
    floor = laid_out("UTC", "17:00", "23:00", date(2026, 12, 4), datetime(2026, 12, 6, tzinfo=UTC))
    assert [floor["begins"], floor["ends"]] == [
        datetime(2026, 12, 4, 17, tzinfo=UTC).timestamp(), datetime(2026, 12, 5, 12, tzinfo=UTC).timestamp(),
    ]  # fmt: skip


def test_restaurants_are_apart(service: Service) -> None:
    open_house(service, 2)
    open_house(service, 2, name="other")
    booking = book(service, 2)
    look = records(service)
    assert look.floor("other", DAY)["stays"] == []
    assert look.days("other") == []
    assert look.days("harbour") == [{"day": DAY.isoformat(), "bookings": 1}]
    assert [each["id"] for each in look.restaurants()] == ["harbour", "other"]
    with pytest.raises(Unknown):
        look.floor("nowhere", DAY)
    assert booking["reference"] not in str(look.floor("other", DAY))


def test_events_newest_first_and_of_one_correlation(service: Service) -> None:
    open_house(service, 2)
    mine = book(service, 2)
    book(service, 2)
    look = records(service)
    everything = look.events("", MOST_EVENTS)
    assert [event["at"] for event in everything] == sorted((e["at"] for e in everything), reverse=True)
    assert len(everything) == service.database.value("select count(*) from observability_events")
    of_booking = look.events(mine["id"], MOST_EVENTS)
    assert {event["booking"] for event in of_booking} == {mine["id"]}
    correlation = of_booking[0]["correlation"]
    assert {event["correlation"] for event in look.events(correlation, MOST_EVENTS)} == {correlation}
    assert look.events(str(uuid4()), MOST_EVENTS) == []
    assert look.events("' or true --", MOST_EVENTS) == []
    assert len(look.events("", 1)) == 1


def test_the_page_can_not_write(service: Service) -> None:
    with records(service)._connect() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("delete from bookings")


def laid_out(zone: str, opens: str, closes: str, day: date, *starts: datetime) -> dict[str, Any]:
    document = {"services": [{"opens": opens, "closes": closes}], "tables": []}
    rows = [
        {"booking": str(i), "starts": start, "ends": start + timedelta(hours=2)}
        for i, start in enumerate(starts)
    ]
    rows_of_day = DayRows(stays=rows, holds=[], blocks=[], pending=[], moves=[])
    return floor_of_day({"name": "N", "timezone": zone, "document": document}, day, rows_of_day)


def test_a_service_past_midnight_ends_on_the_next_day() -> None:
    floor = laid_out("Europe/London", "18:00", "01:30", date(2026, 12, 4))
    assert [hour["label"] for hour in floor["hours"]] == [
        "18",
        "19",
        "20",
        "21",
        "22",
        "23",
        "00",
        "01",
        "02",
    ]


def test_the_night_of_the_clock_change_has_its_25_hours() -> None:
    """Between 00:00 and 03:00 of that night lie four hours."""
    floor = laid_out("Europe/Berlin", "22:00", "04:00", date(2026, 10, 24))
    assert floor["ends"] - floor["begins"] == 7 * 3600
    assert [hour["label"] for hour in floor["hours"]] == ["22", "23", "00", "01", "02", "02", "03", "04"]


def test_a_stay_outside_the_hours_widens_them_and_is_told_in_the_venues_time() -> None:
    early = datetime(2026, 12, 4, 9, 30, tzinfo=UTC)
    floor = laid_out("Asia/Kolkata", "17:00", "23:00", date(2026, 12, 4), early)
    assert floor["stays"][0]["words"] == "15:00-17:00"
    assert floor["begins"] <= early.timestamp()
    assert (floor["hours"][0]["label"], len(floor["hours"])) == ("15", 9)
