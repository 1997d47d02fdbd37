"""A table with chairs added, and tables that seat more when they are pushed together."""

import pytest

from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.service import Service, house, party


def test_a_four_takes_a_fifth_chair_alone(service: Service) -> None:
    tables = [{"id": "T1", "zone": "main", "capacity": 4, "maxParty": 5}]
    assert service.put_restaurant("harbour", house(tables=tables)).status == 201
    assert service.book("harbour", party(5)).json["booking"]["tables"] == ["T1"]
    assert_problem(service.book("harbour", party(6, time="21:00")), 422, "party_too_large")
    assert_consistent(service.database)


@pytest.mark.parametrize("row", [{"maxParty": 10}, {"seats": 10}, {"seats": 12, "maxParty": 10}])
def test_two_fours_seat_ten_together(service: Service, row: dict[str, int]) -> None:
    rows = [{"tables": ["T2", "T1"], "minParty": 5, **row}]
    assert service.put_restaurant("harbour", house(4, 4, combinations=rows)).status == 201
    answer = service.book("harbour", party(10, onFull="refuse"))
    assert answer.json["booking"]["tables"] == ["T1", "T2"]
    assert answer.json["assignment"]["score"] == 1.5  # one table more; no seat is left empty
    assert_problem(service.book("harbour", party(13, time="21:30")), 422, "party_too_large")
    assert_consistent(service.database)


def test_a_hold_of_pushed_tables_becomes_a_booking(service: Service) -> None:
    rows = [{"tables": ["T1", "T2"], "seats": 10}]
    service.put_restaurant("harbour", house(4, 4, combinations=rows))
    hold = service.hold("harbour", {key: party(10)[key] for key in ("partySize", "date", "time")}).json
    assert service.book("harbour", party(10, holdId=hold["holdId"])).json["booking"]["tables"] == ["T1", "T2"]
    assert_consistent(service.database)


def test_the_database_knows_these_seats_and_no_more(service: Service) -> None:
    rows = [{"tables": ["T1", "T2"], "seats": 10}]
    service.put_restaurant("harbour", house(4, 4, combinations=rows))
    booking = service.book("harbour", party(10)).json["booking"]["id"]
    with pytest.raises(Exception, match="has 8 seats for 11"):
        service.database.query("update bookings set party_size = 11 where id = %s", booking)
    assert_consistent(service.database)


def test_a_whole_house_may_be_one_combination(service: Service) -> None:
    tables = [{"id": f"T{number:02}", "zone": "main", "capacity": 4} for number in range(40)]
    names = [table["id"] for table in tables]
    rows = [{"tables": names, "minParty": 100}]
    assert service.put_restaurant("harbour", house(tables=tables, combinations=rows)).status == 201
    assert len(service.book("harbour", party(150)).json["booking"]["tables"]) == 40
    names.append("T40")
    tables.append({"id": "T40", "zone": "main", "capacity": 4})
    answer = service.put_restaurant("harbour", house(tables=tables, combinations=rows))
    assert_problem(answer, 422, "invalid_request", "combinations.0.tables")


def test_a_new_floor_without_the_extra_chair_asks_the_guests_tables(service: Service) -> None:
    tables = [{"id": "T1", "zone": "main", "capacity": 4, "maxParty": 5}]
    service.put_restaurant("harbour", house(tables=tables))
    booking = service.book("harbour", party(5)).json["booking"]["id"]
    answer = service.put_restaurant("harbour", house(4))
    assert [each["bookingId"] for each in answer.json["affected"]] == [booking]
