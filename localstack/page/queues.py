"""The template's queues, as the emulator has them, and the redrive of the dead-letter ones."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from localstack.template import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_COUNTS = {"visible": "", "inFlight": "NotVisible", "delayed": "Delayed"}


class Queues:
    """``declared`` and ``urls`` by logical id; ``connect`` makes a client."""

    def __init__(
        self, declared: Mapping[str, Queue], urls: Mapping[str, str], connect: Callable[[], "SQSClient"]
    ) -> None:
        self._declared = declared
        self._urls = urls
        self._connect = connect
        self._of_thread = threading.local()
        targets = {queue.redrive.target_arn for queue in declared.values() if queue.redrive}
        self._dead = {name for name, queue in declared.items() if queue.arn in targets}

    def all(self) -> list[dict[str, Any]]:
        """Return every queue with how many messages it holds; which queues a dead-letter one serves."""
        return [
            {
                "id": name,
                "name": queue.name,
                "deadLetters": name in self._dead,
                "sources": [other for other, each in self._declared.items() if _target(each) == queue.arn],
                "redrives": self._redrives(queue) if name in self._dead else [],
                **self._counts(self._urls[name]),
            }
            for name, queue in self._declared.items()
        ]

    def redrive(self, name: str) -> None:
        """Send a dead-letter queue's messages back to where they came from.

        Raises LookupError when it is no dead-letter queue, ClientError when the queues refuse.
        """
        if name not in self._dead:
            raise LookupError(f"{name} is no dead-letter queue")
        self._client().start_message_move_task(SourceArn=self._declared[name].arn)

    def _counts(self, url: str) -> dict[str, int]:
        answer = self._client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        values: Mapping[str, str] = answer["Attributes"]  # type: ignore[assignment]  # its keys are literals
        return {name: int(values[f"ApproximateNumberOfMessages{end}"]) for name, end in _COUNTS.items()}

    def _redrives(self, queue: Queue) -> list[dict[str, Any]]:
        answer = self._client().list_message_move_tasks(SourceArn=queue.arn, MaxResults=3)
        return [
            {
                "status": task["Status"],
                "moved": task["ApproximateNumberOfMessagesMoved"],
                "at": task["StartedTimestamp"] / 1000,
                "failure": task.get("FailureReason", ""),
            }
            for task in answer.get("Results", [])
        ]

    def _client(self) -> "SQSClient":
        """One client a thread: making one is slow, and sharing them while they are made is not safe."""
        if not hasattr(self._of_thread, "client"):
            self._of_thread.client = self._connect()
        client: SQSClient = self._of_thread.client
        return client


def _target(queue: Queue) -> str | None:
    return queue.redrive.target_arn if queue.redrive else None
