"""A newcomer can follow a call: through few files, not deep, past few types. The sandbox is warm."""

from tests.harness.service import Service, house, party
from tests.harness.trace import traced


def test_the_way_of_a_confirmed_booking(harbour: Service) -> None:
    assert harbour.book("harbour", party(4, "17:00")).status == 201
    with traced() as way:
        answer = harbour.book("harbour", party(4, "19:30"))
    assert answer.json["assignment"]["outcome"] == "confirmed"
    assert len(way.files) <= 42, sorted(way.files)
    assert len(way.services) <= 12, sorted(way.services)
    assert len(way.deepest) <= 18, way.deepest
    assert len(way.types) <= 45, sorted(way.types)


def test_the_way_of_a_job(harbour: Service) -> None:
    """It seats a party that was refused before, on the tables of a booking that has been cancelled."""
    first, second = (harbour.book("harbour", party(4)).json["booking"]["id"] for _ in range(2))
    harbour.work()
    assert harbour.cancel(first).status == 200
    with traced() as way:
        harbour.work()
    assert harbour.booking(second).json["booking"]["state"] == "confirmed"
    assert len(way.files) <= 50, sorted(way.files)
    assert len(way.deepest) <= 20, way.deepest


def test_the_way_of_a_cancelled_booking(service: Service) -> None:
    assert service.put_restaurant("harbour", house(4)).status == 201
    booking = service.book("harbour", party(4)).json["booking"]["id"]
    with traced() as way:
        answer = service.cancel(booking)
    assert answer.status == 200
    assert len(way.files) <= 22, sorted(way.files)
    assert len(way.deepest) <= 12, way.deepest
