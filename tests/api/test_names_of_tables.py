"""Tables, zones and sections are called what the restaurant calls them, wherever their ids travel."""

from tests.harness.consistency import assert_consistent
from tests.harness.service import Service, house, party

ODD = ("Tisch 1", "#2 & 3?", "窓際 50%")
HOUSE = house(
    zones=[{"id": "Große Stube"}, {"id": "🌿 Garten", "position": 1}],
    tables=[
        {"id": ODD[0], "zone": "Große Stube", "capacity": 2, "name": "Stammtisch"},
        {"id": ODD[1], "zone": "Große Stube", "capacity": 2},
        {"id": ODD[2], "zone": "🌿 Garten", "capacity": 2, "movable": False},
    ],
    policy={"maxTables": 2, "bufferAfterMinutes": 0},
    adjacency=[[ODD[1], ODD[0]]],
    combinations=[{"tables": [ODD[2], ODD[1]], "minParty": 4}],
    closures=[{"from": "2026-01-01T00:00", "to": "2026-01-02T00:00", "tables": [ODD[0]]}],
    sections=[{"id": "Süd", "tables": [ODD[0], ODD[2]], "server": "Jürgen"}],
)


def test_odd_names_travel_through_bookings_the_floor_and_a_persons_choice(service: Service) -> None:
    put = service.put_restaurant("harbour", HOUSE)
    assert put.status == 201
    assert service.http("operations", "GET", "/restaurants/harbour").json == put.json["restaurant"]
    four = service.book("harbour", party(4)).json
    assert four["booking"]["tables"] == [ODD[1], ODD[0]]
    assert "Tisch 1" in four["assignment"]["explanation"]
    garden = party(2, preferences={"zone": "🌿 Garten", "zoneRequired": True})
    two = service.book("harbour", garden).json["booking"]
    assert (two["tables"], two["zone"]) == ([ODD[2]], "🌿 Garten")
    booking = four["booking"]["id"]
    assert service.cancel(two["id"]).status == 200
    assert service.assign(booking, ODD[2], ODD[1], override=["zone"]).json["booking"]["tables"] == [
        ODD[1],
        ODD[2],
    ]
    found = service.availability("harbour", partySize=2, zone="Große Stube").json["slots"]
    assert {tuple(slot["tables"]) for slot in found if slot["available"]} >= {(ODD[0],)}
    assert service.put_restaurant("harbour", HOUSE).json["affected"] == []
    assert_consistent(service.database)


def test_the_floor_names_tables_and_puts_zones_in_their_order(service: Service) -> None:
    service.put_restaurant("harbour", HOUSE)
    floor = service.http("operations", "GET", "/restaurants/harbour/floor").json
    assert [table.get("name") for table in floor["tables"]] == ["Stammtisch", None, None]
    assert [zone["id"] for zone in floor["zones"]] == ["🌿 Garten", "Große Stube"]
