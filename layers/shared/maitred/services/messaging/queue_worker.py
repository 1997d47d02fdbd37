"""Reads one message of a queue and runs it.

An unreadable message goes straight to the dead-letter queue with the reason: five more deliveries would
only delay it. A fault leaves as an exception, so that the queue delivers the message again.
"""

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from pydantic import ValidationError

from maitred.contracts.messages import Message
from maitred.services.ports import OutgoingMessage, QueuePort, Telemetry

logger = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=1)
_RECEIVES = 5  # the queues' maxReceiveCount
_LONGEST_PAUSE = timedelta(seconds=60)  # shorter than a lease: maintenance must not step in between


class WorkerQueue(QueuePort, Protocol):
    def change_visibility(self, queue_url: str, receipt: str, seconds: int) -> None:
        """Deliver the message again in ``seconds``, not after the queue's time-out."""


class QueueWorker[M: Message]:
    """Reads one queue's messages as ``model`` and hands each to ``run``.

    ``queue_url`` None: failed messages come back after the queue's own visibility time-out.
    """

    def __init__(
        self,
        queue: WorkerQueue,
        queue_url: str | None,
        dlq_url: str,
        telemetry: Telemetry,
        model: type[M],
        run: Callable[[M], object],
    ) -> None:
        self._queue = queue
        self._queue_url = queue_url
        self._dlq_url = dlq_url
        self._telemetry = telemetry
        self._model = model
        self._run = run

    def work(self, body: str, receipt: str, receives: int) -> None:
        """``receives``: how often the queue has delivered this message, this time included.

        Raises what ``run`` raises, so that the queue delivers again; UnreadableMessage.
        """
        try:
            message = self._model.model_validate_json(body)
        except ValidationError as error:
            self._park(body, _reason(error))
            return
        with self._telemetry.about(**message.about()):
            try:
                self._run(message)
            except Exception as error:
                _log(error)
                self._telemetry.count("RecordsFailed")
                self._pause(receipt, receives)
                raise

    def _park(self, body: str, reason: str) -> None:
        logger.error("an unreadable message goes to the dead-letter queue: %s", reason)
        self._telemetry.count("RecordsFailed")
        report = self._queue.send(self._dlq_url, [OutgoingMessage(body, 0, {"reason": reason})])
        if report.failed:
            raise UnreadableMessage(reason)

    def _pause(self, receipt: str, receives: int) -> None:
        """Have the message back sooner than the queue's time-out, after growing pauses."""
        if self._queue_url is None:
            return
        last = receives >= _RECEIVES  # at its next delivery the queue parks it, so without a pause
        pause = timedelta() if last else min(_LONGEST_PAUSE, _FIRST_PAUSE * 3 ** (receives - 1))
        try:
            self._queue.change_visibility(self._queue_url, receipt, int(pause.total_seconds()))
        except Exception:
            logger.warning("the message comes back after the queue's own time-out", exc_info=True)


class UnreadableMessage(Exception):
    """The message is neither readable nor parked: the queue must keep it."""


def _log(error: Exception) -> None:
    """Where it failed, without the error's text: a provider's may quote a guest's address."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("a message failed with %s\n%s", type(error).__name__, frames)


def _reason(error: ValidationError) -> str:
    """The members that are wrong, without their values."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'body'}: {p['type']}" for p in problems)[:200]
