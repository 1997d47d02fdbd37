"""The one place where things are wired: a function's services from its environment, once a sandbox.

Called on the first invocation, never at import; each function imports only what its own wiring needs.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from maitred import config
from maitred.adapters.postgres.book import PostgresBook
from maitred.adapters.postgres.connection import connector
from maitred.adapters.postgres.database import Database
from maitred.adapters.system import SystemClock, SystemIds
from maitred.telemetry.recorder import Recorder

if TYPE_CHECKING:
    from maitred.services.assign_job import AssignJob
    from maitred.services.cancel_booking import CancelBooking
    from maitred.services.create_booking import CreateBooking
    from maitred.services.kit import Kit
    from maitred.services.maintain import Maintain
    from maitred.services.notify import Notify
    from maitred.services.process_assignment import ProcessAssignment
    from maitred.services.queue_worker import QueueWorker
    from maitred.services.relay import OwnRelay, Sweep
    from maitred.services.restaurants import RestaurantService


@dataclass(frozen=True, slots=True)
class Core:
    """What every function with a database has."""

    clock: SystemClock
    ids: SystemIds
    database: Database
    book: PostgresBook
    recorder: Recorder

    def kit(self, relay: "OwnRelay") -> "Kit":
        from maitred.services.kit import Kit

        return Kit(self.book, self.clock, self.ids, relay, self.recorder)


@dataclass(frozen=True, slots=True)
class Bookings:
    core: Core
    create: "CreateBooking"
    cancel: "CancelBooking"


@dataclass(frozen=True, slots=True)
class Operations:
    core: Core
    restaurants: "RestaurantService"
    process: "ProcessAssignment"


@dataclass(frozen=True, slots=True)
class Assign:
    core: Core
    job: "AssignJob"
    worker: "QueueWorker"


@dataclass(frozen=True, slots=True)
class RelayFunction:
    core: Core
    sweep: "Sweep"


@dataclass(frozen=True, slots=True)
class NotifyFunction:
    core: Core
    notify: "Notify"
    worker: "QueueWorker"


@dataclass(frozen=True, slots=True)
class MaintainFunction:
    core: Core
    maintain: "Maintain"


def _core(settings: config.Settings, name: str) -> Core:
    database = Database(connector(settings, name))
    recorder = Recorder(name, database)
    return Core(SystemClock(), SystemIds(), database, PostgresBook(database, name), recorder)


def _own_relay(core: Core, settings: config.AssignQueueSettings) -> "OwnRelay":
    from maitred.adapters.postgres.outbox import PostgresOutbox
    from maitred.adapters.sqs import SqsQueue
    from maitred.contracts.messages import ASSIGN
    from maitred.services.relay import OwnRelay, Relay

    queues = {ASSIGN: settings.assign_queue_url}
    return OwnRelay(Relay(PostgresOutbox(core.database), SqsQueue(), queues, core.clock))


@cache
def bookings() -> Bookings:
    from maitred.services.cancel_booking import CancelBooking
    from maitred.services.create_booking import CreateBooking
    from maitred.services.day_reader import DayReader
    from maitred.services.planning import Floors, Planning
    from maitred.services.seating import Seating
    from maitred.services.waking import Waking

    settings = config.load(config.BookingsSettings, os.environ)
    core = _core(settings, "bookings")
    kit = core.kit(_own_relay(core, settings))
    reader = DayReader(core.book, Floors(), core.clock, core.recorder)
    seating = Seating(core.book, core.recorder)
    create = CreateBooking(kit, reader, seating, Planning(core.clock), settings.inline_budget_ms)
    return Bookings(core, create, CancelBooking(kit, Waking(core.book)))


@cache
def operations() -> Operations:
    from maitred.adapters.postgres.restaurants import PostgresRestaurants
    from maitred.services.process_assignment import ProcessAssignment
    from maitred.services.restaurants import RestaurantService

    settings = config.load(config.OperationsSettings, os.environ)
    core = _core(settings, "operations")
    kit = core.kit(_own_relay(core, settings))
    restaurants = RestaurantService(kit, PostgresRestaurants(core.database, "operations"))
    return Operations(core, restaurants, ProcessAssignment(kit))


@cache
def assign() -> Assign:
    from maitred.adapters.sqs import SqsQueue
    from maitred.services.assign_job import AssignJob, JobLimits
    from maitred.services.planning import Floors, Planning
    from maitred.services.queue_worker import QueueWorker
    from maitred.services.seating import Seating

    settings = config.load(config.AssignSettings, os.environ)
    core = _core(settings, "assign")
    limits = JobLimits(settings.max_attempts, settings.job_budget_ms, settings.lease_seconds)
    kit = core.kit(_own_relay(core, settings))
    job = AssignJob(kit, Floors(), Seating(core.book, core.recorder), Planning(core.clock), limits)
    worker = QueueWorker(SqsQueue(), settings.assign_queue_url, settings.assign_dlq_url, core.recorder)
    return Assign(core, job, worker)


@cache
def relay() -> RelayFunction:
    from maitred.adapters.postgres.outbox import PostgresOutbox
    from maitred.adapters.sqs import SqsQueue
    from maitred.contracts.messages import ASSIGN, NOTIFICATION
    from maitred.services.relay import Relay, Sweep

    settings = config.load(config.RelaySettings, os.environ)
    core = _core(settings, "relay")
    outbox = PostgresOutbox(core.database)
    queues = {ASSIGN: settings.assign_queue_url, NOTIFICATION: settings.notification_queue_url}
    sender = Relay(outbox, SqsQueue(), queues, core.clock)
    return RelayFunction(core, Sweep(sender, outbox, core.clock, core.recorder, settings.relay_batch))


@cache
def notify() -> NotifyFunction:
    from maitred.adapters.mail import SesMailer
    from maitred.adapters.postgres.notifications import PostgresNotifications
    from maitred.adapters.sqs import SqsQueue
    from maitred.services.notify import Notify
    from maitred.services.queue_worker import QueueWorker

    settings = config.load(config.NotifySettings, os.environ)
    core = _core(settings, "notify")
    mailer = SesMailer(settings.mail_from) if settings.mail_delivery == "ses" else None
    service = Notify(PostgresNotifications(core.database, "notify"), mailer, core.clock, core.recorder)
    worker = QueueWorker(SqsQueue(), None, settings.notification_dlq_url, core.recorder)
    return NotifyFunction(core, service, worker)


@cache
def maintain() -> MaintainFunction:
    from maitred.adapters.postgres.maintenance import PostgresMaintenance
    from maitred.services.maintain import Maintain, MaintenanceRules, Retention

    settings = config.load(config.MaintainSettings, os.environ)
    core = _core(settings, "maintain")
    retention = Retention(settings.idempotency_days, settings.events_days, settings.outbox_days)
    rules = MaintenanceRules(
        retention,
        timedelta(seconds=settings.lease_seconds),
        timedelta(minutes=settings.manual_review_alert_minutes),
    )
    kit = core.kit(_own_relay(core, settings))
    service = Maintain(kit, PostgresMaintenance(core.database), rules)
    return MaintainFunction(core, service)


class Migration:
    """Brings the database to this release's schema. Safe to run again at any time."""

    def __init__(self, settings: config.MigrateSettings) -> None:
        self._settings = settings

    def run(self) -> list[str]:
        """Apply what is missing; returns the names applied now."""
        from maitred.adapters.postgres.migrator import Migrator, load_migrations

        connect = connector(self._settings, "migrate", self._settings.database_secret_arn)
        with connect() as conn:
            return Migrator(conn, load_migrations()).run(self._settings.application_role)


def migrator() -> Migration:
    return Migration(config.load(config.MigrateSettings, os.environ))
