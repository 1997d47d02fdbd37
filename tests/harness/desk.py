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

import psycopg

from maitred.adapters.highs.solver import HighsSolver
from maitred.adapters.postgres.book import PostgresBook
from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guard import Guard
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.adapters.system import SystemClock, SystemIds
from maitred.adapters.telemetry.recorder import Recorder
from maitred.contracts.base import parse
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.messages import ASSIGN, NOTIFICATION, AssignMessage
from maitred.domain.booking import LocalStart, Preferences
from maitred.entrypoints.http import as_ours
from maitred.planner.answer.choice import Choice
from maitred.planner.answer.quote import quote
from maitred.services.assignment.day import Floors
from maitred.services.assignment.day_snapshots import DaySnapshots
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.seating import Seating
from maitred.services.assignment.wake import Waking
from maitred.services.booking.cancel import CancelBooking
from maitred.services.booking.create import CreateBooking
from maitred.services.booking.day_reader import DayReader
from maitred.services.booking.holds import Holds
from maitred.services.booking.inline import Inline
from maitred.services.booking.modify import ModifyBooking
from maitred.services.booking.request import BookingWish
from maitred.services.idempotency import Reply, RequestContext
from maitred.services.job.deep_search import DeepSearch
from maitred.services.job.worker import AssignJob, JobLimits
from maitred.services.kit import Kit
from maitred.services.messaging.outbox import OwnRelay, Relay, Sweep
from maitred.services.ports import Book, IdempotencyKey, OutgoingMessage, SendReport
from maitred.services.ports.limits import Bucket, Limits
from maitred.services.rollout import Everywhere
from maitred.services.staff.assignment import StaffAssignment
from maitred.services.staff.restaurants import RestaurantService
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.service import evening

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
    book: Book
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

    def booking(self, wish: BookingWish, key: IdempotencyKey | None = None) -> int:
        """Create a booking; the status that HTTP would give."""
        return self._status(lambda: self.create.create(wish, RequestContext("tester", "correlation", key)))

    def hold(self, wish: BookingWish) -> int:
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

    def modify(self, booking_id: UUID, wanted: BookingWish, versions: frozenset[int] | None = None) -> int:
        """Change the booking to ``wanted``, whatever it was; the status that HTTP would give."""

        def run() -> Reply:
            found = self.book.booking(booking_id)
            assert found is not None
            context = RequestContext("tester", "correlation")
            return self.modify_booking.modify(found, lambda _: wanted, context, versions)

        return self._status(run)

    def put(self, restaurant_id: str, document: dict[str, Any]) -> int:
        floor = parse(FloorDocument, json.dumps(document))
        context = RequestContext("tester", "correlation")
        return self._status(lambda: self.restaurants.put(restaurant_id, floor, context, dry_run=False))

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
    budget_ms: int = 2000,
    decide: Callable[..., Any] = quote,
    wrap: Callable[[Book], Book] = lambda book: book,
    limits: Limits = GENEROUS,
) -> Desk:
    """``decide``: the planner. ``wrap``: what stands between the services and the book."""

    def connect() -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=port or database.port,
            dbname=database.name,
            user=APPLICATION_ROLE,
            sslmode="disable",
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=3,
            application_name="maitred-desk",
        )

    db = Database(connect)
    clock, ids, recorder = SystemClock(), SystemIds(), Recorder("desk", db)
    book = wrap(PostgresBook(db, "desk", Guard(db, recorder, limits)))
    outbox = PostgresOutbox(db)
    relay = Relay(outbox, queue, {ASSIGN: ASSIGN, NOTIFICATION: NOTIFICATION}, clock)
    kit = Kit(book, clock, ids, OwnRelay(relay, recorder), recorder)
    seating, planning, floors = Seating(book, recorder), Planning(clock, decide=decide), Floors(Everywhere())
    reader = DayReader(book, floors, clock, recorder)
    inline = Inline(kit, reader, seating, planning, budget_ms)
    search = DeepSearch(planning, HighsSolver(clock), clock)
    return Desk(
        db,
        book,
        CreateBooking(kit, inline),
        ModifyBooking(kit, inline, Waking(book)),
        CancelBooking(kit, Waking(book)),
        Holds(kit, Inline(kit, reader, seating, planning.moving_nobody(), budget_ms), Waking(book)),
        StaffAssignment(kit, DaySnapshots(book, floors), seating, Waking(book)),
        AssignJob(kit, floors, seating, search, JobLimits(4, 10_000, 90), Everywhere()),
        RestaurantService(kit, PostgresRestaurants(db, "desk")),
        Sweep(relay, outbox, clock, recorder, 10),
        recorder,
    )


def wish(
    size: int = 2,
    at: str = "19:00",
    *,
    restaurant: str = "harbour",
    refuse: bool = False,
    hold_id: UUID | None = None,
) -> BookingWish:
    """What a guest asks for on the evening of `tests.harness.service.evening`."""
    day = datetime.fromisoformat(evening()).replace(tzinfo=UTC).date()
    return BookingWish(
        restaurant_id=restaurant,
        party_size=size,
        start=LocalStart(day, time.fromisoformat(at)),
        guest={"name": "Ada", "email": "ada@example.com"},
        preferences=Preferences(),
        notes=None,
        duration_minutes=None,
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
        thread.join(60)
    return results
