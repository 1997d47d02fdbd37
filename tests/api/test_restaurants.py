"""Floor documents: laid out, changed, tried out; and the guests a change touches."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.problems import assert_problem, call, nothing_written, rows_of
from tests.harness.service import Service, evening, house, party

ROUND_THE_CLOCK = [
    {"id": "day", "opens": "00:00", "closes": "23:59", "allowOverrun": True},
    {"id": "night", "opens": "23:30", "closes": "23:29", "allowOverrun": True},
]


def floor(*capacities: int, **changes: Any) -> dict[str, Any]:
    """Two tables may be joined: T1 and T2 touch, T3 and T4 are a combination."""
    document = house(*capacities, policy={"maxTables": 2, "bufferAfterMinutes": 0}) | changes
    document.setdefault("adjacency", [["T1", "T2"]])
    document.setdefault("combinations", [{"tables": ["T3", "T4"]}])
    return document


def read(service: Service, restaurant: str = "harbour") -> dict[str, Any]:
    answer = call("operations", "GET", f"/restaurants/{restaurant}")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def test_first_created_then_changed(service: Service) -> None:
    first = service.put_restaurant("harbour", house(2, 2))
    assert first.status == 201
    assert first.json.keys() == {"restaurant", "layoutVersion", "affected"}
    assert (first.json["layoutVersion"], first.json["affected"]) == (1, [])
    second = service.put_restaurant("harbour", house(2, 2, 4))
    assert (second.status, second.json["layoutVersion"]) == (200, 2)
    assert len(second.json["restaurant"]["tables"]) == 3


def test_defaults_are_filled_in(service: Service) -> None:
    document = {
        "name": "Bare",
        "timezone": "Europe/London",
        "services": [{"id": "d", "opens": "17:00", "closes": "23:00"}],
        "zones": [{"id": "main"}],
        "tables": [{"id": "T1", "zone": "main", "capacity": 4}],
    }
    restaurant = service.put_restaurant("bare", document).json["restaurant"]
    turns = [{"maxParty": p, "minutes": m} for p, m in ((2, 90), (4, 105), (6, 120), (None, 150))]
    assert restaurant["policy"] == {
        "bufferBeforeMinutes": 0, "bufferAfterMinutes": 5, "maxTables": 3, "adjacency": "connected",
        "minDiningMinutes": 45, "maxMoves": 2, "freezeMinutes": 120, "holdSeconds": 300,
        "startCutoffMinutes": 10, "earlySeatMinutes": 120, "lookaheadMinutes": 60, "lateMinutes": 15,
        "optimize": {"mode": "suggest", "at": "15:00"},
        "minNoticeMinutes": 0, "maxDaysAhead": 365, "maxPartyOnline": None, "turnTimes": turns,
        "pacing": {"slotMinutes": 15, "maxCoversPerSlot": None, "perZone": {}, "perSlot": []}, "weights": {},
    }  # fmt: skip
    assert restaurant["services"][0]["days"] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert restaurant["tables"][0] == {
        "id": "T1", "name": None, "zone": "main", "capacity": 4, "minParty": 1, "maxParty": None,
        "movable": True, "active": True, "outOfService": False, "walkInOnly": False, "priority": 0,
        "seatingType": "standard", "attributes": [],
    }  # fmt: skip
    assert restaurant["closures"] == restaurant["adjacency"] == restaurant["combinations"] == []
    assert restaurant["sections"] == restaurant["pauses"] == []
    assert {restaurant["services"][0][member] for member in ("dates", "from", "to")} == {None}


def test_the_document_can_be_read(service: Service) -> None:
    put = service.put_restaurant("harbour", floor(2, 2, 4, 4)).json
    found = read(service)
    assert found == put["restaurant"]
    assert service.put_restaurant("harbour", found).status == 200


def test_a_dry_run_answers_the_same_and_writes_nothing(service: Service) -> None:
    with nothing_written(service):
        tried = service.put_restaurant("harbour", house(2), query={"dryRun": "true"})
    done = service.put_restaurant("harbour", house(2), query={"dryRun": "false"})
    assert (tried.status, tried.text) == (done.status, done.text)

    service.book("harbour", party(2))
    smaller = house(1)
    with nothing_written(service):
        key = {"idempotency-key": "try"}
        tried = service.put_restaurant("harbour", smaller, query={"dryRun": "true"}, headers=key)
    assert read(service) == done.json["restaurant"]
    done = service.put_restaurant("harbour", smaller)
    assert (tried.status, tried.text) == (done.status, done.text)
    assert len(done.json["affected"]) == 1


def test_a_put_with_a_key_is_done_once(service: Service) -> None:
    key = {"idempotency-key": "layout-1"}
    first = service.put_restaurant("harbour", house(2), headers=key)
    counts = rows_of(service.database)
    again = service.put_restaurant("harbour", house(2), headers=key)
    assert (again.status, again.text) == (201, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    assert rows_of(service.database) == counts
    assert_problem(service.put_restaurant("harbour", house(4), headers=key), 422, "idempotency_key_reused")
    assert rows_of(service.database) == counts


# --- two people who edit the same document ---


def put(service: Service, document: dict[str, Any], tag: str | None, **query: str) -> Any:
    headers = {} if tag is None else {"if-match": tag}
    return service.put_restaurant("harbour", document, query=query, headers=headers)


def test_a_document_is_replaced_only_if_it_is_the_one_that_was_read(service: Service) -> None:
    assert put(service, house(2), None).headers["etag"] == '"1"'
    tag = call("operations", "GET", "/restaurants/harbour").headers["etag"]
    assert tag == '"1"'
    mine = put(service, house(2, 2), tag)
    assert (mine.status, mine.headers["etag"]) == (200, '"2"')
    with nothing_written(service):
        for stale in (tag, 'W/"2"', "2", '"x"', "", '"99999999999"'):
            assert_problem(put(service, house(4), stale), 412, "version_mismatch")
        assert_problem(put(service, house(4), tag, dryRun="true"), 412, "version_mismatch")
        assert "etag" not in put(service, house(4), '"2"', dryRun="true").headers
    for present in ('"2"', '"1", "3"', "*"):
        assert put(service, house(4), present).status == 200


def test_strict_asks_for_the_version_as_soon_as_there_is_one(service: Service) -> None:
    with nothing_written(service):
        for tag in ('"1"', "*"):
            assert_problem(put(service, house(2), tag, strict="true"), 412, "version_mismatch")
        answer = put(service, house(2), None, strict="yes")
        assert_problem(answer, 422, "invalid_request", "strict")
    assert put(service, house(2), None, strict="true").status == 201
    with nothing_written(service):
        assert_problem(put(service, house(4), None, strict="true"), 428, "version_required")
        assert_problem(put(service, house(4), None, strict="true", dryRun="true"), 428, "version_required")
    assert put(service, house(4), '"1"', strict="true").status == 200
    assert put(service, house(4), None, strict="false").status == 200


def test_a_replay_comes_before_the_version(service: Service) -> None:
    """The first answer may have been lost, and by now the document has the version that it made."""
    put(service, house(2), None)
    headers = {"if-match": '"1"', "idempotency-key": "edit-1"}
    first = service.put_restaurant("harbour", house(4), headers=headers)
    again = service.put_restaurant("harbour", house(4), headers=headers)
    assert (first.status, again.status, again.text) == (200, 200, first.text)
    assert (again.headers["idempotent-replayed"], again.headers["etag"]) == ("true", '"2"')


# --- guests whose tables no longer serve ---

CHANGES: dict[str, dict[str, Any]] = {
    "gone": {"tables": [1, 2, 3]},
    "inactive": {"edit": {"active": False}},
    "too small": {"edit": {"capacity": 3}},
    "closed table": {"closure": {"tables": ["T1"]}},
    "closed zone": {"closure": {"zones": ["main"]}, "elsewhere": False},
    "closed house": {"closure": {}, "elsewhere": False},
}


def changed(change: dict[str, Any]) -> dict[str, Any]:
    document = house(4, 4, 4, 4)
    document["tables"] = [document["tables"][i] for i in change.get("tables", range(4))]
    document["tables"][0] |= change.get("edit", {})
    if "closure" in change:
        document["closures"] = [
            {"from": f"{evening()}T18:00", "to": f"{evening()}T19:30"} | change["closure"]
        ]
    return document


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_guests_are_sent_back_to_the_job(service: Service, change: dict[str, Any]) -> None:
    service.put_restaurant("harbour", house(4, 4, 4, 4))
    touched = service.book("harbour", party(4)).json["booking"]
    assert touched["tables"] == ["T1"]
    other_day = service.book("harbour", party(3, date=evening(21))).json["booking"]
    late = service.book("harbour", party(4, "20:45", date=evening())).json["booking"]

    answer = service.put_restaurant("harbour", changed(change))
    untouched = [
        b for b in (other_day, late) if b["id"] not in {a["bookingId"] for a in answer.json["affected"]}
    ]
    if "closure" in change:
        assert untouched == [other_day, late]
    affected = {a["bookingId"]: a for a in answer.json["affected"]}
    assert affected[touched["id"]].keys() == {"bookingId", "reference", "problem"}
    assert affected[touched["id"]]["reference"] == touched["reference"]
    assert affected[touched["id"]]["problem"]
    for booking in untouched:
        assert service.booking(booking["id"]).json["booking"] == booking

    waiting = service.booking(touched["id"]).json["booking"]
    assert (waiting["state"], waiting["version"], waiting["tables"]) == ("assignment_pending", 4, [])
    last = call("operations", "GET", f"/bookings/{touched['id']}/history").json["items"][-1]
    assert (last["fromState"], last["toState"], last["reason"]) == (
        "confirmed",
        "assignment_pending",
        "layout_change",
    )
    service.work()
    settled = service.booking(touched["id"]).json["booking"]
    if change.get("elsewhere", True):
        assert settled["state"] == "confirmed"
        assert settled["tables"] in (["T2"], ["T3"], ["T4"])
    else:
        assert (settled["status"], settled["tables"]) == ("pending", [])
    attempts = call("operations", "GET", f"/bookings/{touched['id']}/attempts").json["items"]
    assert {a["trigger"] for a in attempts} >= {"inline_creation", "layout_change"}


def test_a_set_that_is_allowed_no_longer(service: Service) -> None:
    service.put_restaurant("harbour", floor(2, 2, 2, 2, policy={"maxTables": 2, "adjacency": "connected"}))
    pair = [service.book("harbour", party(4)).json["booking"] for _ in range(2)]
    assert {tuple(b["tables"]) for b in pair} == {("T1", "T2"), ("T3", "T4")}
    answer = service.put_restaurant(
        "harbour", floor(2, 2, 2, 2, adjacency=[], combinations=[{"tables": ["T3", "T4"]}])
    )
    assert [a["bookingId"] for a in answer.json["affected"]] == [
        b["id"] for b in pair if b["tables"] == ["T1", "T2"]
    ]
    answer = service.put_restaurant("harbour", floor(2, 2, 2, 2, combinations=[]))
    assert [a["bookingId"] for a in answer.json["affected"]] == [
        b["id"] for b in pair if b["tables"] == ["T3", "T4"]
    ]


def test_new_buffers_turn_times_and_pacing_touch_nobody(service: Service) -> None:
    service.put_restaurant("harbour", house(4, 4))
    booking = service.book("harbour", party(4)).json["booking"]
    policy = {
        "maxTables": 1, "bufferBeforeMinutes": 60, "bufferAfterMinutes": 60, "minDiningMinutes": 30,
        "turnTimes": [{"maxParty": None, "minutes": 30}],
        "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 1},
    }  # fmt: skip
    assert service.put_restaurant("harbour", house(4, 4, policy=policy)).json["affected"] == []
    assert service.booking(booking["id"]).json["booking"] == booking


def test_out_of_service_is_about_the_next_day_only(service: Service) -> None:
    base = house(4, timezone="UTC", services=ROUND_THE_CLOCK)
    service.put_restaurant("harbour", base)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    soon, later = (
        service.book("harbour", {"partySize": 4, "startAt": (now + timedelta(hours=hours)).isoformat()}).json[
            "booking"
        ]
        for hours in (20, 26)
    )
    assert soon["tables"] == later["tables"] == ["T1"]
    base["tables"][0]["outOfService"] = True
    answer = service.put_restaurant("harbour", base)
    assert [a["bookingId"] for a in answer.json["affected"]] == [soon["id"]]
    assert service.booking(later["id"]).json["booking"] == later


def test_past_seated_and_cancelled_bookings_are_never_touched(service: Service) -> None:
    base = house(4, 4, 4, timezone="UTC", services=ROUND_THE_CLOCK)
    service.put_restaurant("harbour", base)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    begun = service.book(
        "harbour", {"partySize": 4, "startAt": (now - timedelta(minutes=2)).isoformat()}
    ).json["booking"]
    seated = service.book("harbour", party(4)).json["booking"]
    service.database.query("update bookings set state = 'seated', version = 4 where id = %s", seated["id"])
    gone = service.book("harbour", party(4)).json["booking"]
    service.cancel(gone["id"])
    for table in base["tables"]:
        table["active"] = False
    base["tables"].append({"id": "T9", "zone": "main", "capacity": 4})
    assert service.put_restaurant("harbour", base).json["affected"] == []
    assert service.booking(begun["id"]).json["booking"] == begun
    assert service.booking(seated["id"]).json["booking"]["tables"] == seated["tables"]


def test_a_change_of_zone_or_name_keeps_the_guests(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = service.book("harbour", party(4)).json["booking"]
    document = house(4, name="Renamed", zones=[{"id": "salon"}])
    document["tables"][0]["zone"] = "salon"
    assert service.put_restaurant("harbour", document).json["affected"] == []
    shown = service.booking(booking["id"]).json["booking"]
    assert (shown["tables"], shown["zone"]) == (["T1"], "salon")


def test_the_next_request_sees_the_new_floor(service: Service) -> None:
    """The compiled floor that a sandbox keeps is never planned on once it is old."""
    service.put_restaurant("harbour", house(2))
    assert service.book("harbour", party(2)).json["booking"]["tables"] == ["T1"]
    assert_problem(service.book("harbour", party(6)), 422, "party_too_large")
    service.put_restaurant("harbour", house(2, 6))
    assert service.book("harbour", party(6)).json["booking"]["tables"] == ["T2"]
    service.put_restaurant("harbour", house(2, 2, 2))
    assert_problem(service.book("harbour", party(7)), 422, "party_too_large")


@pytest.mark.parametrize("way", ["table", "hours"])
def test_what_a_new_floor_adds_wakes_who_waits(service: Service, way: str) -> None:
    """Tables or hours that a new floor document adds are freed capacity."""
    closed = [{"from": f"{evening()}T17:00", "to": f"{evening()}T23:00", "tables": ["T2"]}]
    service.put_restaurant("harbour", house(4) if way == "table" else house(4, 4, closures=closed))
    assert service.book("harbour", party(4)).json["booking"]["tables"] == ["T1"]
    waiting = service.book("harbour", party(4)).json["booking"]
    service.work()
    assert service.booking(waiting["id"]).json["booking"]["state"] == "manual_review"
    service.put_restaurant("harbour", house(4, 4))
    service.work()
    assert service.booking(waiting["id"]).json["booking"]["tables"] == ["T2"]


def test_a_new_name_wakes_nobody(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    service.book("harbour", party(4))
    service.book("harbour", party(4))
    service.work()
    assert service.put_restaurant("harbour", house(4, name="Harbour Hall")).json["layoutVersion"] == 2
    assert service.messages("assign") == []


def test_the_language_of_the_letters_goes_with_each_of_them(service: Service) -> None:
    service.put_restaurant("harbour", house(2, locale="de-AT", contactEmail="host@example.com"))
    assert read(service)["locale"] == "de-AT"
    booking = service.book("harbour", party(2)).json["booking"]["id"]
    service.put_restaurant("harbour", house(2, locale="nl"))
    assert "contactEmail" not in read(service)
    assert service.cancel(booking).status == 200
    locales = service.database.query(
        "select payload ->> 'kind', payload ->> 'locale' from outbox where topic = 'notification' order by id"
    )
    assert locales == [("confirmed", "de-AT"), ("cancelled", "nl")]


def test_another_language_wakes_nobody(service: Service) -> None:
    service.put_restaurant("harbour", house(2))
    service.book("harbour", party(2))
    service.book("harbour", party(2))
    service.work()
    service.put_restaurant("harbour", house(2, name="Quay", locale="fr", contactEmail="host@example.com"))
    assert service.messages("assign") == []
