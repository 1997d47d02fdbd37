"""Reading lists page by page, and cancelling."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.harness.problems import assert_problem, call, nothing_written, rows_of
from tests.harness.service import Service, evening, house, party


def listed(restaurant: str = "harbour", **query: str) -> dict[str, Any]:
    answer = call("bookings", "GET", f"/restaurants/{restaurant}/bookings", query=query)
    assert answer.status == 200, answer.text
    assert answer.json.keys() == {"items", "nextCursor"}
    found: dict[str, Any] = answer.json
    return found


def set_state(service: Service, booking_id: str, state: str, *, keeps_tables: bool = False) -> None:
    """What a person at the door does, by hand."""
    with psycopg.connect(service.database.server.dsn(service.database.name)) as owner:
        owner.execute(
            "update bookings set state = %s, version = version + 1 where id = %s", (state, booking_id)
        )
        if not keeps_tables:
            owner.execute(
                "update allocations set live = false, released_at = now() where booking_id = %s and live",
                (booking_id,),
            )


@pytest.fixture
def full_book(harbour: Service) -> list[str]:
    """Thirteen bookings over two evenings, several with one start, in the order of the list."""
    made = []
    for day in (evening(15), evening(14)):
        for time in ("19:00", "17:00"):
            made += [
                harbour.book("harbour", party(size, time, date=day)).json["booking"] for size in (2, 2, 4)
            ]
    made.append(harbour.book("harbour", party(4, "19:15", date=evening(14))).json["booking"])  # pending
    made.sort(key=lambda b: (b["startAt"], UUID(b["id"])))
    return [b["id"] for b in made]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 13, 14, 200])
def test_pages_hold_each_booking_once_in_order(full_book: list[str], limit: int) -> None:
    found: list[str] = []
    query = {"limit": str(limit)}
    while True:
        page = listed(**query)
        assert 0 < len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        assert len(page["items"]) == limit
        query["cursor"] = page["nextCursor"]
    assert found == full_book


def test_a_page_has_fifty(harbour: Service) -> None:
    harbour.put_restaurant("big", house(*[2] * 51))
    for _ in range(51):
        harbour.book("big", party(2))
    first = listed("big")
    assert len(first["items"]) == 50
    rest = listed("big", cursor=first["nextCursor"])
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 51


def test_filters(harbour: Service, full_book: list[str]) -> None:
    assert [i["id"] for i in listed(date=evening(14))["items"]] == full_book[:7]
    assert [i["id"] for i in listed(date=evening(15))["items"]] == full_book[7:]
    assert listed(date=evening(16)) == {"items": [], "nextCursor": None}
    [waiting] = listed(status="pending")["items"]
    assert waiting["state"] == "assignment_pending"
    harbour.work()
    [of_a_person] = listed(status="pending")["items"]
    changed = {"state": "manual_review", "version": waiting["version"] + 2}
    assert of_a_person == waiting | changed | {"updatedAt": of_a_person["updatedAt"]}
    assert harbour.cancel(full_book[0]).status == 200
    assert [i["id"] for i in listed(status="cancelled")["items"]] == full_book[:1]
    confirmed = [i["id"] for i in listed(status="confirmed", date=evening(14))["items"]]
    assert confirmed == [b for b in full_book[1:7] if b != waiting["id"]]
    for status in ("seated", "completed", "no_show"):
        assert listed(status=status)["items"] == []


def test_a_list_shows_what_a_booking_shows(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    assert listed()["items"] == [booking]
    assert harbour.booking(booking["id"]).json["booking"] == booking


# --- cancelling ---


def test_cancel_frees_the_tables_at_once(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]
    answer = harbour.cancel(booking["id"], body={"reason": "Ill"})
    assert answer.status == 200
    assert answer.json == {
        "booking": booking
        | {"status": "cancelled", "state": "cancelled", "version": 4, "tables": [], "zone": None}
        | {"updatedAt": answer.json["booking"]["updatedAt"]}
    }
    assert harbour.booking(booking["id"]).json["booking"] == answer.json["booking"]
    assert harbour.book("harbour", party(4)).json["booking"]["tables"] == ["T3"]
    last = call("operations", "GET", f"/bookings/{booking['id']}/history").json["items"][-1]
    assert (last["fromState"], last["toState"], last["reason"], last["version"]) == (
        "confirmed",
        "cancelled",
        "Ill",
        4,
    )
    kinds = harbour.database.query(
        "select kind from notifications where booking_id = %s order by kind", booking["id"]
    )
    assert kinds == [("cancelled",), ("confirmed",)]


def test_a_second_cancel_changes_nothing(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    first = harbour.cancel(booking)
    with nothing_written(harbour):
        second = harbour.cancel(booking, body={"reason": "again"})
    assert (second.status, second.text) == (200, first.text)


def test_a_cancel_with_a_key_is_replayed(harbour: Service) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    first = harbour.cancel(booking, headers={"idempotency-key": "bye"})
    counts = rows_of(harbour.database)
    again = harbour.cancel(booking, headers={"idempotency-key": "bye"})
    assert (again.status, again.text) == (200, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    assert rows_of(harbour.database) == counts
    other = harbour.cancel(booking, body={"reason": "x"}, headers={"idempotency-key": "bye"})
    assert_problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("state", ["assignment_pending", "manual_review"])
def test_a_booking_that_waits_can_be_cancelled(harbour: Service, state: str) -> None:
    harbour.book("harbour", party(4))
    waiting = harbour.book("harbour", party(4)).json["booking"]["id"]
    if state == "manual_review":
        harbour.work()
    assert harbour.booking(waiting).json["booking"]["state"] == state
    assert harbour.cancel(waiting).json["booking"]["state"] == "cancelled"
    harbour.work()
    assert harbour.booking(waiting).json["booking"]["state"] == "cancelled"


@pytest.mark.parametrize(("state", "keeps"), [("completed", False), ("no_show", False)])
def test_who_came_or_did_not_cannot_cancel(harbour: Service, state: str, keeps: bool) -> None:
    booking = harbour.book("harbour", party(4)).json["booking"]["id"]
    set_state(harbour, booking, state, keeps_tables=keeps)
    harbour.messages("notification")
    with nothing_written(harbour):
        assert_problem(harbour.cancel(booking, headers={"idempotency-key": "k"}), 409, "invalid_transition")
    assert harbour.booking(booking).json["booking"]["status"] == state


def test_an_unknown_booking_cannot_be_cancelled(harbour: Service) -> None:
    with nothing_written(harbour):
        assert_problem(harbour.cancel(str(uuid4())), 404, "booking_not_found")
