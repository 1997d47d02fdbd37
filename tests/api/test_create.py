"""What a creation answers and keeps: shapes, wishes, rules, refusals, alternatives."""

from typing import Any

import pytest

from tests.harness.problems import assert_problem, call, rows_of
from tests.harness.service import Answer, Service, evening, house, party

BOOKING_MEMBERS = {
    "id", "reference", "restaurantId", "status", "state", "version", "partySize", "startAt", "endAt",
    "service", "zone", "tables", "pinned", "guest", "preferences", "createdAt",
    "updatedAt",
}  # fmt: skip
ASSIGNMENT_MEMBERS = {
    "attemptId", "trigger", "outcome", "strategy", "score", "reason", "durationMs", "alternates", "moves",
    "explanation",
}  # fmt: skip


def tables_of(answer: Answer) -> list[str]:
    assert answer.status == 201, answer.text
    found: list[str] = answer.json["booking"]["tables"]
    return found


def reason_of(answer: Answer) -> str:
    assert answer.status == 201, answer.text
    assert answer.json["booking"]["status"] == "pending"
    code: str = answer.json["assignment"]["reason"]["code"]
    return code


def laid_out(service: Service, document: dict[str, Any]) -> Service:
    assert service.put_restaurant("harbour", document).status in (200, 201)
    return service


def two_zones() -> dict[str, Any]:
    document = house(4, 4, 4)
    document["zones"].append({"id": "terrace"})
    document["tables"][1] |= {"zone": "terrace", "attributes": ["window"]}
    document["tables"][2] |= {"attributes": ["accessible", "window"], "seatingType": "booth"}
    return document


def test_the_shape_of_a_confirmed_booking(harbour: Service) -> None:
    wishes = {"zone": "main", "zoneRequired": False, "attributes": ["window"], "required": []}
    guest = {"name": "Ada", "email": "ada@example.com", "phone": "+44 20 7946 0000"}
    body = party(3, guest=guest, preferences=wishes, notes="A birthday 🎂")
    answer = harbour.book("harbour", body)

    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.json.keys() == {"booking", "assignment", "alternatives", "warnings"}
    booking, assignment = answer.json["booking"], answer.json["assignment"]
    assert booking.keys() >= BOOKING_MEMBERS
    assert assignment.keys() >= ASSIGNMENT_MEMBERS
    assert booking | {
        "restaurantId": "harbour", "status": "confirmed", "state": "confirmed", "version": 3, "partySize": 3,
        "service": "dinner", "zone": "main", "tables": ["T3"], "pinned": False, "guest": guest,
        "preferences": wishes, "notes": "A birthday 🎂",
    } == booking  # fmt: skip
    assert len(booking["reference"]) == 6
    assert booking["startAt"].startswith(f"{evening()}T19:00:00")
    assert booking["endAt"].startswith(f"{evening()}T20:45:00")  # 105 minutes for up to four
    assert assignment | {
        "trigger": "inline_creation", "outcome": "confirmed", "strategy": "best_fit", "reason": None,
        "moves": 0,
    } == assignment  # fmt: skip
    assert isinstance(assignment["score"], float | int)
    assert assignment["durationMs"] > 0
    assert "T3" in assignment["explanation"] or "3" in assignment["explanation"]
    assert answer.json["alternatives"] == []
    assert [warning["code"] for warning in answer.json["warnings"]] == [
        "unknown_attribute"
    ]  # no such table here
    assert answer.headers["location"] == f"/bookings/{booking['id']}"
    read = call("bookings", "GET", answer.headers["location"])
    shown = {"booking": booking, "assignment": assignment, "reason": None, "alternatives": []}
    assert read.json == shown


def test_a_confirmation_went_through_the_machine(harbour: Service) -> None:
    booking = harbour.book("harbour", party()).json["booking"]["id"]
    answer = call("operations", "GET", f"/bookings/{booking}/history")
    assert answer.json["nextCursor"] is None
    steps = [(i["fromState"], i["toState"], i["version"], i["actor"]) for i in answer.json["items"]]
    assert steps == [
        (None, "created", 1, "tester"),
        ("created", "assignment_in_progress", 2, "tester"),
        ("assignment_in_progress", "confirmed", 3, "tester"),
    ]
    assert all(
        i.keys() == {"at", "fromState", "toState", "version", "actor", "reason", "metadata"}
        for i in answer.json["items"]
    )
    [attempt] = call("operations", "GET", f"/bookings/{booking}/attempts").json["items"]
    assert attempt.keys() == {
        "attemptNo",
        "flow",
        "trigger",
        "outcome",
        "reason",
        "strategy",
        "strategies",
        "durationMs",
        "at",
    }
    assert (attempt["attemptNo"], attempt["flow"], attempt["outcome"], attempt["reason"]) == (
        1,
        "inline",
        "confirmed",
        None,
    )


def test_the_last_result_of_a_confirmation(harbour: Service) -> None:
    answer = harbour.book("harbour", party())
    result = harbour.database.value("select auto_assign_last_result from bookings")
    assert result.keys() == {
        "schema", "source", "attemptId", "correlationId", "at", "success", "outcome", "reason", "trigger",
        "strategy", "alternates", "durationMs", "bookingVersion", "emailSent", "emailVariant",
    }  # fmt: skip
    assert result | {
        "schema": 1, "source": "inline", "attemptId": answer.json["assignment"]["attemptId"], "success": True,
        "outcome": "confirmed", "reason": None, "trigger": "inline_creation", "bookingVersion": 3,
        "emailSent": True, "emailVariant": "standard",
    } == result  # fmt: skip
    assert harbour.database.query("select kind, variant from notifications") == [("confirmed", "standard")]


def test_a_guest_without_an_address_gets_no_mail(harbour: Service) -> None:
    assert tables_of(harbour.book("harbour", party(guest={"name": "Ada"}))) == ["T1"]
    assert harbour.database.value("select auto_assign_last_result->>'emailSent' from bookings") == "false"
    assert rows_of(harbour.database)["notifications"] == rows_of(harbour.database)["outbox"] == 0


def test_the_shape_of_a_pending_booking(harbour: Service) -> None:
    assert tables_of(harbour.book("harbour", party(4))) == ["T3"]
    answer = harbour.book("harbour", party(4))
    booking, assignment = answer.json["booking"], answer.json["assignment"]
    assert (
        booking
        | {"status": "pending", "state": "assignment_pending", "version": 3, "tables": [], "zone": None}
        == booking
    )
    assert assignment | {"outcome": "deferred", "strategy": None, "score": None, "moves": 0} == assignment
    assert assignment["reason"].keys() == {"code", "category", "detail"}
    assert assignment["reason"]["category"] == "deterministic"
    assert 0 < len(answer.json["alternatives"]) <= 5
    assert all(a.keys() == {"startAt", "endAt", "tables", "zone"} for a in answer.json["alternatives"])
    [message] = harbour.messages()
    assert '"trigger":"creation"' in message["Body"].replace(" ", "")


# --- onFull: refuse ---


def test_refuse_keeps_nothing_but_the_answer_for_its_key(harbour: Service) -> None:
    assert tables_of(harbour.book("harbour", party(4))) == ["T3"]
    harbour.messages("notification")
    before = rows_of(harbour.database)
    body, key = party(4, onFull="refuse"), {"idempotency-key": "k1"}
    answer = harbour.book("harbour", body, headers=key)
    problem = assert_problem(answer, 409, "no_capacity")
    assert problem["reason"]["code"] == "no_capacity"
    assert problem["reason"]["category"] == "deterministic"
    assert problem["alternatives"]
    after = rows_of(harbour.database)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"idempotency", "observability_events"}
    assert harbour.messages() == []

    again = harbour.book("harbour", body, headers=key)
    assert (again.status, again.text) == (409, answer.text)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    assert rows_of(harbour.database) == after


def test_a_refused_party_that_fits_is_simply_booked(harbour: Service) -> None:
    assert tables_of(harbour.book("harbour", party(4, onFull="refuse"))) == ["T3"]


# --- alternatives ---


def test_each_alternative_confirms_if_it_is_asked_for_next(harbour: Service) -> None:
    for time in ("19:00", "20:30"):
        assert tables_of(harbour.book("harbour", party(4, time, durationMinutes=60))) == ["T3"]
    body = party(4, "19:30", onFull="refuse", durationMinutes=60)
    problem = assert_problem(harbour.book("harbour", body), 409, "no_capacity")
    wished = f"{evening()}T19:30"
    starts = [a["startAt"] for a in problem["alternatives"]]
    assert [start[11:16] for start in starts] == ["18:00", "17:45", "17:30", "21:30"]
    minutes = [abs(_minutes(s[:16]) - _minutes(wished)) for s in starts]
    assert minutes == sorted(minutes)
    assert all(0 < m <= 120 for m in minutes)
    for alternative in problem["alternatives"]:
        asked = {k: v for k, v in body.items() if k not in ("date", "time")} | {
            "startAt": alternative["startAt"]
        }
        answer = harbour.book("harbour", asked)
        assert tables_of(answer) == alternative["tables"]
        booking = answer.json["booking"]
        assert (booking["startAt"], booking["endAt"]) == (alternative["startAt"], alternative["endAt"])
        assert booking["zone"] == alternative["zone"]
        assert harbour.cancel(booking["id"]).status == 200


def _minutes(text: str) -> int:
    hours, minutes = text[11:].split(":")
    return int(hours) * 60 + int(minutes)


@pytest.mark.parametrize("duration", [60, 200, None])
def test_alternatives_keep_the_length_of_the_stay(harbour: Service, duration: int | None) -> None:
    assert tables_of(harbour.book("harbour", party(4, "19:00"))) == ["T3"]
    body = party(4, "19:30", onFull="refuse", durationMinutes=duration)
    problem = assert_problem(harbour.book("harbour", body), 409, "no_capacity")
    for alternative in problem["alternatives"]:
        asked = {k: v for k, v in body.items() if k not in ("date", "time")} | {
            "startAt": alternative["startAt"]
        }
        booking = harbour.book("harbour", asked).json["booking"]
        assert booking["endAt"] == alternative["endAt"]
        harbour.cancel(booking["id"])


# --- wishes and musts ---


def test_a_wish_is_granted_if_it_can_be(service: Service) -> None:
    laid_out(service, two_zones())
    assert tables_of(service.book("harbour", party(4, preferences={"zone": "terrace"}))) == ["T2"]
    assert tables_of(service.book("harbour", party(4, preferences={"attributes": ["accessible"]}))) == ["T3"]
    # What is left is neither: a wish refuses nobody.
    wishes = {"zone": "terrace", "attributes": ["window"]}
    assert tables_of(service.book("harbour", party(4, preferences=wishes))) == ["T1"]


def test_musts_are_kept(service: Service) -> None:
    laid_out(service, two_zones())
    terrace = {"zone": "terrace", "zoneRequired": True}
    assert tables_of(service.book("harbour", party(2, preferences=terrace))) == ["T2"]
    assert reason_of(service.book("harbour", party(2, preferences=terrace))) == "zone"
    assert tables_of(
        service.book("harbour", party(2, preferences={"required": ["accessible", "window"]}))
    ) == ["T3"]
    assert (
        reason_of(service.book("harbour", party(2, preferences={"required": ["accessible"]}))) == "attributes"
    )
    assert tables_of(service.book("harbour", party(2))) == ["T1"]
    assert reason_of(service.book("harbour", party(2))) == "no_capacity"


def test_a_seating_type_is_an_attribute(service: Service) -> None:
    laid_out(service, two_zones())
    assert tables_of(service.book("harbour", party(2, preferences={"required": ["booth"]}))) == ["T3"]


def test_a_zone_or_attribute_nobody_has(service: Service) -> None:
    laid_out(service, two_zones())
    assert (
        reason_of(service.book("harbour", party(2, preferences={"zone": "attic", "zoneRequired": True})))
        == "zone"
    )
    assert reason_of(service.book("harbour", party(2, preferences={"required": ["pool"]}))) == "attributes"
    assert tables_of(service.book("harbour", party(2, preferences={"zone": "attic", "attributes": ["pool"]})))


# --- rules of the house ---


def test_tables_that_are_not_for_bookings(service: Service) -> None:
    document = house(2, 2, 2, 2)
    for table, flag in zip(
        document["tables"], ({"walkInOnly": True}, {"outOfService": True}, {"active": False}), strict=False
    ):
        table.update(flag)
    laid_out(service, document)
    assert tables_of(service.book("harbour", party(2))) == ["T4"]
    assert reason_of(service.book("harbour", party(2))) == "no_capacity"


def test_covers_of_a_slot(service: Service) -> None:
    document = house(2, 2, 2, policy={"maxTables": 1, "pacing": {"slotMinutes": 30, "maxCoversPerSlot": 4}})
    laid_out(service, document)
    assert tables_of(service.book("harbour", party(2, "19:00")))
    assert tables_of(service.book("harbour", party(2, "19:29")))
    assert reason_of(service.book("harbour", party(2, "19:15"))) == "pacing"
    assert tables_of(service.book("harbour", party(2, "19:30")))


def test_tables_are_joined_as_the_house_allows(service: Service) -> None:
    document = house(2, 2, 2, 2, policy={"maxTables": 2, "bufferAfterMinutes": 0})
    document["adjacency"] = [["T2", "T1"], ["T3", "T2"]]
    document["combinations"] = [{"tables": ["T3", "T4"], "minParty": 4, "maxParty": 4}]
    document["tables"][3]["movable"] = False
    laid_out(service, document)
    assert tables_of(service.book("harbour", party(3))) == ["T1", "T2"]  # the combination is for four
    assert tables_of(service.book("harbour", party(4))) == ["T3", "T4"]
    assert reason_of(service.book("harbour", party(4))) == "no_capacity"
    assert reason_of(service.book("harbour", party(5, "21:15"))) == "max_tables"


def test_buffers_keep_neighbours_apart_and_are_not_shown(service: Service) -> None:
    document = house(2, policy={"maxTables": 1, "bufferBeforeMinutes": 10, "bufferAfterMinutes": 5})
    laid_out(service, document)
    first = service.book("harbour", party(2, "19:00", durationMinutes=60)).json["booking"]
    assert first["endAt"][11:16] == "20:00"
    assert reason_of(service.book("harbour", party(2, "20:14"))) == "no_capacity"
    assert tables_of(service.book("harbour", party(2, "20:15"))) == ["T1"]


def test_a_party_below_the_least_of_every_table(service: Service) -> None:
    document = house(4)
    document["tables"][0]["minParty"] = 3
    laid_out(service, document)
    assert reason_of(service.book("harbour", party(2))) == "min_party"
    assert tables_of(service.book("harbour", party(3))) == ["T1"]
