"""What happened to a restaurant's bookings, for a client that follows them."""

import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.harness.events import http_event
from tests.harness.problems import assert_problem, call, invoke
from tests.harness.room import Evening
from tests.harness.service import Service, at, house, party


def page(restaurant: str = "harbour", **query: str) -> dict[str, Any]:
    answer = call("bookings", "GET", f"/restaurants/{restaurant}/changes", query=query)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    assert found.keys() == {"items", "nextCursor"}
    return found


def followed(restaurant: str = "harbour", limit: int = 3) -> list[dict[str, Any]]:
    """The whole feed, page by page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while found := page(restaurant, limit=str(limit), **cursor):
        if not found["items"]:
            return items
        items += found["items"]
        assert found["items"][-1]["cursor"] == found["nextCursor"]
        cursor = {"cursor": found["nextCursor"]}
    raise AssertionError


def types(booking: Any) -> list[str]:
    own = [item["type"] for item in followed() if item["booking"]["id"] == booking["id"]]
    assert all(each.startswith("booking.") for each in own)
    return [each.removeprefix("booking.") for each in own]


@pytest.fixture
def room(service: Service, monkeypatch: pytest.MonkeyPatch) -> Evening:
    found = Evening(service, monkeypatch)
    found.opens(2, 2)
    return found


@pytest.fixture
def small(service: Service, monkeypatch: pytest.MonkeyPatch) -> Evening:
    found = Evening(service, monkeypatch)
    found.opens(2)
    return found


def test_a_confirmed_booking_is_two_changes(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    created, confirmed = followed()
    assert (created["type"], confirmed["type"]) == ("booking.created", "booking.confirmed")
    assert created.keys() == {"cursor", "type", "at", "booking"}
    assert confirmed["booking"] == booking


def test_the_life_of_a_booking(room: Evening) -> None:
    booking = room.book(2)
    assert types(booking) == ["created", "confirmed"]
    room.done(booking, "arrive")
    assert types(booking)[2:] == ["changed"]
    room.done(booking, "seat")
    room.done(booking, "unseat")
    room.done(booking, "seat")
    room.done(booking, "complete")
    room.done(booking, "undo-complete")
    assert types(booking)[3:] == ["seated", "confirmed", "seated", "completed", "seated"]


def test_a_no_show_and_a_cancellation(room: Evening) -> None:
    first, second = room.book(2), room.book(2)
    room.clock("19:20")
    room.done(first, "no-show")
    room.service.cancel(second["id"])
    assert types(first)[-1] == "no_show"
    assert types(second)[-1] == "cancelled"


def test_new_wishes_and_new_tables(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    patched = call("bookings", "PATCH", f"/bookings/{booking['id']}", body={"notes": "A cake, please"})
    assert patched.status == 200, patched.text
    assert types(booking)[2:] == ["changed"]
    table = next(each for each in ("T1", "T2") if [each] != booking["tables"])
    assert harbour.assign(booking["id"], table).status == 200
    assert types(booking)[3:] == ["moved"]


def test_who_waits_and_is_helped(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    harbour.book("harbour", party(2))
    harbour.book("harbour", party(4))
    waiting = harbour.book("harbour", party(2)).json["booking"]
    assert types(waiting) == ["created", "pending"]
    harbour.work()
    harbour.cancel(booking["id"])
    harbour.work()
    assert types(waiting)[2:] == ["manual_review", "confirmed"]


def test_a_declined_booking(small: Evening) -> None:
    small.book(2)
    waiting = small.book(2)
    small.service.work()
    small.done(waiting, "decline")
    assert types(waiting)[-1] == "declined"


def test_at_risk_and_safe_again(small: Evening) -> None:
    sitting, due = small.book(2, "18:30", durationMinutes=60), small.book(2, "20:00")
    small.done(sitting, "seat")
    small.clock("19:59")
    small.minute()
    assert types(due)[-1] == "at_risk"
    small.done(sitting, "complete")
    assert types(due)[-1] == "changed"


def test_who_moves_for_another_is_told_apart(harbour: Service) -> None:
    harbour.put_restaurant("harbour", house(2, 4))
    small = harbour.book("harbour", party(2)).json["booking"]
    assert small["tables"] == ["T1"]
    harbour.assign(small["id"], "T2", pin=False)
    harbour.book("harbour", party(4))
    assert types(small)[-1] == "moved"
    [last] = [item for item in followed() if item["booking"]["id"] == small["id"]][-1:]
    assert last["booking"] == harbour.booking(small["id"]).json["booking"]


def test_a_change_shows_when_the_booking_changed_and_not_when_it_was_recorded(small: Evening) -> None:
    booking = small.book(2, "20:00")
    small.clock("19:59")
    small.done(booking, "arrive")
    last = followed()[-1]
    assert last["booking"] == small.service.booking(booking["id"]).json["booking"]
    assert datetime.fromisoformat(last["booking"]["updatedAt"]) == at("19:59")
    assert datetime.fromisoformat(last["at"]) != at("19:59"), "the database's own clock"


def test_replayed_from_nothing_it_shows_every_booking(harbour: Service) -> None:
    made = [
        harbour.book("harbour", party(size, time)).json["booking"]
        for size in (2, 4, 2)
        for time in ("18:00", "19:00")
    ]
    harbour.work()
    harbour.cancel(made[0]["id"])
    harbour.work()
    rebuilt = {item["booking"]["id"]: item["booking"] for item in followed()}
    listed = call("bookings", "GET", "/restaurants/harbour/bookings").json["items"]
    assert rebuilt == {item["id"]: item for item in listed}


def test_nothing_is_recorded_of_what_is_refused(harbour: Service) -> None:
    for _ in range(4):
        harbour.book("harbour", party(4, onFull="refuse"))
    assert len(followed()) == 2


def test_nothing_is_recorded_of_what_is_rolled_back(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    with psycopg.connect(harbour.database.server.dsn(harbour.database.name)) as owner:
        owner.execute("update bookings set version = version + 1 where id = %s", [booking["id"]])
        owner.execute("set constraints all immediate")
        owner.rollback()
    assert types(booking) == ["created", "confirmed"]
    harbour.cancel(booking["id"])
    assert types(booking)[2:] == ["cancelled"]


def test_the_next_cursor_is_there_before_the_first_change(harbour: Service) -> None:
    empty = page()
    assert empty["items"] == []
    harbour.book("harbour", party(2))
    assert len(page(cursor=empty["nextCursor"])["items"]) == 2


def test_another_restaurant_has_its_own(harbour: Service) -> None:
    harbour.put_restaurant("other", house(2))
    harbour.book("other", party(2))
    assert page()["items"] == []
    cursor = page("other")["nextCursor"]
    assert page(cursor=cursor)["items"] == []
    event = http_event("GET", "/restaurants/other/changes", restaurants="harbour")
    assert_problem(invoke("bookings", event), 404, "restaurant_not_found")
    assert_problem(call("bookings", "GET", "/restaurants/nowhere/changes"), 404, "restaurant_not_found")


@pytest.mark.parametrize("cursor", ["x", "é", "LTE", "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDA", "", "MS41", "4pGg"])
def test_a_cursor_of_nobody(harbour: Service, cursor: str) -> None:
    answer = call("bookings", "GET", "/restaurants/harbour/changes", query={"cursor": cursor})
    assert_problem(answer, 422, "invalid_request", "cursor")


@pytest.mark.parametrize("limit", ["0", "201", "x"])
def test_a_limit_of_nobody(harbour: Service, limit: str) -> None:
    answer = call("bookings", "GET", "/restaurants/harbour/changes", query={"limit": limit})
    assert_problem(answer, 422, "invalid_request", "limit")


def test_a_position_is_never_visible_before_a_smaller_one(harbour: Service) -> None:
    """Eight writers and a reader that follows: it sees each change once, in order, and none is skipped."""
    harbour.put_restaurant("harbour", house(*[2] * 12))
    made = [harbour.book("harbour", party(2)).json["booking"]["id"] for _ in range(8)]
    dsn = harbour.database.server.dsn(harbour.database.name)
    busy = threading.Barrier(9)

    def write(booking_id: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as writer:
            busy.wait(30)
            for _ in range(25):
                writer.execute("update bookings set version = version + 1 where id = %s", [booking_id])

    writers = [threading.Thread(target=write, args=(booking_id,)) for booking_id in made]
    for each in writers:
        each.start()
    seen: list[int] = [0]
    with psycopg.connect(dsn, autocommit=True) as reader:
        busy.wait(30)
        more = True
        while more:
            more = any(each.is_alive() for each in writers)
            found = reader.execute(
                "select position from booking_changes where position > %s order by position", [seen[-1]]
            )
            seen += [row[0] for row in found]
    for each in writers:
        each.join()
    assert seen == list(range(8 * 2 + 8 * 25 + 1))


def test_old_changes_go_and_what_follows_still_makes_sense(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    cursor = page()["nextCursor"]
    with psycopg.connect(harbour.database.server.dsn(harbour.database.name)) as owner:
        owner.execute("update booking_changes set at = at - %s", [timedelta(days=31)])
    assert harbour.scheduled("maintain")["pruned"] == 2
    assert page()["items"] == []
    harbour.cancel(booking["id"])
    [cancelled] = page(cursor=cursor)["items"]
    assert cancelled["type"] == "booking.cancelled"


def test_the_release_before_feeds_it_too(harbour: Service) -> None:
    """It writes bookings without knowing of the feed, as does a person with SQL."""
    booking = harbour.book("harbour", party(2)).json["booking"]
    with psycopg.connect(harbour.database.server.dsn(harbour.database.name)) as owner:
        owner.execute("set timezone to 'Asia/Tokyo'")
        owner.execute("update bookings set updated_at = now() where id = %s", [booking["id"]])
        owner.commit()
        assert types(booking) == ["created", "confirmed"]
        owner.execute(
            "update bookings set notes = 'by hand', version = version + 1 where id = %s", [booking["id"]]
        )
    assert types(booking)[2:] == ["changed"]
