"""Guests change their minds: what a PATCH keeps, moves, refuses and tells."""

from typing import Any

import pytest

from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, evening, house, party

_ZONES = [{"id": "main", "name": "Main room"}, {"id": "terrace", "name": "Terrace"}]


def patch(service: Service, booking: Any, body: Any, **request: Any) -> Answer:
    return service.http("bookings", "PATCH", f"/bookings/{booking['id']}", body=body, **request)


def booked(service: Service, *args: Any, **changes: Any) -> dict[str, Any]:
    answer = service.book("harbour", party(*args, **changes))
    assert answer.status == 201, answer.text
    booking: dict[str, Any] = answer.json["booking"]
    return booking


def read(service: Service, booking: Any) -> dict[str, Any]:
    found: dict[str, Any] = service.booking(booking["id"]).json["booking"]
    return found


def ledger(service: Service, booking: Any) -> list[Any]:
    return service.database.query(
        "select table_id, lower(occupied) from allocations where live and booking_id = %s order by 1",
        booking["id"],
    )


def mails(service: Service, booking: Any) -> list[Any]:
    return service.database.query(
        "select kind, variant, request_version from notifications where booking_id = %s"
        " order by created_at, kind",
        booking["id"],
    )


def test_another_time_moves_the_stay_and_tells_the_guest_once(harbour: Service) -> None:
    booking = booked(harbour, 4, "19:00")
    answer = patch(harbour, booking, {"date": evening(), "time": "20:00"})
    assert answer.status == 200, answer.text
    after, assignment = answer.json["booking"], answer.json["assignment"]
    assert after["startAt"].startswith(f"{evening()}T20:00")
    assert (after["state"], after["version"]) == ("confirmed", booking["version"] + 1)
    assert (assignment["trigger"], assignment["outcome"]) == ("inline_modification", "confirmed")
    assert read(harbour, booking) == after
    assert len(ledger(harbour, booking)) == 1
    assert mails(harbour, booking) == [("confirmed", "standard", 1), ("confirmed", "modified", 2)]
    history = harbour.http("operations", "GET", f"/bookings/{booking['id']}/history").json["items"]
    last = history[-1]
    assert (last["fromState"], last["toState"], last["reason"]) == ("confirmed", "confirmed", "modified")
    assert last["version"] == after["version"]
    [summary] = harbour.events("auto_assign.summary", booking["id"])[1:]
    assert (summary["result"], summary["trigger"]) == ("confirmed", "inline_modification")
    assert len(harbour.events("auto_assign.quote", booking["id"])) == 2


def test_a_larger_party_gets_a_larger_table(harbour: Service) -> None:
    booking = booked(harbour, 2)
    after = patch(harbour, booking, {"partySize": 4}).json["booking"]
    assert (after["partySize"], after["tables"]) == (4, ["T3"])
    assert booked(harbour, 2)["tables"] == booking["tables"]  # which have been let go


def test_ones_own_table_is_no_obstacle(service: Service) -> None:
    """Half an hour later on the only table overlaps nobody but oneself."""
    service.put_restaurant("harbour", house(4))
    booking = booked(service, 2, "19:00")
    after = patch(service, booking, {"date": evening(), "time": "19:30"})
    assert after.status == 200, after.text
    assert after.json["booking"]["tables"] == ["T1"]


def test_ones_own_covers_do_not_count_against_the_pacing(service: Service) -> None:
    paced = {"maxTables": 1, "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    service.put_restaurant("harbour", house(4, 4, policy=paced))
    booking = booked(service, 3, "19:00")
    assert patch(service, booking, {"partySize": 4}).status == 200
    assert booked(service, 2, "19:00")["state"] == "assignment_pending"


def test_b13_no_table_keeps_the_old_booking_untouched(harbour: Service) -> None:
    booking = booked(harbour, 2, "19:00")
    for size in (2, 4):
        booked(harbour, size, "21:00")
    booked(harbour, 2, "21:00")
    before = read(harbour, booking), ledger(harbour, booking), mails(harbour, booking)
    answer = patch(harbour, booking, {"date": evening(), "time": "21:00"})
    assert_problem(answer, 409, "no_capacity")
    assert answer.json["reason"]["code"] == "no_capacity"
    assert answer.json["alternatives"]
    assert (read(harbour, booking), ledger(harbour, booking), mails(harbour, booking)) == before
    attempts = harbour.http("operations", "GET", f"/bookings/{booking['id']}/attempts").json["items"]
    assert [item["outcome"] for item in attempts] == ["confirmed", "refused"]
    for recorded in answer.json["alternatives"]:
        assert patch(harbour, booking, {"startAt": recorded["startAt"]}).status == 200


def test_pend_lets_the_old_table_go_and_wakes_who_waits_for_it(service: Service) -> None:
    service.put_restaurant("harbour", house(2, 4))
    booking = booked(service, 2, "19:00")
    assert booked(service, 4, "19:00")["tables"] == ["T2"]
    waiting = booked(service, 2, "19:00")
    assert waiting["state"] == "assignment_pending"
    service.work()
    answer = patch(service, booking, {"partySize": 5, "onFull": "pend"})
    assert answer.status == 200, answer.text
    after = answer.json["booking"]
    assert (after["state"], after["tables"]) == ("assignment_pending", [])
    assert answer.json["assignment"]["outcome"] == "deferred"
    kinds = [(kind, version) for kind, _, version in mails(service, booking)]
    assert kinds == [("confirmed", 1), ("modification_pending", 2)]
    service.work()
    assert read(service, waiting)["tables"] == ["T1"]
    assert read(service, booking)["state"] == "manual_review"


def test_a_pending_booking_is_tried_at_once(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booked(service, 4, "19:00")
    waiting = booked(service, 2, "19:00")
    answer = patch(service, waiting, {"date": evening(), "time": "21:00"})
    assert answer.json["booking"]["state"] == "confirmed"
    service.work()  # the job's message of the old request
    assert read(service, waiting)["state"] == "confirmed"
    assert [kind for kind, _, _ in mails(service, waiting)] == ["request_received", "confirmed"]
    results = [e["result"] for e in service.events("auto_assign.summary", waiting["id"])]
    assert results == ["deferred", "confirmed", "already_confirmed"]


def test_out_of_review_by_way_of_pending(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booked(service, 4, "19:00")
    waiting = booked(service, 2, "19:00")
    service.work()
    assert read(service, waiting)["state"] == "manual_review"
    assert patch(service, waiting, {"date": evening(), "time": "21:00"}).status == 200
    history = service.http("operations", "GET", f"/bookings/{waiting['id']}/history").json["items"]
    assert [item["toState"] for item in history][-3:] == [
        "assignment_pending", "assignment_in_progress", "confirmed",
    ]  # fmt: skip
    assert [item["version"] for item in history] == list(range(1, len(history) + 1))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"partySize": 2, "date": evening(), "time": "19:00"}, id="the same again"),
        pytest.param({"startAt": f"{evening()}T19:00:00Z"}, id="the same moment, spelt otherwise"),
        pytest.param({"guest": {"name": "Ada"}, "notes": None, "preferences": {}}, id="the same details"),
    ],
)
def test_t10_a_change_to_what_already_is_changes_nothing(harbour: Service, body: Any) -> None:
    harbour.put_restaurant("harbour", house(2, 2, 4) | {"timezone": "UTC"})
    booking = booked(harbour, 2)
    before = read(harbour, booking), ledger(harbour, booking), mails(harbour, booking)
    answer = patch(harbour, booking, body)
    assert answer.status == 200, answer.text
    assert answer.json["booking"] == before[0]
    assert (read(harbour, booking), ledger(harbour, booking), mails(harbour, booking)) == before
    assert len(harbour.events("auto_assign.quote", booking["id"])) == 1


def test_details_change_without_an_attempt(harbour: Service) -> None:
    booking = booked(harbour, 2)
    body = {"guest": {"phone": "+44 20 1", "email": None}, "notes": "A birthday"}
    after = patch(harbour, booking, body).json["booking"]
    assert after["guest"] == {"name": "Ada", "phone": "+44 20 1"}
    assert (after["notes"], after["tables"]) == ("A birthday", booking["tables"])
    assert after["version"] == booking["version"] + 1
    assert patch(harbour, booking, {"notes": None}).json["booking"]["notes"] is None
    assert len(mails(harbour, booking)) == 1
    assert len(harbour.events("auto_assign.quote", booking["id"])) == 1


def test_details_of_a_waiting_booking_do_not_stop_the_job(service: Service) -> None:
    """The job's message is of the old version; the change brings a new one."""
    service.put_restaurant("harbour", house(4))
    first = booked(service, 4)
    waiting = booked(service, 2)
    assert patch(service, waiting, {"notes": "A birthday"}).status == 200
    assert service.cancel(first["id"]).status == 200
    service.work()
    assert read(service, waiting)["state"] == "confirmed"


def test_wishes_that_the_present_table_grants_keep_it(service: Service) -> None:
    tables = [{"id": f"T{i}", "zone": "main", "capacity": 2, "attributes": ["window"]} for i in (1, 2)]
    service.put_restaurant("harbour", house(tables=tables))
    booking = booked(service, 2)
    wishes = {"zone": "main", "zoneRequired": True, "attributes": ["window"], "required": ["window"]}
    after = patch(service, booking, {"preferences": wishes}).json["booking"]
    assert (after["tables"], after["preferences"]) == (booking["tables"], wishes)
    assert len(service.events("auto_assign.quote", booking["id"])) == 1


def test_a_must_that_the_present_table_does_not_meet_takes_another(service: Service) -> None:
    tables = [
        {"id": "T1", "zone": "main", "capacity": 2},
        {"id": "T2", "zone": "terrace", "capacity": 4, "attributes": ["heated"]},
    ]
    service.put_restaurant("harbour", house(tables=tables, zones=_ZONES))
    booking = booked(service, 2)
    assert booking["tables"] == ["T1"]
    wish = {"preferences": {"zone": "terrace"}}
    assert patch(service, booking, wish).json["booking"]["tables"] == ["T2"]
    must = {"preferences": {"zone": "main", "zoneRequired": True, "required": ["heated"]}}
    assert patch(service, booking, must).status == 409
    assert read(service, booking)["tables"] == ["T2"]


def test_if_match(harbour: Service) -> None:
    booking = booked(harbour, 2)
    version = booking["version"]
    shown = harbour.booking(booking["id"]).headers["etag"]
    for wrong in (f'"{version + 1}"', f'W/"{version}"', str(version), '"x"', ""):
        answer = patch(harbour, booking, {"notes": "x"}, headers={"if-match": wrong})
        assert_problem(answer, 412, "version_mismatch")
    assert read(harbour, booking)["notes"] is None
    for right in (shown, f'"1", "{version + 1}"', "*"):
        answer = patch(harbour, booking, {"notes": right}, headers={"if-match": right})
        assert answer.status == 200, answer.text


def test_b12_each_change_has_its_own_answer(harbour: Service) -> None:
    """Also after the version that it named has passed, and for a refusal."""
    booking = booked(harbour, 2)
    headers = {"idempotency-key": "change-1", "if-match": f'"{booking["version"]}"'}
    first = patch(harbour, booking, {"partySize": 4}, headers=headers)
    again = patch(harbour, booking, {"partySize": 4}, headers=headers)
    assert (first.status, again.status) == (200, 200)
    assert again.text == first.text
    assert again.headers["idempotent-replayed"] == "true"
    assert_problem(patch(harbour, booking, {"partySize": 3}, headers=headers), 422, "idempotency_key_reused")
    other = patch(harbour, booking, {"partySize": 2}, headers={"idempotency-key": "change-2"})
    assert other.json["booking"]["partySize"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"partySize": 0}, 422, "invalid_request"),
        ({"partySize": None}, 422, "invalid_request"),
        ({"time": "20:00"}, 422, "invalid_request"),
        ({"date": evening(), "time": "20:00:00"}, 422, "invalid_request"),
        ({"startAt": f"{evening()}T20:00"}, 422, "naive_timestamp"),
        ({"startAt": f"{evening()}T20:00:30Z"}, 422, "invalid_request"),
        ({"date": "2020-01-01", "time": "20:00"}, 422, "in_the_past"),
        ({"date": evening(), "time": "09:00"}, 422, "outside_service"),
        ({"partySize": 500}, 422, "party_too_large"),
        ({"preferences": {"zoneRequired": True}}, 422, "invalid_request"),
        ({"onFull": "refuse"}, 422, "invalid_request"),
        ({"durationMinutes": 10}, 422, "invalid_request"),
        ({"status": "cancelled"}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ],
)
def test_bad_changes_change_nothing(harbour: Service, body: Any, status: int, code: str) -> None:
    booking = booked(harbour, 2)
    assert_problem(patch(harbour, booking, body), status, code)
    assert read(harbour, booking) == booking


def test_what_is_over_cannot_be_changed(harbour: Service) -> None:
    booking = booked(harbour, 2)
    assert harbour.cancel(booking["id"]).status == 200
    assert_problem(patch(harbour, booking, {"partySize": 3}), 409, "invalid_transition")


def test_another_tenants_booking_does_not_exist(harbour: Service) -> None:
    booking = booked(harbour, 2)
    stranger = patch(harbour, booking, {"notes": "x"}, restaurants="elsewhere")
    assert_problem(stranger, 404, "booking_not_found")
    reader = patch(harbour, booking, {"notes": "x"}, scope="bookings:read")
    assert_problem(reader, 403, "forbidden")


def test_to_another_evening_and_back(harbour: Service) -> None:
    """Two days of the ledger are written."""
    booking = booked(harbour, 4)
    away = patch(harbour, booking, {"date": evening(20), "time": "19:00"}).json["booking"]
    assert away["tables"] == ["T3"]
    assert booked(harbour, 4)["tables"] == ["T3"]
    assert_problem(patch(harbour, booking, {"date": evening(), "time": "19:00"}), 409, "no_capacity")
    revisions = harbour.database.query("select revision from service_days order by service_date")
    assert revisions == [(3,), (1,)]  # booked, left and booked again; moved to


def test_a_table_out_of_service_today_is_kept_for_a_booking_in_two_weeks(harbour: Service) -> None:
    booking = booked(harbour, 4)
    floor = house(2, 2, 4)
    floor["tables"][2]["outOfService"] = True
    assert harbour.put_restaurant("harbour", floor).json["affected"] == []
    answer = patch(harbour, booking, {"preferences": {"zone": "main"}})
    assert answer.status == 200, answer.text
    assert answer.json["booking"]["tables"] == booking["tables"]


def test_a_least_stay_that_is_longer_now_does_not_stand_in_the_way_of_a_wish(harbour: Service) -> None:
    booking = booked(harbour, 2, "21:45")
    floor = house(2, 2, 4, policy={"maxTables": 1, "bufferAfterMinutes": 0, "minDiningMinutes": 90})
    assert harbour.put_restaurant("harbour", floor).json["affected"] == []
    after = patch(harbour, booking, {"preferences": {"zone": "main"}})
    assert (after.status, after.json["booking"]["endAt"]) == (200, booking["endAt"])
    assert_problem(patch(harbour, booking, {"partySize": 1}), 422, "outside_service")


def test_t5_a_note_leaves_the_inline_result_fresh(service: Service) -> None:
    """Party and times are the same: the job may count what the inline attempt has proven."""
    service.put_restaurant("harbour", house(2))
    booked(service, 2)
    waiting = booked(service, 2)
    assert patch(service, waiting, {"notes": "A birthday"}).status == 200
    service.work()
    recorded = {each["result"]: each for each in service.events("auto_assign.summary", waiting["id"])}
    assert recorded.keys() == {"deferred", "superseded", "manual_review"}
    assert recorded["manual_review"]["reducedBy"] == "fresh_inline_result"
