"""What nearly every use case works with, in one piece."""

from dataclasses import dataclass

from maitred.services.ports import BookingStore, Clock, Dispatcher, Ids, Telemetry


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The store, the clock, randomness, the way to the queues, and where figures go."""

    store: BookingStore
    clock: Clock
    ids: Ids
    dispatcher: Dispatcher
    telemetry: Telemetry
