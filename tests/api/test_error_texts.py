"""Every wrong body gets a sentence that a person can act on: whatever is wrong, wherever it stands."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from maitred.contracts import base, bookings
from maitred.contracts.base import FALLBACK, StrictModel
from maitred.contracts.floor_document import FloorDocument
from tests.harness.problems import call
from tests.harness.service import Answer, Service, evening, house, party

#: Words of the parser, of regular expressions and of Python; nobody who sends a body has to know them.
JARGON = re.compile(
    r"[\\^]|\[A-Z|\[a-z|\(\?|\.\*|\{\d|\bInput\b|\bTuple\b|\bString\b|\bList\b|\bDictionary\b|\bshould\b"
    r"|Value error|Assertion|pydantic|\bNone\b|\bint\b|\bstr\b|\bbool\b|\bregex|\bpattern\b"
)
WRONG: tuple[Any, ...] = (
    *(None, 0, -1, 5, 2.5, 10**9, 10**400, True, "", " ", "x", "é", "x" * 5000, "24:00", "a\nb", "a\x00b"),
    *([], {}, ["x"], [5], [None], [[]], ["x"] * 3, {"x": 1}, "\u200f", "9999-99-99", "2026-12-25T00:00Z"),
)
GUEST = {"name": "Ada", "email": "ada@example.com", "phone": "1"}
WISHES = {"zone": "main", "zoneRequired": True, "attributes": ["window"], "required": ["standard"]}
BOOKING = party(
    2, guest=GUEST, preferences=WISHES, durationMinutes=90, notes="n", onFull="pend", holdId=str(uuid4())
)
HOLD = {"partySize": 2, "date": evening(), "time": "19:00", "preferences": WISHES, "durationMinutes": 90}
FLOOR: dict[str, Any] = house(
    2,
    4,
    locale="de",
    contactEmail="host@example.com",
    policy={
        "bufferBeforeMinutes": 0, "bufferAfterMinutes": 5, "maxTables": 3, "adjacency": "connected",
        "minDiningMinutes": 45, "maxMoves": 2, "freezeMinutes": 120, "holdSeconds": 300,
        "startCutoffMinutes": 10,
        "turnTimes": [{"maxParty": 2, "minutes": 90}, {"maxParty": None, "minutes": 150}],
        "pacing": {"slotMinutes": 15, "maxCoversPerSlot": 20}, "weights": {"moves": 3.0},
    },
    services=[
        {
            "id": "dinner", "name": "Dinner", "days": ["mon"], "opens": "17:00", "closes": "23:00",
            "lastSeating": "21:00", "allowOverrun": False, "turnTimes": [{"maxParty": None, "minutes": 90}],
        }
    ],
    closures=[
        {
            "from": "2026-12-25T00:00", "to": "2026-12-26T00:00", "zones": ["main"], "tables": ["T1"],
            "reason": "x",
        }
    ],
    adjacency=[["T1", "T2"]],
    combinations=[{"tables": ["T1", "T2"], "minParty": 1, "maxParty": 6}],
)  # fmt: skip
FLOOR["tables"][0] |= {
    "minParty": 1, "maxParty": 2, "movable": True, "active": True, "outOfService": False, "walkInOnly": False,
    "priority": 0, "seatingType": "standard", "attributes": ["window"],
}  # fmt: skip


def routes() -> list[tuple[str, str, str, Any]]:
    """Function, method, path and a right body of every call that takes one."""
    booking, steps = "/bookings/{booking}", ("seat", "complete", "no-show", "undo-no-show")
    patch = {name: value for name, value in BOOKING.items() if name not in ("holdId", "durationMinutes")}
    return [
        ("operations", "PUT", "/restaurants/harbour", FLOOR),
        ("bookings", "POST", "/restaurants/harbour/bookings", BOOKING),
        ("bookings", "POST", "/restaurants/harbour/holds", HOLD),
        ("bookings", "PATCH", booking, patch),
        ("bookings", "POST", f"{booking}/cancel", {"reason": "ill"}),
        ("operations", "PUT", f"{booking}/assignment", {"tables": ["T1"], "pin": True, "override": ["zone"]}),
        *(("operations", "POST", f"{booking}/{step}", {}) for step in steps),
        ("operations", "POST", "/assignments/process", {"bookingId": str(uuid4()), "trigger": "retry"}),
    ]  # fmt: skip


def mutations(body: Any) -> Iterator[Any]:
    """The body with each of its members replaced by something wrong, left out, or joined by a stranger."""
    yield from (wrong for wrong in WRONG if not isinstance(wrong, dict))
    for path in paths(body):
        for wrong in (*WRONG, ...):
            changed = copy.deepcopy(body)
            at = changed
            for step in path[:-1]:
                at = at[step]
            if wrong is ...:
                del at[path[-1]]
            else:
                at[path[-1]] = wrong
            yield changed
        if isinstance(path[-1], str):
            yield {**body, f"{path[-1]}_x": 1}


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield (*before, name)
        yield from paths(member, (*before, name))


def texts(answer: Answer) -> list[str]:
    """What a refused call is told."""
    if answer.status not in (400, 422):
        return []
    problem = answer.json
    return [problem["title"], problem["detail"], *(each["message"] for each in problem.get("errors", ()))]


@pytest.mark.parametrize(("function", "method", "path", "body"), routes())
def test_no_text_speaks_of_the_parser(
    shared: Service, function: str, method: str, path: str, body: Any
) -> None:
    booking = shared.book("harbour", party(2, date=evening(30))).json["booking"]["id"]
    found: set[str] = set()
    sent = refused = 0
    for wrong in mutations(body):
        text = json.dumps(wrong)
        query = {"dryRun": "true"} if method == "PUT" and path.startswith("/restaurants") else None
        answer = call(function, method, path.format(booking=booking), body=text, query=query)
        assert answer.status < 500, (text[:200], answer.text[:200])
        sent, refused = sent + 1, refused + bool(said := texts(answer))
        found.update(said)
    assert refused > sent / 2
    assert FALLBACK not in " ".join(found)
    assert [text for text in found if JARGON.search(_without_names(text))] == []


def _without_names(text: str) -> str:
    """Without the names of members that the caller sent, which a detail begins with."""
    return re.sub(r"(^|; )[^ :;]*: ", " ", text)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/restaurants/harbour/availability", {"date": "x", "partySize": "2"}),
        ("/restaurants/harbour/availability", {"date": evening(), "partySize": "x"}),
        ("/restaurants/harbour/availability", {"date": evening(), "partySize": "2", "zone": ""}),
        (
            "/restaurants/harbour/availability",
            {"date": evening(), "partySize": "2", "required": ",".join(map(str, range(30)))},
        ),
        ("/restaurants/harbour/availability", {"partySize": "2"}),
        ("/restaurants/harbour/bookings", {"status": "x"}),
        ("/restaurants/harbour/bookings", {"cursor": "x"}),
        ("/restaurants/harbour/bookings", {"limit": "x"}),
        ("/restaurants/harbour/bookings", {"from_": "x"}),
    ],
)
def test_no_text_about_a_query_speaks_of_the_parser(
    shared: Service, path: str, query: dict[str, str]
) -> None:
    found = texts(call("bookings", "GET", path, query=query))
    assert found
    assert [text for text in found if JARGON.search(_without_names(text))] == []


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from (each for member in schema.values() for each in patterns(member))
    elif isinstance(schema, list):
        yield from (each for member in schema for each in patterns(member))


@pytest.mark.parametrize("model", [FloorDocument, bookings.BookingBody, bookings.PatchBody])
def test_every_pattern_has_a_sentence(model: type[StrictModel]) -> None:
    used = set(patterns(model.model_json_schema()))
    assert used
    assert used <= base._PATTERNS.keys()
