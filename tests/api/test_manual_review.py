"""What waits for a person: who, why, since when, and what could be offered instead."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from maitred.bootstrap.operations import services
from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Answer, Service, evening, house, party

PATH = "/restaurants/harbour/manual-review"


def review(**query: Any) -> Answer:
    return call("operations", "GET", PATH, query={name: str(value) for name, value in query.items()})


def items(**query: Any) -> list[dict[str, Any]]:
    answer = review(**query)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def booked(service: Service, size: int = 4, time: str = "19:00", **changes: Any) -> str:
    booking: str = service.book("harbour", party(size, time, **changes)).json["booking"]["id"]
    return booking


def test_nobody_waits(harbour: Service) -> None:
    answer = review()
    assert (answer.status, answer.json) == (200, {"items": [], "nextCursor": None})


def test_who_waits_why_since_when_and_what_instead(harbour: Service) -> None:
    booked(harbour)
    before = datetime.now(UTC)
    waiting = booked(harbour)
    assert items() == []  # the job has not given up yet
    harbour.work()
    [item] = items()
    assert item.keys() == {"booking", "reason", "since", "alternatives"}
    assert item["booking"] == harbour.booking(waiting).json["booking"]
    assert item["reason"].keys() == {"code", "category", "detail"}
    assert (item["reason"]["code"], item["reason"]["category"]) == ("no_capacity", "deterministic")
    assert before <= datetime.fromisoformat(item["since"]) <= datetime.now(UTC)
    starts = [each["startAt"][11:16] for each in item["alternatives"]]
    assert starts == ["17:15", "20:45", "17:00", "21:00"]
    assert {tuple(each["tables"]) for each in item["alternatives"]} == {("T3",)}


def test_each_alternative_confirms_if_it_is_asked_for_next(harbour: Service) -> None:
    booked(harbour)
    booked(harbour)
    harbour.work()
    [item] = items()
    for each in item["alternatives"]:
        body = {"partySize": 4, "startAt": each["startAt"], "onFull": "refuse"}
        made = harbour.book("harbour", body).json["booking"]
        assert (made["tables"], made["zone"], made["endAt"]) == (each["tables"], each["zone"], each["endAt"])
        harbour.cancel(made["id"])


def test_a_confirmed_booking_whose_tables_a_person_took_away(harbour: Service) -> None:
    booking = booked(harbour)
    harbour.unassign(booking)
    [item] = items()
    assert item["reason"] == {
        "code": "unassigned_by_staff",
        "category": "deterministic",
        "detail": "A person took the tables away.",
    }
    harbour.assign(booking, "T3")
    assert items() == []


def test_a_booking_whose_worker_died_again_and_again(harbour: Service) -> None:
    booked(harbour)
    waiting = booked(harbour)
    for _ in range(3):
        harbour.database.query(
            "update bookings set state = 'assignment_in_progress', version = version + 1,"
            " lease_token = gen_random_uuid(), lease_until = now() - interval '1 hour' where id = %s",
            waiting,
        )
        harbour.scheduled("maintain")
    [item] = items()
    assert (item["booking"]["id"], item["reason"]["code"]) == (waiting, "aborted")


def test_pages(harbour: Service) -> None:
    """Each is told once, by start; a page is never longer than was asked for."""
    times = ["17:00", "18:00", "19:00", "19:00", "21:30"]
    waiting = [booked(harbour, 2, time) for time in times]
    for booking in waiting:
        harbour.unassign(booking)
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        answer = review(**query).json
        seen += answer["items"]
        assert len(answer["items"]) <= 2
        query["cursor"] = answer["nextCursor"]
    assert query["cursor"] is None
    assert [item["booking"]["startAt"][11:16] for item in seen] == times
    assert {item["booking"]["id"] for item in seen} == set(waiting)


def test_a_page_needs_the_ledger_of_few_days_only(harbour: Service) -> None:
    """It ends early where a ninth service day would begin, and the next one goes on there."""
    first = date.fromisoformat(evening())
    days = [(first + timedelta(days=number)).isoformat() for number in range(10)]
    for day in days:
        harbour.unassign(booked(harbour, date=day))
    database = services().runtime.database
    items()
    before = database.round_trips
    one = review().json
    assert database.round_trips - before == 2
    two = review(cursor=one["nextCursor"]).json
    assert [len(one["items"]), len(two["items"]), two["nextCursor"]] == [8, 2, None]
    recorded = [item["booking"]["startAt"][:10] for item in one["items"] + two["items"]]
    assert recorded == days
    assert all(len(item["alternatives"]) == 5 for item in one["items"])


def test_a_stay_that_is_over_needs_nobody(harbour: Service) -> None:
    over, running = booked(harbour, 2), booked(harbour, 2)
    for booking, ago in ((over, "2 hours"), (running, "10 minutes")):
        harbour.unassign(booking)
        harbour.database.query(
            "update bookings set start_at = date_trunc('minute', now()) - %s::interval,"
            " end_at = date_trunc('minute', now()) - %s::interval + interval '90 minutes',"
            " service_date = current_date where id = %s",
            ago,
            ago,
            booking,
        )
    [item] = items()
    assert item["booking"]["id"] == running


def test_a_floor_that_is_new_to_this_sandbox(harbour: Service) -> None:
    booked(harbour)
    waiting = booked(harbour)
    harbour.work()
    assert [item["booking"]["id"] for item in items()] == [waiting]
    assert harbour.put_restaurant("harbour", house(2, 2, 4, name="Again")).status == 200
    assert [item["booking"]["id"] for item in items()] == [waiting]


def test_nothing_is_written_by_looking(harbour: Service) -> None:
    booked(harbour)
    booked(harbour)
    harbour.work()
    with nothing_written(harbour):
        items()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"at": "1"}, "at"),
    ],
)
def test_queries_are_read_strictly(harbour: Service, query: dict[str, str], field: str) -> None:
    assert_problem(review(**query), 422, "invalid_request", field)


def test_an_unknown_restaurant(harbour: Service) -> None:
    answer = call("operations", "GET", "/restaurants/nowhere/manual-review")
    assert_problem(answer, 404, "restaurant_not_found")


def test_another_tenants_cases_are_not_told(harbour: Service) -> None:
    harbour.put_restaurant("second", house(4))
    theirs = harbour.book("second", party(4)).json["booking"]["id"]
    harbour.unassign(theirs)
    assert items() == []
