"""From the transactional outbox to the queues: by a row's writer right after the commit, or by the sweep.

A row is leased to one relay at a time and marked after the queue has taken it, so a crash in between sends
it again: at least once. Every reader of the queues is safe against that.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from maitred.contracts.responses import dumps
from maitred.planner.model import Deadline
from maitred.services import ports
from maitred.services.ports import Clock, LeasedMessage, OutgoingMessage, QueuePort

logger = logging.getLogger(__name__)

_LONGEST_DELAY = 900  # seconds, of SQS
_LEASE_SECONDS = 60
_MAX_ATTEMPTS = 20  # with back-off: about five hours
_BACKOFF_CAP_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class OutboxState:
    """``oldest_ms``: age of the oldest unsent row that is due."""

    pending: int
    oldest_ms: float
    dead: int


@dataclass(frozen=True, slots=True)
class DeadRow:
    """A row that the relay has given up, without its payload; an operator may revive it."""

    id: int
    topic: str
    booking_id: UUID | None
    restaurant_id: str
    attempts: int
    last_error: str | None
    created_at: datetime
    dead_at: datetime


class Outbox(Protocol):
    """The outbox's rows. Methods may raise StoreError."""

    def claim(
        self, limit: int, now: datetime, lease_seconds: int, horizon: datetime
    ) -> list[LeasedMessage]: ...

    def mark_sent(self, ids: Sequence[int]) -> None: ...

    def mark_failed(self, failures: Mapping[int, tuple[str, datetime, bool]]) -> None:
        """By id: the error, when to try again, and whether the row is dead."""

    def state(self, now: datetime) -> OutboxState: ...


class Relay:
    """Sends claimed rows. ``queues``: topic to queue URL."""

    def __init__(self, outbox: Outbox, queue: QueuePort, queues: Mapping[str, str], clock: Clock) -> None:
        self._outbox = outbox
        self._queue = queue
        self._queues = queues
        self._clock = clock

    @property
    def horizon(self) -> datetime:
        """Rows due later cannot be sent yet: a queue delays a message no longer than this."""
        return self._clock.now() + timedelta(seconds=_LONGEST_DELAY)

    def send(self, messages: Sequence[LeasedMessage]) -> int:
        """Send ``messages`` and mark each. Returns how many the queues took."""
        failures: dict[int, tuple[str, datetime, bool]] = {}
        sent: list[int] = []
        for topic in dict.fromkeys(message.topic for message in messages):
            of_topic = [message for message in messages if message.topic == topic]
            failed = self._send_topic(topic, of_topic)
            for message in of_topic:
                if message.id in failed:
                    failures[message.id] = self._verdict(message, failed[message.id])
                else:
                    sent.append(message.id)
        if sent:
            self._outbox.mark_sent(sent)
        if failures:
            self._outbox.mark_failed(failures)
        return len(sent)

    def _send_topic(self, topic: str, messages: Sequence[LeasedMessage]) -> dict[int, str]:
        url = self._queues.get(topic)
        if url is None:
            logger.error("no queue for topic %s; its rows are kept", topic)
            return {message.id: f"unknown topic {topic}" for message in messages}
        outgoing = [self._outgoing(message) for message in messages]
        report = self._queue.send(url, outgoing)
        return {messages[position].id: error for position, error in report.failed.items()}

    def _outgoing(self, message: LeasedMessage) -> OutgoingMessage:
        wait = (message.due_at - self._clock.now()).total_seconds()
        delay = min(_LONGEST_DELAY, max(0, round(wait)))
        return OutgoingMessage(dumps(message.payload), delay, {"correlationId": message.correlation_id})

    def _verdict(self, message: LeasedMessage, error: str) -> tuple[str, datetime, bool]:
        attempts = message.attempts + 1
        pause = min(_BACKOFF_CAP_SECONDS, 5 * 2 ** min(attempts, 10))
        dead = attempts >= _MAX_ATTEMPTS or message.topic not in self._queues
        return error, self._clock.now() + timedelta(seconds=pause), dead


class OutboxDispatcher:
    """Implements the Dispatcher port: sends a writer's rows right after its commit, and never fails."""

    def __init__(self, relay: Relay, telemetry: ports.Telemetry) -> None:
        self._relay = relay
        self._telemetry = telemetry

    def dispatch(self, rows: Sequence[LeasedMessage]) -> None:
        """Rows due later than a queue can delay are left to the sweep."""
        horizon = self._relay.horizon
        messages = [row for row in rows if row.due_at <= horizon]
        if not messages:
            return
        try:
            with self._telemetry.span("relay", correlationId=messages[0].correlation_id):
                self._relay.send(messages)
        except ports.StoreError:
            logger.warning("sent, but not marked; the sweep sends again", exc_info=True)
        except Exception:
            logger.exception("the relay failed; the sweep sends these rows")


class Sweep:
    """The scheduled relay: sends every row that is due and not leased, batch by batch."""

    def __init__(
        self, relay: Relay, outbox: Outbox, clock: Clock, telemetry: ports.Telemetry, batch: int
    ) -> None:
        self._relay = relay
        self._outbox = outbox
        self._clock = clock
        self._telemetry = telemetry
        self._batch = batch

    def run(self, deadline: Deadline) -> int:
        """Returns how many messages the queues took."""
        total = 0
        while not deadline.expired():
            now = self._clock.now()
            messages = self._outbox.claim(self._batch, now, _LEASE_SECONDS, self._relay.horizon)
            if not messages:
                break
            total += self._relay.send(messages)
        state = self._outbox.state(self._clock.now())
        self._telemetry.milliseconds("OutboxAge", state.oldest_ms)
        self._telemetry.count("OutboxPending", state.pending)
        self._telemetry.count("OutboxDead", state.dead)
        if state.dead:
            logger.error("%d outbox rows are dead and wait for an operator", state.dead)
        return total
