"""The inspection finds nothing in a sound book, and each invariant that is broken behind the book's back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maitred.services.upkeep.checks import ALWAYS, IN_TIME, Check
from tests.harness.consistency import inspected
from tests.harness.events import LambdaContext
from tests.harness.rows import add_hold, allocate, work_on
from tests.harness.service import Service, handler, party

CONFIRMED = "(select id from bookings where state = 'confirmed' order by created_at limit 1)"
PENDING = "(select id from bookings where state = 'assignment_pending')"
ONE_ROW = "(select min(id) from allocations where live and booking_id is not null)"
SENT = "(select min(id) from outbox where sent_at is not null)"
COPY = """insert into allocations (restaurant_id, layout_version, table_id, capacity, booking_id, occupied)
    select restaurant_id, layout_version, table_id, capacity, booking_id, occupied
    from allocations where id = """
SUMMARY = "event_type = 'auto_assign.summary'"
HOUR_AGO = "now() - interval '1 hour'"

STEP = """insert into booking_state_history (booking_id, from_state, to_state, version, actor_id)
    values ({}, 'confirmed', '{}', {}, 'nobody')"""
SECOND_SUMMARY = f"""insert into observability_events
        (created_at, source, event_type, severity, booking_id, correlation_id)
    select created_at, 'by hand', event_type, severity, booking_id, correlation_id
    from observability_events where {SUMMARY} and booking_id = {CONFIRMED}"""
SECOND_LETTER = """insert into notifications (id, booking_id, restaurant_id, kind, request_version)
    select gen_random_uuid(), booking_id, restaurant_id, kind, request_version from notifications"""
NO_EXCLUSION = "allocations drop constraint allocations_no_overlap"
BOTH_SIT = """with s as (update bookings set state = 'seated' where state = 'confirmed' returning id)
    update allocations set table_id = 'T1', capacity = 2 where booking_id in (select id from s) and live"""
SITS_ON = f"""with s as (
        update bookings set state = 'seated', seated_at = now() - interval '3 hours'
        where id = {CONFIRMED} returning id),
    c as (
        update bookings set start_at = date_trunc('minute', now() - interval '1 hour')
        where state = 'confirmed' and id <> {CONFIRMED} returning id)
    update allocations
    set table_id = 'T1', capacity = 2,
        occupied = tstzrange(now() - interval '1 hour', now() + interval '1 hour')
    where booking_id in (select id from s union all select id from c) and live"""
NO_LEASE_CHECK = "bookings drop constraint bookings_lease_check"
HISTORY = "booking_state_history"

# The invariant, what must be dropped for it to be broken at all, and how it is broken.
BREAKS: Sequence[tuple[str, str, str]] = [
    ("no_overlap", NO_EXCLUSION, COPY + ONE_ROW),
    ("seated", "", f"update allocations set live = false, released_at = now() where id = {ONE_ROW}"),
    ("seated", "", f"update bookings set party_size = 40 where id = {CONFIRMED}"),
    ("seated", "", f"update bookings set end_at = end_at + interval '3 hours' where id = {CONFIRMED}"),
    ("seated", "", f"update bookings set state = 'manual_review' where id = {CONFIRMED}"),
    ("one_party", NO_EXCLUSION, BOTH_SIT),
    ("room_known", NO_EXCLUSION, SITS_ON),
    ("owned", "", "update holds set used_by = (select min(id::text)::uuid from bookings)"),
    ("owned", "", "delete from holds"),
    ("owned", "", f"update allocations set booking_id = gen_random_uuid() where id = {ONE_ROW}"),
    ("owned", "", f"update bookings set restaurant_id = 'other' where id = {CONFIRMED}"),
    ("history_ends_in_state", "", f"update bookings set version = version + 1 where id = {CONFIRMED}"),
    ("history_ends_in_state", "", f"update bookings set state = 'seated' where id = {CONFIRMED}"),
    ("history_ends_in_state", "", f"delete from {HISTORY} where booking_id = {CONFIRMED}"),
    ("history_unbroken", "", f"delete from {HISTORY} where booking_id = {CONFIRMED} and version = 2"),
    ("feed_ends_in_state", "", f"update bookings set party_size = 1 where id = {CONFIRMED}"),
    ("feed_ends_in_state", "", f"update bookings set version = version + 1 where id = {PENDING}"),
    (
        "history_unbroken",
        "",
        f"update {HISTORY} set from_state = 'seated' where booking_id = {CONFIRMED} and version = 3",
    ),
    ("history_unbroken", "", STEP.format(CONFIRMED, "completed", 4)),
    ("history_unbroken", "", STEP.format(CONFIRMED, "cancelled", 3)),
    ("history_unbroken", "", STEP.format(CONFIRMED, "cancelled", 5)),
    ("one_summary", "", f"delete from observability_events where {SUMMARY} and booking_id = {CONFIRMED}"),
    ("one_summary", "", SECOND_SUMMARY),
    ("told", "", f"delete from observability_events where {SUMMARY} and booking_id = {CONFIRMED}"),
    ("notified_once", "notifications drop constraint notifications_once", SECOND_LETTER),
    (
        "mail_as_stored",
        "",
        f"delete from notifications where booking_id = {CONFIRMED} and kind = 'confirmed'",
    ),
    (
        "leased",
        NO_LEASE_CHECK,
        f"update bookings set lease_token = gen_random_uuid(), lease_until = now() where id = {CONFIRMED}",
    ),
    ("leased", NO_LEASE_CHECK, f"update bookings set state = 'assignment_in_progress' where id = {PENDING}"),
    ("outbox_drained", "", f"update outbox set sent_at = null, due_at = {HOUR_AGO} where id = {SENT}"),
    ("outbox_alive", "", f"update outbox set sent_at = null, dead_at = now() where id = {SENT}"),
    ("nobody_forgotten", "", f"update bookings set updated_at = {HOUR_AGO} where id = {PENDING}"),
    (
        "nobody_forgotten",
        "",
        f"update bookings set start_at = start_at - interval '30 days' where id = {PENDING}",
    ),
    ("nobody_forgotten", "", f"update bookings set state = 'created' where id = {PENDING}"),
]


@pytest.fixture
def sound(harbour: Service) -> Service:
    """Two confirmed, one cancelled, one waiting, one in a worker's hands, a hold; the mail is on its way."""
    ids = [harbour.book("harbour", party(size)).json["booking"]["id"] for size in (2, 2, 4, 4)]
    assert harbour.cancel(ids[0]).status == 200
    harbour.messages("assign")
    busy = harbour.book("harbour", party(4)).json["booking"]["id"]
    with harbour.database.connect() as owner:
        work_on(owner, busy, "1 minute")
        hold = add_hold(owner, datetime.now(UTC) + timedelta(hours=1))
        layout = {"layout_version": 1, "table_id": "T1", "capacity": 2}
        allocate(owner, restaurant_id="harbour", hold_id=hold, **layout)
    return harbour


def wrong(service: Service) -> dict[str, Check]:
    checks = inspected(service.database, {**ALWAYS, **IN_TIME}, timedelta(minutes=5))
    return {name: check for name, check in zip([*ALWAYS, *IN_TIME], checks, strict=True) if check.wrong}


def test_a_sound_book_has_no_violation_and_all_of_it_is_looked_at(sound: Service) -> None:
    assert wrong(sound) == {}
    assert [
        check.name for check in inspected(sound.database, {**ALWAYS, **IN_TIME}) if not check.checked
    ] == []


@pytest.mark.parametrize(("name", "drop", "statement"), BREAKS)
def test_a_violation_is_found(sound: Service, name: str, drop: str, statement: str) -> None:
    if drop:
        sound.database.query(f"alter table {drop}")
    with sound.database.connect() as owner:
        owner.execute("set session_replication_role = replica")  # as if no trigger and no key were there
        assert owner.execute(statement.encode()).rowcount > 0
    found = wrong(sound)
    assert name in found, found
    assert found[name].examples
    assert not any(
        "Ada" in example or "@" in example for check in found.values() for example in check.examples
    )


def test_a_lease_that_nobody_ends_is_found(sound: Service) -> None:
    sound.database.query(
        f"update bookings set lease_until = {HOUR_AGO} where state = 'assignment_in_progress'"
    )
    assert set(wrong(sound)) == {"leases_end"}


def test_every_invariant_is_known_to_fail() -> None:
    assert {name for name, _, _ in BREAKS} | {"leases_end"} == {*ALWAYS, *IN_TIME}


def test_a_person_may_seat_more_than_there_are_seats(sound: Service) -> None:
    sound.database.query(
        f"update allocations set overrides = '{{capacity}}' where booking_id = {CONFIRMED} and live"
    )
    sound.database.query(f"update bookings set party_size = 40 where id = {CONFIRMED}")
    assert wrong(sound) == {}


# --- as operators ask for it ----------------------------------------------------------------------


def ask(**event: Any) -> Any:
    return handler("maintain")(event, LambdaContext("maintain"))


def test_operators_get_the_same_inspection(sound: Service) -> None:
    sound.database.query(f"update outbox set sent_at = null, dead_at = now() where id = {SENT}")
    checks = ask(task="check", days=30, patienceSeconds=300)["checks"]
    assert [check["name"] for check in checks] == [*ALWAYS.values(), *IN_TIME.values()]
    assert [check["name"] for check in checks if check["wrong"]] == [IN_TIME["outbox_alive"]]


def test_dead_rows_are_shown_without_what_they_say_and_revived_a_few_at_a_time(sound: Service) -> None:
    sound.messages("assign")
    sound.messages("notification")
    sound.database.query(
        "update outbox set sent_at = null, dead_at = now(), attempts = 20, last_error = 'no'"
    )
    total = sound.database.value("select count(*) from outbox")
    dead = ask(task="deadOutbox", limit=100)["dead"]
    assert len(dead) == total
    assert "ada@" not in str(dead)  # the letters "ada" alone may be part of an id
    assert ask(task="reviveOutbox", limit=1) == {"revived": 1}
    assert len(ask(task="deadOutbox", limit=100)["dead"]) == total - 1
    assert sound.scheduled("relay")["sent"] == 1
    assert ask(task="reviveOutbox", limit=100) == {"revived": total - 1}
    assert ask(task="reviveOutbox", limit=100) == {"revived": 0}


def test_an_unknown_task_is_no_housekeeping(harbour: Service) -> None:
    with pytest.raises(ValueError, match="no such task"):
        ask(task="drop")
