"""Reading a booking again: how it came to its tables, why it waits, and whether anything has changed."""

from typing import Any

import pytest

from tests.harness.problems import call
from tests.harness.room import Evening
from tests.harness.service import Answer, Service, house, party
from tests.harness.service import evening as day


def read(booking: dict[str, Any], **request: Any) -> Answer:
    return call("bookings", "GET", f"/bookings/{booking['id']}", **request)


def test_the_attempt_that_gave_the_tables(harbour: Service) -> None:
    made = harbour.book("harbour", party(4)).json
    shown = read(made["booking"]).json
    assert shown == {
        "booking": made["booking"],
        "assignment": made["assignment"],
        "reason": None,
        "alternatives": [],
    }


def test_a_booking_that_waits_says_why_and_offers_what_the_refusal_offered(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    made = harbour.book("harbour", party(4)).json
    shown = read(made["booking"]).json
    assert shown["assignment"] == made["assignment"]
    assert shown["assignment"]["outcome"] == "deferred"
    assert shown["reason"] == made["assignment"]["reason"]
    assert shown["alternatives"] == made["alternatives"] != []
    start = shown["alternatives"][0]["startAt"]
    patch = call("bookings", "PATCH", f"/bookings/{made['booking']['id']}", body={"startAt": start})
    assert patch.json["booking"]["state"] == "confirmed"
    after = read(made["booking"]).json
    assert after["assignment"] == patch.json["assignment"]
    assert (after["reason"], after["alternatives"]) == (None, [])


def test_the_jobs_attempts_count(harbour: Service) -> None:
    first = harbour.book("harbour", party(4)).json["booking"]
    waiting = harbour.book("harbour", party(4)).json["booking"]
    harbour.work()
    shown = read(waiting).json
    assert shown["booking"]["state"] == "manual_review"
    assert (shown["assignment"]["outcome"], shown["reason"]["code"]) == ("manual_review", "no_capacity")
    assert shown["alternatives"]
    harbour.cancel(first["id"])
    harbour.work()
    shown = read(waiting).json
    assert (shown["booking"]["state"], shown["assignment"]["outcome"]) == ("confirmed", "confirmed")
    assert (shown["assignment"]["trigger"], shown["reason"]) == ("capacity_freed", None)


def test_a_change_that_was_refused_does_not_count(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    kept = harbour.book("harbour", party(2)).json
    refused = call("bookings", "PATCH", f"/bookings/{kept['booking']['id']}", body={"partySize": 4})
    assert refused.status == 409
    shown = read(kept["booking"]).json
    assert (shown["booking"], shown["assignment"]) == (kept["booking"], kept["assignment"])
    assert shown["reason"] is None


def test_tables_that_were_taken_away_were_not_given(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]
    assert harbour.unassign(booking["id"]).status == 200
    shown = read(booking).json
    assert (shown["assignment"], shown["reason"]["code"]) == (None, "unassigned_by_staff")
    review = call("operations", "GET", "/restaurants/harbour/manual-review").json["items"][0]
    assert shown["reason"] == review["reason"]
    chosen = harbour.assign(booking["id"], "T3").json
    shown = read(booking).json
    assert shown["assignment"]["attemptId"] == chosen["assignment"]["attemptId"]
    harbour.cancel(booking["id"])
    assert read(booking).json["assignment"]["outcome"] == "confirmed"


def test_the_reader_sees_no_other_guest(service: Service) -> None:
    """Who was moved, and who is in the way, is for staff; `moves` is a count."""
    service.put_restaurant(
        "harbour", house(2, 4, policy={"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2})
    )
    moved = service.book("harbour", party(2)).json["booking"]["id"]
    service.assign(moved, "T2", pin=False)
    mover = service.book("harbour", party(4)).json
    waiting = service.book("harbour", party(4)).json["booking"]
    for booking in (mover["booking"], waiting):
        text = read(booking, scope="bookings:read").text
        assert not any(other in text for other in {moved, mover["booking"]["id"]} - {booking["id"]})
    assert read(mover["booking"]).json["assignment"]["moves"] == 1


# --- whether anything has changed ---


def test_what_the_caller_has_already_is_not_sent_again(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]
    paths = {
        f"/bookings/{booking['id']}": "bookings",
        "/restaurants/harbour/bookings": "bookings",
        "/restaurants": "bookings",
        "/restaurants/harbour": "operations",
    }
    for path, function in paths.items():
        first = call(function, "GET", path)
        tag = first.headers["etag"]
        for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            again = call(function, "GET", path, headers={"if-none-match": known, "x-correlation-id": "c"})
            assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
            assert again.headers["x-correlation-id"] == "c"
        for other in ('"x"', tag.strip('"'), ""):
            again = call(function, "GET", path, headers={"if-none-match": other})
            assert (again.status, again.text) == (200, first.text)


def test_a_tag_tells_no_tenant_about_anothers_booking(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]
    headers = {"if-none-match": "*"}
    assert read(booking, restaurants="elsewhere", headers=headers).status == 404


def test_the_tag_changes_with_whatever_is_shown(service: Service) -> None:
    """A move for somebody else too, which leaves the version as it is."""
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2}
    service.put_restaurant("harbour", house(4, 2, policy=policy))
    small = service.book("harbour", party(2)).json["booking"]
    assert service.assign(small["id"], "T1", pin=False).status == 200
    before = read(small)
    large = service.book("harbour", party(4)).json
    assert (large["booking"]["tables"], large["assignment"]["moves"]) == (["T1"], 1)
    after = read(small, headers={"if-none-match": before.headers["etag"]})
    assert after.status == 200
    old, new = before.json["booking"], after.json["booking"]
    assert (old["tables"], new["tables"], new["version"]) == (["T1"], ["T2"], old["version"])
    assert before.headers["etag"] != after.headers["etag"]
    seen = {"if-match": before.headers["etag"]}
    kept = call("bookings", "PATCH", f"/bookings/{small['id']}", body={"notes": "hi"}, headers=seen)
    assert kept.status == 200, "a move for others is no rival change"
    stale = call("bookings", "PATCH", f"/bookings/{small['id']}", body={"notes": "ho"}, headers=seen)
    assert stale.status == 412
    plain = {"if-match": f'"{kept.json["booking"]["version"]}"'}
    assert (
        call("bookings", "PATCH", f"/bookings/{small['id']}", body={"notes": "ho"}, headers=plain).status
        == 200
    )


def test_the_tag_of_a_waiting_booking_changes_with_what_it_is_offered(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    waiting = harbour.book("harbour", party(4)).json["booking"]
    before = read(waiting)
    offered = before.json["alternatives"][0]["startAt"]
    at = {"startAt": offered, "partySize": 4, "guest": {}}
    assert harbour.book("harbour", at).status == 201
    after = read(waiting, headers={"if-none-match": before.headers["etag"]})
    assert after.status == 200
    assert offered not in [each["startAt"] for each in after.json["alternatives"]]
    assert after.json["booking"] == before.json["booking"]


# --- when it last changed ---


def test_every_change_says_when_it_was_made_and_so_does_the_next_reading(evening: Evening) -> None:
    evening.opens(2, 4, clock="18:30")
    booking = evening.book(4, "19:00")
    stamps = [booking["updatedAt"]]
    assert booking["updatedAt"] == booking["createdAt"]
    steps = [
        ("18:50", "arrive"),
        ("18:55", "seat"),
        ("19:00", "unseat"),
        ("19:01", "seat"),
        ("19:30", "complete"),
    ]
    for clock, step in [*steps, ("19:31", "undo-complete"), ("19:40", "complete")]:
        evening.clock(clock)
        after = evening.done(booking, step)
        shown = read(booking).json["booking"]
        assert shown["updatedAt"] == after["updatedAt"], step
        stamps.append(after["updatedAt"])
    assert stamps == sorted(set(stamps))
    again = evening.book(4, "21:00")
    for clock, body in (("20:00", {"notes": "hi"}), ("20:01", {"partySize": 3})):
        evening.clock(clock)
        after = evening.patch(again, **body).json["booking"]
        assert (after["updatedAt"][11:16], read(again).json["booking"]) == (clock, after)
    evening.clock("20:02")
    gone = evening.service.cancel(again["id"]).json["booking"]
    assert (gone["updatedAt"][11:16], read(again).json["booking"]) == ("20:02", gone)
    evening.clock("20:03")
    assert evening.service.cancel(again["id"]).json["booking"] == gone


def test_a_move_for_others_is_a_change(service: Service) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2}
    service.put_restaurant("harbour", house(4, 2, policy=policy))
    small = service.book("harbour", party(2)).json["booking"]
    service.assign(small["id"], "T1", pin=False)
    long_ago(service, small)
    service.book("harbour", party(4))
    assert read(small).json["booking"]["tables"] == ["T2"]
    query = {"updatedSince": "2026-02-01T00:00:00Z"}
    listed = call("bookings", "GET", "/restaurants/harbour/bookings", query=query).json["items"]
    assert small["id"] in [each["id"] for each in listed]


def test_another_zone_of_its_table_is_a_change(service: Service) -> None:
    service.put_restaurant("harbour", house(4))
    booking = service.book("harbour", party(4)).json["booking"]
    untouched = service.book("harbour", party(4, date=day(15))).json["booking"]
    for each in (booking, untouched):
        long_ago(service, each)
    service.put_restaurant("harbour", house(4, name="Harbour"))
    assert read(booking).json["booking"]["updatedAt"].startswith("2026-01-05")
    document = house(4, zones=[{"id": "patio"}])
    document["tables"][0]["zone"] = "patio"
    assert service.put_restaurant("harbour", document).json["affected"] == []
    shown = read(booking).json["booking"]
    assert shown["zone"] == "patio"
    assert not shown["updatedAt"].startswith("2026-01-05")


def long_ago(service: Service, booking: dict[str, Any]) -> None:
    query = "update bookings set updated_at = '2026-01-05T10:00:00Z' where id = %s"
    service.database.query(query, booking["id"])


@pytest.mark.parametrize("list_of", ["bookings", "changes"])
def test_lists_say_it_too(harbour: Service, list_of: str) -> None:
    harbour.book("harbour", party(2))
    found = call("bookings", "GET", f"/restaurants/harbour/{list_of}").json["items"]
    assert all((each.get("booking") or each)["updatedAt"] for each in found)
