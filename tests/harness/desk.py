"""One client of its own: services on a connection of their own, as one sandbox has them.

The handlers keep one wiring a process, so whoever wants many sandboxes at once makes desks.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from maitred import config
from maitred.adapters.postgres.database import Database
from maitred.adapters.telemetry.recorder import Recorder
from maitred.bootstrap.assign import AssignServices
from maitred.bootstrap.bookings import BookingsServices
from maitred.bootstrap.operations import OperationsServices
from maitred.bootstrap.relay import RelayServices
from maitred.bootstrap.runtime import Adapters, runtime
from maitred.contracts.base import parse
from maitred.contracts.bookings import IfMatch
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.messages import ASSIGN, NOTIFICATION, AssignMessage
from maitred.domain.booking import LocalStart, Preferences
from maitred.entrypoints.http import as_ours
from maitred.planner.answer.choice import Choice
from maitred.planner.answer.quote import quote
from maitred.services.booking.cancel import CancelBooking
from maitred.services.booking.create import CreateBooking
from maitred.services.booking.holds import Holds
from maitred.services.booking.modify import ModifyBooking
from maitred.services.booking.request import BookingRequest
from maitred.services.idempotency import Reply, RequestContext
from maitred.services.job.worker import AssignJob
from maitred.services.messaging.outbox import Sweep
from maitred.services.ports import BookingStore, IdempotencyKey, OutgoingMessage, SendReport
from maitred.services.ports.limits import Bucket, Limits
from maitred.services.staff.assignment import StaffAssignment
from maitred.services.staff.restaurants import UNSEEN, RestaurantService, SeenLayout
from tests.harness.databases import TestDatabase
from tests.harness.service import SETTINGS, evening

GENEROUS = Limits(Bucket(1000.0, 10_000), 1000, Bucket(1000.0, 10_000))
LONDON = ZoneInfo("Europe/London")


class RecordingQueue:
    """A queue that many threads may send to. ``broken``: it takes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent: list[tuple[str, OutgoingMessage]] = []
        self.broken = False

    def send(self, queue_url: str, messages: Sequence[OutgoingMessage]) -> SendReport:
        if self.broken:
            return SendReport(dict.fromkeys(range(len(messages)), "EndpointConnectionError"))
        with self._lock:
            self.sent += [(queue_url, message) for message in messages]
        return SendReport({})

    def change_visibility(self, queue_url: str, receipt: str, seconds: int) -> None:
        """A message that is taken is gone: there is none to put off."""

    def take(self, queue_url: str = ASSIGN) -> list[AssignMessage]:
        """The assign messages that lie in the queue; they are gone then."""
        with self._lock:
            found = [message for url, message in self.sent if url == queue_url]
            self.sent = [(url, message) for url, message in self.sent if url != queue_url]
        return [AssignMessage.model_validate_json(message.body) for message in found]


@dataclass(slots=True)
class Desk:
    """The services of one sandbox."""

    database: Database
    book: BookingStore
    create: CreateBooking
    modify_booking: ModifyBooking
    cancel_booking: CancelBooking
    holds: Holds
    staff: StaffAssignment
    job: AssignJob
    restaurants: RestaurantService
    sweep: Sweep
    recorder: Recorder
    answers: list[Reply] = field(default_factory=list)

    def booking(self, wish: BookingRequest, key: IdempotencyKey | None = None) -> int:
        """Create a booking; the status that HTTP would give."""
        return self._status(lambda: self.create.create(wish, RequestContext("tester", "correlation", key)))

    def hold(self, wish: BookingRequest) -> int:
        return self._status(lambda: self.holds.make(wish, RequestContext("tester", "correlation")))

    def give_back(self, hold_id: UUID) -> int:
        def run() -> Reply:
            found = self.book.hold(hold_id).hold
            assert found is not None
            return self.holds.give_back(found, RequestContext("tester", "correlation"))

        return self._status(run)

    def cancel(self, booking_id: UUID) -> int:
        def run() -> Reply:
            found = self.book.booking(booking_id)
            assert found is not None
            return self.cancel_booking.cancel(found, None, RequestContext("tester", "correlation"))

        return self._status(run)

    def assign(self, booking_id: UUID, *tables: str, key: IdempotencyKey | None = None) -> int:
        def run() -> Reply:
            found = self.book.booking(booking_id)
            assert found is not None
            context = RequestContext("tester", "correlation", key)
            return self.staff.assign(found, Choice(tables), context, pin=True)

        return self._status(run)

    def modify(self, booking_id: UUID, wanted: BookingRequest, if_match: IfMatch | None = None) -> int:
        """Change the booking to ``wanted``, whatever it was; the status that HTTP would give."""

        def run() -> Reply:
            found = self.book.booking(booking_id)
            assert found is not None
            context = RequestContext("tester", "correlation")
            return self.modify_booking.modify(found, lambda _: wanted, context, if_match)

        return self._status(run)

    def put(
        self,
        restaurant_id: str,
        document: dict[str, Any],
        key: IdempotencyKey | None = None,
        seen: SeenLayout = UNSEEN,
    ) -> int:
        floor = parse(FloorDocument, json.dumps(document))[0]
        context = RequestContext("tester", "correlation", key)
        put = self.restaurants.put
        return self._status(lambda: put(restaurant_id, floor, context, dry_run=False, seen=seen))

    def work(self, message: AssignMessage) -> str:
        with self.recorder.invocation("c1"):
            return self.job.run(message)

    def _status(self, call: Callable[[], Reply]) -> int:
        try:
            reply = call()
        except Exception as error:  # noqa: BLE001 - the edge maps every one
            return as_ours(error).status
        self.answers.append(reply)
        return reply.status


def open_desk(
    database: TestDatabase,
    queue: RecordingQueue,
    *,
    port: int | None = None,
    budget_ms: int = 8000,
    decide: Callable[..., Any] = quote,
    wrap: Callable[[BookingStore], BookingStore] = lambda book: book,
    limits: Limits = GENEROUS,
) -> Desk:
    """``decide``: the planner. ``wrap``: what stands between the services and the book."""
    client, restaurant = limits.client, limits.restaurant
    assert client is not None
    assert restaurant is not None
    settings = SETTINGS | {
        "DATABASE_PORT": str(port or database.port),
        "DATABASE_NAME": database.name,
        "INLINE_BUDGET_MS": str(budget_ms),
        "CLIENT_RATE": str(client.per_second),
        "CLIENT_BURST": str(client.burst),
        "RESTAURANT_RATE": str(restaurant.per_second),
        "RESTAURANT_BURST": str(restaurant.burst),
        "RESTAURANT_IN_FLIGHT": str(limits.in_flight),
        "ASSIGN_QUEUE_URL": ASSIGN,
        "ASSIGN_DLQ_URL": f"{ASSIGN}-dlq",
        "NOTIFICATION_QUEUE_URL": NOTIFICATION,
        "OPTIMIZE_QUEUE_URL": "optimize",
        "WEBHOOK_QUEUE_URL": "webhook",
        "WEBHOOK_DLQ_URL": "webhook-dlq",
        "WEBHOOK_KEY": "alias/webhooks",
        "WEBHOOK_TARGETS": "public",
        "RELAY_BATCH": "10",
    }
    of_guests = config.load(config.BookingsSettings, settings)
    base = runtime(of_guests, "desk", Adapters(queue=queue, around_store=wrap))
    guests = BookingsServices(of_guests, base, decide)
    staff = OperationsServices(config.load(config.OperationsSettings, settings), base)
    return Desk(
        base.database,
        base.deps.store,
        guests.create,
        guests.modify,
        guests.cancel,
        guests.holds,
        staff.staff,
        AssignServices(config.load(config.AssignSettings, settings), base, decide).job,
        staff.restaurants,
        RelayServices(config.load(config.RelaySettings, settings), base).sweep,
        base.recorder,
    )


def wish(
    size: int = 2,
    at: str = "19:00",
    *,
    restaurant: str = "harbour",
    refuse: bool = False,
    hold_id: UUID | None = None,
) -> BookingRequest:
    """What a guest asks for on the evening of `tests.harness.service.evening`."""
    day = datetime.fromisoformat(evening()).replace(tzinfo=UTC).date()
    return BookingRequest(
        restaurant_id=restaurant,
        party_size=size,
        start=LocalStart(day, time.fromisoformat(at)),
        guest={"name": "Ada", "email": "ada@example.com"},
        preferences=Preferences(),
        refuse_if_full=refuse,
        hold_id=hold_id,
    )


def all_at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run every call in a thread of its own, from one starting line; their results in order."""
    line = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(position: int, call: Callable[[], Any]) -> None:
        line.wait()
        try:
            results[position] = call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[position] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
