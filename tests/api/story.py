"""A guest's story told through the handlers, without what differs each time: for comparing places.

Run as a program, it prints the story told by a Python of its own.
"""

import json
import re
from typing import Any

from tests.harness.problems import call
from tests.harness.service import Answer, evening, house, party

_RANDOM = {
    "id",
    "reference",
    "createdAt",
    "updatedAt",
    "attemptId",
    "durationMs",
    "correlationId",
    "nextCursor",
    "layoutVersion",
    "location",
}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def _fixed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _fixed(member) for name, member in value.items() if name not in _RANDOM}
    if isinstance(value, list):
        return [_fixed(item) for item in value]
    return _UUID.sub("<id>", value) if isinstance(value, str) else value


def _recorded(answer: Answer) -> Any:
    return [answer.status, _fixed(json.loads(answer.text))]


def story(restaurant: str) -> list[Any]:
    """The answers, in order. Table and zone ids are such that a locale could change their order or case."""
    document = house(2, 2, 4, timezone="America/New_York")
    for table, name in zip(document["tables"], ("i2", "I1", "Ib"), strict=True):
        table["id"] = name
    document["tables"][2]["attributes"] = ["INSIDE"]
    path = f"/restaurants/{restaurant}/bookings"
    wishes = [
        party(2),
        party(2, guest={"name": "\u0130lkay I\u015f\u0131k", "email": "ILKAY@EXAMPLE.COM"}),
        party(2, preferences={"required": ["INSIDE"]}),
        party(2, preferences={"required": ["inside"]}),
        party(4, onFull="refuse"),
        party(2, "22:00", notes="\u0131 \u0130 \u00df \ufb01"),
        {"partySize": 2, "startAt": f"{evening(15)}T00:30:00Z"},
        {"partySize": 2, "startAt": f"{evening(15)}t01:00:00z"},
        party(9),
        party(2, "12:00"),
        party(0),
    ]
    answers = [call("operations", "PUT", f"/restaurants/{restaurant}", body=document)]
    answers += [call("bookings", "POST", path, body=wish) for wish in wishes]
    listed = call("bookings", "GET", path, query={"date": evening()}).json["items"]
    # Those that start together are listed in the order of their random ids.
    return [*(_recorded(answer) for answer in answers), sorted(map(_fixed, listed), key=json.dumps)]


if __name__ == "__main__":
    print("STORY" + json.dumps(story("abroad")))  # noqa: T201 - read by the test that started this
