"""The floor at one moment: which table is free, held, booked, seated, closed or out of service."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maitred.bootstrap.operations import services
from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Answer, Service, evening, forget_wiring, house, party

PATH = "/restaurants/harbour/floor"
FLOOR = house(
    2, 2, 4, 4, timezone="UTC", zones=[{"id": "main", "name": "Main room"}, {"id": "patio", "name": "Patio"}]
)
FLOOR["tables"][3]["zone"] = "patio"


@pytest.fixture
def place(service: Service) -> Service:
    assert service.put_restaurant("harbour", FLOOR).status == 201
    return service


def look(**query: str) -> Answer:
    return call("operations", "GET", PATH, query=query)


def at(clock: str, **query: str) -> dict[str, dict[str, Any]]:
    """The tables by id, at ``clock`` of the evening."""
    answer = look(at=f"{evening()}T{clock}:00Z", **query)
    assert answer.status == 200, answer.text
    return {table["id"]: table for table in answer.json["tables"]}


def statuses(clock: str, **query: str) -> dict[str, str]:
    return {name: table["status"] for name, table in at(clock, **query).items()}


def clock(recorded: str) -> str:
    return datetime.fromisoformat(recorded).astimezone(UTC).strftime("%H:%M")


def booked(service: Service, size: int = 4, hour: int = 19, minutes: int = 0) -> dict[str, Any]:
    start = f"{evening()}T{hour:02}:{minutes:02}:00Z"
    made: dict[str, Any] = service.book("harbour", {"partySize": size, "startAt": start}).json["booking"]
    return made


def test_an_empty_floor(place: Service) -> None:
    before = datetime.now(UTC)
    answer = look()
    assert answer.status == 200
    body = answer.json
    assert body.keys() == {"asOf", "tables", "zones", "totals", "conflicts"}
    assert before <= datetime.fromisoformat(body["asOf"]) <= datetime.now(UTC)
    assert body["tables"] == [{"id": f"T{number}", "status": "free"} for number in range(1, 5)]
    nothing = {"held": 0, "booked": 0, "seated": 0, "closed": 0, "outOfService": 0}
    assert body["totals"] == {"tables": 4, "seats": 12, "freeSeats": 12, "free": 4, **nothing}
    assert [zone.pop("id") for zone in body["zones"]] == ["main", "patio"]
    assert body["zones"][1] == {
        "name": "Patio", "tables": 1, "seats": 4, "freeSeats": 4, "free": 1, **nothing
    }  # fmt: skip


def test_a_stay_occupies_its_tables_half_open(place: Service) -> None:
    made = booked(place)
    [name] = made["tables"]
    assert [at(clock)[name]["status"] for clock in ("18:59", "19:00", "20:44", "20:45")] == [
        "free", "booked", "booked", "free"
    ]  # fmt: skip
    during, before = at("19:30")[name], at("18:00")[name]
    assert during["bookingId"] == made["id"]
    assert (clock(during["until"]), clock(before["until"])) == ("20:45", "19:00")
    assert "bookingId" not in before


def test_a_joined_set_is_booked_as_a_whole(service: Service) -> None:
    document = house(
        4, 4, timezone="UTC", policy={"maxTables": 2, "bufferAfterMinutes": 15}, adjacency=[["T1", "T2"]]
    )
    service.put_restaurant("harbour", document)
    booked(service, 7)
    assert statuses("20:00") == {"T1": "booked", "T2": "booked"}
    assert clock(at("20:00")["T1"]["until"]) == "21:45"  # 150 minutes, and 15 to lay the table again


def seat(service: Service, booking: str, back: timedelta) -> None:
    """Move the stay ``back`` and seat the party; what a host's call does to the row."""
    service.database.query(
        "with moved as (update allocations"
        " set occupied = tstzrange(lower(occupied) - %s, upper(occupied) - %s)"
        " , seated = true where booking_id = %s) update bookings set state = 'seated',"
        " start_at = start_at - %s, end_at = end_at - %s, seated_at = start_at - %s where id = %s",
        back,
        back,
        booking,
        back,
        back,
        back,
        booking,
    )


def test_who_is_seated_and_who_stays_too_long(place: Service) -> None:
    one, late = booked(place), booked(place)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    since_start = datetime.fromisoformat(one["startAt"]) - now
    seat(place, one["id"], since_start + timedelta(minutes=30))
    seat(place, late["id"], since_start + timedelta(hours=3))
    tables = {table["id"]: table for table in look().json["tables"]}
    there, overdue = tables[one["tables"][0]], tables[late["tables"][0]]
    assert (there["status"], there["bookingId"]) == ("seated", one["id"])
    assert datetime.fromisoformat(there["until"]) == now + timedelta(minutes=75)
    assert (overdue["status"], overdue["bookingId"]) == ("seated", late["id"])
    assert datetime.fromisoformat(overdue["until"]) >= now  # never earlier than now
    assert (there["party"]["overTime"], overdue["party"]["overTime"]) == (False, True)
    assert look().json["totals"]["seated"] == 2
    later = (now + timedelta(hours=5)).isoformat().replace("+00:00", "Z")
    assert {table["status"] for table in look(at=later).json["tables"]} == {"free"}


def hold(service: Service, expires: str) -> None:
    start = f"{evening()}T19:00:00Z"
    service.database.query(
        "with held as (insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id,"
        " service_date, expires_at) values (gen_random_uuid(), 'harbour', 2, %s::timestamptz,"
        f" %s::timestamptz + interval '90 minutes', 'dinner', %s, now() + interval '{expires}') returning *)"
        " insert into allocations (restaurant_id, layout_version, table_id, capacity, hold_id, occupied)"
        " select 'harbour', 1, 'T1', 2, id, tstzrange(start_at, end_at) from held",
        start,
        start,
        evening(),
    )


def test_live_holds_are_shown_unless_they_are_not_wanted(place: Service) -> None:
    hold(place, "1 minute")
    on_hold = at("19:00")["T1"]
    assert (on_hold["status"], clock(on_hold["until"]), "bookingId" in on_hold) == ("held", "20:30", False)
    assert statuses("19:00", includeHolds="true")["T1"] == "held"
    assert at("19:00", includeHolds="false")["T1"] == {"id": "T1", "status": "free"}


def test_an_expired_hold_is_nothing(place: Service) -> None:
    hold(place, "-1 second")
    assert at("19:00")["T1"] == {"id": "T1", "status": "free"}


def test_closures_and_tables_out_of_service(place: Service) -> None:
    made = booked(place)
    document = FLOOR | {
        "tables": [
            FLOOR["tables"][0] | {"outOfService": True},
            FLOOR["tables"][1] | {"active": False},
            *FLOOR["tables"][2:],
        ],
        "closures": [
            {"from": f"{evening()}T12:00", "to": f"{evening()}T18:00", "zones": ["patio"]},
            {"from": f"{evening()}T17:00", "to": f"{evening()}T18:30", "tables": ["T4"]},
        ],
    }
    assert place.put_restaurant("harbour", document).status == 200
    assert made["tables"] == ["T3"]
    assert statuses("17:30") == {"T1": "out_of_service", "T2": "out_of_service", "T3": "free", "T4": "closed"}
    assert clock(at("12:00")["T4"]["until"]) == "18:30"
    assert statuses("18:30")["T4"] == "free"
    totals = look(at=f"{evening()}T19:00:00Z").json["totals"]
    assert (totals["seats"], totals["freeSeats"], totals["outOfService"]) == (8, 4, 2)


def test_who_sits_at_a_table_that_broke_is_still_seen(place: Service) -> None:
    made = booked(place)
    place.database.query("update bookings set state = 'seated' where id = %s", made["id"])
    [name] = made["tables"]
    tables = [table | {"outOfService": table["id"] == name} for table in FLOOR["tables"]]
    assert place.put_restaurant("harbour", FLOOR | {"tables": tables}).status == 200
    assert (statuses("19:30")[name], statuses("17:30")[name]) == ("seated", "out_of_service")


def test_one_round_trip_once_the_floor_is_known(place: Service) -> None:
    look()
    database = services().runtime.database
    before = database.round_trips
    assert look().status == 200
    assert database.round_trips - before == 1
    forget_wiring()
    assert look().status == 200
    assert services().runtime.database.round_trips == 1


def test_a_new_floor_is_seen_at_once(place: Service) -> None:
    look()
    place.put_restaurant("harbour", house(2, 2, 4, 6, 8))
    assert len(look().json["tables"]) == 5


def test_nothing_is_written_by_looking(place: Service) -> None:
    with nothing_written(place):
        look()


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"at": "2027-01-01T19:00"}, "naive_timestamp", "at"),
        ({"at": "now"}, "invalid_request", "at"),
        ({"at": "9999-12-31T23:59:59Z"}, "invalid_request", "at"),
        ({"includeHolds": "yes"}, "invalid_request", "includeHolds"),
        ({"date": "2027-01-01"}, "invalid_request", "date"),
    ],
)
def test_queries_are_read_strictly(place: Service, query: dict[str, str], code: str, field: str) -> None:
    assert_problem(look(**query), 422, code, field)


def test_an_offset_whose_plus_became_a_space(place: Service) -> None:
    """What an unescaped ``+`` in a query turns into."""
    made = booked(place)
    [name] = made["tables"]
    answer = look(at=f"{evening()}T21:00 02:00").json
    assert {table["id"]: table["status"] for table in answer["tables"]}[name] == "booked"


def test_an_unknown_restaurant(place: Service) -> None:
    assert_problem(call("operations", "GET", "/restaurants/nowhere/floor"), 404, "restaurant_not_found")


def test_another_tenants_guests_are_not_seen(place: Service) -> None:
    place.put_restaurant("second", house(4))
    place.book("second", party(4))
    assert set(statuses("19:30").values()) == {"free"}


def test_a_guest_is_named_but_cannot_be_reached_through_the_floor(place: Service) -> None:
    place.book("harbour", party(4))
    text = look(at=f"{evening()}T19:30:00Z").text
    assert '"name":"Ada"' in text
    assert "ada@" not in text
