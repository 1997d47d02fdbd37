"""Rearranging: somebody is moved so that a party fits, in one transaction, and nobody is told."""

from typing import Any

import pytest

from maitred.adapters.telemetry.recorder import Recorder
from ops.replays import count_different
from tests.harness import service as harness
from tests.harness.service import Service, evening, house

_DAYS_AHEAD = 5


def party(size: int) -> dict[str, Any]:
    return harness.party(size, date=evening(_DAYS_AHEAD))


def moving_house(**policy: Any) -> dict[str, Any]:
    """Tables for 2 and 4 of which the four also takes two, each alone."""
    return house(
        2, 4, policy={"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 2, "freezeMinutes": 120} | policy
    )


def shuffled(service: Service, **policy: Any) -> tuple[str, str]:
    """Two parties of two: the second sits at the table for four, though the table for two is free again."""
    assert service.put_restaurant("harbour", moving_house(**policy)).status == 201
    first = service.book("harbour", party(2)).json["booking"]
    second = service.book("harbour", party(2)).json["booking"]
    assert (first["tables"], second["tables"]) == (["T1"], ["T2"])
    assert service.cancel(first["id"]).status == 200
    return first["id"], second["id"]


def test_a_booking_is_moved_so_that_a_larger_party_fits(service: Service) -> None:
    _, moved = shuffled(service)
    answer = service.book("harbour", party(4)).json
    assert answer["assignment"]["outcome"] == "confirmed"
    assert answer["assignment"]["strategy"] == "rearrange"
    assert answer["assignment"]["moves"] == 1
    assert answer["booking"]["tables"] == ["T2"]
    assert service.booking(moved).json["booking"]["tables"] == ["T1"]


def test_a_move_is_told_in_history_and_events_but_raises_no_version_and_sends_no_mail(
    service: Service,
) -> None:
    _, moved = shuffled(service)
    before = service.booking(moved).json["booking"]
    mails = service.database.value("select count(*) from notifications where booking_id = %s", moved)
    mover = service.book("harbour", party(4)).json["booking"]["id"]
    assert service.booking(moved).json["booking"]["version"] == before["version"]
    last = service.http("operations", "GET", f"/bookings/{moved}/history").json["items"][-1]
    assert (last["fromState"], last["toState"], last["reason"]) == ("confirmed", "confirmed", "moved")
    assert last["metadata"] == {"fromTables": ["T2"], "tables": ["T1"], "movedFor": mover}
    assert service.events("booking.state_changed", moved)[-1]["to"] == "confirmed"
    assert service.database.value("select count(*) from notifications where booking_id = %s", moved) == mails


@pytest.mark.parametrize("policy", [{"maxMoves": 0}, {"freezeMinutes": 60 * 24 * (_DAYS_AHEAD + 2)}])
def test_nobody_is_moved_against_the_policy(service: Service, policy: dict[str, int]) -> None:
    shuffled(service, **policy)
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"


def test_the_plain_pipeline_moves_nobody(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "off")
    shuffled(service)
    answer = service.book("harbour", party(4)).json
    assert answer["assignment"]["reason"]["code"] == "no_capacity"


def test_a_pinned_booking_stays(service: Service) -> None:
    _, pinned = shuffled(service)
    service.database.query("update bookings set pinned = true where id = %s", pinned)
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"


def test_the_explanation_tells_what_was_done(service: Service) -> None:
    _, moved = shuffled(service)
    mover = service.book("harbour", party(4)).json["booking"]["id"]
    recorded = service.http("operations", "GET", f"/bookings/{mover}/explanation").json
    assert recorded["chosen"] == ["T2"]
    assert recorded["moves"] == [{"bookingId": moved, "from": ["T2"], "to": ["T1"]}]
    assert recorded["scoreTerms"]["moves"] > 0
    assert {"summary", "decision", "losers", "refusedBy", "at"} <= recorded.keys()


def test_a_must_is_kept_by_a_move_also_where_a_person_set_it_aside(service: Service) -> None:
    """A person seated the party in another zone: still it may only be moved to where it must sit."""
    tables = [
        {"id": "T1", "zone": "main", "capacity": 4},
        {"id": "T2", "zone": "terrace", "capacity": 4, "attributes": ["window"]},
        {"id": "T3", "zone": "terrace", "capacity": 4},
    ]
    floor = moving_house() | {"zones": [{"id": "main"}, {"id": "terrace"}], "tables": tables}
    in_main = party(4) | {"preferences": {"zone": "main", "zoneRequired": True}}
    assert service.put_restaurant("harbour", floor).status == 201
    first = service.book("harbour", in_main).json["booking"]
    second = service.book("harbour", in_main).json["booking"]
    assert (first["tables"], second["tables"]) == (["T1"], [])
    assert service.assign(second["id"], "T2", pin=False, override=["zone"]).status == 200

    at_window = party(4) | {"preferences": {"required": ["window"]}}
    waiting = service.book("harbour", at_window).json
    assert waiting["assignment"]["outcome"] == "deferred"
    assert service.cancel(first["id"]).status == 200
    service.work()
    assert service.booking(waiting["booking"]["id"]).json["booking"]["tables"] == ["T2"]
    assert service.booking(second["id"]).json["booking"]["tables"] == ["T1"]


def test_the_worker_moves_too(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(Recorder, "count", lambda self, name, value=1, **dimensions: counted.append(name))
    assert service.put_restaurant("harbour", moving_house(maxMoves=0)).status == 201
    first = service.book("harbour", party(2)).json["booking"]
    service.book("harbour", party(2))
    waiting = service.book("harbour", party(4)).json["booking"]
    service.work()
    assert service.put_restaurant("harbour", moving_house()).status == 200
    assert service.cancel(first["id"]).status == 200
    service.work()
    assert service.booking(waiting["id"]).json["booking"]["tables"] == ["T2"]
    assert counted.count("Moves") == 1


def test_demand_is_learnt_from_the_restaurants_own_bookings(service: Service) -> None:
    assert service.put_restaurant("harbour", house(2, 4)).status == 201
    booked = service.book("harbour", party(2)).json["booking"]
    assert service.scheduled("maintain")["learnt"] == 1
    profile = service.database.value("select profile from demand_profiles where restaurant_id = 'harbour'")
    assert list(profile.values()) == [{"2": 1}]
    assert all(name.endswith(":dinner") for name in profile)
    assert service.scheduled("maintain")["learnt"] == 0
    assert booked["tables"] == ["T1"]


def test_every_stored_decision_is_the_same_when_it_is_made_again(service: Service) -> None:
    shuffled(service)
    service.book("harbour", party(4))  # moves somebody
    service.book("harbour", party(4))  # refused, and tried again by the job
    service.work()
    with service.database.connect() as owner:
        assert count_different(owner) == (5, 0)
        owner.execute(
            b"update booking_assignment_attempts set explanation = explanation || '{\"score\": -1}'"
        )
        assert count_different(owner) == (5, 5)
