"""What every queue reader does with a message: read it, run it, or say why it never can be run.

A message that no reader could ever understand goes straight to the dead-letter queue with its reason;
five more deliveries would only delay it. A fault leaves as an exception, for the queue to deliver again.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from pydantic import ValidationError

from maitred.contracts.messages import Message
from maitred.services.ports import OutgoingMessage, SendReport, Telemetry

logger = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=1)
_RECEIVES = 5  # the queues' maxReceiveCount
_LONGEST_PAUSE = timedelta(seconds=60)  # shorter than a lease: maintenance must not step in between


class WorkerQueue(Protocol):
    def send(self, queue_url: str, messages: Sequence[OutgoingMessage]) -> SendReport: ...

    def change_visibility(self, queue_url: str, receipt: str, seconds: int) -> None: ...


class QueueWorker:
    """``queue_url`` None: failed messages come back after the queue's own visibility time-out."""

    def __init__(self, queue: WorkerQueue, queue_url: str | None, dlq_url: str, telemetry: Telemetry) -> None:
        self._queue = queue
        self._queue_url = queue_url
        self._dlq_url = dlq_url
        self._telemetry = telemetry

    def work[M: Message](
        self, model: type[M], body: str, receipt: str, receives: int, run: Callable[[M], object]
    ) -> None:
        """``receives``: how often the queue has delivered this message, this time included."""
        try:
            message = model.model_validate_json(body)
        except ValidationError as error:
            self._park(body, _reason(error))
            return
        with self._telemetry.about(**message.about()):
            self._run(message, receipt, receives, run)

    def _run[M: Message](self, message: M, receipt: str, receives: int, run: Callable[[M], object]) -> None:
        try:
            run(message)
        except Exception as error:
            _log(error)
            self._telemetry.count("RecordsFailed")
            self._pause(receipt, receives)
            raise

    def _park(self, body: str, reason: str) -> None:
        logger.error("a message nobody can read goes to the dead-letter queue: %s", reason)
        self._telemetry.count("RecordsFailed")
        report = self._queue.send(self._dlq_url, [OutgoingMessage(body, 0, {"reason": reason})])
        if report.failed:
            raise UnreadableMessage(reason)

    def _pause(self, receipt: str, receives: int) -> None:
        """Come back sooner than the queue's time-out would have it, ever more slowly."""
        if self._queue_url is None:
            return
        last = receives >= _RECEIVES  # the queue parks it when it would deliver it once more: now, then
        pause = timedelta() if last else min(_LONGEST_PAUSE, _FIRST_PAUSE * 3 ** (receives - 1))
        try:
            self._queue.change_visibility(self._queue_url, receipt, int(pause.total_seconds()))
        except Exception:
            logger.warning("the message comes back after the queue's own time-out", exc_info=True)


class UnreadableMessage(Exception):
    """Neither readable nor parked: the queue must keep it."""


def _log(error: Exception) -> None:
    """Where it broke, without the message: a provider's may quote a guest's address."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("a message failed with %s\n%s", type(error).__name__, frames)


def _reason(error: ValidationError) -> str:
    """Which members are wrong, without their values."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'body'}: {p['type']}" for p in problems)[:200]
