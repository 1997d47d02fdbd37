"""Dead letters: looked at, sent again at a bounded rate, or thrown away for a reason."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops.target import OpsError, Target

QUEUES = {"assign": "AssignQueue", "notification": "NotificationQueue"}
_HIDDEN_SECONDS = 60  # while one command looks at them
_BATCH = 10
_SHOWN = ("bookingId", "restaurantId", "trigger", "attempt", "kind", "variant", "correlationId")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """``reason``: why a reader could never read it; None if it was delivered too often."""

    queue: str
    id: str
    receipt: str
    body: str
    reason: str | None
    correlation_id: str | None
    sent_at: datetime

    def told(self) -> dict[str, Any]:
        """What may be shown: no address of a guest's, and nothing of a body that nobody can read."""
        shown: dict[str, Any] = {
            "queue": self.queue,
            "id": self.id,
            "sentAt": self.sent_at.isoformat(timespec="seconds"),
            "reason": self.reason or "delivered too often",
        }
        try:
            body = json.loads(self.body)
        except ValueError:
            return shown | {"body": f"{len(self.body)} characters, no JSON"}
        if not isinstance(body, dict):
            return shown | {"body": "no JSON object"}
        return shown | {name: body[name] for name in _SHOWN if body.get(name) is not None}


def look(target: Target, queue: str, limit: int) -> list[DeadLetter]:
    """At most ``limit`` letters of one queue. Others do not see them for a minute, or until `put_back`."""
    found: dict[str, DeadLetter] = {}
    while len(found) < limit:
        batch = list(_receive(target, queue, min(_BATCH, limit - len(found))))
        if not batch or all(letter.id in found for letter in batch):
            break
        found |= {letter.id: letter for letter in batch}
    return list(found.values())


def put_back(target: Target, letters: list[DeadLetter]) -> None:
    """Visible to others again."""
    for letter in letters:
        target.sqs.change_message_visibility(
            QueueUrl=_dead(target, letter.queue), ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )


def redrive(
    target: Target, letters: list[DeadLetter], per_second: float, told: Callable[[int], None]
) -> None:
    """Send each to its queue again, then delete it: a crash in between sends it twice, which is safe."""
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
        told(number)
        if number < len(letters):
            time.sleep(max(0.0, 1 / per_second - (time.monotonic() - began)))


def delete(target: Target, letter: DeadLetter) -> None:
    target.sqs.delete_message(QueueUrl=_dead(target, letter.queue), ReceiptHandle=letter.receipt)


def find(target: Target, message_id: str, limit: int) -> tuple[DeadLetter, list[DeadLetter]]:
    """The letter with this id, and the others that were looked at. Raises OpsError if it is in no queue."""
    seen = [letter for queue in QUEUES for letter in look(target, queue, limit)]
    for letter in seen:
        if letter.id == message_id:
            return letter, [other for other in seen if other is not letter]
    put_back(target, seen)
    raise OpsError(f"no dead letter {message_id} among the first {limit} a queue; dlq show lists them")


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
