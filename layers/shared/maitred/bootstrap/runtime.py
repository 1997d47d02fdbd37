"""What every function with a database runs on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from maitred import config
from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.adapters.postgres.connection import connector
from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guard import Guard
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.adapters.sqs import SqsQueue
from maitred.adapters.system import SystemClock, SystemIds
from maitred.adapters.telemetry.recorder import Recorder
from maitred.contracts.messages import ASSIGN, OPTIMIZE, WEBHOOK
from maitred.services.dependencies import Dependencies
from maitred.services.messaging.outbox import OutboxDispatcher, Relay
from maitred.services.messaging.queue_worker import WorkerQueue
from maitred.services.ports import BookingStore, Clock, Ids
from maitred.services.ports.limits import Bucket, Limits


@dataclass(frozen=True, slots=True)
class Adapters:
    """The adapters that tests may replace. ``around_store``: puts something between services and store."""

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    queue: WorkerQueue = field(default_factory=SqsQueue)
    around_store: Callable[[BookingStore], BookingStore] = lambda store: store


@dataclass(frozen=True, slots=True)
class Runtime:
    """One sandbox of the function ``name``."""

    name: str
    database: Database
    guard: Guard
    recorder: Recorder
    queue: WorkerQueue
    deps: Dependencies


def runtime(settings: config.Settings, name: str, adapters: Adapters | None = None) -> Runtime:
    """The sandbox's one connection, which is opened when it is first used, and all that stands on it."""
    given = adapters or Adapters()
    database = Database(connector(settings, name), given.clock.monotonic)
    recorder = Recorder(name, database)
    guard = Guard(database, recorder, _limits_of(settings), given.clock.monotonic)
    store = given.around_store(PostgresBookingStore(database, name, guard))
    # The queues that a use case's own messages go to.
    queues = {}
    if isinstance(settings, config.WebhookQueueSettings):
        queues[WEBHOOK] = settings.webhook_queue_url
    if isinstance(settings, config.AssignQueueSettings):
        queues[ASSIGN] = settings.assign_queue_url
    if isinstance(settings, config.OptimizeSettings):
        queues[OPTIMIZE] = settings.optimize_queue_url
    relay = Relay(PostgresOutbox(database), given.queue, queues, given.clock)
    deps = Dependencies(store, given.clock, given.ids, OutboxDispatcher(relay, recorder), recorder)
    return Runtime(name, database, guard, recorder, given.queue, deps)


def _limits_of(settings: config.Settings) -> Limits:
    """A caller over HTTP is a client; the background job is none."""
    client, restaurant, in_flight = None, None, 0
    if isinstance(settings, config.ClientSettings):
        client = Bucket(settings.client_rate, settings.client_burst)
    if isinstance(settings, config.AttemptSettings):
        restaurant = Bucket(settings.restaurant_rate, settings.restaurant_burst)
        in_flight = settings.restaurant_in_flight
    return Limits(restaurant, in_flight, client)
