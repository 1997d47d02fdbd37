"""What a person's choice cannot set aside: tables in use, another's lease, stays that have begun."""

import pytest

from tests.harness.problems import assert_problem, nothing_written
from tests.harness.service import Service, house, party
from tests.harness.staff import attempts, booked, history, in_review, ledger


def test_a_taken_table_stays_taken_whatever_is_overridden(place: Service) -> None:
    first, second = in_review(place, 4), in_review(place, 4, time="19:30")
    assert place.assign(first, "B").status == 200
    everything = ["capacity", "min_party", "adjacency", "zone"]
    before = place.booking(second).json
    problem = assert_problem(place.assign(second, "B", "C", override=everything), 409, "table_occupied")
    assert "B" in problem["detail"]
    assert "C" not in problem["detail"]
    assert place.booking(second).json == before
    last = attempts(second)[-1]
    assert (last["flow"], last["outcome"], last["reason"]["code"]) == ("staff", "refused", "no_capacity")
    assert place.events("auto_assign.attempt", second)[-1]["success"] is False


def hold(service: Service, booking: str, table: str, expires: str) -> None:
    """Another guest's hold on ``table`` over the booking's stay, as the holds' service writes it."""
    service.database.query(
        "with held as (insert into holds (id, restaurant_id, party_size, start_at, end_at, service_id,"
        " service_date, expires_at) select gen_random_uuid(), restaurant_id, 2, start_at, end_at, service_id,"
        f" service_date, now() + interval '{expires}' from bookings where id = %s returning *)"
        " insert into allocations (restaurant_id, layout_version, table_id, capacity, hold_id, occupied)"
        " select h.restaurant_id, t.layout_version, t.table_id, t.capacity, h.id,"
        " tstzrange(h.start_at, h.end_at)"
        " from held h join layout_tables t using (restaurant_id) where t.table_id = %s",
        booking,
        table,
    )


def test_b5_another_guests_live_hold_blocks(place: Service) -> None:
    booking = in_review(place, 4)
    hold(place, booking, "B", "1 minute")
    assert_problem(place.assign(booking, "B"), 409, "table_occupied")
    assert attempts(booking)[-1]["reason"]["code"] == "hold_conflict"
    assert place.assign(booking, "C").status == 200


def test_an_expired_hold_does_not(place: Service) -> None:
    booking = in_review(place, 4)
    hold(place, booking, "B", "-1 second")
    assert place.assign(booking, "B").status == 200


# --- states ---


def lease(service: Service, booking: str, until: str) -> None:
    service.database.query(
        "update bookings set state = 'assignment_in_progress', version = version + 1,"
        f" lease_token = gen_random_uuid(), lease_until = now() + interval '{until}' where id = %s",
        booking,
    )


def test_while_a_worker_holds_it(place: Service) -> None:
    booking = in_review(place, 4)
    lease(place, booking, "1 minute")
    place.messages()
    with nothing_written(place):
        assert_problem(place.assign(booking, "B"), 409, "assignment_in_progress")
        assert_problem(place.unassign(booking), 409, "assignment_in_progress")


def test_a_lease_that_ran_out_is_no_obstacle(place: Service) -> None:
    booking = in_review(place, 4)
    lease(place, booking, "-1 second")
    assert place.assign(booking, "B").status == 200
    path = [(item["fromState"], item["toState"]) for item in history(booking)[-2:]]
    assert path == [("assignment_in_progress", "assignment_pending"), ("assignment_pending", "confirmed")]


@pytest.mark.parametrize("state", ["completed", "no_show", "cancelled"])
def test_whose_stay_has_begun_or_ended_is_left_alone(place: Service, state: str) -> None:
    booking = booked(place, 4)
    release = " update allocations set live = false, released_at = now() where booking_id = b;"
    place.database.query(
        f"do $$ declare b uuid := '{booking}'; begin update bookings set state = '{state}' where id = b;"
        f"{release} end $$"
    )
    with nothing_written(place):
        assert_problem(place.assign(booking, "B"), 409, "invalid_transition")
        assert_problem(place.unassign(booking), 409, "invalid_transition")


def test_a_stay_that_is_over_takes_no_tables(place: Service) -> None:
    booking = in_review(place, 4)
    place.messages()
    place.database.query(
        "update bookings set start_at = start_at - interval '30 days', end_at = end_at - interval '30 days'"
        " where id = %s",
        booking,
    )
    with nothing_written(place):
        assert_problem(place.assign(booking, "B"), 422, "in_the_past")


# --- pinning ---


def test_who_is_pinned_is_never_moved_and_who_is_not_may_be(service: Service) -> None:
    """One table for two and one for four: the two must move for the four."""
    service.put_restaurant("harbour", house(2, 4))
    couple = booked(service, 2)
    assert service.assign(couple, "T2").json["booking"]["pinned"] is True
    refused = service.book("harbour", party(4, onFull="refuse"))
    assert_problem(refused, 409, "no_capacity")
    assert service.assign(couple, "T2", pin=False).json["booking"]["pinned"] is False
    assert service.book("harbour", party(4, onFull="refuse")).json["booking"]["tables"] == ["T2"]
    assert service.booking(couple).json["booking"]["tables"] == ["T1"]


def test_who_sits_by_an_overridden_rule_may_be_moved_to_where_none_is_needed(service: Service) -> None:
    tables = [
        {"id": "T1", "zone": "main", "capacity": 2},
        {"id": "T2", "zone": "main", "capacity": 4, "minParty": 3},
    ]
    service.put_restaurant("harbour", house(tables=tables))
    couple = booked(service, 2)
    assert service.assign(couple, "T2", pin=False, override=["min_party"]).status == 200
    assert service.book("harbour", party(4, onFull="refuse")).json["booking"]["tables"] == ["T2"]
    assert ledger(service, couple) == [("T1", [])]
