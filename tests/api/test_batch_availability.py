"""Availability of many days and sizes: the single call's answers, and how many more parties have room."""

import os
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from maitred.adapters.system import SystemClock
from maitred.bootstrap.bookings import services
from tests.api.test_availability import as_body, change, random_house, random_wish
from tests.harness.problems import assert_problem, nothing_written
from tests.harness.service import Service, evening, house, party, set_clock

#: How many random restaurants are asked: few by default, more with ``AVAILABILITY_HOUSES=250``.
HOUSES = int(os.environ.get("AVAILABILITY_HOUSES", "6"))

type Slots = dict[str, dict[str, Any]]


def after(days: int) -> str:
    """So many days after the evening."""
    return (date.fromisoformat(evening()) + timedelta(days=days)).isoformat()


def slots(service: Service, *sizes: int, **body: Any) -> Slots:
    """Of the evening, by time of day."""
    answer = service.openings("harbour", *sizes, **body)
    assert answer.status == 200, answer.text
    [day] = answer.json["days"]
    return {slot["time"]: slot for slot in day["slots"]}


def counts(found: Slots, size: int = 2) -> dict[str, int]:
    return {time: slot["open"][str(size)] for time, slot in found.items()}


# --- the shape ---


def test_days_and_sizes_as_they_were_asked_for(harbour: Service) -> None:
    days = [after(1), evening(), after(1)]
    answer = harbour.openings("harbour", 4, 2, 4, dates=days).json
    assert answer.keys() == {"asOf", "days"}
    assert datetime.fromisoformat(answer["asOf"]).utcoffset() is not None
    assert [day["date"] for day in answer["days"]] == [after(1), evening()]
    for day in answer["days"]:
        assert day.keys() == {"date", "slots"}
        assert [slot["time"] for slot in day["slots"]] == [
            f"{17 + quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(22)
        ]
    first = answer["days"][1]["slots"][0]
    assert first == {
        "time": "17:00",
        "startAt": harbour.availability("harbour", partySize=2).json["slots"][0]["startAt"],
        "open": {"4": 1, "2": 3},
    }


def test_one_reading_for_all_days(harbour: Service, readings: list[int]) -> None:
    harbour.openings("harbour", 2, 4, 9, dates=[after(number) for number in range(31)])
    assert readings == [31]


def test_a_day_without_service_has_no_slots(service: Service) -> None:
    weekdays = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    other = weekdays[date.fromisoformat(after(1)).weekday()]
    dinner = {"id": "d", "days": [other], "opens": "17:00", "closes": "23:00"}
    service.put_restaurant("harbour", house(2, services=[dinner]))
    days = service.openings("harbour", 2, dates=[evening(), after(1)]).json["days"]
    assert [len(day["slots"]) for day in days] == [0, 22]


# --- how many ---


def test_the_count_falls_with_each_party_and_ends_at_nine(service: Service) -> None:
    service.put_restaurant("harbour", house(*[2] * 11))
    for left in (9, 9, 9, 8, 7):
        assert counts(slots(service, 2))["19:00"] == left
        assert service.book("harbour", party(2)).status == 201
    found = counts(slots(service, 2))
    assert (found["17:30"], found["17:45"], found["20:15"], found["20:30"]) == (9, 6, 6, 9)


def test_holds_and_pacing_count(service: Service) -> None:
    paced = {"pacing": {"slotMinutes": 30, "maxCoversPerSlot": 8}}
    service.put_restaurant("harbour", house(*[2] * 6, policy=paced))
    assert counts(slots(service, 2, 3))["19:00"] == 4
    assert service.hold("harbour", {"partySize": 2, "date": evening(), "time": "19:00"}).status == 201
    found = counts(slots(service, 2))
    assert (found["18:30"], found["19:00"], found["19:30"]) == (4, 3, 4)


def test_a_slot_that_only_a_move_opens_has_room_for_one(service: Service) -> None:
    service.put_restaurant("harbour", house(2, 4, 4))
    for table in ("T2", "T3"):
        couple = service.book("harbour", party(2)).json["booking"]["id"]
        service.assign(couple, table, pin=False)
    found = slots(service, 4, 2)["19:00"]
    assert (found["open"], found["moves"]) == ({"4": 1, "2": 1}, True)
    found = slots(service, 2)["19:00"]
    assert (found["open"], "moves" in found) == ({"2": 1}, False)
    assert service.book("harbour", party(4)).json["assignment"]["moves"] == 1
    found = slots(service, 4)["19:00"]
    assert (found["open"], "moves" in found) == ({"4": 0}, False)


def test_musts_and_words_that_the_restaurant_does_not_have(service: Service) -> None:
    document = house(2, 2, 2, zones=[{"id": "main", "name": "Main"}, {"id": "patio", "name": "Patio"}])
    document["tables"][1] |= {"zone": "patio", "attributes": ["heater", "view"]}
    service.put_restaurant("harbour", document)
    assert counts(slots(service, 2))["19:00"] == 3
    assert counts(slots(service, 2, zone="main"))["19:00"] == 2
    assert counts(slots(service, 2, required=["view", "heater"]))["19:00"] == 1
    assert counts(slots(service, 2, zone="main", required=["view"]))["19:00"] == 0
    unknown = service.openings("harbour", 2, zone="cellar").json
    assert [warning["code"] for warning in unknown["warnings"]] == ["unknown_zone"]
    assert {slot["open"]["2"] for slot in unknown["days"][0]["slots"]} == {0}


# --- the single call's answers ---


def same_as_the_single_calls(
    service: Service, name: str, sizes: list[int], days: list[str], **token: Any
) -> Counter[str]:
    seen: Counter[str] = Counter()
    answer = service.openings(name, *sizes, dates=days).json
    for day in answer["days"]:
        for size in sizes:
            single = service.availability(name, partySize=size, date=day["date"]).json["slots"]
            batch = [slot for slot in day["slots"] if slot["startAt"] in {each["startAt"] for each in single}]
            for one, each in zip(single, batch, strict=True):
                assert (one["time"], one["startAt"]) == (each["time"], each["startAt"])
                assert bool(each["open"][str(size)]) == one["available"], (name, size, one, each)
                assert "undecided" not in each
                seen["available" if one["available"] else one["reason"]["code"]] += 1
                seen["moves"] += each.get("moves", False)
    return seen


def test_random_evenings_answer_as_the_single_call(service: Service) -> None:
    seen: Counter[str] = Counter()
    for seed in range(HOUSES):
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        name = f"house{seed}"
        assert service.put_restaurant(name, random_house(chance)).status == 201
        for _ in range(3):
            for _ in range(4):
                wish = random_wish(chance)
                start = chance.choice(service.availability(name, **wish).json["slots"])["startAt"]
                service.book(name, as_body(wish, start))
            seen += same_as_the_single_calls(service, name, [1, 2, 3, 4, 6, 9], [evening(), after(1)])
    assert min(seen[code] for code in ("available", "no_capacity", "pacing", "party_too_large", "moves")) > 5


def test_closures_limits_and_overruns_as_in_the_single_call(service: Service) -> None:
    document = house(
        2,
        4,
        closures=[{"from": f"{evening()}T20:00", "to": f"{evening()}T21:00"}],
        pauses=[{"from": f"{after(1)}T18:00", "to": f"{after(1)}T18:30"}],
        services=[
            {"id": "d", "opens": "17:00", "closes": "23:00", "lastSeating": "22:30"},
            {"id": "late", "opens": "22:30", "closes": "02:00", "lastSeating": "00:30"},
        ],
        policy={"maxPartyOnline": 3, "maxTables": 1, "turnTimes": [{"maxParty": None, "minutes": 90}]},
    )
    service.put_restaurant("harbour", document)
    seen = same_as_the_single_calls(service, "harbour", [2, 4], [evening(), after(1), "2020-02-29"])
    assert {"available", "closed", "paused", "in_the_past"} <= seen.keys()


@pytest.mark.parametrize("month", [3, 10])
def test_days_of_the_clock_change_as_in_the_single_call(service: Service, month: int) -> None:
    nights = [{"id": "n", "opens": "00:00", "closes": "06:00", "lastSeating": "03:45"}]
    service.put_restaurant("harbour", house(2, services=nights))
    days = [change(month).isoformat(), (change(month) + timedelta(days=1)).isoformat()]
    seen = same_as_the_single_calls(service, "harbour", [2], days)
    assert seen["available"] == (28 if month == 3 else 36)


def test_what_is_open_is_confirmed_if_it_is_asked_for_next(service: Service) -> None:
    """Random evenings that fill up: whoever is let in by the answer gets tables, and nobody else."""
    seen: Counter[str] = Counter()
    for seed in range(1000, 1000 + HOUSES):
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        name = f"house{seed}"
        assert service.put_restaurant(name, random_house(chance)).status == 201
        for _ in range(20):
            size = chance.choice([1, 2, 2, 3, 4, 4, 5, 6])
            slot = chance.choice(service.openings(name, size).json["days"][0]["slots"])
            answer = service.book(name, as_body({"partySize": size}, slot["startAt"]))
            assert (answer.status == 201) == bool(slot["open"][str(size)]), (seed, size, slot, answer.text)
            seen["moved" if slot.get("moves") else str(answer.status)] += 1
            if slot.get("moves"):
                assert answer.json["assignment"]["moves"] >= 1
    assert seen["201"] > 40, seen
    assert seen["409"] > 20, seen
    assert seen["moved"] > 0


# --- for a second ---


@pytest.fixture
def readings(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many days were read, by each reading so far. The second does not pass by itself."""
    harbour.book("harbour", party(4))
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: 0.0)
    # The middle of this very minute: answers do not outlast one, and holds end by the database's clock.
    set_clock(monkeypatch, datetime.now(UTC).replace(second=30, microsecond=0))
    store, asked = services().runtime.deps.store, list[int]()
    read = store.snapshots

    def counted(days: Any, *rest: Any) -> Any:
        asked.append(len(days))
        return read(days, *rest)

    monkeypatch.setattr(store, "snapshots", counted)
    return asked


def test_an_answer_serves_again_for_a_second(
    harbour: Service, readings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    week = [after(number) for number in range(7)]
    first = harbour.openings("harbour", 2, 4, dates=week).json
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: 0.9)
    set_clock(monkeypatch, SystemClock().now() + timedelta(seconds=0.9))
    assert harbour.openings("harbour", 2, 4, dates=week).json == first
    part = harbour.openings("harbour", 2, 4, dates=[week[3], week[1]]).json
    assert part == {"asOf": first["asOf"], "days": [first["days"][3], first["days"][1]]}
    assert readings == [7]
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: 1.0)
    assert harbour.openings("harbour", 2, 4, dates=week).json["asOf"] > first["asOf"]
    assert readings == [7, 7]


def test_an_answer_never_serves_across_a_change(harbour: Service, readings: list[int]) -> None:
    week = [after(number) for number in range(7)]
    assert counts(slots(harbour, 2))["19:00"] == 2
    booking = harbour.book("harbour", party(2)).json["booking"]["id"]
    assert counts(slots(harbour, 2))["19:00"] == 1
    harbour.cancel(booking)
    assert counts(slots(harbour, 2))["19:00"] == 2
    hold = harbour.hold("harbour", {"partySize": 2, "date": evening(), "time": "19:00"}).json["holdId"]
    assert counts(slots(harbour, 2))["19:00"] == 1
    harbour.http("bookings", "DELETE", f"/holds/{hold}")
    assert counts(slots(harbour, 2))["19:00"] == 2
    harbour.put_restaurant("harbour", house(2, 2, 4, 4))
    assert counts(slots(harbour, 2))["19:00"] == 3
    harbour.openings("harbour", 2, dates=week)
    harbour.book("harbour", party(2, date=week[5]))
    assert harbour.openings("harbour", 2, dates=week).json["days"][5] != {"date": week[5], "slots": []}
    assert readings[-2:] == [7, 7]


def test_another_question_is_answered_anew(harbour: Service, readings: list[int]) -> None:
    harbour.put_restaurant("harbour", house(2, 2, 4, policy={"maxTables": 1, "maxPartyOnline": 3}))
    harbour.openings("harbour", 9)  # reads the new document
    readings.clear()
    questions: list[dict[str, Any]] = [{}, {"zone": "main"}, {"required": ["view"]}, {"partySizes": [2, 4]}]
    for question in questions:
        harbour.openings("harbour", 4, **question)
    path, body = "/restaurants/harbour/availability", {"dates": [evening()], "partySizes": [4]}
    guest = harbour.http("bookings", "POST", path, body=body, scope="bookings:read").json
    assert {slot["open"]["4"] for slot in guest["days"][0]["slots"]} == {0}
    assert readings == [1] * 5
    assert counts(slots(harbour, 4), 4)["17:00"] == 1
    assert readings == [1] * 5


def test_what_was_not_decided_is_asked_again(
    harbour: Service, readings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("maitred.services.budget.Budget.expired", lambda _: True)
        assert slots(harbour, 4)["19:00"]["undecided"] == [4]
    assert "undecided" not in slots(harbour, 4)["19:00"]
    assert readings == [1, 1]


def test_without_kept_floors_nothing_is_kept(
    harbour: Service, readings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maitred.services.assignment.day.Floors.latest", lambda *_: None)
    for _ in range(2):
        slots(harbour, 2)
    assert readings == [1, 1]


# --- time and faults ---


def test_nothing_is_written_by_asking(harbour: Service) -> None:
    harbour.book("harbour", party(4))
    harbour.messages()
    with nothing_written(harbour):
        harbour.openings("harbour", 1, 4, 9, dates=[evening(), after(1)])


def test_what_is_not_proven_in_time_is_not_open(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is free needs no search; where only a move could help, the size is named as undecided."""
    harbour.book("harbour", party(4))
    monkeypatch.setattr("maitred.services.budget.Budget.expired", lambda _: True)
    found = slots(harbour, 2, 4)
    assert (found["19:00"]["open"], found["19:00"]["undecided"]) == ({"2": 2, "4": 0}, [4])
    assert "undecided" not in found["17:00"]


def test_a_fault_of_the_planner_is_neither_room_nor_a_full_house(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    for name in ("count_places", "find_place"):
        monkeypatch.setattr(f"maitred.services.assignment.planning.{name}", broken)
    for slot in slots(harbour, 2, 4).values():
        assert (slot["open"], slot["undecided"]) == ({"2": 0, "4": 0}, [2, 4])


def test_a_failed_read_is_a_failure(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    slots(harbour, 2)
    services().runtime.database.close()
    monkeypatch.setenv("DATABASE_PORT", "1")
    services.cache_clear()
    assert_problem(harbour.openings("harbour", 2), 503, "database_unavailable")


# --- what is asked ---


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dates": []}, "dates"),
        ({"dates": None}, "dates"),
        ({"dates": [evening()] * 32}, "dates"),
        ({"dates": [evening(), "tomorrow"]}, "dates.1"),
        ({"dates": ["1999-12-31"]}, "dates.0"),
        ({"partySizes": []}, "partySizes"),
        ({"partySizes": list(range(1, 10))}, "partySizes"),
        ({"partySizes": [2, 0]}, "partySizes.1"),
        ({"partySizes": [2.5]}, "partySizes.0"),
        ({"partySizes": ["2"]}, "partySizes.0"),
        ({"partySizes": [1001]}, "partySizes.0"),
        ({"zone": ""}, "zone"),
        ({"zone": "z" * 65}, "zone"),
        ({"required": "window"}, "required"),
        ({"required": [""]}, "required.0"),
        ({"required": [f"a{number}" for number in range(21)]}, "required"),
        ({"date": evening()}, "date"),
    ],
)
def test_bodies_are_read_strictly(harbour: Service, change: dict[str, Any], field: str) -> None:
    assert_problem(harbour.openings("harbour", 2, **change), 422, "invalid_request", field)


def test_an_unknown_restaurant(harbour: Service) -> None:
    assert_problem(harbour.openings(f"r{uuid4().hex[:8]}", 2), 404, "restaurant_not_found")


def test_another_tenants_bookings_are_not_in_the_way(harbour: Service) -> None:
    harbour.put_restaurant("second", house(4))
    harbour.book("second", party(4))
    assert counts(slots(harbour, 4), 4)["19:00"] == 1
