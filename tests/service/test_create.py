"""Inline quote-and-confirm through the true handler."""

import pytest

from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.services.ports import DeadlinePassed
from tests.harness.service import Service, party


def test_a_party_is_confirmed_at_the_table_that_fits(harbour: Service) -> None:
    answer = harbour.book("harbour", party(4))

    assert answer.status == 201
    booking = answer.json["booking"]
    assert booking["status"] == "confirmed"
    assert booking["tables"] == ["T3"]
    assert booking["version"] == 3
    assert answer.headers["location"] == f"/bookings/{booking['id']}"
    assert harbour.booking(booking["id"]).json["booking"] == booking


def test_what_does_not_fit_is_kept_as_pending_and_ends_with_a_person(harbour: Service) -> None:
    assert harbour.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    answer = harbour.book("harbour", party(4))

    assert answer.status == 201
    body = answer.json
    assert body["booking"]["state"] == "assignment_pending"
    assert body["assignment"]["outcome"] == "deferred"
    assert body["assignment"]["reason"]["code"] == "no_capacity"
    assert body["alternatives"]
    harbour.work()
    assert harbour.booking(body["booking"]["id"]).json["booking"]["state"] == "manual_review"
    summaries = harbour.events("auto_assign.summary", body["booking"]["id"])
    assert [s["result"] for s in summaries] == ["deferred", "manual_review"]
    assert summaries[1]["reducedBy"] == "fresh_inline_result"


def test_a_cancelled_table_is_given_to_who_waited_for_it(harbour: Service) -> None:
    first = harbour.book("harbour", party(4)).json["booking"]
    waiting = harbour.book("harbour", party(4)).json["booking"]
    harbour.work()
    assert harbour.cancel(first["id"]).json["booking"]["state"] == "cancelled"
    harbour.work()
    assert harbour.booking(waiting["id"]).json["booking"]["tables"] == ["T3"]


def test_an_explanation_has_its_members_also_where_the_planner_did_not_decide(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: object) -> None:
        raise DeadlinePassed

    with monkeypatch.context() as slow:
        slow.setattr(PostgresBookingStore, "snapshot", too_late)
        waiting = harbour.book("harbour", party(4)).json["booking"]["id"]
    recorded = harbour.http("operations", "GET", f"/bookings/{waiting}/explanation").json
    assert recorded.pop("at")
    assert recorded.pop("summary")
    assert recorded == {
        "decision": "none",
        "chosen": None,
        "scoreTerms": {},
        "losers": [],
        "refusedBy": "timeout",
        "moves": [],
    }
