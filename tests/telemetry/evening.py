"""An evening in which everything happens that the code ever tells of, through the true handlers."""

import importlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date
from typing import Any

import pytest

from maitred.adapters.mail import SesMailer
from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.adapters.webhook_sender import WebhookSender
from maitred.contracts.messages import OptimizeMessage
from maitred.services import ports
from maitred.services.assignment.planning import Planning
from maitred.services.booking.create import CreateBooking
from maitred.services.job.deep_search import DeepSearch
from maitred.services.messaging.notify import MailUnavailable
from maitred.services.shift.optimize import ShiftOptimizer
from maitred.services.webhooks.ports import DeliveryFailed
from tests.harness.rows import work_on
from tests.harness.service import Service, at, evening, forget_wiring, house, party, set_clock

#: One metric with its dimensions, as CloudWatch tells them apart.
type Told = tuple[str, frozenset[tuple[str, str]]]


def figures(output: str) -> Iterator[tuple[Told, str, float]]:
    """Each figure among the lines of a log: its name and dimensions, its unit, its value."""
    for line in output.splitlines():
        if '"_aws"' not in line:
            continue
        recorded = json.loads(line)
        for directive in recorded["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == "Maitred"
            [names] = directive["Dimensions"]
            dimensions = frozenset((name, recorded[name]) for name in names)
            for metric in directive["Metrics"]:
                values = recorded[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield (metric["Name"], dimensions), metric["Unit"], value


def told_by(service: Service) -> list[tuple[Told, str, float]]:
    """Play the evening; returns all figures in the order in which they were written."""
    output = io.StringIO()
    with redirect_stdout(output), pytest.MonkeyPatch.context() as patch:
        patch.setattr(SesMailer, "send", lambda *_: "provider-1")
        for scene in (
            _ordinary,
            _moves,
            _room,
            _jobs,
            _races,
            _limits,
            _time_outs,
            _defects,
            _letters,
            _shift,
            _webhooks,
            _circuits,
            _shadow,
            _lost_events,
        ):
            with pytest.MonkeyPatch.context() as own:
                scene(service, own)
            forget_wiring()
    return list(figures(output.getvalue()))


def _floor(service: Service, restaurant: str, *tables: int, **policy: Any) -> None:
    rules = {"maxTables": 1, "bufferAfterMinutes": 0} | policy
    assert service.put_restaurant(restaurant, house(*tables, policy=rules)).status == 201


def _booked(service: Service, restaurant: str, size: int, **wish: Any) -> str:
    found: str = service.book(restaurant, party(size, **wish)).json["booking"]["id"]
    return found


def _ordinary(service: Service, _: pytest.MonkeyPatch) -> None:
    """Confirmed, kept waiting, refused; a person gives tables, and is told no; the minute's runs."""
    _floor(service, "harbour", 2, 4, 4)
    last = [_booked(service, "harbour", 4) for _ in range(2)][-1]
    waiting = _booked(service, "harbour", 4)
    assert service.book("harbour", party(4, onFull="refuse")).status == 409
    service.work()
    assert service.assign(waiting, "T3").status == 409
    assert service.unassign(last).status == 200
    assert service.assign(waiting, "T3", override=["capacity"]).status == 200
    service.database.query(
        "insert into outbox (topic, restaurant_id, payload, correlation_id)"
        " values ('lost', 'harbour', '{}', 'c')"
    )
    service.scheduled("relay")
    service.scheduled("maintain")


def _shuffled(service: Service, restaurant: str) -> None:
    """A party of two sits at the table for four, though the one for two is free again."""
    _floor(service, restaurant, 2, 4, maxMoves=2)
    first = _booked(service, restaurant, 2)
    _booked(service, restaurant, 2)
    assert service.cancel(first).status == 200


def _moves(service: Service, patch: pytest.MonkeyPatch) -> None:
    """Somebody is moved for a request, and for a job."""
    _shuffled(service, "inline-moves")
    assert service.book("inline-moves", party(4)).json["assignment"]["moves"] == 1
    _shuffled(service, "job-moves")
    patch.setenv("ASSIGNMENT_PIPELINE", "off")
    forget_wiring()
    waiting = _booked(service, "job-moves", 4)
    patch.setenv("ASSIGNMENT_PIPELINE", "on")
    forget_wiring()
    service.work()
    assert service.booking(waiting).json["booking"]["status"] == "confirmed"


def _room(service: Service, patch: pytest.MonkeyPatch) -> None:
    """Walk-ins; parties stay on, and who comes next is moved or at risk: by the host, a guest, the clock."""

    def seat(booking: str) -> None:
        assert service.http("operations", "POST", f"/bookings/{booking}/seat").status == 200

    set_clock(patch, at("19:00"))
    for name, tables in (("clock-moves", 2), ("clock-risks", 1), ("host-risks", 1), ("guest-risks", 1)):
        _floor(service, name, *(4,) * tables)
    assert (
        service.http("operations", "POST", "/restaurants/clock-risks/walk-ins", body={"partySize": 2}).status
        == 201
    )
    _booked(service, "clock-risks", 4, time="20:45")
    stays = _booked(service, "clock-moves", 4)
    following = _booked(service, "clock-moves", 4, time="20:45")
    assert (
        service.assign(following, *service.booking(stays).json["booking"]["tables"], pin=False).status == 200
    )
    seat(stays)
    early, between = _booked(service, "host-risks", 4, time="20:50"), _booked(service, "host-risks", 4)
    seat(early)
    assert service.booking(between).json["booking"]["state"] == "confirmed"
    longer = _booked(service, "guest-risks", 4)
    _booked(service, "guest-risks", 4, time="21:00")
    seat(longer)
    changed = service.http("bookings", "PATCH", f"/bookings/{longer}", body={"durationMinutes": 180})
    assert changed.status == 200
    set_clock(patch, at("20:50"))
    service.scheduled("maintain")


def _pending(service: Service, restaurant: str) -> tuple[str, str]:
    """A booking that waits because another has the only table, and its message."""
    _floor(service, restaurant, 2)
    _booked(service, restaurant, 2)
    waiting = _booked(service, restaurant, 2)
    [body] = [each["Body"] for each in service.messages("assign") if waiting in each["Body"]]
    return waiting, body


def _jobs(service: Service, _: pytest.MonkeyPatch) -> None:
    """Given up; in another worker's hands; a message nobody can read."""
    waiting, body = _pending(service, "jobs")
    with service.database.connect() as owner:
        work_on(owner, waiting, "1 minute")
    assert service.deliver("assign", body) == {"batchItemFailures": []}
    assert service.deliver("assign", "{}") == {"batchItemFailures": []}
    service.database.query(
        "update bookings set lease_until = now() - interval '10 minutes' where id = %s", waiting
    )
    assert service.scheduled("maintain")["returned"] == 1
    service.work()


@contextmanager
def _failing(error: ports.StoreError, times: int, of: Callable[[Any], bool]) -> Iterator[None]:
    """The first writes for which ``of`` holds fail."""
    apply, left = PostgresBookingStore.apply, [error] * times

    def failing(self: PostgresBookingStore, effects: ports.Changes, *more: Any) -> Any:
        if left and of(effects):
            raise left.pop()
        return apply(self, effects, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresBookingStore, "apply", failing)
        yield


def _races(service: Service, _: pytest.MonkeyPatch) -> None:
    """A race is lost at the first commit: by a request, by a person, by a job, by a job for good."""
    _floor(service, "races", 2, 2)
    with _failing(ports.Conflict(), 1, lambda effects: bool(effects.claim)):
        assert service.book("races", party()).json["assignment"]["outcome"] == "confirmed"
    first = _booked(service, "races", 2)
    with _failing(ports.Conflict(), 1, lambda effects: bool(effects.claim)):
        assert service.assign(first, "T2", pin=True).status == 200
    _booked(service, "races", 2)
    service.messages("assign")
    assert service.cancel(first).status == 200
    with _failing(ports.Conflict(), 1, lambda effects: bool(effects.claim)):
        service.work()
    with _failing(ports.LockTimeout(), 1, lambda effects: bool(effects.claim)):
        _pending_then_free(service)


def _pending_then_free(service: Service) -> None:
    """The job would confirm, were its commit not in somebody's way; it tries again later."""
    _floor(service, "ways", 2)
    with _failing(ports.LockTimeout(), 1, lambda effects: bool(effects.claim)):
        waiting = _booked(service, "ways", 2)
    [body] = [each["Body"] for each in service.messages("assign") if waiting in each["Body"]]
    with _failing(ports.LockTimeout(), 1, lambda effects: bool(effects.claim)):
        assert service.deliver("assign", body) == {"batchItemFailures": []}


def _limits(service: Service, patch: pytest.MonkeyPatch) -> None:
    """Each of the limits turns somebody away."""
    _floor(service, "limits", 2, 2, 2, 2)
    waiting, body = _pending(service, "limits-job")
    for setting in ("CLIENT", "RESTAURANT"):
        with pytest.MonkeyPatch.context() as own:
            own.setenv(f"{setting}_RATE", "0.001")
            own.setenv(f"{setting}_BURST", "1")
            forget_wiring()
            assert [service.book("limits", party()).status for _ in range(2)][-1] == 429
            if setting == "CLIENT":
                assert service.process(waiting).status == 429
        service.database.query("truncate rate_limits")
    patch.setenv("RESTAURANT_IN_FLIGHT", "1")
    forget_wiring()
    service.database.query(
        "insert into attempts_in_flight values (gen_random_uuid(), 'limits', now() + interval '1 minute'),"
        " (gen_random_uuid(), 'limits-job', now() + interval '1 minute')"
    )
    assert service.book("limits", party()).status == 429
    assert service.deliver("assign", body) == {"batchItemFailures": []}


def _time_outs(service: Service, _: pytest.MonkeyPatch) -> None:
    _floor(service, "times", 2)
    with _failing(ports.DeadlinePassed(), 1, lambda effects: bool(effects.claim)):
        assert service.book("times", party()).json["assignment"]["reason"]["code"] == "timeout"


def _defects(service: Service, patch: pytest.MonkeyPatch) -> None:
    """A request and a job break in their midst."""
    _, body = _pending(service, "defects")

    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    patch.setattr(CreateBooking, "_confirm", broken)
    assert service.book("defects", party()).status == 500
    patch.setattr(DeepSearch, "quote", broken)
    assert service.deliver("assign", body) != {"batchItemFailures": []}


def _letters(service: Service, _: pytest.MonkeyPatch) -> None:
    """Sent; refused by a provider that is away; a message nobody can read."""
    _floor(service, "letters", 2, 2)
    _booked(service, "letters", 2)
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    assert service.deliver("notify", *bodies) == {"batchItemFailures": []}
    assert service.deliver("notify", "{}") == {"batchItemFailures": []}
    _booked(service, "letters", 2)
    service.scheduled("relay")
    [message] = service.messages("notification")

    def away(*_: Any) -> str:
        raise MailUnavailable("away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SesMailer, "send", away)
        for _again in range(5):  # a row of faults opens the circuit
            assert service.deliver("notify", message["Body"]) != {"batchItemFailures": []}


def _shift(service: Service, patch: pytest.MonkeyPatch) -> None:
    """A service is seated anew at the second try; the schedule comes; a message nobody can read."""
    _floor(service, "shift", 2, 4, maxMoves=0)
    couple = _booked(service, "shift", 2)
    assert service.assign(couple, "T2", pin=False).status == 200
    _booked(service, "shift", 4)
    service.work()
    body = {"date": evening(), "dryRun": False}
    with _failing(ports.Conflict(), 1, lambda effects: bool(effects.claim)):
        made = service.http("optimize", "POST", "/restaurants/shift/optimizations", body=body)
    assert made.json["applied"]
    set_clock(patch, at("16:00"))
    service.scheduled("optimize")
    assert service.deliver("optimize", "{}") == {"batchItemFailures": []}


def _webhooks(service: Service, patch: pytest.MonkeyPatch) -> None:
    """A receiver takes one event and refuses the next; a message nobody can read; the database is away."""
    _floor(service, "hooks", 2)
    body = {"url": "https://hooks.example.com/", "events": ["booking.created", "booking.confirmed"]}
    made = service.http("operations", "PUT", "/restaurants/hooks/webhooks/a", body=body)
    assert made.status == 201, made.text
    _booked(service, "hooks", 2)
    taken: list[str] = []

    def once(_: Any, url: str, body: str, headers: Any) -> None:
        if taken:
            raise DeliveryFailed("status 500")
        taken.append(body)

    patch.setattr(WebhookSender, "post", once)
    bodies = [message["Body"] for message in service.messages("webhook")]
    assert service.deliver("deliver", *bodies, "{}") == {"batchItemFailures": []}
    lost = json.dumps(json.loads(bodies[0]) | {"position": 1})
    assert service.deliver("deliver", lost) != {"batchItemFailures": []}


def _circuits(service: Service, _: pytest.MonkeyPatch) -> None:
    """The database fails five writes in a row, for each function that writes by the book."""
    for name in ("bookings", "operations", "assign", "deliver", "maintain", "optimize"):
        service.database.query("truncate circuits")
        runtime = _runtime(name)
        with runtime.recorder.invocation("c"):
            for _again in range(5):
                with pytest.raises(ports.Unavailable), runtime.deps.store._guard.write():
                    raise ports.Unavailable
    service.database.query("truncate circuits")


def _runtime(function: str) -> Any:
    return importlib.import_module(f"maitred.bootstrap.{function}").services().runtime


def _shadow(service: Service, patch: pytest.MonkeyPatch) -> None:
    """The full planner is asked beside the plain one, and breaks once for a request and once for a job."""
    patch.setenv("ASSIGNMENT_PIPELINE", "shadow")
    forget_wiring()
    _floor(service, "shadow", 2, 2)
    _booked(service, "shadow", 2)

    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    service.messages("assign")
    patch.setattr(Planning, "fully", broken)
    _booked(service, "shadow", 2)
    _booked(service, "shadow", 2)
    service.work()


def _broken_shift(service: Service, patch: pytest.MonkeyPatch) -> str:
    """A message about a service whose solver breaks."""

    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    patch.setattr(ShiftOptimizer, "optimize", broken)
    message = OptimizeMessage(
        restaurant_id="events-2",
        service_date=date.fromisoformat(evening()),
        service_id="dinner",
        run="broken",
        correlation_id="c",
        enqueued_at=at("15:00"),
    )
    return message.model_dump_json(by_alias=True)


def _lost_events(service: Service, patch: pytest.MonkeyPatch) -> None:
    """The table of events takes nothing: every function goes on with its work."""
    stuck, body = _pending(service, "events")
    _floor(service, "letters-2", 2)
    _booked(service, "letters-2", 2)
    service.scheduled("relay")
    bodies = [message["Body"] for message in service.messages("notification")]
    service.database.query(
        "alter table observability_events add constraint nothing_more check (false) not valid"
    )
    _floor(service, "events-2", 2)
    booked = _booked(service, "events-2", 2)
    assert service.unassign(booked).status == 200
    assert service.deliver("notify", *bodies) == {"batchItemFailures": []}
    assert service.deliver("assign", body) == {"batchItemFailures": []}
    assert service.deliver("optimize", _broken_shift(service, patch)) != {"batchItemFailures": []}
    service.database.query("update bookings set state = 'assignment_pending' where id = %s", stuck)
    with service.database.connect() as owner:
        work_on(owner, stuck, "-10 minutes")
    assert service.scheduled("maintain")["returned"] == 1
    service.database.query("alter table observability_events drop constraint nothing_more")
