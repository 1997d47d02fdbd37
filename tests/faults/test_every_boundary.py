"""Killed before and after every statement, round trip, send and letter: nothing is lost, nothing doubled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maitred.services.upkeep.checks import ALWAYS, IN_TIME
from tests.harness.consistency import inspected
from tests.harness.databases import TestDatabase
from tests.harness.fixtures import empty_database
from tests.harness.laboratory import Boundary, Laboratory, Plug
from tests.harness.service import Answer, Service, evening, house, party

pytestmark = (
    pytest.mark.no_cover
)  # thousands of runs of lines that other tests cover: measuring costs minutes

Expected = dict[str, Any]
PARTS = 3  # of the boundaries of one flow, each a test: workers share them, and none takes minutes


@dataclass(frozen=True, slots=True)
class Flow:
    """``prepare`` leads up to it, ``act`` is done under faults and, as its client would, again afterwards.

    ``may_park``: from the claim to the mark nobody knows whether a letter has left; it is not sent again.
    ``events``: what a webhook is told, in this order.
    """

    prepare: Callable[[Laboratory], None]
    act: Callable[[Laboratory], object]
    expected: Expected
    may_park: bool = False
    events: tuple[str, ...] = ()


def request(lab: Laboratory, function: str, method: str, path: str, body: Any = None) -> Answer:
    key = {"idempotency-key": f"{method}{path}"}
    answer = lab.service.http(function, method, path, body=body, headers=key)
    assert answer.status in (200, 201, 202, 204, 409, 503), answer.text
    return answer


def book(lab: Laboratory, size: int = 2, name: str = "Ada", time: str = "19:00", days: int = 14) -> str:
    guest = {"name": name, "email": f"{name.lower()}@example.com"}
    body = party(size, time, date=evening(days), guest=guest)
    answer = lab.service.book("harbour", body, headers={"idempotency-key": name})
    return str(answer.json["booking"]["id"]) if answer.status == 201 else ""


def booking_of(lab: Laboratory, name: str) -> str:
    found: str = lab.service.database.value("select id::text from bookings where guest ->> 'name' = %s", name)
    return found


def path(lab: Laboratory, name: str, call: str = "") -> str:
    return f"/bookings/{booking_of(lab, name)}{call}"


def _when(time: str) -> dict[str, str]:
    return {"date": evening(), "time": time}


# --- what leads up to each flow ---


def open_house(lab: Laboratory) -> None:
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "earlySeatMinutes": 43_200}  # the evening is days away
    assert lab.service.put_restaurant("harbour", house(2, 4, policy=policy)).status == 201


def tonight(lab: Laboratory, *guests: tuple[str, int]) -> None:
    """A house with two tables for four that is open now; each guest's four come in so many minutes."""
    allday = [{"id": "allday", "opens": "00:00", "closes": "23:59", "allowOverrun": True}]
    policy = {"maxTables": 1, "bufferAfterMinutes": 0, "earlySeatMinutes": 1440}
    assert lab.service.put_restaurant("harbour", house(4, 4, services=allday, policy=policy)).status == 201
    for name, minutes in guests:
        start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        guest = {"name": name, "email": f"{name.lower()}@example.com"}
        body = {"partySize": 4, "startAt": start.isoformat(), "guest": guest}
        assert lab.service.book("harbour", body, headers={"idempotency-key": name}).status == 201


def at_the_table(lab: Laboratory, *guests: tuple[str, int]) -> None:
    """As `tonight`; Ada sits at her table."""
    tonight(lab, *guests)
    assert request(lab, "operations", "POST", path(lab, "Ada", "/seat")).status == 200


def one_waits_tonight(lab: Laboratory) -> None:
    at_the_table(lab, ("Ada", 0), ("Bea", 0), ("Cleo", 60))
    lab.work()


def a_completed_visit(lab: Laboratory) -> None:
    at_the_table(lab, ("Ada", 0))
    request(lab, "operations", "POST", path(lab, "Ada", "/complete"))


def a_party_over_time(lab: Laboratory) -> None:
    """Ada sits at T1 for three hours by now; Bea is to sit there soon."""
    at_the_table(lab, ("Ada", 0), ("Bea", 110))
    with lab.service.database.connect() as owner:
        owner.execute(
            "update bookings set seated_at = now() - interval '3 hours' where guest ->> 'name' = 'Ada'"
        )
        owner.execute(
            "update allocations set occupied = tstzrange(now() - interval '3 hours',"
            " now() - interval '1 hour') where live and seated"
        )
        owner.execute(
            "with b as (update bookings set start_at = start_at - interval '90 minutes',"
            " end_at = end_at - interval '90 minutes' where guest ->> 'name' = 'Bea' returning *)"
            " update allocations a set table_id = 'T1', occupied = tstzrange(b.start_at, b.end_at)"
            " from b where a.booking_id = b.id and a.live"
        )


def one_that_can_be_moved(lab: Laboratory) -> None:
    """Bea sits on the table for four, the one for two is free."""
    open_house(lab)
    book(lab, 2, "Gone")
    book(lab, 2, "Bea")
    lab.service.cancel(booking_of(lab, "Gone"))


def a_crooked_book(lab: Laboratory) -> None:
    """Bea's two sit at the table for four, so Ada's four wait; the table for two is free."""
    policy = {
        "maxTables": 1,
        "bufferAfterMinutes": 0,
        "maxMoves": 0,
        "optimize": {"mode": "apply", "at": "00:00"},
    }
    assert lab.service.put_restaurant("harbour", house(2, 4, policy=policy)).status == 201
    book(lab, 2, "Bea", days=1)
    lab.service.assign(booking_of(lab, "Bea"), "T2", pin=False)
    book(lab, 4, "Ada", days=1)
    lab.work()


def a_straightened_book(lab: Laboratory) -> None:
    a_crooked_book(lab)
    assert seat_anew(lab).json["applied"]


def a_queued_service(lab: Laboratory) -> None:
    a_crooked_book(lab)
    lab.service.scheduled("optimize")
    lab.service.scheduled("relay")
    lab.receive()


def seat_anew(lab: Laboratory) -> Answer:
    body = {"date": evening(1), "dryRun": False}
    return request(lab, "optimize", "POST", "/restaurants/harbour/optimizations", body)


def undo_that(lab: Laboratory) -> Answer:
    made = lab.service.database.value("select id::text from optimizations where result = 'applied'")
    return request(lab, "optimize", "POST", f"/optimizations/{made}/undo")


def full_house(lab: Laboratory) -> None:
    open_house(lab)
    book(lab, 2, "Bea")
    book(lab, 4, "Cleo")


def one_waits(lab: Laboratory) -> None:
    """The job has given up on Ada: only a freed table helps."""
    full_house(lab)
    book(lab, 2, "Ada")
    lab.work()


def a_job(lab: Laboratory) -> None:
    """Ada's message lies in the queue; Bea has just gone."""
    full_house(lab)
    book(lab, 2, "Ada")
    lab.receive()
    lab.service.http("bookings", "POST", path(lab, "Bea", "/cancel"))


def a_hopeless_job(lab: Laboratory) -> None:
    full_house(lab)
    book(lab, 2, "Ada")
    lab.receive()


def unsent_rows(lab: Laboratory) -> None:
    """What a process wrote to the outbox before it died."""
    full_house(lab)
    book(lab, 2, "Ada")
    lab.take("assign")
    with lab.service.database.connect() as owner:
        owner.execute("update outbox set sent_at = null, claimed_until = '-infinity', due_at = now()")


def a_letter(lab: Laboratory) -> None:
    open_house(lab)
    book(lab, 2, "Ada")
    lab.service.scheduled("relay")
    lab.receive()


def an_event(lab: Laboratory) -> None:
    open_house(lab)
    body = {"url": "https://hooks.example.com/", "events": ["booking.created", "booking.confirmed"]}
    lab.service.http("operations", "PUT", "/restaurants/harbour/webhooks/ours", body=body)
    book(lab, 2, "Ada")
    lab.receive()


def a_hold(lab: Laboratory) -> None:
    """Ada holds the table for two; Bea waits for it."""
    open_house(lab)
    on_hold(lab)
    book(lab, 4, "Cleo")
    book(lab, 2, "Bea")
    lab.work()


def on_hold(lab: Laboratory) -> Answer:
    return request(lab, "bookings", "POST", "/restaurants/harbour/holds", {**_when("19:00"), "partySize": 2})


def book_the_hold(lab: Laboratory) -> None:
    hold_id = on_hold(lab).json["holdId"]  # the same key: the answer that was given before
    body = party(2, "19:00", guest={"name": "Ada", "email": "ada@example.com"}, holdId=hold_id)
    lab.service.book("harbour", body, headers={"idempotency-key": "Ada"})


def give_back(lab: Laboratory) -> None:
    request(lab, "bookings", "DELETE", f"/holds/{on_hold(lab).json['holdId']}")


def a_dead_worker(lab: Laboratory) -> None:
    """It died with Ada's lease, and its message is gone."""
    full_house(lab)
    book(lab, 2, "Ada")
    lab.take("assign")
    with lab.service.database.connect() as owner:
        owner.execute(
            "with b as (update bookings set state = 'assignment_in_progress', version = version + 1,"
            " lease_token = gen_random_uuid(), lease_until = now() - interval '1 day'"
            " where guest ->> 'name' = 'Ada' returning id, version)"
            " insert into booking_state_history (booking_id, from_state, to_state, version, actor_id)"
            " select id, 'assignment_pending', 'assignment_in_progress', version, 'assign' from b"
        )


def a_no_show(lab: Laboratory) -> None:
    open_house(lab)
    book(lab, 2, "Ada")
    request(lab, "operations", "POST", path(lab, "Ada", "/no-show"))


NEW_FLOOR = house(4, 4, tables=[{"id": f"N{i}", "zone": "main", "capacity": 4} for i in (1, 2)])

FLOWS = {
    "confirm": Flow(open_house, lambda lab: book(lab, 2, "Ada"), {"Ada": "confirmed"}),
    "confirm with a move": Flow(
        one_that_can_be_moved,
        lambda lab: book(lab, 4, "Ada"),
        {"Ada": "confirmed", "Bea": "confirmed", "Gone": "cancelled"},
    ),
    "keep as pending": Flow(
        full_house,
        lambda lab: book(lab, 2, "Ada"),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "cancel": Flow(
        one_waits,
        lambda lab: request(lab, "bookings", "POST", path(lab, "Bea", "/cancel")),
        {"Ada": "confirmed", "Bea": "cancelled", "Cleo": "confirmed"},
    ),
    "modify": Flow(
        one_waits,
        lambda lab: request(
            lab, "bookings", "PATCH", path(lab, "Bea"), {**_when("21:00"), "partySize": 1}
        ),
        {"Ada": "confirmed", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "modify and pend": Flow(
        one_waits,
        lambda lab: request(lab, "bookings", "PATCH", path(lab, "Bea"), {"partySize": 3, "onFull": "pend"}),
        {"Ada": "confirmed", "Bea": "manual_review", "Cleo": "confirmed"},
    ),
    "modify and keep": Flow(
        full_house,
        lambda lab: request(lab, "bookings", "PATCH", path(lab, "Bea"), {"partySize": 4}),
        {"Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "seat": Flow(
        one_waits,
        lambda lab: request(lab, "operations", "POST", path(lab, "Bea", "/seat")),
        {"Ada": "confirmed", "Bea": "seated", "Cleo": "confirmed"},  # days early, so her evening is free
    ),
    "seat elsewhere": Flow(
        lambda lab: tonight(lab, ("Ada", 0), ("Bea", 0)),
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/seat"), {"tables": ["T2"]}),
        {"Ada": "seated", "Bea": "confirmed"},
    ),
    "unseat": Flow(
        lambda lab: at_the_table(lab, ("Ada", 0)),
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/unseat")),
        {"Ada": "confirmed"},
    ),
    "move at the table": Flow(
        lambda lab: at_the_table(lab, ("Ada", 0), ("Bea", 0)),
        lambda lab: request(lab, "operations", "PUT", path(lab, "Ada", "/assignment"), {"tables": ["T2"]}),
        {"Ada": "seated", "Bea": "confirmed"},
    ),
    "a longer stay": Flow(
        lambda lab: at_the_table(lab, ("Ada", 0), ("Bea", 110)),
        lambda lab: request(lab, "bookings", "PATCH", path(lab, "Ada"), {"durationMinutes": 300}),
        {"Ada": "seated", "Bea": "confirmed"},
    ),
    "cancel at the table": Flow(
        lambda lab: at_the_table(lab, ("Ada", 0)),
        lambda lab: request(lab, "bookings", "POST", path(lab, "Ada", "/cancel")),
        {"Ada": "cancelled"},
    ),
    "complete": Flow(
        one_waits_tonight,
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/complete")),
        {"Ada": "completed", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "undo a completion": Flow(
        a_completed_visit,
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/undo-complete")),
        {"Ada": "seated"},
    ),
    "walk-in": Flow(
        tonight,
        lambda lab: request(
            lab, "operations", "POST", "/restaurants/harbour/walk-ins",
            {"partySize": 2, "guest": {"name": "Eve"}},
        ),
        {"Eve": "seated"},
    ),
    "block": Flow(
        lambda lab: tonight(lab, ("Ada", 30)),
        lambda lab: request(
            lab, "operations", "POST", "/restaurants/harbour/tables/T1/block",
            {"until": (datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
                       + timedelta(hours=3)).isoformat()},
        ),
        {"Ada": "confirmed"},
    ),
    "decline": Flow(
        one_waits,
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/decline")),
        {"Ada": "declined", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "the minute plans again": Flow(
        a_party_over_time,
        lambda lab: lab.service.scheduled("maintain"),
        {"Ada": "seated", "Bea": "confirmed"},
    ),
    "no-show": Flow(
        one_waits,
        lambda lab: request(lab, "operations", "POST", path(lab, "Bea", "/no-show")),
        {"Ada": "confirmed", "Bea": "no_show", "Cleo": "confirmed"},
    ),
    "undo a no-show": Flow(
        a_no_show,
        lambda lab: request(lab, "operations", "POST", path(lab, "Ada", "/undo-no-show")),
        {"Ada": "confirmed"},
    ),
    "a person assigns": Flow(
        one_waits,
        lambda lab: request(
            lab, "operations", "PUT", path(lab, "Bea", "/assignment"), {"tables": ["T1"], "pin": True}
        ),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "a person takes away": Flow(
        one_waits,
        lambda lab: request(lab, "operations", "DELETE", path(lab, "Bea", "/assignment")),
        {"Ada": "confirmed", "Bea": "manual_review", "Cleo": "confirmed"},
    ),
    "a new floor": Flow(
        full_house,
        lambda lab: request(lab, "operations", "PUT", "/restaurants/harbour", NEW_FLOOR),
        {"Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "hold": Flow(open_house, on_hold, {}),
    "book a hold": Flow(
        a_hold, book_the_hold, {"Ada": "confirmed", "Bea": "manual_review", "Cleo": "confirmed"}
    ),
    "give a hold back": Flow(a_hold, give_back, {"Bea": "confirmed", "Cleo": "confirmed"}),
    "process": Flow(
        one_waits,
        lambda lab: request(
            lab, "operations", "POST", "/assignments/process",
            {"bookingId": booking_of(lab, "Ada"), "trigger": "retry"},
        ),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "the job confirms": Flow(
        a_job,
        lambda lab: lab.deliver("assign"),
        {"Ada": "confirmed", "Bea": "cancelled", "Cleo": "confirmed"},
    ),
    "the job gives up": Flow(
        a_hopeless_job,
        lambda lab: lab.deliver("assign"),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "relay": Flow(
        unsent_rows,
        lambda lab: lab.service.scheduled("relay"),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
    "seat a service anew": Flow(
        a_crooked_book, seat_anew, {"Ada": "confirmed", "Bea": "confirmed"},
    ),
    "undo that": Flow(
        a_straightened_book, undo_that, {"Ada": "manual_review", "Bea": "confirmed"},
    ),
    "the schedule queues": Flow(
        a_crooked_book,
        lambda lab: lab.service.scheduled("optimize"),
        {"Ada": "confirmed", "Bea": "confirmed"},
    ),
    "a queued service": Flow(
        a_queued_service,
        lambda lab: lab.deliver("optimize"),
        {"Ada": "confirmed", "Bea": "confirmed"},
    ),
    "notify": Flow(a_letter, lambda lab: lab.deliver("notification"), {"Ada": "confirmed"}, may_park=True),
    "tell a webhook": Flow(
        an_event, lambda lab: lab.deliver("webhook"), {"Ada": "confirmed"}, events=("harbour.1", "harbour.2")
    ),
    "maintain": Flow(
        a_dead_worker,
        lambda lab: lab.service.scheduled("maintain"),
        {"Ada": "manual_review", "Bea": "confirmed", "Cleo": "confirmed"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def known() -> dict[str, list[Boundary]]:
    """The boundaries of each flow that has been run without a fault."""
    return {}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", FLOWS)
def test_nothing_is_lost_or_doubled(
    name: str, part: int, running: Service, plug: Plug, known: dict[str, list[Boundary]]
) -> None:
    flow = FLOWS[name]
    if name not in known:
        known[name] = run(running, plug, flow, None)
    assert len(known[name]) > 5, "the plug is in no line"
    for boundary in known[name][part::PARTS]:
        run(running, plug, flow, boundary)
        assert plug.fired, boundary


def run(service: Service, plug: Plug, flow: Flow, boundary: Boundary | None) -> list[Boundary]:
    """The flow with one fault, all that follows, and what must hold then. Returns its boundaries."""
    empty_database(service)
    plug.letters.clear()
    plug.events.clear()
    plug.queues.clear()
    lab = Laboratory(service, plug)
    flow.prepare(lab)
    lab.attempt(lambda: flow.act(lab), boundary)
    found, fired = plug.boundaries(), plug.fired
    lab.settle(lambda: flow.act(lab))
    plug.fired = fired
    try:
        assert_settled(service.database, plug, flow)
    except AssertionError as error:
        error.add_note(f"at {boundary}")
        raise
    return found


def assert_settled(database: TestDatabase, plug: Plug, flow: Flow) -> None:
    assert dict(database.query("select guest ->> 'name', state from bookings")) == flow.expected
    assert database.value("select count(*) from bookings") == len(flow.expected)
    assert [check for check in inspected(database, {**ALWAYS, **IN_TIME}) if check.wrong] == []
    assert tuple(dict.fromkeys(plug.events)) == flow.events  # each in its turn; some twice
    assert len(plug.events) <= len(flow.events) + 1
    states = [row[0] for row in database.query("select state from notifications")]
    assert set(states) <= {"sent", "skipped"} | ({"parked"} if flow.may_park else set())
    assert states.count("sent") <= len(plug.letters) <= states.count("sent") + states.count("parked")
    assert len(set(plug.letters)) == len(plug.letters)
