"""Idempotency-Key: the same answer again, and nothing twice."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from maitred.adapters.system import SystemClock, SystemIds
from maitred.services.ports import IdempotencyKey
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import RecordingQueue, all_at_once, open_desk, wish
from tests.harness.service import Answer, Service, house, party

KEY = {"idempotency-key": "a-key"}


def bookings(service: Service) -> int:
    count: int = service.database.value("select count(*) from bookings")
    return count


def code(answer: Answer) -> str:
    found: str = answer.json["code"]
    return found


@pytest.mark.parametrize("taken", [pytest.param(False, id="confirmed"), pytest.param(True, id="deferred")])
def test_the_same_request_gets_the_identical_answer(harbour: Service, taken: bool) -> None:
    if taken:
        harbour.book("harbour", party(4))
    before = bookings(harbour)
    first = harbour.book("harbour", party(4), headers=KEY)
    again = harbour.book("harbour", party(4), headers={**KEY, "x-correlation-id": "second-try"})

    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-correlation-id"] == "second-try"
    assert bookings(harbour) == before + 1
    if taken:
        assert len(harbour.messages("assign")) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: json.dumps(dict(reversed(body.items()))), id="members in another order"),
        pytest.param(lambda body: json.dumps(body | {"partySize": 2.0}), id="2 and 2.0"),
        pytest.param(lambda body: json.dumps(body, indent=4), id="white space"),
        pytest.param(lambda body: json.dumps(body).replace("Ada", "\\u0041da"), id="escapes"),
    ],
)
def test_bodies_are_compared_as_json_values(
    harbour: Service, change: Callable[[dict[str, Any]], str]
) -> None:
    first = harbour.book("harbour", party(2), headers=KEY)
    again = harbour.book("harbour", change(party(2)), headers=KEY)
    assert (again.status, again.text) == (201, first.text)
    assert bookings(harbour) == 1


@pytest.mark.parametrize(
    "other", [{"partySize": 4}, {"notes": "by the window"}, {"partySize": "2"}, {"onFull": "refuse"}]
)
def test_another_body_under_a_used_key_is_refused(harbour: Service, other: dict[str, Any]) -> None:
    harbour.book("harbour", party(2), headers=KEY)
    again = harbour.book("harbour", party(2) | other, headers=KEY)
    assert again.status == 422
    assert code(again) in ("idempotency_key_reused", "invalid_request")
    assert bookings(harbour) == 1


def test_a_key_used_for_another_operation_is_refused(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2), headers=KEY).json["booking"]
    answer = harbour.cancel(booking["id"], headers=KEY)
    assert (answer.status, code(answer)) == (422, "idempotency_key_reused")
    assert harbour.booking(booking["id"]).json["booking"]["status"] == "confirmed"


def test_a_key_belongs_to_its_caller_and_its_restaurant(harbour: Service) -> None:
    assert harbour.put_restaurant("forest", house(2)).status == 201
    answers = [
        harbour.book("harbour", party(2), headers=KEY),
        harbour.book("harbour", party(2), headers=KEY, subject="somebody-else"),
        harbour.book("forest", party(2), headers=KEY),
    ]
    assert [answer.status for answer in answers] == [201] * 3
    assert not any("idempotent-replayed" in answer.headers for answer in answers)
    assert bookings(harbour) == 3


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"partySize": 0}, 422),
        ({"partySize": 900}, 422),
        ({"time": "03:00"}, 422),
        ({"date": "2020-01-01"}, 422),
    ],
)
def test_input_errors_are_not_kept(harbour: Service, wrong: dict[str, Any], status: int) -> None:
    assert harbour.book("harbour", party(2) | wrong, headers=KEY).status == status
    assert harbour.database.value("select count(*) from idempotency where key = 'a-key'") == 0
    assert harbour.book("harbour", party(2), headers=KEY).status == 201


def test_a_refusal_is_kept(harbour: Service) -> None:
    first_guest = harbour.book("harbour", party(4)).json["booking"]
    refused = harbour.book("harbour", party(4, onFull="refuse"), headers=KEY)
    assert (refused.status, code(refused)) == (409, "no_capacity")
    assert harbour.cancel(first_guest["id"]).status == 200
    again = harbour.book("harbour", party(4, onFull="refuse"), headers=KEY)
    assert (again.status, again.text) == (409, refused.text)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotent-replayed"] == "true"


def test_a_replay_works_after_the_stay_began(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a guest whose answer got lost reads `in_the_past`, and never learns of the booking."""
    first = harbour.book("harbour", party(2), headers=KEY)
    later = datetime.now(UTC) + timedelta(days=15)
    monkeypatch.setattr(SystemClock, "now", lambda self: later)
    again = harbour.book("harbour", party(2), headers=KEY)
    assert (again.status, again.text) == (201, first.text)


def test_a_replay_works_after_the_floor_was_changed_against_it(harbour: Service) -> None:
    first = harbour.book("harbour", party(4), headers=KEY)
    assert harbour.put_restaurant("harbour", house(2)).status == 200
    again = harbour.book("harbour", party(4), headers=KEY)
    assert (again.status, again.text) == (201, first.text)


def test_a_replay_survives_the_cancellation(harbour: Service) -> None:
    first = harbour.book("harbour", party(2), headers=KEY)
    harbour.cancel(first.json["booking"]["id"])
    assert harbour.book("harbour", party(2), headers=KEY).text == first.text


def test_a_cancellation_is_replayed(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    first = harbour.cancel(booking["id"], headers=KEY)
    again = harbour.cancel(booking["id"], headers=KEY)
    assert (first.status, again.status, again.text) == (200, 200, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json["booking"]["version"] == booking["version"] + 1


def test_a_second_cancel_changes_nothing(harbour: Service) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    first = harbour.cancel(booking["id"])
    assert harbour.cancel(booking["id"], headers=KEY).text == first.text
    assert harbour.database.value("select count(*) from notifications where kind = 'cancelled'") == 1


def test_a_restaurant_put_twice_with_one_key_is_one_layout(service: Service) -> None:
    first = service.put_restaurant("harbour", house(2), headers=KEY)
    again = service.put_restaurant("harbour", house(2), headers=KEY)
    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert service.database.value("select count(*) from layouts") == 1


@pytest.mark.parametrize("key", ["", "with space", "é", "x" * 256, "line\nbreak"])
def test_what_is_no_key_is_refused(harbour: Service, key: str) -> None:
    answer = harbour.book("harbour", party(2), headers={"idempotency-key": key})
    assert (answer.status, code(answer)) == (422, "invalid_request")
    assert bookings(harbour) == 0


@pytest.mark.parametrize("full", [pytest.param(False, id="room"), pytest.param(True, id="full")])
def test_twins_in_parallel_are_one_booking(database: TestDatabase, full: bool) -> None:
    queue = RecordingQueue()
    desks = [open_desk(database, queue) for _ in range(8)]
    assert desks[0].put("harbour", house(2)) == 201
    if full:
        assert desks[0].booking(wish()) == 201
    before = database.value("select count(*) from bookings")
    key = IdempotencyKey("tester", "harbour", "a-key", "print")
    statuses = all_at_once([partial(desk.booking, wish(), key) for desk in desks])

    assert set(statuses) <= {201, 409}
    assert database.value("select count(*) from bookings") == before + 1
    replies = [desk.answers[-1] for desk, status in zip(desks, statuses, strict=True) if status == 201]
    assert len({reply.body for reply in replies}) == 1
    assert sum(not reply.replayed for reply in replies) == 1
    assert_consistent(database)
    for desk in desks:
        desk.database.close()


@pytest.mark.parametrize("full", [pytest.param(False, id="confirmed"), pytest.param(True, id="deferred")])
def test_a_reference_that_is_taken_is_drawn_again(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    taken = harbour.book("harbour", party(4)).json["booking"]["reference"]
    drawn = iter([taken, taken, "FRESH2"])
    monkeypatch.setattr(SystemIds, "reference", lambda self: next(drawn))
    answer = harbour.book("harbour", party(4 if full else 2))
    assert answer.status == 201
    assert answer.json["booking"]["reference"] == "FRESH2"
    assert answer.json["assignment"]["outcome"] == ("deferred" if full else "confirmed")
