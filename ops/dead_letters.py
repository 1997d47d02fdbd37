"""Dead letters: list them, send them again at a bounded rate, or delete one for a reason."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops.target import OpsError, Target

QUEUES = {
    "assign": "AssignQueue",
    "notification": "NotificationQueue",
    "optimize": "OptimizeQueue",
    "webhook": "WebhookQueue",
}
_HIDDEN_SECONDS = 60  # while one command looks at them
_BATCH = 10
_SHOWN = (
    "bookingId",
    "restaurantId",
    "trigger",
    "attempt",
    "kind",
    "variant",
    "serviceDate",
    "webhookId",
    "position",
    "correlationId",
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue.

    ``reason``: why its reader could not read it; None if it was delivered too often.
    """

    queue: str
    id: str
    receipt: str
    body: str
    reason: str | None
    correlation_id: str | None
    sent_at: datetime

    def shown(self) -> dict[str, Any]:
        """What may be printed: no guest's address, and nothing of a body that is not JSON."""
        shown: dict[str, Any] = {
            "queue": self.queue,
            "id": self.id,
            "sentAt": self.sent_at.isoformat(timespec="seconds"),
            "reason": self.reason or "delivered too often",
        }
        try:
            body = json.loads(self.body)
        except ValueError:
            return shown | {"body": f"{len(self.body)} characters, not JSON"}
        if not isinstance(body, dict):
            return shown | {"body": "not a JSON object"}
        return shown | {name: body[name] for name in _SHOWN if body.get(name) is not None}


def look(target: Target, queue: str, limit: int) -> list[DeadLetter]:
    """Return at most ``limit`` letters of one queue; they stay hidden for a minute, or until `put_back`."""
    found: dict[str, DeadLetter] = {}
    while len(found) < limit:
        batch = list(_receive(target, queue, min(_BATCH, limit - len(found))))
        if not batch or all(letter.id in found for letter in batch):
            break
        found |= {letter.id: letter for letter in batch}
    return list(found.values())


def put_back(target: Target, letters: list[DeadLetter]) -> None:
    """Make the letters visible again."""
    for letter in letters:
        target.sqs.change_message_visibility(
            QueueUrl=_dead(target, letter.queue), ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )


def redrive(
    target: Target, letters: list[DeadLetter], per_second: float, on_sent: Callable[[int], None]
) -> None:
    """Send each to its queue again, then delete it: a crash in between sends it twice, which is safe.

    ``on_sent`` gets the number sent so far.
    """
    for number, letter in enumerate(letters, 1):
        began = time.monotonic()
        attributes = (
            {"correlationId": {"DataType": "String", "StringValue": letter.correlation_id}}
            if letter.correlation_id
            else {}
        )
        target.sqs.send_message(
            QueueUrl=_live(target, letter.queue), MessageBody=letter.body, MessageAttributes=attributes
        )
        delete(target, letter)
        on_sent(number)
        if number < len(letters):
            time.sleep(max(0.0, 1 / per_second - (time.monotonic() - began)))


def delete(target: Target, letter: DeadLetter) -> None:
    target.sqs.delete_message(QueueUrl=_dead(target, letter.queue), ReceiptHandle=letter.receipt)


def find(target: Target, message_id: str, limit: int) -> tuple[DeadLetter, list[DeadLetter]]:
    """Return the letter with this id, and the others that are now hidden.

    Raises OpsError if it is not among the first ``limit`` letters of any queue.
    """
    seen = [letter for queue in QUEUES for letter in look(target, queue, limit)]
    for letter in seen:
        if letter.id == message_id:
            return letter, [other for other in seen if other is not letter]
    put_back(target, seen)
    raise OpsError(f"no dead letter {message_id} among the first {limit} of each queue; dlq show lists them")


def _receive(target: Target, queue: str, most: int) -> Iterator[DeadLetter]:
    answer = target.sqs.receive_message(
        QueueUrl=_dead(target, queue),
        MaxNumberOfMessages=most,
        VisibilityTimeout=_HIDDEN_SECONDS,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    for message in answer.get("Messages", []):
        attributes = {
            name: value.get("StringValue") for name, value in message.get("MessageAttributes", {}).items()
        }
        sent = int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
        yield DeadLetter(
            queue,
            message["MessageId"],
            message["ReceiptHandle"],
            message["Body"],
            attributes.get("reason"),
            attributes.get("correlationId"),
            datetime.fromtimestamp(sent, UTC),
        )


def _live(target: Target, queue: str) -> str:
    return target.queues[QUEUES[queue]]


def _dead(target: Target, queue: str) -> str:
    return target.queues[QUEUES[queue].replace("Queue", "DeadLetterQueue")]
