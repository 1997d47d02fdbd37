"""A person gives and takes tables: the planner's rules and ledger, with named rules set aside."""

from typing import Any

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem, call, nothing_written, rows_of
from tests.harness.service import Service, house, party
from tests.harness.staff import FLOOR, attempts, booked, history, in_review, ledger, violated

# --- giving tables ---


def test_out_of_review_onto_the_chosen_table(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    waiting = booked(harbour, 4)
    harbour.work()
    [first] = harbour.database.query("select booking_id from allocations where live")
    harbour.unassign(str(first[0]))
    harbour.messages()
    before = harbour.booking(waiting).json["booking"]
    answer = harbour.assign(waiting, "T3")
    assert answer.status == 200, answer.text
    booking = answer.json["booking"]
    changed: dict[str, Any] = {"status": "confirmed", "state": "confirmed", "zone": "main", "tables": ["T3"]}
    changed |= {"pinned": True, "version": before["version"] + 1, "updatedAt": booking["updatedAt"]}
    assert booking == before | changed
    assert harbour.booking(waiting).json["booking"] == booking
    recorded = answer.json["assignment"]
    assert (recorded["trigger"], recorded["outcome"], recorded["strategy"]) == ("staff", "confirmed", "staff")
    assert (answer.json["alternatives"], answer.json["warnings"], recorded["reason"]) == ([], [], None)
    last = history(waiting)[-1]
    assert (last["fromState"], last["toState"], last["actor"]) == ("manual_review", "confirmed", "tester")
    assert (last["reason"], last["metadata"]["tables"]) == ("assigned_by_staff", ["T3"])
    assert_consistent(harbour.database)


def test_everything_is_told(place: Service) -> None:
    booking = in_review(place, 4)
    recorded = place.assign(booking, "B", headers={"x-correlation-id": "by-hand"}).json["assignment"]
    last = attempts(booking)[-1]
    assert (last["flow"], last["trigger"], last["outcome"]) == ("staff", "staff", "confirmed")
    assert last["strategy"]["name"] == "staff"
    quote = place.events("auto_assign.quote", booking)[-1]
    assert (quote["flow"], quote["attemptId"], quote["plannerSuccess"]) == (
        "staff",
        recorded["attemptId"],
        True,
    )
    assert place.events("auto_assign.attempt", booking)[-1]["success"] is True
    changed = place.events("booking.state_changed", booking)[-1]
    assert (changed["from"], changed["to"], changed["actor"]) == ("manual_review", "confirmed", "tester")
    why = call("operations", "GET", f"/bookings/{booking}/explanation").json
    assert (why["decision"], why["chosen"]) == ("plan", ["B"])
    assert why["summary"] == "Staff chose table B: 4 seats for a party of 4."


def test_a_pending_booking_is_confirmed_and_its_message_comes_too_late(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    waiting = booked(harbour, 4)
    assert harbour.booking(waiting).json["booking"]["state"] == "assignment_pending"
    answer = harbour.assign(waiting, "T1", "T2", override=["adjacency", "capacity"])
    assert violated(answer) == {"max_tables"}
    assert harbour.assign(waiting, "T2", override=["capacity"]).status == 200
    harbour.work()
    assert harbour.events("auto_assign.summary", waiting)[-1]["result"] == "already_confirmed"
    assert harbour.booking(waiting).json["booking"]["tables"] == ["T2"]
    assert len(mails(harbour, waiting, "confirmed")) == 1


def mails(service: Service, booking: str, kind: str) -> list[Any]:
    return service.database.query(
        "select variant from notifications where booking_id = %s and kind = %s", booking, kind
    )


def test_the_guest_is_told_once(place: Service) -> None:
    booking = in_review(place, 4)
    assert len(mails(place, booking, "confirmed")) == 1
    for table in ("B", "C", "B"):
        assert place.assign(booking, table).status == 200
    assert len(mails(place, booking, "confirmed")) == 1
    queued = "select count(*) from outbox where booking_id = %s and topic = 'notification'"
    assert place.database.value(queued, booking) == 1


def test_other_tables_for_a_confirmed_booking(place: Service) -> None:
    booking = booked(place, 4, preferences={"zone": "main"})
    before = place.booking(booking).json["booking"]
    assert before["tables"] != ["D"]
    after = place.assign(booking, "D", pin=False).json["booking"]
    changed = {"tables": ["D"], "zone": "patio", "version": before["version"] + 1}
    assert after == before | changed | {"updatedAt": after["updatedAt"]}
    last = history(booking)[-1]
    assert (last["fromState"], last["toState"]) == ("confirmed", "confirmed")
    assert last["metadata"]["fromTables"] == before["tables"]
    assert ledger(place, booking) == [("D", [])]


def test_a_table_that_overlaps_its_own_is_no_obstacle(place: Service) -> None:
    booking = booked(place, 4)
    [own] = place.booking(booking).json["booking"]["tables"]
    assert place.assign(booking, own).status == 200
    assert place.assign(booking, "B", "C").status == 200
    assert place.assign(booking, "C").status == 200
    assert ledger(place, booking) == [("C", [])]


def test_what_becomes_free_wakes_the_waiting_but_never_itself(harbour: Service) -> None:
    first = booked(harbour, 4)
    second = booked(harbour, 4)
    harbour.work()
    assert harbour.booking(second).json["booking"]["state"] == "manual_review"
    assert harbour.assign(first, "T1", override=["capacity"]).status == 200
    harbour.work()
    assert harbour.booking(second).json["booking"]["tables"] == ["T3"]
    assert harbour.assign(first, "T1", override=["capacity"]).status == 200
    assert harbour.messages() == []


@pytest.mark.parametrize(
    ("size", "tables", "expected"),
    [
        (4, [], {"no_tables"}),
        (4, ["Z"], {"unknown_table"}),
        (4, ["B", "B"], {"duplicate_table"}),
        (4, ["E"], {"inactive"}),
        (4, ["X"], {"out_of_service"}),
        (4, ["A"], {"capacity"}),
        (2, ["B"], {"min_party"}),
        (4, ["A", "C"], {"adjacency"}),
        (6, ["A", "B", "C"], {"max_tables"}),
        (6, ["B", "D"], {"zone", "not_movable", "adjacency"}),
    ],
)
def test_the_rules_of_the_planner_hold(
    place: Service, size: int, tables: list[str], expected: set[str]
) -> None:
    booking = in_review(place, size)
    place.messages()
    with nothing_written(place):
        assert violated(place.assign(booking, *tables)) == expected


def test_a_table_for_walk_ins_may_be_used(place: Service) -> None:
    booking = in_review(place, 2)
    assert place.assign(booking, "W").json["booking"]["tables"] == ["W"]


def test_a_must_holds(place: Service) -> None:
    wishes = {"zone": "main", "zoneRequired": True, "required": ["standard"]}
    booking = in_review(place, 4, preferences=wishes)
    assert violated(place.assign(booking, "D")) == {"zone"}
    assert place.assign(booking, "D", override=["zone"]).status == 200
    assert ledger(place, booking) == [("D", ["zone"])]
    stubborn = in_review(place, 4, time="17:00", preferences={"required": ["standard"]})
    place.put_restaurant("harbour", FLOOR | {"tables": [t | {"seatingType": "bar"} for t in FLOOR["tables"]]})
    everything = ["capacity", "min_party", "adjacency", "zone"]
    assert violated(place.assign(stubborn, "D", override=everything)) == {"attributes"}


@pytest.mark.parametrize(
    ("size", "tables", "rule"),
    [(4, ["A"], "capacity"), (2, ["B"], "min_party"), (6, ["A", "C"], "adjacency")],
)
def test_a_rule_is_set_aside_by_its_name_only(
    place: Service, size: int, tables: list[str], rule: str
) -> None:
    booking = in_review(place, size)
    others = sorted({"capacity", "min_party", "adjacency", "zone"} - {rule})
    assert violated(place.assign(booking, *tables, override=others)) == {rule}
    answer = place.assign(booking, *tables, override=[rule, *others])
    assert answer.json["booking"]["tables"] == tables
    assert ledger(place, booking) == [
        (table, [rule]) for table in tables
    ]  # what was broken, not all that was named
    assert history(booking)[-1]["metadata"]["overrides"] == [rule]
    assert_consistent(place.database)


def test_a_set_aside_rule_does_not_outlive_its_tables(place: Service) -> None:
    booking = in_review(place, 4)
    assert place.assign(booking, "A", override=["capacity"]).status == 200
    assert place.assign(booking, "B", override=["capacity"]).status == 200
    assert ledger(place, booking) == [("B", [])]


def test_a_new_floor_respects_what_a_person_set_aside(place: Service) -> None:
    booking = in_review(place, 4)
    assert place.assign(booking, "A", override=["capacity"]).status == 200
    renamed = place.put_restaurant("harbour", FLOOR | {"name": "Harbour"})
    assert (renamed.status, renamed.json["affected"]) == (200, [])
    assert place.booking(booking).json["booking"]["tables"] == ["A"]
    without = [t for t in FLOOR["tables"] if t["id"] != "A"]
    gone = place.put_restaurant("harbour", FLOOR | {"tables": without, "adjacency": []})
    assert [each["bookingId"] for each in gone.json["affected"]] == [booking]


def test_a_person_may_exceed_pacing_and_is_told_so_unless_it_was_named(service: Service) -> None:
    paced = house(2, 2, 4, 4, policy={"maxTables": 1, "pacing": {"maxCoversPerSlot": 4}})
    service.put_restaurant("harbour", paced)
    booked(service, 2)
    second, third = booked(service, 2), booked(service, 2)
    service.work()
    assert service.assign(second, "T3").json["warnings"] == []  # it is counted already
    answer = service.assign(third, "T2")
    assert [each["code"] for each in answer.json["warnings"]] == ["pacing"]
    assert ledger(service, third) == [("T2", [])]
    fourth = booked(service, 2)
    service.work()
    assert service.assign(fourth, "T4", override=["pacing"]).json["warnings"] == []
    assert ledger(service, fourth) == [("T4", ["pacing"])]


def test_a_walk_in_table_may_be_named_as_set_aside(place: Service) -> None:
    booking = in_review(place, 2)
    assert place.assign(booking, "W", override=["walk_in"]).status == 200
    assert ledger(place, booking) == [("W", ["walk_in"])]


@pytest.mark.parametrize("override", [["max_tables"], ["adjacency", "zone"]])
def test_a_person_may_push_many_tables_together(service: Service, override: list[str]) -> None:
    """Who sets aside all of how tables join may also join more of them."""
    tables = [{"id": f"T{number}", "zone": "main", "capacity": 4} for number in range(20)]
    edges = [[f"T{number}", f"T{number + 1}"] for number in range(19)]
    service.put_restaurant("harbour", house(tables=tables, adjacency=edges))
    booking = booked(service, 60)
    chosen = sorted(f"T{number}" for number in range(15))
    assert violated(service.assign(booking, *chosen)) == {"max_tables"}
    assert service.assign(booking, *chosen, override=override).json["booking"]["tables"] == chosen
    assert ledger(service, booking) == [(table, ["max_tables"]) for table in chosen]
    assert_consistent(service.database)


def test_a_closed_house_is_closed_for_a_person_too(place: Service) -> None:
    booking = in_review(place, 4)
    start = place.booking(booking).json["booking"]["startAt"][:10]
    closures = [{"from": f"{start}T00:00", "to": f"{start}T23:59", "zones": ["patio"]}]
    assert place.put_restaurant("harbour", FLOOR | {"closures": closures}).status == 200
    assert violated(place.assign(booking, "D")) == {"closed"}
    assert place.assign(booking, "B").status == 200


# --- taking tables away ---


def test_taking_the_tables_away(harbour: Service) -> None:
    first = booked(harbour, 4)
    harbour.assign(first, "T3")
    second = booked(harbour, 4)
    harbour.work()
    before = harbour.booking(first).json["booking"]
    answer = harbour.unassign(first)
    assert answer.status == 200
    after: dict[str, Any] = {
        "status": "pending",
        "state": "manual_review",
        "version": before["version"] + 1,
        "updatedAt": answer.json["booking"]["updatedAt"],
    }
    assert answer.json["booking"] == before | after | {"tables": [], "zone": None, "pinned": False}
    assert harbour.booking(first).json["booking"] == answer.json["booking"]
    last = history(first)[-1]
    assert (last["toState"], last["actor"], last["reason"]) == (
        "manual_review",
        "tester",
        "unassigned_by_staff",
    )
    assert last["metadata"]["fromTables"] == ["T3"]
    [message] = harbour.messages()
    assert second in message["Body"]
    harbour.deliver("assign", message["Body"])
    assert harbour.booking(second).json["booking"]["tables"] == ["T3"]
    assert harbour.booking(first).json["booking"]["state"] == "manual_review"
    assert_consistent(harbour.database)


def test_taking_away_twice_changes_nothing(place: Service) -> None:
    booking = in_review(place, 4)
    before = place.booking(booking).json["booking"]
    place.messages()
    with nothing_written(place):
        answer = place.unassign(booking)
    assert (answer.status, answer.json) == (200, {"booking": before})


def test_there_is_nothing_to_take_from_who_waits(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    waiting = booked(harbour, 4)
    harbour.messages()
    with nothing_written(harbour):
        assert_problem(harbour.unassign(waiting), 409, "invalid_transition")


# --- keys and bodies ---


def test_a_key_assigns_once(place: Service) -> None:
    booking = in_review(place, 4)
    first = place.assign(booking, "B", headers={"idempotency-key": "one"})
    counts = rows_of(place.database)
    again = place.assign(booking, "B", headers={"idempotency-key": "one"})
    assert (again.status, again.text, again.headers["idempotent-replayed"]) == (200, first.text, "true")
    assert rows_of(place.database) == counts
    reused = place.assign(booking, "C", headers={"idempotency-key": "one"})
    assert_problem(reused, 422, "idempotency_key_reused")


def test_a_refusal_is_kept_under_its_key(place: Service) -> None:
    first, second = in_review(place, 4), in_review(place, 4)
    place.assign(first, "B")
    key = {"idempotency-key": "one"}
    refused = place.assign(second, "B", headers=key)
    place.unassign(first)
    again = place.assign(second, "B", headers=key)
    assert (again.status, again.text, again.headers["idempotent-replayed"]) == (409, refused.text, "true")
    assert place.assign(second, "B").status == 200


def test_a_key_takes_away_once(place: Service) -> None:
    booking = booked(place, 4)
    first = place.unassign(booking, headers={"idempotency-key": "one"})
    place.assign(booking, "B")
    again = place.unassign(booking, headers={"idempotency-key": "one"})
    assert (again.status, again.text, again.headers["idempotent-replayed"]) == (200, first.text, "true")
    assert ledger(place, booking) == [("B", [])]
    unchanged = place.unassign(in_review(place, 2), headers={"idempotency-key": "two"})
    assert unchanged.status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tables"),
        ({"tables": "B"}, "tables"),
        ({"tables": [1]}, "tables.0"),
        ({"tables": ["a/b"]}, "tables.0"),
        ({"tables": ["B"], "pin": "yes"}, "pin"),
        ({"tables": ["B"], "override": ["occupancy"]}, "override.0"),
        ({"tables": ["B"], "override": ["not_movable"]}, "override.0"),
        ({"tables": ["B"], "force": True}, "force"),
        ({"tables": ["B"] * 101}, "tables"),
    ],
)
def test_bodies_are_read_strictly(place: Service, body: Any, field: str) -> None:
    booking = in_review(place, 4)
    place.messages()
    with nothing_written(place):
        answer = call("operations", "PUT", f"/bookings/{booking}/assignment", body=body)
        assert_problem(answer, 422, "invalid_request", field)
