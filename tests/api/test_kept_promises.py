"""What a new floor document makes of the stays, musts and clocks that guests were promised."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Answer, Service, evening, house, party
from tests.harness.staff import attempts, history

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY = DAYS[datetime.fromisoformat(evening()).weekday()]
LONDON, NEW_YORK, TOKYO = "Europe/London", "America/New_York", "Asia/Tokyo"


def dinner(opens: str = "17:00", closes: str = "23:00", **more: Any) -> list[dict[str, Any]]:
    return [{"id": "dinner", "name": "Dinner", "opens": opens, "closes": closes, **more}]


def booked(service: Service, size: int = 2, time: str = "21:00", **more: Any) -> dict[str, Any]:
    booking: dict[str, Any] = service.book("harbour", party(size, time, **more)).json["booking"]
    assert booking["state"] == "confirmed"
    return booking


def read(service: Service, booking: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service.booking(booking["id"]).json["booking"]
    return found


def problems(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer.text
    return {each["bookingId"]: each["problem"] for each in answer.json["affected"]}


# --- stays that no service holds any more ---

LOST = {
    "closes earlier": (dinner(closes="20:00"), "There is no service at 21:00"),
    "closes during the stay": (dinner(closes="22:00"), "Dinner closes at 22:00, before the stay ends"),
    "last seating": (dinner(lastSeating="20:30"), "The last seating of Dinner is at 20:30"),
    "closed that weekday": (dinner(days=[d for d in DAYS if d != WEEKDAY]), "There is no service on"),
    "lunch only": (dinner("12:00", "15:00"), "There is no service at 21:00"),
    "no services": ([], "has no services"),
}


@pytest.mark.parametrize(("services", "problem"), LOST.values(), ids=LOST.keys())
def test_a_stay_outside_all_services_is_named_and_ends_with_a_person(
    service: Service, services: list[Any], problem: str
) -> None:
    service.put_restaurant("harbour", house(4, 4))
    booking = booked(service)
    document = house(4, 4, services=services)
    with nothing_written(service):
        tried = service.put_restaurant("harbour", document, query={"dryRun": "true"})
    done = service.put_restaurant("harbour", document)
    assert tried.text == done.text
    assert problem in problems(done)[booking["id"]]
    service.work()
    now = read(service, booking)
    assert (now["state"], now["tables"]) == ("manual_review", [])
    [case] = call("operations", "GET", "/restaurants/harbour/manual-review").json["items"]
    assert case["reason"]["code"] == "outside_service"
    assert problem in case["reason"]["detail"]
    service.put_restaurant("harbour", house(4, 4))
    service.work()
    assert read(service, booking)["state"] == "confirmed"
    assert_consistent(service.database)


def test_a_closed_house_is_the_reason_for_a_person(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = booked(service)
    closure = {"from": f"{evening()}T22:00", "to": f"{evening()}T22:30", "reason": "A wedding"}
    answer = service.put_restaurant("harbour", house(4, closures=[closure]))
    assert "A wedding" in problems(answer)[booking["id"]]
    service.work()
    [case] = call("operations", "GET", "/restaurants/harbour/manual-review").json["items"]
    assert case["reason"]["code"] == "closed"


KEPT = {
    "another service": [*dinner("20:00", "23:00"), {"id": "late", "opens": "21:30", "closes": "02:00"}],
    "another id": [{"id": "supper", "opens": "18:00", "closes": "23:00"}],
    "overrun": dinner(closes="21:00", allowOverrun=True),
    "overnight": dinner("20:00", "03:00"),
    "the very last seating": dinner(lastSeating="21:00"),
    "the very end": dinner(closes="22:30"),
}


@pytest.mark.parametrize("services", KEPT.values(), ids=KEPT.keys())
def test_a_stay_that_a_service_still_holds_is_kept(service: Service, services: list[Any]) -> None:
    service.put_restaurant("harbour", house(4))
    booking = booked(service)
    assert problems(service.put_restaurant("harbour", house(4, services=services))) == {}
    assert read(service, booking) == booking
    same = {"partySize": 2, "date": evening(), "time": "21:00", "notes": "by the window"}
    changed = call("bookings", "PATCH", f"/bookings/{booking['id']}", body=same)
    assert (changed.status, changed.json["booking"]["state"]) == (200, "confirmed")


def test_a_night_that_ends_tomorrow_belongs_to_the_day_it_began(service: Service) -> None:
    night = dinner("18:00", "03:00", days=[WEEKDAY])
    service.put_restaurant("harbour", house(4, services=night))
    tomorrow = evening(15)
    booking = booked(service, 2, "00:30", date=tomorrow)
    assert problems(service.put_restaurant("harbour", house(4, services=night, name="Renamed"))) == {}
    shorter = dinner("18:00", "01:00", days=[WEEKDAY])
    answer = service.put_restaurant("harbour", house(4, services=shorter))
    assert problems(answer) == {booking["id"]: "Dinner closes at 01:00, before the stay ends"}


def test_a_stay_that_was_shortened_to_closing_is_kept(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = booked(service, 2, "22:10")
    assert booking["endAt"].endswith("T23:00:00+00:00")
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "minDiningMinutes": 90}
    assert problems(service.put_restaurant("harbour", house(4, policy=policy))) == {}
    assert read(service, booking) == booking


# --- musts, walk-in tables, what a person chose ---


def test_a_must_that_is_lost_is_a_broken_promise(service: Service) -> None:
    document = house(4, 4, zones=[{"id": "main"}, {"id": "bar"}])
    for table in document["tables"]:
        table["attributes"] = ["window"]
    service.put_restaurant("harbour", document)
    window = booked(service, preferences={"required": ["window"]})
    zone = booked(service, preferences={"zone": "main", "zoneRequired": True})
    document["tables"][0 if window["tables"] == ["T1"] else 1]["attributes"] = []
    document["tables"][0 if zone["tables"] == ["T1"] else 1]["zone"] = "bar"
    found = problems(service.put_restaurant("harbour", document, query={"dryRun": "true"}))
    assert "do not have window" in found[window["id"]]
    assert "must sit in the zone main" in found[zone["id"]]


def test_a_wish_that_is_lost_is_none_and_the_zone_follows_the_table(service: Service) -> None:
    document = house(4, zones=[{"id": "main"}, {"id": "bar"}])
    service.put_restaurant("harbour", document)
    wish = booked(service, preferences={"zone": "main"})
    hold = service.hold("harbour", {"partySize": 2, "date": evening(), "time": "18:00"}).json
    document["tables"][0]["zone"] = "bar"
    assert problems(service.put_restaurant("harbour", document)) == {}
    assert read(service, wish)["zone"] == "bar"
    body = party(2, "18:00", holdId=hold["holdId"])
    made = service.book("harbour", body).json["booking"]
    assert made["zone"] == read(service, made)["zone"] == "bar"
    document["tables"][0] |= {"zone": "main", "capacity": 6}
    assert problems(service.put_restaurant("harbour", document)) == {}
    assert read(service, wish)["zone"] == "main"
    assert_consistent(service.database)


def test_a_table_kept_for_walk_ins_is_given_up_unless_a_person_chose_it(service: Service) -> None:
    service.put_restaurant("harbour", house(4, 4, 4, 4))
    planned = booked(service)
    pinned, chosen = booked(service), booked(service)
    assert service.assign(pinned["id"], "T2").status == 200
    assert service.assign(chosen["id"], "T3", pin=False).status == 200
    document = house(4, 4, 4, 4)
    for table in document["tables"][:3]:
        table["walkInOnly"] = True
    assert planned["tables"] == ["T1"]
    answer = service.put_restaurant("harbour", document)
    assert problems(answer) == {planned["id"]: "Table T1 is kept for walk-ins"}
    service.work()
    assert read(service, planned)["tables"] == ["T4"]
    assert problems(service.put_restaurant("harbour", document)) == {}


def test_what_a_person_set_aside_stays_set_aside(service: Service) -> None:
    service.put_restaurant("harbour", house(2, 6))
    crowded = booked(service, 4)
    assert service.assign(crowded["id"], "T1", override=["capacity"]).status == 200
    assert problems(service.put_restaurant("harbour", house(2, 6, name="Renamed"))) == {}
    answer = service.put_restaurant("harbour", house(2, 6, services=dinner(closes="20:00")))
    assert list(problems(answer)) == [crowded["id"]]


# --- another time zone ---


def keeping(service: Service, what: str, timezone: str, *capacities: int, **changes: Any) -> Answer:
    """The same answer twice: what a dry run says, then what is done."""
    document = house(*capacities, timezone=timezone, **changes)
    service.messages("assign")
    with nothing_written(service):
        tried = service.put_restaurant("harbour", document, query={"bookings": what, "dryRun": "true"})
    done = service.put_restaurant("harbour", document, query={"bookings": what})
    assert (tried.status, tried.text) == (done.status, done.text)
    return done


def test_another_time_zone_asks_what_the_bookings_keep(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    service.put_restaurant("harbour", house(4, timezone=TOKYO))  # nobody has booked yet
    service.put_restaurant("harbour", house(4))
    confirmed, waiting = booked(service), service.book("harbour", party(4, "21:00")).json["booking"]
    service.messages("assign")
    for query in ({}, {"dryRun": "true"}):
        with nothing_written(service):
            answer = service.put_restaurant("harbour", house(4, timezone=TOKYO), query=query)
        problem = assert_problem(answer, 409, "timezone_has_bookings")
        assert {each["bookingId"] for each in problem["affected"]} == {confirmed["id"], waiting["id"]}
        assert "2 bookings" in problem["detail"]
    service.cancel(confirmed["id"])
    service.cancel(waiting["id"])
    assert service.put_restaurant("harbour", house(4, timezone=TOKYO)).status == 200


@pytest.mark.parametrize("value", ["", "keep", "KEEP_INSTANT", "true"])
def test_what_the_bookings_keep_is_one_of_two(service: Service, value: str) -> None:
    with nothing_written(service):
        answer = service.put_restaurant("harbour", house(4), query={"bookings": value})
        assert_problem(answer, 422, "invalid_request", "bookings")


@pytest.mark.parametrize("timezone", [NEW_YORK, TOKYO])
def test_clock_times_that_are_kept_are_other_moments(service: Service, timezone: str) -> None:
    service.put_restaurant("harbour", house(4))
    early, late = booked(service, 4, "19:00"), booked(service, 4, "20:45")
    waiting = service.book("harbour", party(4, "19:00")).json["booking"]
    service.work()
    assert read(service, waiting)["state"] == "manual_review"
    service.scheduled("relay")
    service.messages("notification")
    assert problems(keeping(service, "keep_local_time", timezone, 4)) == {}
    for booking in (early, late):
        moved = read(service, booking)
        assert moved["startAt"][:19] == booking["startAt"][:19]
        assert moved["endAt"][:19] == booking["endAt"][:19]
        assert datetime.fromisoformat(moved["startAt"]).utcoffset() == ZoneInfo(timezone).utcoffset(
            datetime.fromisoformat(booking["startAt"])
        )
        assert (moved["state"], moved["tables"]) == ("confirmed", ["T1"])
        assert moved["version"] == booking["version"] + 1
        last = history(booking["id"])[-1]
        assert (last["fromState"], last["toState"], last["reason"]) == (
            "confirmed",
            "confirmed",
            "layout_change",
        )
        assert last["metadata"]["fromStartAt"] == booking["startAt"]
    letters = service.database.query(
        "select booking_id::text, kind, variant from notifications where request_version = 2 order by 1"
    )
    assert sorted(letters) == sorted((each["id"], "confirmed", "modified") for each in (early, late))
    assert read(service, waiting)["startAt"][:19] == waiting["startAt"][:19]
    service.work()
    assert read(service, waiting)["status"] == "pending"
    service.cancel(early["id"])
    service.work()
    seated = read(service, waiting)
    assert (seated["state"], seated["startAt"][:19]) == ("confirmed", waiting["startAt"][:19])
    assert_consistent(service.database)


def test_a_clock_time_that_is_no_longer_served_waits_and_is_told(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = booked(service)
    answer = keeping(service, "keep_local_time", NEW_YORK, 4, services=dinner(closes="20:00"))
    assert problems(answer) == {booking["id"]: f"There is no service at 21:00 on {evening()}"}
    moved = read(service, booking)
    assert (moved["state"], moved["tables"]) == ("assignment_pending", [])
    assert moved["startAt"][:19] == booking["startAt"][:19]
    kinds = service.database.query("select kind from notifications where request_version = 2")
    assert kinds == [("modification_pending",)]
    service.work()
    assert read(service, booking)["state"] == "manual_review"


def test_a_stay_that_moves_into_a_hold_waits(service: Service) -> None:
    """London to New York: 17:00 becomes the moment at which 22:00 was, which somebody else has on hold."""
    service.put_restaurant("harbour", house(4))
    booking = booked(service, 2, "17:00")
    assert service.hold("harbour", {"partySize": 2, "date": evening(), "time": "22:00"}).status == 201
    answer = keeping(service, "keep_local_time", NEW_YORK, 4)
    assert problems(answer) == {booking["id"]: "Table T1 is taken at the new time"}
    assert_consistent(service.database)


def test_moments_that_are_kept_are_checked_on_the_new_clock(service: Service) -> None:
    service.put_restaurant("harbour", house(4, 4))
    early, late = booked(service, 4, "17:00"), booked(service, 4, "21:30")
    answer = keeping(service, "keep_instant", "Europe/Athens", 4, 4)  # two hours ahead
    assert problems(answer) == {late["id"]: f"There is no service at 23:30 on {evening()}"}
    kept = read(service, early)
    assert datetime.fromisoformat(kept["startAt"]) == datetime.fromisoformat(early["startAt"])
    assert (kept["state"], kept["version"]) == ("confirmed", early["version"])
    letters = service.database.query("select count(*) from notifications where request_version > 1")
    assert letters == [(0,)]


def test_a_moment_on_another_day_of_the_new_clock_is_listed_there(service: Service) -> None:
    round_the_clock = [
        {"id": "day", "opens": "06:00", "closes": "18:00", "allowOverrun": True},
        {"id": "night", "opens": "18:00", "closes": "06:00", "allowOverrun": True},
    ]
    service.put_restaurant("harbour", house(4, services=round_the_clock))
    booking = booked(service, 2, "22:00")
    answer = keeping(service, "keep_instant", TOKYO, 4, services=round_the_clock)
    assert problems(answer) == {}
    kept = read(service, booking)
    assert (kept["service"], kept["version"]) == ("day", booking["version"] + 1)
    listed = call("bookings", "GET", "/restaurants/harbour/bookings", query={"date": evening(15)})
    assert [each["id"] for each in listed.json["items"]] == [booking["id"]]


def test_a_new_time_zone_takes_a_waiting_booking_from_its_worker(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booked(service, 4)
    waiting = service.book("harbour", party(4, "21:00")).json["booking"]
    service.database.query(
        "update bookings set state = 'assignment_in_progress', version = version + 1, lease_token ="
        " gen_random_uuid(), lease_until = now() + interval '1 minute' where id = %s::uuid",
        waiting["id"],
    )
    keeping(service, "keep_local_time", NEW_YORK, 4)
    assert read(service, waiting)["state"] == "assignment_pending"
    service.work()
    assert [each["trigger"] for each in attempts(waiting["id"])] == ["inline_creation", "layout_change"]
    assert datetime.now(UTC) + timedelta(days=12) < datetime.fromisoformat(read(service, waiting)["startAt"])
