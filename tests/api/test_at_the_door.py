"""What a host sends from the door: who may send it, and what is refused before anybody moves."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.room import POLICY, Evening
from tests.harness.service import at, house

GUESTS = "bookings:write bookings:read"


def patch(evening: Evening, booking: Any, scope: str, **body: Any) -> Any:
    path = f"/bookings/{booking['id']}"
    return evening.service.http("bookings", "PATCH", path, body=body, scope=scope)


# --- who changes a party that sits ---


@pytest.mark.parametrize(
    "change",
    [
        {"partySize": 3},
        {"partySize": 5, "override": ["capacity"]},
        {"durationMinutes": 240},
        {"notes": "champagne"},
        {"onFull": "pend"},
    ],
)
def test_a_guests_token_changes_nothing_about_a_party_that_sits(
    evening: Evening, change: dict[str, Any]
) -> None:
    evening.opens(4)
    booking = evening.book(4)
    seated = evening.done(booking, "seat")
    assert_problem(patch(evening, booking, GUESTS, **change), 403, "forbidden")
    assert evening.now(booking)["version"] == seated["version"]
    if "onFull" not in change:
        assert patch(evening, booking, "operations", **change).status == 200
    assert_consistent(evening.service.database)


def test_a_guest_still_changes_a_booking_before_the_meal(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    booking = evening.book(4)
    changed = patch(evening, booking, GUESTS, partySize=3)
    assert (changed.status, changed.json["booking"]["partySize"]) == (200, 3)


def test_rules_are_set_aside_by_a_person_and_only_where_a_party_sits(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    booking = evening.book(4)
    change = {"partySize": 5, "override": ["capacity"]}
    assert_problem(patch(evening, booking, GUESTS, **change), 403, "forbidden")
    problem = assert_problem(
        patch(evening, booking, "operations", **change), 422, "invalid_request", "override"
    )
    assert "PUT" in problem["detail"]
    assert evening.now(booking)["version"] == booking["version"]


# --- what a walk-in may ask for ---


def test_a_walk_in_that_needs_a_zone_names_it(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    nameless = {"zoneRequired": True}
    assert_problem(evening.walk_in(2, preferences=nameless), 422, "invalid_request", "preferences")
    named = evening.walk_in(2, preferences={"zone": "main", **nameless})
    assert (named.status, named.json["booking"]["zone"]) == (201, "main")


@pytest.mark.parametrize("rule", ["capacity", "min_party", "adjacency", "zone", "max_tables"])
def test_a_rule_about_tables_is_set_aside_for_chosen_tables_only(evening: Evening, rule: str) -> None:
    evening.opens(4, 4, clock="19:00")
    for size in (2, 9):
        problem = assert_problem(evening.walk_in(size, override=[rule]), 422, "invalid_request", "override")
        assert f"{rule} is about tables that a person chose; name them in tables" in problem["detail"]
    assert evening.walk_in(5, tables=["T1"], override=["capacity", rule]).status == 201
    assert_consistent(evening.service.database)


def test_a_bad_choice_of_tables_is_one_mistake(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    problem = assert_problem(
        evening.walk_in(2, tables=[], override=["capacity"]), 422, "invalid_request", "tables"
    )
    assert len(problem["errors"]) == 1


def test_rules_of_the_house_are_set_aside_without_a_table(evening: Evening) -> None:
    crowded = POLICY | {"pacing": {"slotMinutes": 15, "maxCoversPerSlot": 2}}
    evening.opens(2, 2, clock="19:00", policy=crowded)
    assert evening.walk_in(2).status == 201
    assert_problem(evening.walk_in(2), 409, "pacing")
    assert evening.walk_in(2, override=["pacing", "walk_in"]).status == 201
    assert_consistent(evening.service.database)


# --- tables out of order ---


@pytest.mark.parametrize("member", ["from", "until"])
@pytest.mark.parametrize("odd", [":30+00:00", ":00.5+00:00", ":59Z"])
def test_a_block_begins_and_ends_on_whole_minutes(evening: Evening, member: str, odd: str) -> None:
    evening.opens(4)
    period = {"from": at("20:00").isoformat(), "until": at("22:00").isoformat()}
    bad = period | {member: period[member][:16] + odd}
    problem = assert_problem(evening.block("T1", **bad), 422, "invalid_request", member)
    assert problem["errors"][0]["code"] == "not_a_minute"
    good = period | {member: period[member][:16] + ":00.000+00:00"}
    assert evening.block("T1", **good).status == 200


def test_a_guest_at_risk_follows_the_table_into_another_zone(evening: Evening) -> None:
    evening.opens(4, clock="18:00")
    booking = evening.book(4, "19:00")
    evening.block("T1", until=at("22:00").isoformat())
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [booking["id"]]
    salon = house(4, policy=POLICY, zones=[{"id": "salon"}])
    salon["tables"][0]["zone"] = "salon"
    assert evening.service.put_restaurant("harbour", salon).json["affected"] == []
    after = evening.now(booking)
    assert (after["state"], after["tables"], after["zone"]) == ("confirmed", ["T1"], "salon")
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [booking["id"]]
    assert evening.unblock("T1").status == 204
    assert evening.done(booking, "seat")["zone"] == "salon"
    assert_consistent(evening.service.database)


# --- tables with odd ids, in a path ---


ODD = ("A#1", "Ü?", "Tisch 5 %", "窗1", "🌿 2", '"\\`<&>|^{}', "100%25", "+1 &c.")


def _once(text: str) -> str:
    return quote(text, safe="")


def _twice(text: str) -> str:
    return _once(_once(text))


@pytest.mark.parametrize("encoded", [str, _once, _twice], ids=["as it is", "once", "twice"])
def test_a_table_is_found_by_any_id_however_often_its_path_was_encoded(
    evening: Evening, encoded: Callable[[str], str]
) -> None:
    evening.opens(tables=[{"id": each, "zone": "main", "capacity": 2} for each in ODD])
    until = at("22:00").isoformat()
    for name in ODD:
        answer = evening.block(encoded(name), until=until)
        assert (answer.status, answer.text) == (200, '{"affected":[]}'), name
        assert evening.table(name)["status"] == "out_of_service", name
        assert evening.unblock(encoded(name)).status == 204, name
        assert evening.table(name)["status"] == "free", name
    assert_consistent(evening.service.database)


def test_a_table_whose_id_looks_encoded_is_not_taken_for_another(evening: Evening) -> None:
    evening.opens(tables=[{"id": each, "zone": "main", "capacity": 2} for each in ("A", "%41")])
    until = at("22:00").isoformat()
    for path in ("%41", "%2541"):
        assert evening.block(path, until=until).status == 200
        assert (evening.table("A")["status"], evening.table("%41")["status"]) == ("free", "out_of_service")
        assert evening.unblock(path).status == 204
    assert evening.block("A", until=until).status == 200
    assert (evening.table("A")["status"], evening.table("%41")["status"]) == ("out_of_service", "free")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("T%39", "table_not_found"),
        ("50 %", "table_not_found"),
        ("%FF", "table_not_found"),
        ("T1\n", "not_found"),
        ("T/1", "not_found"),
        ("", "not_found"),
    ],
)
def test_what_names_no_table(evening: Evening, path: str, code: str) -> None:
    evening.opens(4)
    assert_problem(evening.block(path, until=at("22:00").isoformat()), 404, code)


@pytest.mark.parametrize("odd", ["harbour?", "har#bour", "hafen ⚓", "%68arbour"])
def test_no_restaurant_or_booking_has_an_odd_id(evening: Evening, odd: str) -> None:
    evening.opens(4)
    for method, path, body in (
        ("GET", f"/restaurants/{odd}/floor", None),
        ("POST", f"/restaurants/{odd}/walk-ins", {"partySize": 2}),
        ("POST", f"/restaurants/{odd}/tables/T1/block", {"until": at("22:00").isoformat()}),
    ):
        answer = evening.service.http("operations", method, path, body=body)
        assert_problem(answer, 404, "restaurant_not_found")
    assert_problem(evening.service.booking(odd), 404, "booking_not_found")


def test_a_stay_may_be_as_short_for_all(evening: Evening) -> None:
    """From five minutes, wherever a stay's length is given."""
    evening.opens(4, 4, policy={**POLICY, "minDiningMinutes": 5})
    booking = evening.book(4, durationMinutes=5)
    assert evening.patch(booking, durationMinutes=10).status == 200
    assert evening.walk_in(2, durationMinutes=5).status == 201
    assert evening.walk_in(2, durationMinutes=4).status == 422
