"""One process as a sandbox: the true handlers in their true wiring, on the faulty queue.

Only the two ends of the world are replaced: the queue's client and the mail provider's.
"""

import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any
from unittest.mock import patch

from maitred.adapters import mail, sqs
from maitred.services.ports import OutgoingMessage, SendReport
from tests.harness.events import LambdaContext, sqs_event
from tests.harness.service import SETTINGS, handler
from tests.soak.faulty_queue import FaultyQueue

ASSIGN, NOTIFICATION = "assign", "notification"
_IDLE_SECONDS = 0.05
_BATCH = 5
_LEASE_SECONDS = 10  # a killed worker's booking is free again within seconds


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sandbox finds its surroundings; ``mails``: a file with one line a letter that was sent.

    ``closed``: a file that is there once everybody shall go. A lock shared with who may be killed holding
    it would stop all.
    """

    port: int
    database: str
    queue: FaultyQueue  # its proxy
    mails: Path
    closed: Path


def furnish(place: Place) -> None:
    """Make this process a sandbox. Its output is nobody's: the run looks at the database."""
    os.environ.update(SETTINGS)
    os.environ.update(
        DATABASE_PORT=str(place.port),
        DATABASE_NAME=place.database,
        LEASE_SECONDS=str(_LEASE_SECONDS),
        ASSIGN_QUEUE_URL=ASSIGN,
        ASSIGN_DLQ_URL=f"{ASSIGN}-dlq",
        NOTIFICATION_QUEUE_URL=NOTIFICATION,
        NOTIFICATION_DLQ_URL=f"{NOTIFICATION}-dlq",
        OPTIMIZE_QUEUE_URL="optimize",
        OPTIMIZE_DLQ_URL="optimize-dlq",
        WEBHOOK_QUEUE_URL="webhook",
        WEBHOOK_DLQ_URL="webhook-dlq",
        POWERTOOLS_LOG_LEVEL="CRITICAL",
    )
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())

    def send(_self: Any, queue_url: str, messages: Sequence[OutgoingMessage]) -> SendReport:
        place.queue.send(queue_url, list(messages))
        return SendReport({})

    def change_visibility(_self: Any, queue_url: str, receipt: str, seconds: int) -> None:
        place.queue.change_visibility(queue_url, receipt, seconds)

    def deliver(_self: Any, _to: str, content: bytes) -> str:
        notification = str(message_from_bytes(content)["X-Maitred-Notification"])
        with place.mails.open("a", encoding="utf-8") as file:
            file.write(f"{notification}\n")
        return notification

    patch.object(sqs.SqsQueue, "send", send).start()
    patch.object(sqs.SqsQueue, "change_visibility", change_visibility).start()
    patch.object(mail.SesMailer, "send", deliver).start()


def work(place: Place) -> None:
    """A worker of both queues, until it is stopped or killed."""
    furnish(place)
    functions = {ASSIGN: "assign", NOTIFICATION: "notify"}
    while not place.closed.exists():
        busy = [_batch(place.queue, url, function) for url, function in functions.items()]
        if not any(busy):
            time.sleep(_IDLE_SECONDS)


def _batch(queue: FaultyQueue, url: str, function: str) -> bool:
    """Hand a batch to its function and delete what it did; whether there was one."""
    found = queue.receive(url, _BATCH)
    if not found:
        return False
    event = sqs_event(*(each.body for each in found))
    for record, each in zip(event["Records"], found, strict=True):
        record |= {"messageId": each.receipt, "receiptHandle": each.receipt}
        record["attributes"]["ApproximateReceiveCount"] = str(each.receives)
    try:
        answer = handler(function)(event, LambdaContext(function, seconds=50))
    except Exception:  # noqa: BLE001 - a failed invocation: the whole batch comes again
        return True
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    queue.delete(url, [each.receipt for each in found if each.receipt not in failed])
    return True


def keep_house(place: Place) -> None:
    """The schedule, a second for a minute."""
    furnish(place)
    while not place.closed.exists():
        time.sleep(1.0)
        for function in ("relay", "maintain"):
            try:
                handler(function)({}, LambdaContext(function, seconds=50))
            except Exception:  # noqa: BLE001, S112 - its connection was killed; the next minute comes
                continue
