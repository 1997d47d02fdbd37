"""Random evenings, seated anew and taken back: every rule and promise is kept, and nobody hears of a move."""

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from maitred.services.upkeep.checks import ALWAYS, IN_TIME
from tests.harness.consistency import inspected
from tests.harness.service import Service, at, evening, party, set_clock

_ZONES = ("main", "garden")
_FREEZE = 60


@pytest.mark.parametrize("seed", range(12))
def test_a_random_evening(seed: int, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, at("16:30"))
    play(service, seed)


def play(service: Service, seed: int) -> tuple[int, int]:
    """An evening, an optimisation, later changes in every second one, an undo.

    Returns how many bookings moved and how many that waited got tables.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    _book(service, chance)
    before = _Book.of(service)
    made = _call(service, "/restaurants/harbour/optimizations", {"date": evening(), "dryRun": False})
    after = _Book.of(service)
    assert made.status == 200, made.text
    _judge(before, after, made.json)
    _sound(service)
    if made.json["applied"]:
        _undo(service, chance, before, made.json)
    return len(made.json["moves"]), len(made.json["seats"])


@dataclass(frozen=True, slots=True)
class _Book:
    """What the database has: bookings by id, the ledger, and the letters to guests."""

    bookings: dict[str, dict[str, Any]]
    ledger: frozenset[tuple[str, str, str]]
    letters: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, service: Service) -> "_Book":
        query = service.database.query
        bookings = query(
            "select b.id::text, b.state, b.pinned, b.arrived_at is not null, b.start_at, b.preferences,"
            " b.party_size from bookings b"
        )
        ledger = query(
            "select coalesce(booking_id, hold_id)::text, table_id, occupied::text from allocations where live"
        )
        letters = query("select booking_id::text, kind from notifications")
        names = ("state", "pinned", "arrived", "start", "wishes", "size")
        return cls(
            {key: dict(zip(names, rest, strict=True)) for key, *rest in bookings},
            frozenset(ledger),
            frozenset(letters),
        )

    def tables(self, booking: str) -> list[str]:
        return sorted(table for owner, table, _ in self.ledger if owner == booking)


def _call(service: Service, path: str, body: Any = None) -> Any:
    return service.http("optimize", "POST", path, body=body)


def _house(chance: random.Random) -> dict[str, Any]:
    tables = [
        {
            "id": f"T{number}",
            "zone": chance.choice(_ZONES),
            "capacity": chance.choice([2, 2, 4, 4, 6]),
            "attributes": chance.choice([[], [], ["window"]]),
        }
        for number in range(chance.randint(4, 8))
    ]
    pairs = [[one["id"], two["id"]] for one, two in pairwise(tables) if one["zone"] == two["zone"]]
    pacing = {"maxCoversPerSlot": chance.choice([None, None, 8])}
    return {
        "name": "Harbour Room",
        "timezone": "Europe/London",
        "policy": {
            "maxTables": 2,
            "maxMoves": chance.choice([0, 1]),
            "freezeMinutes": _FREEZE,
            "pacing": pacing,
        },
        "services": [{"id": "dinner", "name": "Dinner", "opens": "17:00", "closes": "23:00"}],
        "zones": [{"id": zone, "name": zone} for zone in _ZONES],
        "tables": tables,
        "adjacency": pairs,
    }


def _book(service: Service, chance: random.Random) -> None:
    """Bookings as they come, and what a host does to some of them."""
    assert service.put_restaurant("harbour", _house(chance)).status == 201
    booked = []
    for _ in range(chance.randint(12, 22)):
        wish = chance.choice([{}, {}, {"zone": "main"}, {"attributes": ["window"]}, {"required": ["window"]}])
        time = f"{chance.randint(17, 20)}:{chance.choice(['00', '30'])}"
        answer = service.book("harbour", party(chance.choice([1, 2, 2, 3, 4, 5]), time, preferences=wish))
        if answer.status == 201:
            booked.append(answer.json["booking"]["id"])
    service.work()
    _act(service, chance, booked)
    service.hold("harbour", {"partySize": 2, "date": evening(), "time": "20:00"})


def _act(service: Service, chance: random.Random, booked: list[str]) -> None:
    for booking in chance.sample(booked, len(booked) // 3):
        table = f"T{chance.randrange(8)}"
        match chance.randrange(4):
            case 0:
                service.cancel(booking)
            case 1:
                service.assign(booking, table, pin=chance.random() < 0.5)
            case 2:
                service.http("operations", "POST", f"/bookings/{booking}/arrive")
            case _:
                service.book("harbour", party(2, "19:00"))
    service.work()


def _judge(before: _Book, after: _Book, made: Any) -> None:
    """Only who may move has moved, each keeps its promise, and only the newly confirmed have a letter."""
    moved = {each["bookingId"]: (each["from"], each["to"]) for each in made["moves"] if made["applied"]}
    seated = {each["bookingId"]: each["tables"] for each in made["seats"] if made["applied"]}
    for key, was in before.bookings.items():
        assert after.tables(key) == moved.get(key, (0, seated.get(key, before.tables(key))))[1]
        if key in moved:
            assert (was["state"], was["pinned"], was["arrived"]) == ("confirmed", False, False)
            assert (was["start"] - at("16:30")).total_seconds() > _FREEZE * 60
            assert before.tables(key) == moved[key][0]
        if key in seated:
            assert was["state"] in ("assignment_pending", "manual_review")
            assert after.bookings[key]["state"] == "confirmed"
    assert after.letters - before.letters == {(key, "confirmed") for key in seated}
    assert made["gap"] >= -1e-9
    assert made["after"]["covers"] >= made["before"]["covers"]


def _undo(service: Service, chance: random.Random, before: _Book, made: Any) -> None:
    changed = chance.random() < 0.5
    if changed:
        _act(service, chance, sorted(before.bookings))
    then = _Book.of(service)
    answer = _call(service, f"/optimizations/{made['optimizationId']}/undo")
    after = _Book.of(service)
    if answer.status == 200 and not changed:
        assert after.ledger == before.ledger
        waiting = {each["bookingId"] for each in made["seats"]}
        assert {key for key in waiting if after.bookings[key]["state"] == "assignment_pending"} == waiting
    elif answer.status != 200:
        assert (answer.status, answer.json["code"]) == (409, "cannot_undo")
        assert answer.json["bookings"]
        assert (after.ledger, after.letters) == (then.ledger, then.letters)
    _sound(service)


def _sound(service: Service) -> None:
    assert [each for each in inspected(service.database, {**ALWAYS, **IN_TIME}) if each.wrong] == []
