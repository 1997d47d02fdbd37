"""Covers by slot and by zone, behind the true handlers and the true snapshot."""

from typing import Any

from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, house, party
from tests.harness.staff import booked

ZONES = [{"id": "main"}, {"id": "patio"}]
TABLES = [
    *({"id": f"T{number}", "zone": "main", "capacity": 4} for number in range(3)),
    *({"id": f"P{number}", "zone": "patio", "capacity": 4} for number in range(3)),
]


def open_house(service: Service, **pacing: Any) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "pacing": {"slotMinutes": 30, **pacing}}
    document = house(tables=TABLES, zones=ZONES, policy=policy)
    answer = service.put_restaurant("harbour", document)
    assert answer.status in {200, 201}, answer.text


def refused(service: Service, size: int, **changes: Any) -> Answer:
    return service.book("harbour", party(size, onFull="refuse", **changes))


def in_main(size: int = 4, **changes: Any) -> dict[str, Any]:
    return party(size, preferences={"zone": "main", "zoneRequired": True}, onFull="refuse", **changes)


def test_a_zone_takes_so_many_guests_in_a_slot(service: Service) -> None:
    open_house(service, perZone={"main": 6})
    assert service.book("harbour", in_main()).status == 201
    assert_problem(service.book("harbour", in_main()), 409, "pacing")
    assert service.book("harbour", in_main(2)).status == 201
    assert service.book("harbour", in_main(time="17:00")).status == 201
    zones = [service.book("harbour", party(4)).json["booking"]["zone"] for _ in range(3)]
    assert zones == ["patio"] * 3
    slots = service.availability("harbour", partySize=4, zone="main").json["slots"]
    closed = {slot["time"]: slot["reason"]["code"] for slot in slots if not slot["available"]}
    assert closed["19:00"] == "pacing"


def test_a_hold_counts_in_its_zone_and_not_against_its_own_booking(service: Service) -> None:
    open_house(service, perZone={"main": 4, "patio": 0})
    wish = {key: party(4)[key] for key in ("partySize", "date", "time")}
    hold = service.hold("harbour", wish).json
    assert refused(service, 1).json["code"] == "hold_conflict"
    answer = service.book("harbour", party(4, holdId=hold["holdId"]))
    assert answer.json["booking"]["zone"] == "main"
    assert_problem(refused(service, 1), 409, "pacing")


def test_a_change_is_not_counted_twice_in_its_zone(service: Service) -> None:
    open_house(service, perZone={"main": 4, "patio": 0})
    booking = booked(service, 2)
    path = f"/bookings/{booking}"
    assert service.http("bookings", "PATCH", path, body={"partySize": 4}).status == 200
    stricter = {"perZone": {"main": 2, "patio": 0}}
    open_house(service, **stricter)
    assert service.http("bookings", "PATCH", path, body={"partySize": 3}).status == 200
    assert_problem(service.http("bookings", "PATCH", path, body={"partySize": 4}), 409, "pacing")


def test_who_is_moved_by_a_person_is_counted_where_they_sit(service: Service) -> None:
    open_house(service, perZone={"main": 4})
    booking = booked(service, 4, preferences={"zone": "main"})
    assert service.assign(booking, "P0").status == 200
    assert service.book("harbour", in_main()).status == 201


def test_a_slot_has_its_own_limit(service: Service) -> None:
    open_house(service, maxCoversPerSlot=4, perSlot=[{"time": "19:00", "maxCovers": 2}])
    assert_problem(refused(service, 3), 409, "pacing")
    assert refused(service, 3, time="19:30").status == 201
    assert refused(service, 2, time="19:29").status == 201
    assert_problem(refused(service, 1, time="19:15"), 409, "pacing")


def test_a_lowered_limit_refuses_no_change_that_asks_for_no_more(service: Service) -> None:
    open_house(service)
    booking = booked(service, 4)
    booked(service, 4)
    open_house(service, maxCoversPerSlot=2)
    path = f"/bookings/{booking}"
    for change in ({"partySize": 3}, {"time": "19:10", "date": party()["date"]}):
        assert service.http("bookings", "PATCH", path, body=change).status == 200, change
    assert_problem(service.http("bookings", "PATCH", path, body={"partySize": 4}), 409, "pacing")
    later = {"time": "19:30", "date": party()["date"]}
    assert_problem(service.http("bookings", "PATCH", path, body=later), 409, "pacing")
