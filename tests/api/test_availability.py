"""Availability: each slot's answer is what a booking would get if it were asked for next."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from maitred.adapters.system import SystemClock
from maitred.bootstrap.bookings import services
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.day.drawn_day import Problem
from maitred.planner.model import Decision, Refusal
from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Service, evening, house, party

LONDON = ZoneInfo("Europe/London")


def slots(service: Service, size: int = 2, **query: Any) -> dict[str, dict[str, Any]]:
    """By time of day."""
    answer = service.availability("harbour", partySize=size, **query)
    assert answer.status == 200, answer.text
    return {slot["time"]: slot for slot in answer.json["slots"]}


def reasons(found: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    return {time: slot["reason"]["code"] if "reason" in slot else None for time, slot in found.items()}


# --- the shape ---


def test_every_slot_from_opening_to_last_seating(harbour: Service) -> None:
    before = datetime.now(UTC)
    answer = harbour.availability("harbour", partySize=2).json
    assert answer.keys() == {"asOf", "slots"}
    assert before <= datetime.fromisoformat(answer["asOf"]) <= datetime.now(UTC)
    times = [slot["time"] for slot in answer["slots"]]
    assert times == [f"{17 + quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(22)]
    assert times[-1] == "22:15"  # closes at 23:00, and a party needs 45 minutes
    first = answer["slots"][0]
    assert first.keys() == {"time", "startAt", "available", "tables"}
    assert first["startAt"].startswith(f"{evening()}T17:00:00")
    assert (first["available"], first["tables"]) == (True, ["T1"])


def test_a_slot_that_is_full_says_why(harbour: Service) -> None:
    harbour.book("harbour", party(4, "19:00"))
    found = slots(harbour, 4)
    assert reasons(found) == {time: "no_capacity" if "17:15" < time < "20:45" else None for time in found}
    refused = found["19:00"]
    assert refused.keys() == {"time", "startAt", "available", "reason"}
    assert refused["available"] is False
    assert refused["reason"].keys() == {"code", "category", "detail"}


def test_slots_of_every_service_and_the_pacing_step(service: Service) -> None:
    document = house(
        2,
        policy={"maxTables": 1, "pacing": {"slotMinutes": 30, "maxCoversPerSlot": 4}},
        services=[
            {"id": "lunch", "opens": "12:00", "closes": "14:00", "lastSeating": "12:30"},
            {"id": "late", "opens": "22:30", "closes": "02:00", "lastSeating": "00:30"},
        ],
    )
    service.put_restaurant("harbour", document)
    found = slots(service)
    assert list(found) == ["12:00", "12:30", "22:30", "23:00", "23:30", "00:00", "00:30"]
    after = (date.fromisoformat(evening()) + timedelta(days=1)).isoformat()
    assert found["00:30"]["startAt"].startswith(after)


def test_a_day_without_service_has_no_slots(service: Service) -> None:
    day = date.fromisoformat(evening())
    other = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(day.weekday() + 1) % 7]
    service.put_restaurant(
        "harbour", house(2, services=[{"id": "d", "days": [other], "opens": "17:00", "closes": "23:00"}])
    )
    assert slots(service) == {}


# --- what is in the way ---


def test_a_slot_that_needs_moves_is_available(service: Service) -> None:
    service.put_restaurant("harbour", house(2, 4))
    couple = service.book("harbour", party(2)).json["booking"]["id"]
    service.assign(couple, "T2", pin=False)
    assert slots(service, 4)["19:00"]["tables"] == ["T2"]
    with_pin = service.assign(couple, "T2", pin=True)
    assert with_pin.status == 200
    assert reasons(slots(service, 4))["19:00"] == "no_capacity"


def test_closures_shortened_stays_and_overruns(service: Service) -> None:
    closures = [
        {"from": f"{evening()}T20:00", "to": f"{evening()}T21:00"},
    ]
    services_ = [{"id": "d", "opens": "17:00", "closes": "23:00", "lastSeating": "22:30"}]
    service.put_restaurant("harbour", house(2, closures=closures, services=services_))
    found = reasons(slots(service))
    assert (found["18:30"], found["18:45"], found["20:45"], found["21:00"]) == (
        None,
        "closed",
        "closed",
        None,
    )
    assert (found["22:15"], found["22:30"]) == (None, "service_overrun")


def test_a_party_that_never_fits(harbour: Service) -> None:
    assert set(reasons(slots(harbour, 9)).values()) == {"party_too_large"}


def test_musts(service: Service) -> None:
    document = house(2, 2, zones=[{"id": "main", "name": "Main"}, {"id": "patio", "name": "Patio"}])
    document["tables"][1] |= {"zone": "patio", "attributes": ["heater", "view"]}
    service.put_restaurant("harbour", document)
    assert slots(service, zone="patio")["19:00"]["tables"] == ["T2"]
    assert slots(service, required="view,heater")["19:00"]["tables"] == ["T2"]
    assert reasons(slots(service, zone="main", required="view"))["19:00"] in ("zone", "attributes")
    assert reasons(slots(service, zone="cellar"))["19:00"] == "zone"


def test_live_holds_are_in_the_way_and_expired_ones_are_not(service: Service) -> None:
    service.put_restaurant("harbour", house(2))
    start = slots(service)["19:00"]["startAt"]
    on_hold = (
        "with held as (insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id,"
        " service_date, expires_at) values (gen_random_uuid(), 'harbour', 2, %s::timestamptz,"
        " %s::timestamptz + interval '90 minutes', 'dinner', %s, now() + interval '1 minute') returning *)"
        " insert into allocations (restaurant_id, layout_version, table_id, capacity, hold_id, occupied)"
        " select 'harbour', 1, 'T1', 2, id, tstzrange(start_at, end_at) from held"
    )
    service.database.query(on_hold, start, start, evening())
    assert reasons(slots(service))["19:00"] == "hold_conflict"
    service.database.query("update holds set expires_at = now() - interval '1 second'")
    assert reasons(slots(service))["19:00"] is None


def test_what_is_past_is_told_as_past(service: Service) -> None:
    """All day and night of today, by the true clock."""
    services_ = [
        {"id": "d", "opens": "00:00", "closes": "23:59", "allowOverrun": True, "lastSeating": "23:45"}
    ]
    service.put_restaurant("harbour", house(2, timezone="UTC", services=services_))
    now = datetime.now(UTC)
    found = slots(service, date=now.date().isoformat())
    for slot in found.values():
        start = datetime.fromisoformat(slot["startAt"])
        if start < now - timedelta(minutes=6):
            assert (slot["available"], slot["reason"]["code"]) == (False, "in_the_past")
        elif start > now:
            assert slot["available"]
    assert set(reasons(slots(service, date="2020-02-29")).values()) == {"in_the_past"}


def test_last_nights_guests_are_still_there(service: Service) -> None:
    nights = [
        {"id": "late", "opens": "20:00", "closes": "02:00", "allowOverrun": True},
        {"id": "early", "opens": "02:15", "closes": "06:00"},
    ]
    service.put_restaurant("harbour", house(2, services=nights))
    next_day = (date.fromisoformat(evening()) + timedelta(days=1)).isoformat()
    assert service.book("harbour", party(2, "01:45", date=next_day)).json["booking"]["tables"] == ["T1"]
    found = reasons(slots(service, date=next_day))
    assert (found["03:00"], found["03:15"]) == ("no_capacity", None)


# --- days on which the clock changes ---


def change(month: int) -> date:
    """The last Sunday of that month, of the year after next."""
    day = date(datetime.now(UTC).year + 2, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


@pytest.mark.parametrize(("month", "hours"), [(3, [0, 2, 3]), (10, [0, 1, 1, 2, 3])])
def test_slots_on_a_day_of_the_clock_change(service: Service, month: int, hours: list[int]) -> None:
    """An hour that is skipped has no slots, one that comes twice has them twice."""
    nights = [{"id": "n", "opens": "00:00", "closes": "06:00", "lastSeating": "03:45"}]
    service.put_restaurant("harbour", house(2, services=nights))
    day = change(month).isoformat()
    found = service.availability("harbour", partySize=2, date=day).json["slots"]
    expected = [f"{hour:02}:{minute:02}" for hour in hours for minute in (0, 15, 30, 45)]
    assert [slot["time"] for slot in found] == expected
    starts = [datetime.fromisoformat(slot["startAt"]) for slot in found]
    assert starts == sorted(set(starts))
    assert all(slot["available"] for slot in found)
    for start in (starts[4], starts[-5]):
        made = service.book("harbour", {"partySize": 2, "startAt": start.isoformat(), "onFull": "refuse"})
        assert made.status == 201, made.text
        assert made.json["booking"]["startAt"] == start.astimezone(LONDON).isoformat()
        service.cancel(made.json["booking"]["id"])


# --- the answers hold ---


def random_house(chance: random.Random) -> dict[str, Any]:
    count = chance.randint(3, 6)
    tables = [
        {
            "id": f"T{number}",
            "zone": chance.choice(["main", "main", "patio"]),
            "capacity": chance.choice([2, 2, 4, 4, 6]),
            "minParty": chance.choice([1, 1, 1, 2]),
            "walkInOnly": chance.random() < 0.1,
            "attributes": chance.choice([[], [], ["window"]]),
        }
        for number in range(1, count + 1)
    ]
    return house(
        tables=tables,
        zones=[{"id": "main", "name": "Main"}, {"id": "patio", "name": "Patio"}],
        adjacency=[[f"T{n}", f"T{n + 1}"] for n in range(1, count)],
        policy={
            "maxTables": chance.choice([1, 2, 3]),
            "maxMoves": chance.choice([0, 1, 2]),
            "bufferAfterMinutes": chance.choice([0, 10]),
            "pacing": {"slotMinutes": 30, "maxCoversPerSlot": chance.choice([None, 4, 6])},
        },
        services=[
            {"id": "early", "opens": "16:30", "closes": "19:30", "lastSeating": "18:30"},
            {"id": "late", "opens": "19:00", "closes": "23:00", "lastSeating": "22:30"},
        ],
    )


def random_wish(chance: random.Random) -> dict[str, Any]:
    wish: dict[str, Any] = {"partySize": chance.choice([1, 2, 2, 3, 4, 4, 5, 6, 8])}
    if chance.random() < 0.2:
        wish["zone"] = chance.choice(["main", "patio"])
    if chance.random() < 0.1:
        wish["required"] = "window"
    return wish


def as_body(wish: dict[str, Any], start: str) -> dict[str, Any]:
    musts: dict[str, Any] = {"required": [wish["required"]] if "required" in wish else []}
    if "zone" in wish:
        musts |= {"zone": wish["zone"], "zoneRequired": True}
    size = wish["partySize"]
    return {"partySize": size, "startAt": start, "preferences": musts, "onFull": "refuse"}


def test_each_answer_is_what_a_booking_gets_next(service: Service) -> None:
    """Random evenings that fill up: after each reading one slot is asked for, and answered as was told."""
    seen: Counter[str] = Counter()
    for seed in range(12):
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        name = f"house{seed}"
        assert service.put_restaurant(name, random_house(chance)).status == 201
        for _ in range(22):
            wish = random_wish(chance)
            found = service.availability(name, **wish).json["slots"]
            slot = chance.choice(found)
            answer = service.book(name, as_body(wish, slot["startAt"]))
            if slot["available"]:
                assert answer.status == 201, (seed, wish, slot, answer.text)
                assert answer.json["booking"]["tables"] == slot["tables"]
                seen["moved" if answer.json["assignment"]["moves"] else "available"] += 1
            else:
                assert answer.status in (409, 422, 503), (seed, wish, slot, answer.text)
                assert answer.json["code"] == slot["reason"]["code"], (seed, wish, slot)
                seen[slot["reason"]["code"]] += 1
    assert seen["available"] > 50, seen
    assert seen["moved"] > 1
    assert seen["no_capacity"] > 20
    assert {"pacing", "attributes"} <= set(seen), seen


def test_nothing_is_written_by_asking(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    harbour.messages()
    with nothing_written(harbour):
        for size in (1, 4, 9):
            slots(harbour, size)


# --- time and faults ---


def test_what_is_not_decided_in_time_is_never_told_as_full(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maitred.services.budget.Budget.expired", lambda _: True)
    found = slots(harbour, 2)
    assert set(reasons(found).values()) == {"search_truncated"}
    assert {slot["reason"]["category"] for slot in found.values()} == {"undecided"}


def test_one_hard_slot_does_not_silence_the_others(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It uses up its share of the time, is asked once more, and the others are answered all the same."""
    planning = services().availability._planning
    decide, asked = planning._decide, Counter[int]()
    ended = Reason(ReasonCode.SEARCH_TRUNCATED, "over")
    seconds = 0.0

    def slow(index: Any, problem: Problem, deadline: Any, day: Any) -> Decision:
        nonlocal seconds
        start = problem.request.start
        asked[start] += 1
        if start == min(asked):
            while not deadline.expired():
                seconds += 0.001
            return Refusal(ended, candidates=0, truncated=True, explanation="over")
        answer: Decision = decide(index, problem, deadline, day)
        return answer

    monkeypatch.setattr(planning, "_decide", slow)
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: seconds)
    found = reasons(slots(harbour, 2))
    assert (found.pop("17:00"), set(found.values())) == ("search_truncated", {None})
    assert [asked[start] for start in sorted(asked)] == [2] + [1] * 21


def test_a_fault_of_the_planner_is_not_a_full_house(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Decision:
        raise ZeroDivisionError

    monkeypatch.setattr(services().availability._planning, "_decide", broken)
    assert set(reasons(slots(harbour, 2)).values()) == {"planner_error"}


def test_b15_a_failed_read_is_a_failure(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    slots(harbour)
    services().runtime.database.close()
    monkeypatch.setenv("DATABASE_PORT", "1")
    services.cache_clear()
    assert_problem(harbour.availability("harbour", partySize=2), 503, "database_unavailable")


# --- what is asked ---


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"partySize": "2"}, "date"),
        ({"date": evening()}, "partySize"),
        ({"date": "tomorrow", "partySize": "2"}, "date"),
        ({"date": "1999-12-31", "partySize": "2"}, "date"),
        ({"date": "9999-12-31", "partySize": "2"}, "date"),
        ({"date": evening(), "partySize": "0"}, "partySize"),
        ({"date": evening(), "partySize": "2.5"}, "partySize"),
        ({"date": evening(), "partySize": "1001"}, "partySize"),
        ({"date": evening(), "partySize": "\u0662"}, "partySize"),
        ({"date": evening(), "partySize": "2", "zone": ""}, "zone"),
        ({"date": evening(), "partySize": "2", "zone": "z" * 65}, "zone"),
        ({"date": evening(), "partySize": "2", "required": "a" * 65}, "required"),
        ({"date": evening(), "partySize": "2", "required": ",".join(map(str, range(21)))}, "required"),
        ({"date": evening(), "partySize": "2", "time": "19:00"}, "time"),
    ],
)
def test_queries_are_read_strictly(harbour: Service, query: dict[str, str], field: str) -> None:
    answer = call("bookings", "GET", "/restaurants/harbour/availability", query=query)
    assert_problem(answer, 422, "invalid_request", field)


def test_an_unknown_restaurant(harbour: Service) -> None:
    assert_problem(harbour.availability("nowhere", partySize=2), 404, "restaurant_not_found")


def test_another_tenants_bookings_are_not_in_the_way(harbour: Service) -> None:
    harbour.put_restaurant("second", house(4))
    harbour.book("second", party(4))
    assert reasons(slots(harbour, 4))["19:00"] is None
