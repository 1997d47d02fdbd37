"""Who waits hears of freed capacity, whatever is going on at that moment, and nobody is let past."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from maitred.domain.booking import Trigger
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.answer.quote import quote, refused
from maitred.planner.model import Decision
from maitred.services import ports
from maitred.services.ports import BookingStore
from tests.harness.consistency import assert_consistent
from tests.harness.databases import TestDatabase
from tests.harness.desk import Desk, RecordingQueue, open_desk, wish
from tests.harness.service import Service, evening, house, party


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
def owner(database: TestDatabase, queue: RecordingQueue) -> Iterator[Desk]:
    desk = open_desk(database, queue)
    yield desk
    desk.database.close()


def states(database: TestDatabase) -> list[str]:
    return [row[0] for row in database.query("select state from bookings order by created_at, id")]


def ids(database: TestDatabase, size: int) -> list[UUID]:
    query = "select id from bookings where party_size = %s order by created_at, id"
    return [row[0] for row in database.query(query, size)]


def leases(database: TestDatabase) -> list[tuple[int, str]]:
    """Who has a live lease, by size of the party, and on which table."""
    query = (
        "select h.party_size, a.table_id from holds h join allocations a on a.hold_id = h.id and a.live"
        " where h.for_booking is not null and h.expires_at > now() order by 1, 2"
    )
    return [(row[0], row[1]) for row in database.query(query)]


def end_leases(service: Service) -> None:
    """Move the clock behind their end."""
    with service.database.connect() as owner:
        owner.execute(b"update holds set expires_at = now()")


def booked(service: Service, size: int, time: str = "19:00", **changes: Any) -> str:
    answer = service.book("harbour", party(size, time, **changes))
    assert answer.status == 201, answer.text
    booking_id: str = answer.json["booking"]["id"]
    return booking_id


def state(service: Service, booking_id: str) -> tuple[str, list[str]]:
    booking = service.booking(booking_id).json["booking"]
    return booking["state"], booking["tables"]


def refused_at(service: Service, size: int, time: str = "19:00") -> bool:
    """Does a stranger neither get such a table nor read that it could?"""
    slots = service.availability("harbour", partySize=size).json["slots"]
    [slot] = [each for each in slots if each["time"] == time]
    on_hold = service.hold("harbour", {"partySize": size, "date": evening(), "time": time})
    stranger = service.book("harbour", party(size, time, onFull="refuse"))
    return not slot["available"] and on_hold.status != 201 and stranger.status != 201


# --- whom a cancellation wakes ---


@pytest.mark.parametrize("freed_by", ["cancel", "layout"])
def test_who_is_being_worked_on_is_woken_too(
    database: TestDatabase, queue: RecordingQueue, owner: Desk, freed_by: str
) -> None:
    """Its last attempt has read the day already: without the message it would wait for ever."""
    assert owner.put("harbour", house(4)) == 201
    assert owner.booking(wish(4)) == 201
    first = database.value("select id from bookings")
    assert owner.booking(wish(4)) == 201
    [message] = queue.take()

    def too_early(*args: Any, **named: Any) -> Decision:
        decision = quote(*args, **named)
        if freed_by == "cancel":
            assert owner.cancel(first) == 200
        else:
            assert owner.put("harbour", house(4, 4)) == 200
        return decision

    worker = open_desk(database, queue, decide=too_early)
    assert worker.work(message) == "manual_review"
    worker.database.close()

    [woken] = queue.take()
    assert woken.trigger is Trigger.CAPACITY_FREED
    assert owner.work(woken) == "confirmed"


def test_a_party_behind_many_that_cannot_be_served_gets_the_table(service: Service) -> None:
    tables = [
        {"id": "S1", "zone": "main", "capacity": 2},
        {"id": "S2", "zone": "main", "capacity": 2},
        {"id": "L", "zone": "main", "capacity": 6, "minParty": 4},
    ]
    assert service.put_restaurant("harbour", house(tables=tables)).status == 201
    six = booked(service, 6)
    pairs = [booked(service, 2) for _ in range(22)]
    five = booked(service, 5)
    service.work()
    assert state(service, five)[0] == "manual_review"
    assert service.cancel(six).status == 200
    assert refused_at(service, 5)  # before the job has run
    assert leases(service.database) == [(5, "L")]
    [message] = service.messages()
    assert service.deliver("assign", message["Body"], message["Body"]) == {"batchItemFailures": []}
    assert state(service, five) == ("confirmed", ["L"])
    assert leases(service.database) == []
    assert refused_at(service, 5)
    assert {state(service, pair)[0] for pair in pairs[2:]} == {"manual_review"}
    assert_consistent(service.database)


def test_only_those_who_get_a_place_are_woken(
    database: TestDatabase, queue: RecordingQueue, owner: Desk
) -> None:
    assert owner.put("harbour", house(2, 4)) == 201
    assert [owner.booking(wish(size)) for size in (4, 2)] == [201, 201]
    [small] = ids(database, 2)
    assert [owner.booking(wish(size)) for size in (6, 6, 2, 2)] == [201] * 4
    for message in queue.take():
        assert owner.work(message) == "manual_review"
    assert owner.cancel(small) == 200
    [woken] = queue.take()
    assert woken.booking_id == ids(database, 2)[1]
    assert owner.work(woken) == "confirmed"
    assert states(database) == [
        "confirmed",
        "cancelled",
        *["manual_review"] * 2,
        "confirmed",
        "manual_review",
    ]


def test_two_cancellations_at_once_wake_who_needs_the_tables_of_both(
    database: TestDatabase, queue: RecordingQueue, owner: Desk
) -> None:
    """Each alone would not do: the one that is too late must look again."""
    together = house(2, 2, adjacency=[["T1", "T2"]])
    together["policy"] |= {"maxTables": 2}
    assert owner.put("harbour", together) == 201
    assert [owner.booking(wish(2)) for _ in range(2)] == [201, 201]
    first, second = ids(database, 2)
    assert owner.booking(wish(4)) == 201
    assert owner.work(*queue.take()) == "manual_review"

    class Meanwhile:
        """The second cancellation commits while the first one judges."""

        def __init__(self, store: BookingStore) -> None:
            self._store = store
            self._first = True

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def snapshots(self, *args: Any) -> Any:
            found = self._store.snapshots(*args)
            if self._first:
                self._first = False
                assert owner.cancel(second) == 200
                assert queue.take() == []
            return found

    late = open_desk(database, queue, wrap=Meanwhile)
    assert late.cancel(first) == 200
    late.database.close()
    [woken] = queue.take()
    assert owner.work(woken) == "confirmed"
    assert database.value("select count(*) from allocations where live") == 2


def test_a_wake_through_moves_keeps_where_the_other_goes(service: Service) -> None:
    assert service.put_restaurant("harbour", house(2, 4)).status == 201
    small, moved = booked(service, 2), booked(service, 2)
    assert state(service, moved)[1] == ["T2"]
    four = booked(service, 4)
    service.work()
    assert service.cancel(small).status == 200
    assert leases(service.database) == [(4, "T1")]
    assert refused_at(service, 2)
    service.work()
    assert state(service, four) == ("confirmed", ["T2"])
    assert state(service, moved) == ("confirmed", ["T1"])
    assert leases(service.database) == []
    assert_consistent(service.database)


@pytest.mark.parametrize("way", ["complete", "hold", "patch", "other_day", "unassign", "smaller"])
def test_every_way_to_let_tables_go_wakes_and_keeps(service: Service, way: str) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "earlySeatMinutes": 43_200}
    assert service.put_restaurant("harbour", house(4, 2, policy=policy)).status == 201
    hold = service.hold("harbour", {"partySize": 4, "date": evening(), "time": "19:00"}).json
    first = booked(service, 4, holdId=hold["holdId"]) if way != "hold" else ""
    booked(service, 2)
    waiting = booked(service, 4)
    service.work()
    match way:
        case "complete":
            assert service.http("operations", "POST", f"/bookings/{first}/seat").status == 200
            assert service.http("operations", "POST", f"/bookings/{first}/complete").status == 200
        case "hold":
            assert service.give_back(hold["holdId"]).status == 204
        case "patch":
            body = {"date": evening(), "time": "21:00"}
            assert service.http("bookings", "PATCH", f"/bookings/{first}", body=body).status == 200
        case "other_day":
            body = {"date": evening(15), "time": "19:00"}
            assert service.http("bookings", "PATCH", f"/bookings/{first}", body=body).status == 200
        case "unassign":
            assert service.unassign(first).status == 200
        case "smaller":
            small = {"partySize": 2, "date": evening(), "time": "21:30"}
            assert service.http("bookings", "PATCH", f"/bookings/{first}", body=small).status == 200
    assert leases(service.database) == [(4, "T1")]
    assert refused_at(service, 4)
    service.work()
    assert state(service, waiting) == ("confirmed", ["T1"])
    assert_consistent(service.database)


def test_a_person_who_moves_a_party_wakes_who_can_use_its_table(service: Service) -> None:
    assert service.put_restaurant("harbour", house(4, 6)).status == 201
    first, second = booked(service, 4), booked(service, 6)
    waiting = booked(service, 4)
    service.work()
    assert service.cancel(second, body={}).status == 200
    service.messages()  # what the job would do with the six-top is not the question
    end_leases(service)
    assert service.assign(first, "T2").status == 200
    assert leases(service.database) == [(4, "T1")]
    service.work()
    assert state(service, waiting) == ("confirmed", ["T1"])


# --- what becomes of a lease ---


@pytest.fixture
def kept(service: Service) -> tuple[Service, str, str]:
    """Two parties of four wait; the table of the first is free again and kept for it."""
    assert service.put_restaurant("harbour", house(4)).status == 201
    gone, first, second = (booked(service, 4) for _ in range(3))
    service.work()
    assert service.cancel(gone).status == 200
    assert leases(service.database) == [(4, "T1")]
    return service, first, second


def owner_of_lease(service: Service) -> str:
    return str(
        service.database.value(
            "select for_booking from holds where for_booking is not null and expires_at > now()"
        )
    )


def test_a_lease_that_is_over_is_in_nobodys_way(kept: tuple[Service, str, str]) -> None:
    service, first, _ = kept
    end_leases(service)
    stranger = booked(service, 4)
    assert state(service, stranger)[0] == "confirmed"
    service.work()
    assert state(service, first)[0] == "assignment_pending"  # one more attempt, later
    assert_consistent(service.database)


@pytest.mark.parametrize("way", ["cancel", "patch", "pend"])
def test_who_waits_no_more_leaves_the_table_to_the_next(kept: tuple[Service, str, str], way: str) -> None:
    service, first, second = kept
    if way == "cancel":
        assert service.cancel(first).status == 200
    elif way == "patch":
        body: dict[str, Any] = {"date": evening(), "time": "21:00"}
        assert service.http("bookings", "PATCH", f"/bookings/{first}", body=body).status == 200
    else:
        required = {"required": ["window"]}
        body = {"preferences": required, "onFull": "pend"}
        assert service.http("bookings", "PATCH", f"/bookings/{first}", body=body).status == 200
    assert owner_of_lease(service) == second
    service.work()
    assert state(service, second)[0] == "confirmed"
    assert leases(service.database) == []
    assert_consistent(service.database)


def test_a_person_may_give_the_guest_the_table_that_is_kept(kept: tuple[Service, str, str]) -> None:
    service, first, second = kept
    assert service.assign(second, "T1").status == 409
    assert service.assign(first, "T1").status == 200
    assert leases(service.database) == []
    service.work()
    assert state(service, first) == ("confirmed", ["T1"])


def test_who_keeps_its_request_keeps_its_table(kept: tuple[Service, str, str]) -> None:
    service, first, _ = kept
    path = f"/bookings/{first}"
    assert service.http("bookings", "PATCH", path, body={"notes": "a birthday"}).status == 200
    full = {"partySize": 4, "date": evening(), "time": "19:00", "preferences": {"required": ["window"]}}
    assert service.http("bookings", "PATCH", path, body=full).status == 409
    assert owner_of_lease(service) == first


def test_the_kitchen_counts_a_woken_party_once(service: Service) -> None:
    paced = house(4, 4)
    paced["policy"] |= {"pacing": {"slotMinutes": 15, "maxCoversPerSlot": 4}}
    assert service.put_restaurant("harbour", paced).status == 201
    gone, waiting = booked(service, 4), booked(service, 4)
    service.work()
    assert state(service, waiting)[0] == "manual_review"
    assert service.cancel(gone).status == 200
    assert refused_at(service, 2)  # a table is free, the kitchen is not
    service.work()
    assert state(service, waiting)[0] == "confirmed"


def test_what_the_job_leaves_of_a_lease_wakes_the_next(service: Service) -> None:
    """A smaller table has become free meanwhile: the pair takes that, and the four gets the larger one."""
    still = house(2, 4)
    still["policy"] |= {"maxMoves": 0}
    assert service.put_restaurant("harbour", still).status == 201
    large, small = booked(service, 4), booked(service, 2)
    pair, four = booked(service, 2), booked(service, 4)
    service.work()
    assert service.cancel(large).status == 200
    assert leases(service.database) == [(2, "T2")]
    assert service.cancel(small).status == 200
    [message] = service.messages()
    service.deliver("assign", message["Body"])
    assert state(service, pair) == ("confirmed", ["T1"])
    assert leases(service.database) == [(4, "T2")]
    service.work()
    assert state(service, four) == ("confirmed", ["T2"])
    assert_consistent(service.database)


def test_a_job_that_gives_up_leaves_the_table_to_those_who_came_later(
    database: TestDatabase, queue: RecordingQueue, owner: Desk
) -> None:
    """Not to those before: two parties that the job refuses would wake each other for ever."""
    assert owner.put("harbour", house(4)) == 201
    assert [owner.booking(wish(4)) for _ in range(3)] == [201] * 3
    gone, first, second = ids(database, 4)
    for message in queue.take():
        assert owner.work(message) == "manual_review"
    assert owner.cancel(gone) == 200

    def never(*args: Any, **named: Any) -> Decision:
        del args, named
        return refused(Reason(ReasonCode.NO_CAPACITY, "Nothing is free"))

    with_refusals = open_desk(database, queue, decide=never)

    def refuse() -> UUID:
        [message] = queue.take()
        while (result := with_refusals.work(message)) == "deferred":
            [message] = queue.take()
        assert result == "manual_review"
        return message.booking_id

    assert refuse() == first
    assert refuse() == second
    with_refusals.database.close()
    assert queue.take() == []
    assert leases(database) == []


def test_a_lease_is_not_given_to_who_has_stopped_waiting(
    database: TestDatabase, queue: RecordingQueue, owner: Desk
) -> None:
    """The guest cancels between the judging and the commit: the next one is served instead."""
    assert owner.put("harbour", house(4)) == 201
    assert [owner.booking(wish(4)) for _ in range(3)] == [201] * 3
    gone, first, second = ids(database, 4)
    for message in queue.take():
        assert owner.work(message) == "manual_review"

    class Meanwhile:
        def __init__(self, store: BookingStore) -> None:
            self._store = store
            self._first = True

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def apply(self, changes: ports.Changes, budget_ms: int | None = None) -> Any:
            if self._first and changes.leases:
                self._first = False
                assert owner.cancel(first) == 200
            return self._store.apply(changes, budget_ms)

    late = open_desk(database, queue, wrap=Meanwhile)
    assert late.cancel(gone) == 200
    late.database.close()
    assert [message.booking_id for message in queue.take()] == [second]
    assert database.value("select for_booking from holds where expires_at > now()") == second


def test_a_new_floor_wakes_those_behind_many_that_it_cannot_seat(
    database: TestDatabase, queue: RecordingQueue, owner: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maitred.services.staff.restaurants.AT_MOST", 2)
    assert owner.put("harbour", house(4, 4)) == 201
    assert [owner.booking(wish(size)) for size in (4, 4, 8, 8, 8, 4)] == [201] * 6
    for message in queue.take():
        assert owner.work(message) == "manual_review"
    assert owner.put("harbour", house(4, 4, 4)) == 200
    [woken] = queue.take()
    assert owner.work(woken) == "confirmed"
