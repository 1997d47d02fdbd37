"""What every function with a database is made of."""

from dataclasses import dataclass

from maitred import config
from maitred.adapters.postgres.book import PostgresBook
from maitred.adapters.postgres.connection import connector
from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guard import Guard
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.adapters.sqs import SqsQueue
from maitred.adapters.system import SystemClock, SystemIds
from maitred.adapters.telemetry.recorder import Recorder
from maitred.contracts.messages import ASSIGN
from maitred.services.kit import Kit
from maitred.services.messaging.outbox import OwnRelay, Relay
from maitred.services.ports.limits import Bucket, Limits


@dataclass(frozen=True, slots=True)
class Core:
    clock: SystemClock
    ids: SystemIds
    database: Database
    book: PostgresBook
    recorder: Recorder

    def kit(self, settings: config.AssignQueueSettings) -> Kit:
        """For use cases that hand bookings to the background job."""
        queues = {ASSIGN: settings.assign_queue_url}
        relay = Relay(PostgresOutbox(self.database), SqsQueue(), queues, self.clock)
        return Kit(self.book, self.clock, self.ids, OwnRelay(relay, self.recorder), self.recorder)


def core(settings: config.Settings, name: str) -> Core:
    clock = SystemClock()
    database = Database(connector(settings, name), clock.monotonic)
    recorder = Recorder(name, database)
    book = PostgresBook(database, name, Guard(database, recorder, _limits_of(settings), clock.monotonic))
    return Core(clock, SystemIds(), database, book, recorder)


def _limits_of(settings: config.Settings) -> Limits:
    """Who calls over HTTP is a client; the background job is none."""
    client, restaurant, in_flight = None, None, 0
    if isinstance(settings, config.ClientSettings):
        client = Bucket(settings.client_rate, settings.client_burst)
    if isinstance(settings, config.AttemptSettings):
        restaurant = Bucket(settings.restaurant_rate, settings.restaurant_burst)
        in_flight = settings.restaurant_in_flight
    return Limits(restaurant, in_flight, client)
