"""What a house is short of goes last, so that who needs it still finds it."""

from typing import Any

import pytest

from tests.harness.service import Service, house, party


@pytest.mark.parametrize("plain", ["07", "99"])
@pytest.mark.parametrize("priority", [0, 10])
def test_tables_that_can_be_pushed_together_are_taken_last(
    service: Service, plain: str, priority: int
) -> None:
    tables: list[dict[str, Any]] = [
        {"id": "8", "zone": "main", "capacity": 4, "priority": priority},
        {"id": "9", "zone": "main", "capacity": 4, "priority": priority},
        {"id": plain, "zone": "main", "capacity": 4},
    ]
    rows = [{"tables": ["8", "9"], "minParty": 5, "maxParty": 8}]
    service.put_restaurant("harbour", house(tables=tables, combinations=rows))
    four = service.book("harbour", party(4)).json
    assert four["booking"]["tables"] == [plain]
    assert service.book("harbour", party(8, onFull="refuse")).json["booking"]["tables"] == ["8", "9"]


def test_an_accessible_table_waits_for_who_needs_it(service: Service) -> None:
    tables = [
        {"id": "T1", "zone": "main", "capacity": 2, "attributes": ["accessible"]},
        {"id": "T2", "zone": "main", "capacity": 2, "seatingType": "bar"},
        {"id": "T3", "zone": "main", "capacity": 2},
    ]
    service.put_restaurant("harbour", house(tables=tables))
    first, second = (service.book("harbour", party(2)).json["booking"]["tables"] for _ in range(2))
    assert (first, second) == (["T3"], ["T2"])
    needs = party(2, preferences={"required": ["accessible"]})
    answer = service.book("harbour", needs).json
    assert answer["booking"]["tables"] == ["T1"]
    assert answer["assignment"]["score"] == 0.0  # it was asked for, so it costs nothing


def test_stays_may_be_as_short_as_five_minutes(service: Service) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "minDiningMinutes": 5}
    turns = [{"maxParty": None, "minutes": 5}]
    service.put_restaurant("harbour", house(2, policy=policy | {"turnTimes": turns}))
    booking = service.book("harbour", party(2)).json["booking"]
    assert (booking["startAt"][11:16], booking["endAt"][11:16]) == ("19:00", "19:05")
    assert service.book("harbour", party(2, "19:05", durationMinutes=10)).status == 201
