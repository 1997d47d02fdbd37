"""What nearly every use case works with, in one piece."""

from dataclasses import dataclass

from maitred.services.ports import Book, Clock, Dispatcher, Ids, Telemetry


@dataclass(frozen=True, slots=True)
class Kit:
    """The book, the clock, randomness, the way to the queues, and where figures go."""

    book: Book
    clock: Clock
    ids: Ids
    relay: Dispatcher
    telemetry: Telemetry
