"""Zones and attributes that the restaurant does not have: a wish is warned of, a must is refused."""

from typing import Any

import pytest

from tests.harness.problems import call
from tests.harness.service import Service, evening, house, party


@pytest.fixture
def worded(service: Service) -> Service:
    zones = [{"id": "main", "name": "Main room"}, {"id": "patio", "name": "Garden terrace"}]
    document = house(4, 4, zones=zones)
    document["tables"][0]["attributes"] = ["window", "wheelchair accessible"]
    document["tables"][1]["zone"] = "patio"
    assert service.put_restaurant("harbour", document).status == 201
    return service


UNKNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"zone": "Main"}, "unknown_zone", "The restaurant has no zone Main; did you mean main?"),
    (
        {"zone": "garden terrasse"},
        "unknown_zone",
        "The restaurant has no zone garden terrasse; did you mean patio?",
    ),
    ({"zone": "cellar"}, "unknown_zone", "The restaurant has no zone cellar"),
    (
        {"attributes": ["windows"]},
        "unknown_attribute",
        "No table of the restaurant has the attribute windows; did you mean window?",
    ),
    (
        {"attributes": ["sea view"]},
        "unknown_attribute",
        "No table of the restaurant has the attribute sea view",
    ),
]


@pytest.mark.parametrize(("wishes", "code", "message"), UNKNOWN)
def test_an_unknown_wish_is_accepted_with_a_warning(
    worded: Service, wishes: dict[str, Any], code: str, message: str
) -> None:
    expected = [{"code": code, "message": message}]
    made = worded.book("harbour", party(2, preferences=wishes))
    assert (made.status, made.json["assignment"]["outcome"], made.json["warnings"]) == (
        201,
        "confirmed",
        expected,
    )
    hold = worded.hold("harbour", {"partySize": 2, "date": evening(), "time": "21:00", "preferences": wishes})
    assert (hold.status, hold.json["warnings"]) == (201, expected)
    plain = worded.book("harbour", party(2, date=evening(15))).json
    assert plain["warnings"] == []
    booking = plain["booking"]["id"]
    changed = call("bookings", "PATCH", f"/bookings/{booking}", body={"preferences": wishes})
    assert (changed.status, changed.json["warnings"]) == (200, expected)
    worded.assign(booking, "T1")  # pinned: the tables stay, whatever is wished
    again = {"preferences": wishes | {"attributes": [*wishes.get("attributes", ()), "standard"]}}
    kept = call("bookings", "PATCH", f"/bookings/{booking}", body=again)
    assert (kept.status, kept.json["warnings"]) == (200, expected)


def test_an_unknown_must_is_refused_with_a_warning(worded: Service) -> None:
    musts = {"zone": "Main", "zoneRequired": True, "required": ["windows"]}
    answer = worded.book("harbour", party(2, preferences=musts, onFull="refuse"))
    assert answer.status == 409
    assert [each["code"] for each in answer.json["warnings"]] == ["unknown_zone", "unknown_attribute"]
    pending = worded.book("harbour", party(2, preferences=musts))
    assert (pending.status, len(pending.json["warnings"])) == (201, 2)


def test_availability_warns_of_unknown_words(worded: Service) -> None:
    assert "warnings" not in worded.availability("harbour", partySize=2, zone="main", required="window").json
    found = worded.availability("harbour", partySize=2, zone="Patio", required="window,standrad").json
    assert [each["code"] for each in found["warnings"]] == ["unknown_zone", "unknown_attribute"]
    assert not any(slot["available"] for slot in found["slots"])
