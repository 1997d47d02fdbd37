"""A queue as bad as a queue may be: it duplicates, reorders, and forgets that messages were deleted."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from uuid import uuid4

from maitred.services.ports import OutgoingMessage

DUPLICATES = 0.20
FORGOTTEN_DELETES = 0.10
_VISIBILITY_SECONDS = 3.0
_RECEIVES = 5


@dataclass(slots=True)
class Delivery:
    """A message in a worker's hands; ``receives`` counts this time too."""

    receipt: str
    body: str
    receives: int


@dataclass(slots=True)
class _Stored:
    body: str
    visible_at: float
    receives: int = 0


class FaultyQueue:
    """``hurry``: delays pass so many times faster than they say. Safe for many callers."""

    def __init__(self, seed: int, hurry: float) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._hurry = hurry
        self._lock = threading.Lock()
        self._stored: dict[str, dict[str, _Stored]] = {}
        self._dead: list[tuple[str, str]] = []
        self._counts: Counter[str] = Counter()
        self._faults = True

    def send(self, url: str, messages: Sequence[OutgoingMessage]) -> None:
        with self._lock:
            for message in messages:
                self._put(url, message.body, message.delay_seconds / self._hurry)
                if self._happens(DUPLICATES):
                    self._counts["duplicated"] += 1
                    self._put(url, message.body, self._chance.uniform(0, 2))

    def receive(self, url: str, most: int) -> list[Delivery]:
        """In no order at all."""
        now = time.monotonic()
        with self._lock:
            stored = self._stored.setdefault(url, {})
            visible = [receipt for receipt, each in stored.items() if each.visible_at <= now]
            self._chance.shuffle(visible)
            found = []
            for receipt in visible[:most]:
                each = stored[receipt]
                if each.receives == _RECEIVES:
                    self._dead.append((url, stored.pop(receipt).body))
                    self._counts["dead-lettered"] += 1
                    continue
                each.receives += 1
                each.visible_at = now + _VISIBILITY_SECONDS
                self._counts["delivered"] += 1
                found.append(Delivery(receipt, each.body, each.receives))
            return found

    def delete(self, url: str, receipts: Sequence[str]) -> None:
        with self._lock:
            for receipt in receipts:
                if self._happens(FORGOTTEN_DELETES):
                    self._counts["deletes forgotten"] += 1
                else:
                    self._stored[url].pop(receipt, None)

    def change_visibility(self, url: str, receipt: str, seconds: int) -> None:
        with self._lock:
            each = self._stored[url].get(receipt)
            if each is not None:
                each.visible_at = time.monotonic() + seconds / self._hurry

    def behave(self) -> None:
        """No more faults."""
        self._faults = False

    def redrive(self) -> int:
        """Everything that was given up goes back to its queue; how many."""
        with self._lock:
            dead, self._dead = self._dead, []
            for url, body in dead:
                self._put(url, body, 0)
            return len(dead)

    def depth(self) -> int:
        """What is not deleted yet."""
        with self._lock:
            return sum(len(stored) for stored in self._stored.values())

    def counts(self) -> Counter[str]:
        return self._counts.copy()

    def _put(self, url: str, body: str, delay: float) -> None:
        self._counts["sent"] += 1
        self._stored.setdefault(url, {})[uuid4().hex] = _Stored(body, time.monotonic() + delay)

    def _happens(self, probability: float) -> bool:
        return self._faults and self._chance.random() < probability


class QueueServer(BaseManager):
    """Holds one `FaultyQueue` for many processes."""


QueueServer.register("FaultyQueue", FaultyQueue)
