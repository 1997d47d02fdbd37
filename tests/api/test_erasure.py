"""A guest's data goes when it is asked for, with all that was copied from it; the figures stay."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guests import PostgresGuests
from maitred.services import ports
from maitred.services.staff.erasure import GuestWanted
from tests.api.test_api_examples import examples, shows
from tests.harness.consistency import assert_consistent
from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, at, house, party, set_clock

GUEST = {"name": "Zebulon Quagmire", "email": "ZQuagmire@example.org", "phone": "+44 1632 960983"}
WORDS = ["zebulon", "quagmire", "960983", "xylophone", "fibula", "sarsaparilla", "hippogriff"]
ADA = {"name": "Ada", "email": "ada@example.com"}
TABLES = """
select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
and not relispartition"""


def erase(service: Service, restaurant: str = "harbour", headers: Any = None, **body: Any) -> Answer:
    path = f"/restaurants/{restaurant}/guests/erase"
    return service.http("operations", "POST", path, body=body, headers=headers)


def hits(service: Service) -> dict[str, set[str]]:
    """Which of the words stand where, in all rows and columns as text."""
    found: dict[str, set[str]] = {}
    for (table,) in service.database.query(TABLES):
        text = "\n".join(row for (row,) in service.database.query(f"select t::text from {table} t")).lower()
        if words := {word for word in WORDS if word in text}:
            found[table] = words
    return found


def keyed(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


@pytest.fixture
def harbour(service: Service) -> Service:
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    service.put_restaurant("harbour", house(2, 2, 4, contactEmail="host@example.com"))
    return service


def over(service: Service, **changes: Any) -> str:
    """A booking of the guest that was cancelled."""
    made: str = service.book("harbour", party(**({"guest": GUEST} | changes))).json["booking"]["id"]
    assert service.cancel(made, body={"reason": "Broke my fibula"}).status == 200
    return made


def act(service: Service, booking: str, step: str, key: str | None = None, body: Any = None) -> Answer:
    headers = keyed(key) if key else None
    function = "bookings" if step == "cancel" else "operations"
    return service.http(function, "POST", f"/bookings/{booking}/{step}", body=body, headers=headers)


def send_letters(service: Service) -> None:
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    service.deliver("notify", *bodies)


def whole_story(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The guest through every flow that stores something, and Ada beside."""
    wish = party(guest=GUEST, notes="Allergic to xylophones")
    service.book("harbour", party(guest=ADA, notes="Window"), headers=keyed("ada"))
    first = service.book("harbour", wish, headers=keyed("create")).json["booking"]["id"]
    change = {"notes": "Brings a hippogriff", "guest": {"name": "Zebulon Q. Quagmire"}}
    patched = service.http("bookings", "PATCH", f"/bookings/{first}", body=change, headers=keyed("details"))
    assert patched.status == 200
    more = {"partySize": 1, "time": "20:00", "date": wish["date"]}
    service.http("bookings", "PATCH", f"/bookings/{first}", body=more, headers=keyed("change"))
    hold = service.hold("harbour", {"partySize": 4, "date": wish["date"], "time": "19:00"}).json["holdId"]
    kept = service.book("harbour", wish | {"partySize": 4, "holdId": hold}, headers=keyed("held"))
    assert kept.status == 201
    service.book("harbour", wish | {"partySize": 4, "onFull": "refuse"}, headers=keyed("refused"))
    waiting = service.book("harbour", wish | {"partySize": 4}, headers=keyed("wait")).json["booking"]["id"]
    service.work()
    send_letters(service)
    assert act(service, waiting, "decline", "decline", {"reason": "No sarsaparilla left"}).status == 200
    service.assign(first, "T2", headers=keyed("assign"))
    assert act(service, first, "cancel", "cancel", {"reason": "Broke my fibula"}).status == 200
    assert act(service, first, "cancel", "cancel-again", {"reason": "Broke my fibula"}).status == 200
    third = service.book("harbour", wish | {"time": "21:00"}, headers=keyed("third")).json["booking"]["id"]
    set_clock(monkeypatch, at("19:00"))
    walk_in = service.http(
        "operations",
        "POST",
        "/restaurants/harbour/walk-ins",
        body={"partySize": 2, "guest": GUEST, "notes": "Hates xylophones"},
        headers=keyed("walk-in"),
    ).json["booking"]["id"]
    seated = kept.json["booking"]["id"]
    for step in ("arrive", "seat", "unseat", "seat", "complete"):
        assert act(service, seated, step, uuid4().hex).status == 200
    assert act(service, walk_in, "complete").status == 200
    assert act(service, walk_in, "undo-complete", "undo").status == 200
    assert act(service, walk_in, "complete", "complete").status == 200
    set_clock(monkeypatch, at("22:00"))
    assert act(service, third, "no-show", "no-show").status == 200
    send_letters(service)
    act(service, third, "undo-no-show")
    act(service, third, "no-show")
    return [first, waiting, seated, walk_in, third]


def figures(service: Service) -> Any:
    report = service.http("operations", "GET", "/restaurants/harbour/reports/assignments").json
    counted = service.database.query(
        "select restaurant_id, state, party_size, start_at, end_at, arrived_at, seated_at, completed_at,"
        " preferences, auto_assign_last_result from bookings order by id"
    )
    ledger = service.database.query("select table_id, booking_id, occupied from allocations order by id")
    return report, counted, ledger


def test_every_table_forgets_the_guest_and_no_figure_changes(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookings = whole_story(harbour, monkeypatch)
    places = {"bookings", "booking_state_history", "booking_changes", "idempotency", "outbox"}
    before, attempts = figures(harbour), harbour.database.query("select * from booking_assignment_attempts")
    assert {each for each in hits(harbour) if not each.startswith("booking_") or each in places} == places
    assert set().union(*hits(harbour).values()) == set(WORDS)
    letters = harbour.database.value(
        "select count(*) from notifications where kind <> 'attention' and booking_id = any (%s::uuid[])",
        bookings,
    )
    answer = erase(harbour, email="zquagmire@EXAMPLE.org")
    assert (answer.status, answer.json) == (200, {"bookings": 5, "letters": letters})
    assert letters > 5
    assert hits(harbour) == {}
    assert figures(harbour) == before
    assert harbour.database.query("select * from booking_assignment_attempts") == attempts
    assert harbour.database.value("select count(*) from bookings where guest ->> 'name' = 'Ada'") == 1
    assert_consistent(harbour.database)


def test_what_is_repeated_after_an_erasure_shows_erased_and_makes_nothing(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = 'Zebulon "Zeb" Quagmíre\\'
    wish = party(guest=GUEST | {"name": name}, notes="Allergic to xylophones,\nand \t bees")
    made = harbour.book("harbour", wish, headers=keyed("create"))
    cancelled = act(harbour, made.json["booking"]["id"], "cancel", "cancel", {"reason": "fibula"})
    stored = harbour.database.query("select headers from idempotency order by key")
    assert erase(harbour, phone="+441632960983").json == {"bookings": 1, "letters": 2}
    count = harbour.database.value("select count(*) from bookings")
    for earlier, again in (
        (made, harbour.book("harbour", wish, headers=keyed("create"))),
        (cancelled, act(harbour, made.json["booking"]["id"], "cancel", "cancel", {"reason": "fibula"})),
    ):
        assert again.headers["idempotent-replayed"] == "true"
        expected = earlier.json
        expected["booking"]["guest"] = dict.fromkeys(GUEST, "erased")
        expected["booking"]["notes"] = "erased"
        assert again.text == json.dumps(expected, separators=(",", ":"), ensure_ascii=False)
        assert again.status == earlier.status
    assert harbour.database.query("select headers from idempotency order by key") == stored
    assert harbour.database.value("select count(*) from bookings") == count


def test_the_booking_is_read_without_its_guest(harbour: Service) -> None:
    booking = over(harbour, notes="Allergic to xylophones")
    version = harbour.booking(booking).json["booking"]["version"]
    erase(harbour, bookingId=booking)
    read = harbour.booking(booking).json["booking"]
    assert (read["guest"], read["notes"], read["version"]) == ({}, None, version + 1)
    history = harbour.http("operations", "GET", f"/bookings/{booking}/history").json["items"]
    assert [row["reason"] for row in history[-2:]] == ["erased", "guest_erased"]
    [*_, last] = harbour.http("bookings", "GET", "/restaurants/harbour/changes").json["items"]
    assert (last["type"], last["booking"]["guest"]) == ("booking.changed", {})


@pytest.mark.parametrize("again", [{"email": GUEST["email"]}, {"phone": GUEST["phone"]}, {"bookingId": ""}])
def test_a_second_erasure_changes_nothing(harbour: Service, again: dict[str, str]) -> None:
    booking = over(harbour)
    body = {name: value or booking for name, value in again.items()}
    assert erase(harbour, **body).json["bookings"] == 1
    rows = harbour.database.query("select * from bookings")
    assert erase(harbour, **body).json == {"bookings": 0, "letters": 0}
    assert harbour.database.query("select * from bookings") == rows


def test_the_same_key_brings_the_first_answer(harbour: Service) -> None:
    over(harbour)
    first = erase(harbour, headers=keyed("erase"), email=GUEST["email"])
    again = erase(harbour, headers=keyed("erase"), email=GUEST["email"])
    assert (first.text, again.text) == ('{"bookings":1,"letters":2}',) * 2
    assert again.headers["idempotent-replayed"] == "true"


def test_a_booking_stands_for_its_guest(harbour: Service) -> None:
    """All with its mail or its phone, and no others."""
    own = over(harbour)
    by_mail = over(harbour, guest={"name": "Z", "email": GUEST["email"].upper()})
    by_phone = over(harbour, guest={"phone": "+44 (1632) 960-983"})
    over(harbour, guest=ADA)
    over(harbour, guest={"name": GUEST["name"]})
    assert erase(harbour, bookingId=own).json["bookings"] == 3
    erased = harbour.database.query("select id::text from bookings where erased_at is not null")
    assert {each for (each,) in erased} == {own, by_mail, by_phone}


def test_a_booking_without_mail_and_phone_stands_for_itself(harbour: Service) -> None:
    over(harbour, guest={"name": "Zebulon"})
    mine = over(harbour, guest={})
    assert erase(harbour, bookingId=mine).json == {"bookings": 1, "letters": 0}


def test_nobody_found_is_zeros(harbour: Service) -> None:
    for body in (
        {"email": "nobody@example.com"},
        {"phone": "0"},
        {"bookingId": "85f60326-277e-4ccd-bb15-3b39d3ba3e4c"},
    ):
        answer = erase(harbour, **body)
        assert (answer.status, answer.json) == (200, {"bookings": 0, "letters": 0})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": None},
        {"email": "a@example.com", "phone": "1"},
        {"email": "a@example.com", "phone": None},
        {"email": "nobody"},
        {"bookingId": "B7"},
        {"phone": ""},
        {"phone": 5},
        {"name": "Ada"},
    ],
)
def test_exactly_one_of_the_three_is_needed(harbour: Service, body: dict[str, Any]) -> None:
    over(harbour)
    assert_problem(erase(harbour, **body), 422, "invalid_request")
    assert hits(harbour)


def test_another_tenants_guests_stay(harbour: Service) -> None:
    harbour.put_restaurant("quay", house(2))
    theirs = harbour.book("quay", party(guest=GUEST)).json["booking"]["id"]
    harbour.cancel(theirs)
    over(harbour)
    assert erase(harbour, bookingId=theirs).json == {"bookings": 0, "letters": 0}
    assert erase(harbour, email=GUEST["email"]).json["bookings"] == 1
    assert harbour.booking(theirs).json["booking"]["guest"] == GUEST


def test_an_unknown_restaurant(harbour: Service) -> None:
    assert_problem(erase(harbour, "nowhere", email="a@example.com"), 404, "restaurant_not_found")


def test_a_guest_who_is_expected_is_cancelled_first(harbour: Service) -> None:
    over(harbour)
    expected = harbour.book("harbour", party(guest=GUEST)).json["booking"]
    before = hits(harbour)
    answer = erase(harbour, email=GUEST["email"])
    assert_problem(answer, 409, "upcoming_booking")
    assert answer.json["bookings"] == [{"bookingId": expected["id"], "reference": expected["reference"]}]
    assert hits(harbour) == before
    harbour.cancel(expected["id"])
    assert erase(harbour, email=GUEST["email"]).json["bookings"] == 2


def test_a_party_that_waits_or_sits_is_still_a_guest(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        sits = harbour.book("harbour", party(4, guest=GUEST)).json["booking"]["id"]
        assert_problem(erase(harbour, bookingId=sits), 409, "upcoming_booking")
        harbour.cancel(sits)
    sits = harbour.book("harbour", party(4, guest=GUEST)).json["booking"]["id"]
    set_clock(monkeypatch, at("19:00"))
    assert act(harbour, sits, "seat").status == 200
    set_clock(monkeypatch, at("23:30"))
    assert_problem(erase(harbour, bookingId=sits), 409, "upcoming_booking")
    assert act(harbour, sits, "complete").status == 200
    assert erase(harbour, bookingId=sits).json["bookings"] == 3


def test_who_never_came_and_was_never_marked_is_over_with_the_stay(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = harbour.book("harbour", party(guest=GUEST)).json["booking"]
    set_clock(monkeypatch, datetime.fromisoformat(booking["endAt"]) - timedelta(minutes=1))
    assert_problem(erase(harbour, bookingId=booking["id"]), 409, "upcoming_booking")
    set_clock(monkeypatch, datetime.fromisoformat(booking["endAt"]))
    assert erase(harbour, bookingId=booking["id"]).json["bookings"] == 1
    assert harbour.booking(booking["id"]).json["booking"]["state"] == "confirmed"


def test_a_letter_that_is_on_its_way_is_not_sent(harbour: Service) -> None:
    booking = over(harbour)
    harbour.scheduled("relay")
    on_its_way = [message["Body"] for message in harbour.messages("notification")]
    assert len(on_its_way) == 2
    erase(harbour, bookingId=booking)
    assert harbour.deliver("notify", *on_its_way) == {"batchItemFailures": []}
    letters = harbour.database.query("select state, last_error from notifications")
    assert letters == [("skipped", "erased")] * 2


@pytest.mark.parametrize("cancelled", [False, True], ids=["a change", "a repetition"])
def test_who_read_the_guest_before_keeps_nothing(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, *, cancelled: bool
) -> None:
    """The erasure commits between a cancellation's read of the booking and its write."""
    booking = harbour.book("harbour", party(guest=GUEST)).json["booking"]["id"]
    if cancelled:
        assert act(harbour, booking, "cancel").status == 200
    apply, erased = PostgresBookingStore.apply, list[int]()

    def overtaken(store: PostgresBookingStore, changes: ports.Changes, budget_ms: int | None = None) -> Any:
        if not erased:
            wanted = GuestWanted(email=GUEST["email"])
            with (
                closing(Database(harbour.database.connect)) as another,
                PostgresGuests(another, "test").locked("harbour", wanted) as guest,
            ):
                assert guest is not None
                erased.append(guest.erase("host"))
                guest.commit(None)
        return apply(store, changes, budget_ms)

    monkeypatch.setattr(PostgresBookingStore, "apply", overtaken)
    answer = act(harbour, booking, "cancel", "cancel")
    assert (answer.status, answer.json["booking"]["guest"]) == (200, {})
    assert erased == [2 if cancelled else 1]
    assert hits(harbour) == {}
    assert_consistent(harbour.database)


@pytest.fixture
def breaking(harbour: Service) -> Iterator[Service]:
    """A database that fails at the last of the copies."""
    harbour.database.query(
        "create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
        "create trigger fails before insert on booking_state_history for each row"
        " when (new.reason = 'guest_erased') execute function fail()"
    )
    yield harbour
    harbour.database.query("drop function fail() cascade")


def test_what_fails_half_way_leaves_everything(breaking: Service) -> None:
    over(breaking)
    before = hits(breaking)
    assert erase(breaking, email=GUEST["email"]).status == 500
    assert hits(breaking) == before
    breaking.database.query("drop trigger fails on booking_state_history")
    assert erase(breaking, email=GUEST["email"]).json["bookings"] == 1
    assert hits(breaking) == {}


def test_the_days_after_the_visit_do_the_same(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    wish = party(guest=GUEST, notes="xylophone")
    booking = harbour.book("harbour", wish, headers=keyed("a")).json["booking"]
    end = datetime.fromisoformat(booking["endAt"])
    set_clock(monkeypatch, end + timedelta(days=400))
    assert harbour.scheduled("maintain")["erased"] == 0
    set_clock(monkeypatch, end + timedelta(days=400, minutes=1))
    assert harbour.scheduled("maintain")["erased"] == 1
    assert hits(harbour) == {}
    assert harbour.scheduled("maintain")["erased"] == 0
    [actor] = harbour.database.query(
        "select actor_id from booking_state_history where reason = 'guest_erased'"
    )
    assert actor == ("clock",)


def test_a_minute_does_so_much_and_the_next_the_rest(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.put_restaurant("quay", house(2))
    for restaurant in ("harbour", "quay", "harbour"):
        harbour.cancel(harbour.book(restaurant, party(guest=GUEST)).json["booking"]["id"])
    set_clock(monkeypatch, at("19:00") + timedelta(days=401))
    monkeypatch.setattr("maitred.services.upkeep.maintain._BATCH", 2)
    assert [harbour.scheduled("maintain")["erased"] for _ in range(3)] == [2, 1, 0]
    assert hits(harbour) == {}


def test_a_new_guest_of_an_erased_booking_is_forgotten_too(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = harbour.book("harbour", party(guest=ADA)).json["booking"]
    set_clock(monkeypatch, at("19:00"))
    assert act(harbour, booking["id"], "no-show").status == 200
    assert erase(harbour, bookingId=booking["id"]).json["bookings"] == 1
    assert act(harbour, booking["id"], "undo-no-show").status == 200
    change = {"guest": GUEST}
    assert harbour.http("bookings", "PATCH", f"/bookings/{booking['id']}", body=change).status == 200
    set_clock(monkeypatch, at("19:00") + timedelta(days=401))
    assert harbour.scheduled("maintain")["erased"] == 1
    assert hits(harbour) == {}


def test_the_example(harbour: Service) -> None:
    over(harbour, guest=ADA)
    body, answer = examples("Erase a guest")
    shows(answer, erase(harbour, **body))
