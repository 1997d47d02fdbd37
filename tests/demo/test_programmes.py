"""The floors that demos lay out, and what they play."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from demo import evening, halls, replay
from demo.model import Restaurant
from demo.reservations import Reservation
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.stored_floor import floor_from_document
from maitred.domain.floor import Floor

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime.fromisoformat("2027-03-22 19:00")


def visit(party: int, start: datetime = MONDAY) -> Reservation:
    return Reservation(start - timedelta(days=1), start, "a", party)


def floor_of(restaurant: Restaurant) -> Floor:
    document = FloorDocument.model_validate_json(json.dumps(restaurant.document))
    return floor_from_document(document.stored(), restaurant.id, 1)


def test_the_evenings_restaurant_is_a_valid_floor_of_forty_tables() -> None:
    [restaurant] = evening.programme().restaurants
    floor = floor_of(restaurant)
    assert len(floor.tables) == 40
    assert {table.zone for table in floor.tables} == {"main", "terrace", "bar"}
    assert {table.capacity for table in floor.tables} >= {2, 4, 6}
    assert len(floor.combinations) == 1
    assert {attribute for table in floor.tables for attribute in table.attributes} >= {"window", "accessible"}


def test_the_evening_is_the_same_every_time_and_lies_ahead() -> None:
    one, other = evening.programme(now=NOW), evening.programme(now=NOW)
    assert one == other
    assert all(step.start > NOW.replace(tzinfo=None) for step in one.steps)
    assert {step.start.date() for step in one.steps} == {one.showing.day}


def test_a_cancellation_comes_after_its_booking_and_once() -> None:
    steps = evening.programme(60, NOW).steps
    assert [step.number for step in steps] == list(range(len(steps)))
    cancelled = [step.cancels for step in steps if step.cancels is not None]
    assert cancelled
    assert len(set(cancelled)) == len(cancelled)
    for step in steps:
        if step.cancels is not None:
            assert step.cancels < step.number
            assert steps[step.cancels].cancels is None


def test_every_guest_has_a_name_and_an_address() -> None:
    guests = [step.body()["guest"] for step in evening.programme(60, NOW).steps if step.cancels is None]
    assert all(guest["name"] and guest["email"].endswith("@example.com") for guest in guests)
    assert len({guest["email"] for guest in guests}) == len(guests)


def test_a_hall_has_a_table_for_each_party_of_a_busy_day() -> None:
    day = [visit(2), visit(2), visit(4), visit(7), visit(2, MONDAY + timedelta(hours=3))]
    assert halls.table_sizes(day, 1.0) == [2, 2, 4, 8]


def test_a_hall_is_too_small_for_the_rarest_days_only() -> None:
    days = [visit(2, MONDAY + timedelta(days=number)) for number in range(10)]
    crowd = [visit(2, MONDAY + timedelta(days=20)) for _ in range(6)]
    assert halls.table_sizes(days + crowd, 0.9) == [2]
    assert halls.table_sizes(days + crowd, 1.0) == [2] * 6


def test_a_hall_never_has_more_tables_than_a_floor_document_may() -> None:
    sizes = halls.table_sizes([visit(size) for size in (2, 4, 6) for _ in range(400)], 1.0)
    assert len(sizes) <= halls.MOST_TABLES
    counts = Counter(sizes)
    assert max(counts.values()) - min(counts.values()) <= 1
    floor_of(Restaurant("h", halls.hall("Full", sizes)))


def test_a_hall_is_a_valid_floor_whose_neighbours_touch() -> None:
    floor = floor_of(Restaurant("h", halls.hall("Hall", [2] * 50 + [100])))
    assert len(floor.tables) == 51
    assert len({table.zone for table in floor.tables}) == 2
    edges = halls.hall("Hall", [2] * 9)["adjacency"]
    assert edges == [list(pair) for pair in pairwise([f"A{n}" for n in range(1, 9)])]


def test_turn_times_are_those_of_the_floor_document() -> None:
    turns = floor_of(Restaurant("h", halls.hall("Hall", [2]))).policy.turn_times
    for party in (1, 2, 3, 4, 5, 6, 7, 100):
        expected = next(t.minutes for t in turns if t.max_party is None or party <= t.max_party)
        assert halls.turn_minutes(party) == expected


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twelve restaurants; the n-th has n reservations, at 19:00 of a Friday, the last one in the night."""
    lines = ["reserved_at,visit_at,restaurant,party_size"]
    for name in range(1, 13):
        for number in range(name):
            visit_at = "2017-03-25 02:00" if name == 12 and number == 11 else "2017-03-24 19:00"
            lines.append(f"2017-03-{number + 1:02} 10:00,{visit_at},R {name},{number % 6 + 1}")
    path = tmp_path / "file.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_ten_busiest_have_a_hall_and_everybody_shares_the_large_house(file: Path) -> None:
    programme = replay.programme(file, now=NOW)

    counts = Counter(step.restaurant for step in programme.steps)
    assert len(programme.restaurants) == 11
    assert counts[replay.POOLED] == 78
    assert counts["r01-R-12"] == 12
    assert counts["r10-R-3"] == 3
    assert sum(counts.values()) == 78 + 78 - 1 - 2
    for restaurant in programme.restaurants:
        floor = floor_of(restaurant)
        assert len(floor.tables) <= 500
        assert [(s.opens, s.closes) for s in floor.services] == [(10 * 60, 28 * 60)]
    assert {step.start.weekday() for step in programme.steps} == {4, 5}
    assert all(step.start > NOW.replace(tzinfo=None) for step in programme.steps)


def test_requests_come_in_booking_order(file: Path) -> None:
    programme = replay.programme(file, now=NOW)
    pooled = [step.party for step in programme.steps if step.restaurant == replay.POOLED]
    assert pooled == [number % 6 + 1 for number in range(12) for _ in range(12 - number)]


def test_the_floor_to_show_is_the_busiest_own_evening(file: Path) -> None:
    programme = replay.programme(file, now=NOW)
    assert programme.showing.restaurant == "r01-R-12"
    assert programme.showing.day.weekday() == 4
    assert programme.showing.begins.hour == 19
    assert programme.showing.ends.hour == 4


def test_it_says_which_part_is_played_and_why(file: Path) -> None:
    assert "78 of its 78 reservations" in replay.programme(file, now=NOW).intro[0]
    assert "all there are" in replay.programme(file, now=NOW).intro[0]
