"""When guests may book, and how many: dated services, pauses, notice, the largest party."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, at, evening, house, party, set_clock
from tests.harness.staff import booked, ledger, violated

GUEST = "bookings:write"
ALL_DAY = [{"id": "day", "opens": "00:00", "closes": "23:59", "allowOverrun": True}]


def open_house(service: Service, *capacities: int, **changes: Any) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0} | changes.pop("policy", {})
    document = house(*capacities or (2, 4, 10), policy=policy, timezone="UTC", **changes)
    assert service.put_restaurant("harbour", document).status == 201


def soon(minutes: int) -> dict[str, Any]:
    """A booking's body that starts so many minutes from now."""
    start = datetime.now(UTC) + timedelta(minutes=minutes)
    return {"partySize": 2, "startAt": start.strftime("%Y-%m-%dT%H:%M:00Z")}


def ahead(days: int) -> dict[str, Any]:
    return party(2, date=evening(days))


def patch(service: Service, booking: str, scope: str = GUEST, **change: Any) -> Answer:
    return service.http("bookings", "PATCH", f"/bookings/{booking}", body=change, scope=scope)


# --- notice, horizon, party size ---


def test_a_guest_gives_notice_and_staff_need_not(service: Service) -> None:
    open_house(service, services=ALL_DAY, policy={"minNoticeMinutes": 60})
    assert_problem(service.book("harbour", soon(50), scope=GUEST), 422, "too_soon")
    assert_problem(service.hold("harbour", soon(50), scope=GUEST), 422, "too_soon")
    assert service.book("harbour", soon(70), scope=GUEST).status == 201
    assert service.book("harbour", soon(50)).status == 201


def test_a_guest_books_so_far_ahead_and_staff_further(service: Service) -> None:
    open_house(service, policy={"maxDaysAhead": 30})
    assert service.book("harbour", ahead(30), scope=GUEST).status == 201
    assert_problem(service.book("harbour", ahead(31), scope=GUEST), 422, "too_far_ahead")
    assert service.book("harbour", ahead(31)).status == 201
    booking = booked(service, 2)
    assert_problem(patch(service, booking, date=evening(31), time="19:00"), 422, "too_far_ahead")
    assert patch(service, booking, "operations", date=evening(31), time="19:00").status == 200


def test_a_year_is_the_default(service: Service) -> None:
    open_house(service)
    assert_problem(service.book("harbour", ahead(367), scope=GUEST), 422, "too_far_ahead")
    assert service.book("harbour", ahead(364), scope=GUEST).status == 201


def test_a_large_party_calls(service: Service) -> None:
    open_house(service, policy={"maxPartyOnline": 6})
    assert_problem(service.book("harbour", party(7), scope=GUEST), 422, "party_needs_a_call")
    wish = {key: party(7)[key] for key in ("partySize", "date", "time")}
    assert_problem(service.hold("harbour", wish, scope=GUEST), 422, "party_needs_a_call")
    large = service.book("harbour", party(9)).json["booking"]["id"]
    small = booked(service, 2)
    assert_problem(patch(service, small, partySize=7), 422, "party_needs_a_call")
    assert patch(service, large, notes="A cake").status == 200
    assert patch(service, large, partySize=8).status == 200  # fewer are always welcome
    assert_problem(patch(service, large, partySize=10), 422, "party_needs_a_call")
    assert patch(service, large, "operations", partySize=10).status == 200


def test_a_booking_of_a_hold_is_not_asked_again(service: Service) -> None:
    """The hold was let in when it was made; only the clock has gone on."""
    open_house(service, services=ALL_DAY)
    hold = service.hold("harbour", soon(50), scope=GUEST).json
    stricter = house(2, 4, timezone="UTC", services=ALL_DAY, policy={"maxTables": 1, "minNoticeMinutes": 60})
    service.put_restaurant("harbour", stricter)
    body = {"partySize": 2, "startAt": hold["startAt"], "holdId": hold["holdId"]}
    assert service.book("harbour", body, scope=GUEST).status == 201


def test_availability_says_so_to_guests_only(service: Service) -> None:
    open_house(service, policy={"maxDaysAhead": 10, "maxPartyOnline": 3})

    def codes(size: int, days: int, scope: str) -> set[str | None]:
        query = {"date": evening(days), "partySize": str(size)}
        path = "/restaurants/harbour/availability"
        slots = service.http("bookings", "GET", path, query=query, scope=scope).json["slots"]
        return {None if slot["available"] else slot["reason"]["code"] for slot in slots}

    assert codes(2, 11, "bookings:read") == {"too_far_ahead"}
    assert codes(4, 9, "bookings:read") == {"party_needs_a_call"}
    assert codes(2, 9, "bookings:read") == codes(4, 11, "operations") == {None}


def test_alternatives_keep_the_notice(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    open_house(service, 2, services=ALL_DAY, policy={"minNoticeMinutes": 60, "bufferAfterMinutes": 0})
    noon = at("12:00")
    set_clock(monkeypatch, noon)
    wish = {"partySize": 2, "startAt": (noon + timedelta(minutes=90)).isoformat()}
    assert service.book("harbour", wish).status == 201
    refused = service.book("harbour", wish | {"onFull": "refuse", "durationMinutes": 45}, scope=GUEST)
    starts = [datetime.fromisoformat(each["startAt"]) for each in refused.json["alternatives"]]
    assert starts
    assert min(starts) >= noon + timedelta(minutes=60)


# --- dated services ---


def test_a_dated_service_is_the_only_one_of_its_date(service: Service) -> None:
    gala = {"id": "gala", "opens": "19:00", "closes": "23:30", "dates": [evening()]}
    dinner = {"id": "dinner", "opens": "17:00", "closes": "23:00"}
    open_house(service, services=[dinner, gala])
    assert service.book("harbour", party(2, time="19:30")).json["booking"]["service"] == "gala"
    assert_problem(service.book("harbour", party(2, time="17:30")), 422, "outside_service")
    assert service.book("harbour", party(2, time="17:30", date=evening(15))).status == 201
    assert service.availability("harbour", partySize=2).json["slots"][0]["time"] == "19:00"


# --- pauses ---


def with_pause(**changes: Any) -> dict[str, Any]:
    row = {"from": f"{evening()}T19:00", "to": f"{evening()}T19:30", "reason": "Fire drill"}
    return {"pauses": [row | changes]}


def test_nobody_starts_in_a_pause_and_who_is_booked_stays(service: Service) -> None:
    open_house(service, 2, 2)
    early = booked(service, 2, time="19:15")
    paused = house(2, 2, timezone="UTC", policy={"maxTables": 1, "bufferAfterMinutes": 0}, **with_pause())
    assert service.put_restaurant("harbour", paused).json["affected"] == []
    refused = service.book("harbour", party(2, time="19:15", onFull="refuse"))
    problem = assert_problem(refused, 409, "paused")
    assert problem["reason"]["category"] == "deterministic"
    assert "Fire drill" in problem["detail"]
    starts = {each["startAt"][11:16] for each in problem["alternatives"]}
    assert starts
    assert not starts & {"19:00", "19:15"}
    assert_problem(
        service.hold("harbour", {k: party()[k] for k in ("partySize", "date", "time")}), 409, "paused"
    )
    slots = {slot["time"]: slot for slot in service.availability("harbour", partySize=2).json["slots"]}
    found = [slots[time].get("reason", {}).get("code") for time in ("18:45", "19:00", "19:15", "19:30")]
    assert found == [None, "paused", "paused", None]
    assert patch(service, early, partySize=1).status == 200
    assert service.booking(early).json["booking"]["state"] == "confirmed"
    assert_problem(patch(service, early, time="19:00", date=evening()), 409, "paused")


def test_staff_set_a_pause_aside_by_name(service: Service) -> None:
    open_house(service, 2, 2, **with_pause())
    waiting = booked(service, 2)
    service.work()
    assert service.booking(waiting).json["booking"]["state"] == "manual_review"
    assert violated(service.assign(waiting, "T1")) == {"pacing"}
    assert service.assign(waiting, "T1", override=["pacing"]).status == 200
    assert ledger(service, waiting) == [("T1", ["pacing"])]
    assert service.assign(waiting, "T2").status == 200  # it is booked at this start already
    assert_consistent(service.database)


def test_a_pause_of_a_zone(service: Service) -> None:
    tables = [{"id": "T1", "zone": "main", "capacity": 2}, {"id": "P1", "zone": "patio", "capacity": 2}]
    zones = [{"id": "main"}, {"id": "patio"}]
    open_house(service, tables=tables, zones=zones, **with_pause(zones=["main"]))
    assert service.book("harbour", party(2)).json["booking"]["tables"] == ["P1"]
    assert_problem(service.book("harbour", party(2, onFull="refuse")), 409, "paused")
    assert service.book("harbour", party(2, time="18:45")).json["booking"]["tables"] == ["T1"]
