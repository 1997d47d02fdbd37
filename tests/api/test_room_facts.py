"""Facts of the room that change while plans stand: stays, blocks, layouts, and the release before."""

from datetime import timedelta
from typing import Any

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.room import POLICY, Evening, refused
from tests.harness.service import at, house, set_clock


def second(monkeypatch: pytest.MonkeyPatch, wall: str, seconds: int) -> None:
    set_clock(monkeypatch, at(wall) + timedelta(seconds=seconds))


def other(tables: list[str]) -> str:
    return "T2" if tables == ["T1"] else "T1"


def replace_floor(evening: Evening, *capacities: int, **changes: Any) -> None:
    document = house(*capacities, **{"policy": POLICY, **changes})
    assert evening.service.put_restaurant("harbour", document).status == 200


# --- windows ---


def test_who_moves_takes_the_buffers_of_now(evening: Evening) -> None:
    """Planned with a buffer of an hour, moved without one to a table that is taken in that hour."""
    evening.opens(4, 4, clock="18:00", policy={**POLICY, "bufferAfterMinutes": 60})
    beaten = evening.book(4, "20:00")
    replace_floor(evening, 4, 4)
    early, late = evening.book(4, "18:15"), evening.book(4, "22:00")
    evening.service.assign(early["id"], *beaten["tables"], pin=True)
    evening.service.assign(late["id"], other(beaten["tables"]), pin=True)
    evening.clock("18:45")
    evening.done(early, "seat")
    assert evening.where(beaten) == ("confirmed", [other(beaten["tables"])])
    assert_consistent(evening.service.database)


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_seconds_put_nobody_at_risk(evening: Evening, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    evening.opens(4, clock="19:00")
    first, following = evening.book(4, "19:00"), evening.book(4, "20:45")
    second(monkeypatch, "19:00", seconds)
    evening.done(first, "seat")
    assert evening.floor()["conflicts"] == []
    assert evening.where(following) == ("confirmed", ["T1"])


def test_a_walk_in_fits_to_the_minute(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    evening.opens(4, clock="18:00")
    following = evening.book(4, "20:30")
    second(monkeypatch, "19:00", 1)
    walk_in = evening.walk_in(2)
    assert walk_in.status == 201, walk_in.text
    assert evening.where(following) == ("confirmed", ["T1"])
    assert_consistent(evening.service.database)


# --- a party that sits ---


@pytest.mark.parametrize("change", [{"notes": "birthday"}, {"guest": {"name": "Bob"}}, {"partySize": 2}])
def test_notes_need_no_table(evening: Evening, change: dict[str, Any]) -> None:
    """Whatever stands at its table afterwards, and whether or not the floor still has it."""
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    assert evening.block("T1", until=at("23:00").isoformat()).status == 200
    assert evening.patch(booking, **change).status == 200
    assert_consistent(evening.service.database)


def test_notes_of_a_party_larger_than_its_table(evening: Evening) -> None:
    evening.opens(4)
    booking = evening.book(4)
    evening.done(booking, "seat")
    assert evening.patch(booking, partySize=5, override=["capacity"]).status == 200
    assert evening.patch(booking, notes="birthday").status == 200
    assert_problem(evening.patch(booking, partySize=6), 422, "rule_violated")


def test_a_longer_stay_holds_a_block_back(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    assert evening.block("T1", until=at("23:00").isoformat()).status == 200
    assert evening.patch(booking, durationMinutes=150).status == 200
    evening.clock("21:00")
    assert evening.table("T1")["status"] == "seated"
    evening.done(booking, "complete")
    assert evening.table("T1")["status"] == "out_of_service"
    assert_consistent(evening.service.database)


def test_who_is_over_time_still_sits_after_a_change(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00", policy={**POLICY, "maxMoves": 0})
    first = evening.book(4, "19:00")
    following = evening.book(4, "20:45")
    evening.service.assign(following["id"], *first["tables"], pin=True)
    evening.done(first, "seat")
    evening.clock("20:50")
    evening.minute()
    assert evening.patch(first, notes="they stay for coffee").status == 200
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [following["id"]]
    assert evening.service.assign(first["id"], other(first["tables"])).status == 200
    assert evening.floor()["conflicts"] == []
    stranger = refused(evening, 4, "20:52")
    assert stranger.status == 409, stranger.text
    assert_consistent(evening.service.database)


def test_the_table_of_a_party_left_the_floor(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat", body={"tables": ["T2"]})
    replace_floor(evening, 4)
    assert evening.patch(booking, notes="birthday").status == 200
    assert_problem(evening.patch(booking, partySize=5), 422, "rule_violated")
    assert evening.patch(booking, durationMinutes=150).status == 200
    assert evening.done(booking, "unseat")["tables"] == ["T1"]
    assert_consistent(evening.service.database)


def test_unseated_the_party_goes_back_to_where_it_was_to_sit(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    elsewhere = other(booking["tables"])
    evening.done(booking, "seat", body={"tables": [elsewhere]})
    assert evening.done(booking, "unseat")["tables"] == booking["tables"]
    evening.done(booking, "seat", body={"tables": [elsewhere]})
    walk_in = evening.walk_in(4)
    assert walk_in.json["booking"]["tables"] == booking["tables"]
    assert evening.done(booking, "unseat")["tables"] == [elsewhere]
    assert_consistent(evening.service.database)


def test_a_stay_past_closing_ends_with_the_service_once_it_is_a_plan_again(evening: Evening) -> None:
    evening.opens(4, 4, clock="20:00")
    booking = evening.book(4, "20:45")
    evening.done(booking, "seat")
    assert evening.patch(booking, durationMinutes=300).status == 200
    evening.done(booking, "unseat")
    [table] = evening.now(booking)["tables"]
    [affected] = evening.block(table, until=at("23:00").isoformat()).json["affected"]
    assert affected["problem"] == f"moved to {other([table])}"
    assert evening.where(booking) == ("confirmed", [other([table])])
    assert_consistent(evening.service.database)


def test_who_gets_up_and_goes_is_in_nobodys_way(evening: Evening) -> None:
    """Cancelled at the table: the next guest is safe again at once."""
    evening.opens(4, clock="19:00")
    first, following = evening.book(4, "19:00"), evening.book(4, "20:45")
    evening.done(first, "seat")
    evening.clock("20:50")
    evening.minute()
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [following["id"]]
    assert evening.service.cancel(first["id"]).status == 200
    assert evening.floor()["conflicts"] == []
    assert evening.done(following, "seat")["state"] == "seated"
    assert_consistent(evening.service.database)


def test_yesterdays_party_is_completed_today(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody noticed that it left. Its day does not know what is in the way of today's guests."""
    evening.opens(4, 4, clock="19:00")
    forgotten = evening.book(4, "19:00")
    evening.done(forgotten, "seat")
    table = other(forgotten["tables"])
    set_clock(monkeypatch, at("20:30", 15))
    today = evening.service.book("harbour", {
        "partySize": 4, "date": at("21:00", 15).date().isoformat(), "time": "21:00", "guest": {"name": "Eve"},
    }).json["booking"]  # fmt: skip
    evening.service.assign(today["id"], table, pin=True)
    block = evening.block(
        table, **{"from": at("20:45", 15).isoformat(), "until": at("23:00", 15).isoformat()}
    )
    assert [each["bookingId"] for each in block.json["affected"]] == [today["id"]]
    assert evening.done(forgotten, "complete")["state"] == "completed"
    assert [each["bookingId"] for each in evening.floor()["conflicts"]] == [today["id"]]
    assert_consistent(evening.service.database)


# --- blocks ---


def test_a_block_comes_forward_when_the_party_leaves(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    assert evening.block("T1", until=at("20:30").isoformat()).json == {"affected": []}
    evening.clock("19:30")
    evening.done(booking, "complete")
    assert evening.table("T1")["status"] == "out_of_service"
    assert_problem(evening.walk_in(2, tables=["T1"]), 409, "table_occupied")
    evening.clock("20:30")
    assert evening.walk_in(2, tables=["T1"]).status == 201
    assert_consistent(evening.service.database)


@pytest.mark.parametrize("step", ["move", "unseat", "cancel"])
def test_a_block_comes_forward_however_the_table_is_left(evening: Evening, step: str) -> None:
    evening.opens(4, 4, clock="19:00")
    booking = evening.book(4, "19:00")
    [table] = booking["tables"]
    evening.done(booking, "seat")
    evening.block(table, until=at("23:00").isoformat())
    evening.clock("19:20")
    if step == "move":
        assert evening.service.assign(booking["id"], other([table])).status == 200
    elif step == "unseat":
        assert evening.done(booking, "unseat")["tables"] == [other([table])]
    else:
        assert evening.service.cancel(booking["id"]).status == 200
    assert evening.table(table)["status"] == "out_of_service"
    assert_consistent(evening.service.database)


def test_a_block_that_was_lifted_does_not_come_back(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.done(booking, "seat")
    evening.block("T1", until=at("23:00").isoformat())
    assert evening.unblock("T1").status == 204
    evening.done(booking, "complete")
    assert evening.table("T1")["status"] == "free"


def test_a_block_from_the_past_begins_now(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    booking = evening.book(4, "19:00")
    evening.clock("21:00")
    answer = evening.block("T1", **{"from": at("20:00").isoformat(), "until": at("23:00").isoformat()})
    assert answer.json == {"affected": []}
    assert evening.floor()["conflicts"] == []
    assert evening.where(booking)[0] == "confirmed"


def test_a_block_of_days_says_what_comes_within_a_minute(evening: Evening) -> None:
    evening.opens(4, 4, clock="19:00")
    body = {"partySize": 4, "date": at("19:00", 15).date().isoformat(), "time": "19:00", "guest": {}}
    tomorrow = evening.service.book("harbour", body).json["booking"]
    [table] = tomorrow["tables"]
    [affected] = evening.block(table, until=at("23:00", 15).isoformat()).json["affected"]
    assert affected["problem"].startswith("gets another table within a minute")
    evening.minute()
    assert evening.where(tomorrow) == ("confirmed", [other([table])])
    assert evening.floor()["conflicts"] == []
    assert_consistent(evening.service.database)


def test_after_midnight_the_evening_goes_on(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that breaks then is one of the service day in progress, whose guests move at once."""
    late = {"id": "night", "name": "Night", "opens": "18:00",
            "lastSeating": "01:00", "closes": "03:00"}  # fmt: skip
    evening.opens(4, 4, clock="23:00", services=[late])
    booking = evening.book(4, "00:45", date=at("00:45", 15).date().isoformat())
    [table] = booking["tables"]
    set_clock(monkeypatch, at("00:10", 15))
    [affected] = evening.block(table, until=at("02:30", 15).isoformat()).json["affected"]
    assert affected["problem"] == f"moved to {other([table])}"


def test_two_hosts_lift_one_block_with_one_key(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    evening.block("T1", until=at("23:00").isoformat())
    for _ in range(2):
        assert evening.unblock("T1", {"idempotency-key": "lift"}).status == 204


# --- the release before ---


def seated_by_the_release_before(evening: Evening, booking: dict[str, Any]) -> None:
    """What it wrote: the state and its history. It knew no seats."""
    run, version = evening.service.database.query, booking["version"] + 1
    run(
        "insert into booking_state_history (booking_id, from_state, to_state, version, actor_id, reason) "
        "values (%s, 'confirmed', 'seated', %s, 'host', 'seated') returning id",
        booking["id"],
        version,
    )
    run(
        "update bookings set state = 'seated', version = %s where id = %s returning id",
        version,
        booking["id"],
    )


def test_who_was_seated_by_the_release_before_sits(evening: Evening) -> None:
    evening.opens(4, clock="19:00")
    first, following = evening.book(4, "19:00"), evening.book(4, "20:45")
    seated_by_the_release_before(evening, first)
    assert evening.now(first)["seatedAt"] is not None
    seats = "select bool_and(seated) from allocations where booking_id = %s and live"
    assert evening.service.database.value(seats, first["id"]) is True
    evening.clock("20:50")
    assert_problem(evening.mark(following, "seat"), 409, "table_occupied")
    evening.done(first, "complete")
    assert evening.done(following, "seat")["state"] == "seated"
    assert_consistent(evening.service.database)


def test_a_party_sits_on_into_the_time_of_a_hold_that_has_expired(evening: Evening) -> None:
    """Nobody gives the hold's tables back but who needs them."""
    evening.opens(2)
    booking = evening.book(2, "19:00", durationMinutes=60)
    evening.hold(2, "20:30")
    evening.clock("19:00")
    evening.done(booking, "seat")
    evening.service.database.query("update holds set expires_at = now() - interval '1 second'")
    longer = evening.patch(booking, durationMinutes=120)
    assert longer.status == 200, longer.text
    assert evening.where(booking) == ("seated", ["T1"])


def test_a_shorter_stay_makes_the_plan_after_it_safe_again(evening: Evening) -> None:
    """The plan's row may meet the party's only once that ends earlier."""
    evening.opens(2)
    due, sitting = evening.book(2, "20:30"), evening.book(2, "18:30", durationMinutes=60)
    evening.done(sitting, "seat")
    assert evening.patch(sitting, durationMinutes=180).status == 200
    assert evening.table("T1")["bookingId"] == sitting["id"]
    shorter = evening.patch(sitting, durationMinutes=60)
    assert shorter.status == 200, shorter.text
    assert evening.where(due) == ("confirmed", ["T1"])
    assert evening.service.database.query("select 1 from allocations where at_risk_since is not null") == []


def test_a_block_that_joins_one_with_a_guest_of_its_own(evening: Evening) -> None:
    """The first block has told of the guest at 20:00; the second ends before and need not."""
    evening.opens(2)
    due = evening.book(2, "20:00")
    first = evening.block("T1", until=at("20:30").isoformat())
    assert [each["bookingId"] for each in first.json["affected"]] == [due["id"]]
    second = evening.block("T1", until=at("19:00").isoformat())
    assert second.status == 200, second.text
    assert second.json["affected"] == []
