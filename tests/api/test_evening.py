"""The evening as it happens: the room beats the plan. Each test sets the clock; the handlers are true."""

from datetime import timedelta
from typing import Any

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.room import Evening, refused
from tests.harness.service import at

# --- the ledger knows the room ---


def test_a_party_that_comes_early_has_its_table_from_now_on(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    early = evening.book(4, "21:00")
    seated = evening.done(early, "seat")
    assert (seated["state"], seated["seatedAt"]) == ("seated", seated["arrivedAt"])
    assert seated["expectedEndAt"] == (at("19:00") + timedelta(minutes=105)).isoformat()
    table = evening.table("T1")
    assert (table["status"], table["party"]["name"], table["party"]["overTime"]) == ("seated", "Ada", False)
    assert_problem(refused(evening, 2, "19:00"), 409, "no_capacity")
    assert_problem(evening.walk_in(2), 409, "no_capacity")
    assert refused(evening, 2, "21:00").status == 201  # it will have left by then
    assert_consistent(evening.service.database)


def test_a_party_that_stays_too_long_keeps_its_table(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    first, following = evening.book(4, "19:00"), evening.book(4, "20:45")
    evening.done(first, "seat")
    evening.clock("20:50")
    assert evening.now(first)["expectedEndAt"] == at("20:50").isoformat()
    assert evening.table("T1")["party"]["overTime"]
    assert_problem(refused(evening, 2, "20:50"), 409, "no_capacity")
    problem = assert_problem(evening.mark(following, "seat"), 409, "table_occupied")
    assert (first["reference"] in problem["detail"], problem["parties"][0]["name"]) == (True, "Ada")
    evening.minute()
    [conflict] = evening.floor()["conflicts"]
    assert (conflict["bookingId"], conflict["tables"]) == (following["id"], ["T1"])
    assert evening.where(following) == ("confirmed", ["T1"])
    [risk] = evening.service.events("booking.at_risk", following["id"])
    assert (risk["tables"], risk["by"]) == (["T1"], first["id"])
    evening.minute()
    assert len(evening.service.events("booking.at_risk", following["id"])) == 1
    evening.done(first, "complete")
    assert evening.floor()["conflicts"] == []
    assert evening.done(following, "seat")["state"] == "seated"
    assert_consistent(evening.service.database)


def test_whose_table_will_not_be_free_moves_to_an_equivalent_one(evening: Evening) -> None:
    """Inside the freeze, without a new version, and without a letter."""
    evening.opens(4, 4, clock="19:00")
    first, following = evening.book(4, "19:00"), evening.book(4, "21:00")
    evening.service.assign(following["id"], *first["tables"], pin=False)
    following = evening.now(following)
    evening.done(first, "seat")
    evening.clock("20:46")
    assert evening.minute()["replanned"] == 1
    after = evening.now(following)
    assert (after["tables"] == first["tables"], after["version"]) == (False, following["version"])
    last = evening.history(following)[-1]
    assert (last["reason"], last["metadata"]["movedFor"], last["actor"]) == ("moved", first["id"], "clock")
    letters = "select count(*) from notifications where booking_id = %s and kind = 'confirmed'"
    assert evening.service.database.value(letters, following["id"]) == 1
    assert_consistent(evening.service.database)


def test_what_an_early_party_collides_with_is_planned_again_at_once(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    late = evening.book(4, "21:00")
    between = evening.book(4, "19:15")
    assert evening.now(between)["tables"] == late["tables"]
    evening.done(late, "seat")
    assert evening.where(between) == ("confirmed", [t for t in ("T1", "T2") if [t] != late["tables"]])
    assert_consistent(evening.service.database)


def test_nobody_who_has_arrived_or_is_pinned_is_moved_without_a_person(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    first = evening.book(4, "19:00")
    following = evening.book(4, "20:45", preferences={})
    evening.service.assign(following["id"], *first["tables"], pin=True)
    evening.done(first, "seat")
    evening.clock("20:50")
    evening.minute()
    assert evening.where(following) == ("confirmed", first["tables"])
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [following["id"]]
    evening.service.assign(following["id"], *(t for t in ("T1", "T2") if [t] != first["tables"]))
    assert evening.floor()["conflicts"] == []


def test_two_hosts_seat_two_parties_at_one_table(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    one, other = evening.book(4, "19:00"), evening.book(4, "19:00")
    evening.done(one, "seat", body={"tables": ["T2"]})
    problem = assert_problem(evening.mark(other, "seat", body={"tables": ["T2"]}), 409, "table_occupied")
    assert problem["parties"][0]["bookingId"] == one["id"]
    assert evening.where(other)[0] == "confirmed"
    assert evening.done(other, "seat", body={"tables": ["T1"]})["tables"] == ["T1"]


def test_a_booking_of_another_day_is_not_seated_by_mistake(evening: Evening) -> None:
    evening.opens(4, clock="16:59")
    booking = evening.book(4, "19:00")
    assert_problem(evening.mark(booking, "seat"), 409, "too_early")
    evening.clock("17:00")
    assert evening.done(booking, "seat")["state"] == "seated"


@pytest.mark.parametrize("what", ["arrive", "seat", "complete"])
def test_once_more_is_answered_clearly(evening: Evening, what: str) -> None:
    evening.opens(4)
    booking = evening.book(4)
    for step in {"arrive": ["arrive"], "seat": ["seat"], "complete": ["seat", "complete"]}[what]:
        evening.done(booking, step)
    again = evening.mark(booking, what)
    if what == "arrive":
        assert (again.status, again.json["booking"]["version"]) == (200, booking["version"] + 1)
    else:
        assert_problem(again, 409, "invalid_transition")


def test_the_same_key_seats_once(evening: Evening) -> None:
    evening.opens(4)
    booking, key = evening.book(4), {"idempotency-key": "seat"}
    first = evening.mark(booking, "seat", headers=key)
    again = evening.mark(booking, "seat", headers=key)
    assert (again.text, again.headers.get("idempotent-replayed")) == (first.text, "true")


# --- corrections ---


def test_unseated_the_plan_holds_again(evening: Evening) -> None:
    evening.opens(4)
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    after = evening.done(booking, "unseat")
    assert (after["state"], after["tables"], after["seatedAt"], after["arrivedAt"]) == (
        "confirmed", ["T1"], None, None
    )  # fmt: skip
    assert (after["startAt"], after["endAt"]) == (booking["startAt"], booking["endAt"])
    assert_problem(refused(evening, 2, "19:00"), 409, "no_capacity")
    assert evening.done(booking, "seat")["state"] == "seated"
    assert_consistent(evening.service.database)


def test_unseated_when_its_plan_was_given_away(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    early = evening.book(4, "21:00")
    evening.done(early, "seat")
    taken = [evening.book(4, "21:00"), evening.book(4, "21:00")]
    assert {each["state"] for each in taken} == {"confirmed"}
    assert_problem(evening.mark(early, "unseat"), 409, "table_occupied")
    evening.service.cancel(taken[0]["id"])
    assert evening.done(early, "unseat")["tables"] == taken[0]["tables"]
    assert_consistent(evening.service.database)


def test_a_completion_is_undone_for_a_quarter_of_an_hour(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    seated = evening.done(booking, "seat")
    evening.clock("19:30")
    assert evening.done(booking, "complete")["completedAt"] == at("19:30").isoformat()
    evening.clock("19:45")
    undone = evening.done(booking, "undo-complete")
    assert (undone["state"], undone["tables"], undone["seatedAt"]) == ("seated", ["T1"], seated["seatedAt"])
    assert undone["completedAt"] is None
    evening.done(booking, "complete")
    evening.clock("20:01")
    assert_problem(evening.mark(booking, "undo-complete"), 409, "invalid_transition")
    assert_consistent(evening.service.database)


def test_a_completion_is_not_undone_where_others_sit(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    evening.done(booking, "complete")
    walk_in = evening.walk_in(2)
    assert walk_in.status == 201, walk_in.text
    assert_problem(evening.mark(booking, "undo-complete"), 409, "table_occupied")


def test_they_left_before_they_ordered(evening: Evening) -> None:
    evening.opens(4)
    booking = evening.book(4)
    evening.done(booking, "seat")
    cancelled = evening.service.cancel(booking["id"]).json["booking"]
    assert (cancelled["state"], cancelled["tables"]) == ("cancelled", [])
    path = [(item["fromState"], item["toState"]) for item in evening.history(booking)[-2:]]
    assert path == [("seated", "confirmed"), ("confirmed", "cancelled")]
    assert evening.table("T1")["status"] == "free"
    assert_problem(evening.mark(booking, "seat"), 409, "invalid_transition")
    assert_problem(evening.mark(booking, "unseat"), 409, "invalid_transition")
    assert_consistent(evening.service.database)


# --- why a party sits where it sits ---


def test_the_explanation_follows_a_party_that_moved_for_another(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    late = evening.book(4, "21:00")
    between = evening.book(4, "19:15")
    evening.done(late, "seat")
    why, [now] = evening.explanation(between), evening.where(between)[1]
    assert (why["chosen"], why["moved"]["from"], why["moved"]["to"]) == ([now], between["tables"], [now])
    assert why["summary"].endswith(
        f"It moved from {between['tables'][0]} to {now} since, because of booking {late['id']}."
    )


def test_the_explanation_follows_a_party_whose_table_was_blocked(evening: Evening) -> None:
    evening.opens(4, 4, clock="18:00")
    booking = evening.book(4, "19:00")
    evening.block(*booking["tables"], until=at("22:00").isoformat())
    why = evening.explanation(booking)
    assert why["chosen"] == evening.where(booking)[1] != booking["tables"]
    assert why["summary"].endswith("since, because its table was out of order.")


def test_a_refusal_is_explained_by_who_is_in_the_way(evening: Evening) -> None:
    evening.opens(4, clock="18:00")
    first = evening.book(2, "19:00")
    why = evening.explanation(evening.book(4, "19:00"))
    [party] = why["blockedBy"]
    assert (party["bookingId"], party["tables"], why["refusedBy"]) == (first["id"], ["T1"], "no_capacity")
    assert why["wouldHelp"].startswith("Table T1 would do if the ")
    assert "from 20:30" in why["wouldHelp"]


# --- tables on hold ---


def test_a_table_on_hold_is_not_given_to_a_chosen_walk_in(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    evening.hold(4, "19:00")
    problem = assert_problem(evening.walk_in(2, tables=["T1"]), 409, "table_occupied")
    assert "on hold" in problem["detail"].lower()
    problem = assert_problem(evening.walk_in(2), 409, "hold_conflict")
    assert problem["waitMinutes"] is None


def test_a_party_that_sits_does_not_move_to_a_table_on_hold(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    evening.hold(4, "19:00")
    [other] = {"T1", "T2"} - set(booking["tables"])
    problem = assert_problem(evening.service.assign(booking["id"], other), 409, "table_occupied")
    assert "on hold" in problem["detail"]
    assert evening.where(booking) == ("seated", booking["tables"])


# --- a party that sits ---


def test_a_party_that_sits_moves_now(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    [own] = booking["tables"]
    [other] = {"T1", "T2"} - {own}
    evening.clock("19:30")
    moved = evening.service.assign(booking["id"], other)
    assert moved.status == 200, moved.text
    assert moved.json["booking"]["expectedEndAt"] == (at("19:00") + timedelta(minutes=105)).isoformat()
    assert (evening.table(own)["status"], evening.table(other)["status"]) == ("free", "seated")
    assert evening.history(booking)[-1]["metadata"]["fromTables"] == [own]
    assert_problem(evening.service.assign(booking["id"], "T9"), 422, "rule_violated")
    assert_consistent(evening.service.database)


def test_a_party_that_moves_pushes_the_plan_there_aside(evening: Evening) -> None:
    evening.opens(4, 4, 4, clock="19:00")
    booking, planned = evening.book(4, "19:00"), evening.book(4, "19:15")
    evening.done(booking, "seat")
    assert evening.service.assign(booking["id"], *planned["tables"]).status == 200
    state, tables = evening.where(planned)
    assert (state, tables == planned["tables"], tables == booking["tables"]) == (
        "confirmed",
        False,
        True,
    ) or (state == "confirmed" and tables not in (planned["tables"], []))
    assert_consistent(evening.service.database)


@pytest.mark.parametrize(
    "change", [{"partySize": 3}, {"notes": "birthday"}, {"durationMinutes": 180}, {"guest": {"name": "Bob"}}]
)
def test_a_party_that_sits_changes(evening: Evening, change: dict[str, Any]) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    changed = evening.patch(booking, **change)
    assert changed.status == 200, changed.text
    after = changed.json["booking"]
    assert (after["state"], after["tables"]) == ("seated", ["T1"])
    if "durationMinutes" in change:
        assert after["expectedEndAt"] == (at("19:00") + timedelta(minutes=180)).isoformat()
    else:
        [(member, value)] = change.items()
        assert (after["guest"]["name"] if member == "guest" else after[member]) in (value, "Bob")
    assert evening.patch(booking, **change).json["booking"]["version"] == after["version"]
    assert_consistent(evening.service.database)


def test_a_longer_stay_moves_who_comes_next(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.service.assign(following := evening.book(4, "20:45")["id"], *booking["tables"], pin=False)
    evening.done(booking, "seat")
    assert evening.patch(booking, durationMinutes=180).status == 200
    moved = evening.service.booking(following).json["booking"]
    assert (moved["state"], moved["tables"] == booking["tables"]) == ("confirmed", False)
    assert_consistent(evening.service.database)


def test_more_guests_than_seats_need_a_person(evening: Evening) -> None:
    evening.opens(4)
    booking = evening.book(4)
    evening.done(booking, "seat")
    assert_problem(evening.patch(booking, partySize=5), 422, "rule_violated")
    larger = evening.patch(booking, partySize=5, override=["capacity"])
    assert (larger.status, larger.json["booking"]["partySize"]) == (200, 5)
    assert_consistent(evening.service.database)


@pytest.mark.parametrize("change", [{"date": "2027-01-01", "time": "19:00"}, {"onFull": "pend"}])
def test_a_party_that_sits_has_no_start_to_change(evening: Evening, change: dict[str, Any]) -> None:
    evening.opens(4)
    booking = evening.book(4)
    evening.done(booking, "seat")
    assert_problem(evening.patch(booking, **change), 422, "invalid_request")


def test_before_the_meal_the_length_of_the_stay_is_changed_too(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    booking = evening.book(4, "19:00")
    longer = evening.patch(booking, durationMinutes=180).json["booking"]
    assert longer["endAt"] == (at("19:00") + timedelta(minutes=180)).isoformat()
    assert (longer["state"], longer["tables"]) == ("confirmed", ["T1"])


# --- walk-ins ---


def test_a_walk_in_sits_down(evening: Evening) -> None:
    evening.opens(2, 4, clock="19:07")
    answer = evening.walk_in(2, guest={"name": "Eve"}, headers={"idempotency-key": "door"})
    assert answer.status == 201, answer.text
    booking = answer.json["booking"]
    assert (booking["state"], booking["tables"], booking["startAt"]) == (
        "seated", ["T1"], at("19:07").isoformat()
    )  # fmt: skip
    assert answer.json["assignment"]["outcome"] == "confirmed"
    assert evening.walk_in(2, guest={"name": "Eve"}, headers={"idempotency-key": "door"}).text == answer.text
    assert [item["toState"] for item in evening.history(booking)] == [
        "created", "assignment_in_progress", "confirmed", "seated"
    ]  # fmt: skip
    assert_consistent(evening.service.database)


def test_a_walk_in_may_wait_at_the_bar(evening: Evening) -> None:
    evening.opens(2, clock="19:00")
    booking = evening.walk_in(2, seat=False).json["booking"]
    assert (booking["state"], booking["tables"], bool(booking["arrivedAt"])) == ("confirmed", ["T1"], True)
    assert evening.done(booking, "seat")["state"] == "seated"


def test_tables_for_walk_ins_are_for_walk_ins(evening: Evening) -> None:
    evening.opens(clock="19:00", tables=[{"id": "W1", "zone": "main", "capacity": 6, "walkInOnly": True}])
    booking = evening.walk_in(5).json["booking"]
    assert (booking["state"], booking["tables"]) == ("seated", ["W1"])
    assert_consistent(evening.service.database)


def test_a_walk_in_that_must_wait_is_told_how_long(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    evening.clock("20:00")
    problem = assert_problem(evening.walk_in(2), 409, "no_capacity")
    assert (problem["waitMinutes"], problem["reason"]["code"]) == (45, "no_capacity")
    assert "45 minutes" in problem["detail"]


def test_a_chosen_table_that_is_taken_says_by_whom(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.walk_in(4, tables=["T1"]).json["booking"]
    problem = assert_problem(evening.walk_in(2, tables=["T1"]), 409, "table_occupied")
    assert problem["parties"][0]["bookingId"] == booking["id"]
    assert evening.walk_in(2, tables=["T2"]).status == 201
    assert_problem(evening.walk_in(2, tables=["T9"]), 422, "rule_violated")


def test_a_walk_in_larger_than_the_house(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    assert_problem(evening.walk_in(40), 422, "party_too_large")


def test_nobody_walks_into_a_closed_house(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    assert_problem(evening.walk_in(2), 422, "outside_service")


# --- tables out of order ---


def test_a_blocked_table_is_given_to_nobody(evening: Evening) -> None:
    evening.opens(4, 4, clock="18:00")
    booking = evening.book(4, "19:00")
    [own] = booking["tables"]
    [other] = {"T1", "T2"} - {own}
    answer = evening.block(own, until=at("22:00").isoformat(), reason="a leg is broken")
    assert answer.json == {
        "affected": [
            {"bookingId": booking["id"], "reference": booking["reference"], "problem": f"moved to {other}"}
        ]
    }
    assert evening.where(booking) == ("confirmed", [other])
    assert evening.table(own)["status"] == "out_of_service"
    assert_problem(refused(evening, 4, "19:00"), 409, "no_capacity")
    assert evening.block(own, until=at("22:30").isoformat()).json == {"affected": []}
    for _ in range(2):
        assert evening.unblock(own).status == 204
    assert evening.table(own)["status"] == "free"
    assert refused(evening, 4, "19:00").status == 201
    assert_consistent(evening.service.database)


def test_a_block_without_another_table_flags_the_guest(evening: Evening) -> None:
    evening.opens(4, clock="18:00")
    booking = evening.book(4, "19:00")
    [affected] = evening.block("T1", until=at("20:00").isoformat()).json["affected"]
    assert (affected["bookingId"], affected["problem"]) == (booking["id"], "no other table is free")
    assert evening.floor()["conflicts"][0]["problem"] == "The table is out of order"
    assert evening.where(booking) == ("confirmed", ["T1"])
    assert_problem(evening.mark(booking, "seat"), 409, "table_occupied")
    review = evening.service.http("operations", "GET", "/restaurants/harbour/manual-review").json["items"]
    assert [(case["booking"]["id"], case["reason"]["code"]) for case in review] == [
        (booking["id"], "at_risk")
    ]
    evening.unblock("T1")
    assert evening.floor()["conflicts"] == []
    assert evening.service.http("operations", "GET", "/restaurants/harbour/manual-review").json["items"] == []
    assert evening.done(booking, "seat")["state"] == "seated"
    assert_consistent(evening.service.database)


def test_a_table_in_order_again_is_for_who_waits(evening: Evening) -> None:
    evening.opens(4, clock="16:00")
    evening.block("T1", until=at("23:00").isoformat())
    waiting = evening.book(4, "19:00")
    evening.service.work()
    assert evening.where(waiting) == ("manual_review", [])
    evening.clock("16:30")
    evening.unblock("T1")
    evening.service.work()
    assert evening.where(waiting) == ("confirmed", ["T1"])


def test_a_block_that_is_over_is_in_nobodys_way(evening: Evening) -> None:
    """Without anybody saying so, neither for who is at the door nor for who was flagged."""
    evening.opens(4, 4, clock="18:00")
    flagged, later = evening.book(4, "18:15"), evening.book(4, "18:15")
    for table in ("T1", "T2"):
        assert evening.block(table, until=at("18:30").isoformat()).status == 200
    evening.clock("18:29")
    assert_problem(evening.mark(later, "seat"), 409, "table_occupied")
    evening.minute()
    assert len(evening.floor()["conflicts"]) == 2
    evening.clock("18:30")
    assert evening.done(later, "seat")["state"] == "seated"
    evening.minute()
    assert evening.floor()["conflicts"] == []
    assert evening.where(flagged) == ("confirmed", flagged["tables"])
    assert_consistent(evening.service.database)


def test_who_sits_at_a_table_that_is_blocked_stays(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    assert evening.block("T1", until=at("22:00").isoformat()).json == {"affected": []}
    assert evening.table("T1")["status"] == "seated"
    evening.done(booking, "complete")
    assert_problem(refused(evening, 2, "20:45"), 409, "no_capacity")


@pytest.mark.parametrize(
    ("table", "body", "status", "code"),
    [
        ("T9", {"until": "22:00"}, 404, "table_not_found"),
        ("T1", {"until": "17:00"}, 422, "invalid_request"),
        ("T1", {"from": "22:00", "until": "21:00"}, 422, "invalid_request"),
        ("T1", {}, 422, "invalid_request"),
    ],
)
def test_bad_blocks(evening: Evening, table: str, body: dict[str, str], status: int, code: str) -> None:
    evening.opens(4)
    period = {member: at(clock).isoformat() for member, clock in body.items()}
    assert_problem(evening.block(table, **period), status, code)


# --- who does not come, and who never hears ---


def test_who_has_not_come_is_late_and_nothing_else_happens(evening: Evening) -> None:
    evening.opens(4, clock="18:30")
    booking = evening.book(4, "19:00")
    evening.clock("19:14")
    assert not evening.now(booking)["late"]
    evening.clock("19:15")
    evening.minute()
    assert (evening.now(booking)["late"], evening.table("T1")["party"]["late"]) == (True, True)
    assert evening.where(booking) == ("confirmed", ["T1"])
    evening.done(booking, "arrive")
    assert (evening.now(booking)["late"], evening.table("T1")["party"]["arrived"]) == (False, True)


def test_a_person_declines_with_a_letter(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    evening.book(4)
    waiting = evening.book(4)
    evening.service.work()
    assert evening.where(waiting)[0] == "manual_review"
    declined = evening.done(waiting, "decline", body={"reason": "full"})
    assert (declined["state"], declined["status"]) == ("declined", "declined")
    assert evening.done(waiting, "decline")["version"] == declined["version"]
    kinds = evening.service.database.query(
        "select kind from notifications where booking_id = %s and kind = 'declined'", waiting["id"]
    )
    assert kinds == [("declined",)]
    assert evening.history(waiting)[-1]["reason"] == "full"
    for step in ("seat", "cancel", "arrive"):
        function = "bookings" if step == "cancel" else "operations"
        path = f"/bookings/{waiting['id']}/{step}"
        assert_problem(evening.service.http(function, "POST", path), 409, "invalid_transition")
    assert_consistent(evening.service.database)


def test_the_jobs_message_of_a_declined_booking_is_done_with(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    evening.book(4)
    waiting = evening.book(4)
    evening.done(waiting, "decline")
    evening.service.work()
    assert evening.where(waiting)[0] == "declined"
    assert evening.service.events("auto_assign.summary", waiting["id"])[-1]["result"] == "superseded"


def test_what_is_unanswered_at_its_start_is_declined_by_the_clock(evening: Evening) -> None:
    evening.opens(4, clock="12:00")
    evening.book(4)
    waiting = evening.book(4)
    evening.service.work()
    evening.clock("18:59")
    evening.minute()
    assert evening.where(waiting)[0] == "manual_review"
    evening.clock("19:00")
    assert evening.minute()["declined"] == 1
    assert evening.where(waiting)[0] == "declined"
    last = evening.history(waiting)[-1]
    assert (last["actor"], last["reason"]) == ("clock", "unanswered_at_start")
    assert_consistent(evening.service.database)


@pytest.mark.parametrize("what", ["arrive", "seat", "unseat", "undo-complete", "decline"])
def test_another_tenants_evening_is_out_of_reach(evening: Evening, what: str) -> None:
    evening.opens(4)
    booking = evening.book(4)
    assert_problem(evening.mark(booking, what, restaurants="elsewhere"), 404, "booking_not_found")
    assert_problem(evening.mark(booking, what, scope="bookings:write"), 403, "forbidden")


def test_another_tenants_door_and_tables_are_out_of_reach(evening: Evening) -> None:
    evening.opens(4)
    for method, path, body in (
        ("POST", "/restaurants/harbour/walk-ins", {"partySize": 2}),
        ("POST", "/restaurants/harbour/tables/T1/block", {"until": at("22:00").isoformat()}),
        ("DELETE", "/restaurants/harbour/tables/T1/block", None),
    ):
        foreign = evening.service.http("operations", method, path, body=body, restaurants="elsewhere")
        assert_problem(foreign, 404, "restaurant_not_found")
