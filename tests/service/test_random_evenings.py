"""Random houses that fill up: what is told confirms if it is asked for next, and no promise is broken."""

import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from ops.replays import count_different
from tests.harness.consistency import assert_consistent
from tests.harness.service import Answer, Service, evening, house

_ATTRIBUTES = ("window", "accessible", "quiet")
_ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
_HOURS = (12, 13, 18, 19, 19, 20, 20, 21, 22)
_STEPS = 25


def random_house(chance: random.Random) -> dict[str, Any]:
    tables = [_table(chance, number) for number in range(chance.randint(4, 10))]
    names = [table["id"] for table in tables]
    return house(
        timezone=chance.choice(_ZONES),
        zones=[{"id": "main"}, {"id": "patio"}],
        tables=tables,
        adjacency=[
            [one, other] for at, one in enumerate(names) for other in names[at + 1 :] if chance.random() < 0.3
        ],
        combinations=[{"tables": names[:2], "minParty": 2}] if chance.random() < 0.4 else [],
        policy={
            "bufferBeforeMinutes": chance.choice([0, 0, 10]),
            "bufferAfterMinutes": chance.choice([0, 5, 15]),
            "maxTables": chance.randint(1, 4),
            "maxMoves": chance.randint(1, 3),
            "adjacency": chance.choice(["connected", "pairwise", "neighbors", "none"]),
            "pacing": {"slotMinutes": 15, "maxCoversPerSlot": chance.choice([None, None, 12])},
        },
        services=[
            {"id": "lunch", "opens": "12:00", "closes": "15:00"},
            {"id": "dinner", "opens": "18:00", "closes": chance.choice(["23:00", "01:00"])},
        ],
    )


def _table(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": f"T{number}",
        "zone": chance.choice(["main", "patio"]),
        "capacity": chance.choice([2, 2, 2, 4, 4, 6, 8]),
        "minParty": chance.choice([1, 1, 1, 2]),
        "movable": chance.random() < 0.8,
        "walkInOnly": chance.random() < 0.1,
        "priority": chance.randint(0, 2),
        "attributes": [name for name in _ATTRIBUTES if chance.random() < 0.3],
    }


def random_wish(chance: random.Random, day: str) -> dict[str, Any]:
    preferences: dict[str, Any] = {}
    if chance.random() < 0.3:
        preferences |= {"zone": chance.choice(["main", "patio"]), "zoneRequired": chance.random() < 0.5}
    if chance.random() < 0.3:
        preferences["attributes"] = [chance.choice(_ATTRIBUTES)]
    if chance.random() < 0.1:
        preferences["required"] = [chance.choice(_ATTRIBUTES)]
    return {
        "partySize": chance.choice([1, 2, 2, 2, 3, 4, 4, 5, 6, 8]),
        "date": day,
        "time": f"{chance.choice(_HOURS)}:{chance.choice(['00', '15', '30', '45', '07'])}",
        "preferences": preferences,
        "guest": {"name": "Ada", "email": "ada@example.com"},
        "onFull": chance.choice(["pend", "refuse"]),
    }


def clock_change(timezone: str) -> str:
    """The next day on which the clocks of the house change, or an ordinary one if they never do."""
    zone, first = ZoneInfo(timezone), datetime.now(UTC).date() + timedelta(days=2)
    midnights = [datetime.combine(first + timedelta(days=day), time(), zone) for day in range(400)]
    changes = (one for one, next_one in pairwise(midnights) if one.utcoffset() != next_one.utcoffset())
    return next((day.date().isoformat() for day in changes), evening())


class Evening:
    """A house on one day. ``seen`` counts what came up, so that the test cannot pass by meeting nothing."""

    def __init__(self, service: Service, seed: int) -> None:
        self.service = service
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.house = random_house(self.chance)
        self.day = self.chance.choice([evening(), clock_change(self.house["timezone"])])
        self.name = f"house{seed}"
        self.seen: Counter[str] = Counter()
        assert service.put_restaurant(self.name, self.house).status == 201

    def step(self) -> None:
        """One more wish, hold or cancellation."""
        drawn = self.chance.random()
        if drawn < 0.75:
            self._ask()
        elif drawn < 0.85:
            wish = random_wish(self.chance, self.day)
            hold = {name: wish[name] for name in ("partySize", "date", "time", "preferences")}
            self.seen[f"hold {self.service.hold(self.name, hold).status}"] += 1
        elif confirmed := list(self.confirmed()):
            assert self.service.cancel(self.chance.choice(confirmed)).status == 200

    def _ask(self) -> None:
        wish = random_wish(self.chance, self.day)
        before = self.confirmed()
        answer = self.service.book(self.name, wish)
        self._promises_kept(before)
        if answer.status == 422:
            return
        reason = answer.json["assignment"]["reason"] if answer.status == 201 else answer.json["reason"]
        self.seen[reason["code"] if reason else "confirmed"] += 1
        if reason:
            self._alternatives_confirm(wish, answer)

    def _alternatives_confirm(self, wish: dict[str, Any], answer: Answer) -> None:
        """Each in turn, taken and given back, until one has moved others."""
        for recorded in answer.json["alternatives"]:
            body = {name: wish[name] for name in ("partySize", "guest")}
            body |= {
                "startAt": recorded["startAt"],
                "onFull": "refuse",
                "preferences": dict(wish["preferences"]),
            }
            if wish["preferences"].get("zoneRequired"):
                body["preferences"]["zone"] = recorded["zone"]
            before = self.confirmed()
            taken = self.service.book(self.name, body)
            assert taken.status == 201, (wish, recorded, taken.text)
            booking = taken.json["booking"]
            assert {name: booking[name] for name in recorded} == recorded
            self._promises_kept(before)
            self.seen["alternative"] += 1
            assert self.service.cancel(booking["id"]).status == 200
            if taken.json["assignment"]["moves"]:
                return

    def confirmed(self) -> dict[str, Any]:
        """By id, oldest first."""
        confirmed = """
            select id::text from bookings where state = 'confirmed' and restaurant_id = %s
            order by created_at"""
        found = self.service.database.query(confirmed, self.name)
        return {booking_id: self.service.booking(booking_id).json["booking"] for (booking_id,) in found}

    def _promises_kept(self, before: dict[str, Any]) -> None:
        """Who was moved has the time, the musts, and what it wished for and had got."""
        after = self.confirmed()
        for booking_id, was in before.items():
            now = after[booking_id]
            if now["tables"] == was["tables"]:
                assert now == was
                continue
            self.seen["moved"] += 1
            place = {name: was[name] for name in ("tables", "zone", "updatedAt")}
            assert now | place == was
            wishes = was["preferences"]
            assert was["zone"] != wishes["zone"] or now["zone"] == was["zone"]
            assert set(wishes["required"]) <= self._attributes(now)
            assert set(wishes["attributes"]) & self._attributes(was) <= self._attributes(now)

    def _attributes(self, booking: dict[str, Any]) -> set[str]:
        own = [set(table["attributes"]) for table in self.house["tables"] if table["id"] in booking["tables"]]
        return set.intersection(*own)


def test_what_is_told_is_true_and_what_was_promised_is_kept(service: Service) -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        played = Evening(service, seed)
        for _ in range(_STEPS):
            played.step()
        seen += played.seen
    assert_consistent(service.database)
    with service.database.connect() as owner:
        replayed, different = count_different(owner)
    assert replayed > 100
    assert different == 0
    assert seen["confirmed"] > 50, seen
    assert seen["alternative"] > 10, seen
    assert seen["moved"], seen
    assert {"no_capacity", "hold 201"} <= set(seen), seen
