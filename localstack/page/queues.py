"""The stack's queues as the emulator has them, and the redrive of the dead-letter ones."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_COUNTS = {"visible": "", "inFlight": "NotVisible", "delayed": "Delayed"}


class Queues:
    """All queues by logical id. ``sources``: each dead-letter queue with the queues that it serves."""

    def __init__(
        self,
        urls: Mapping[str, str],
        sources: Mapping[str, Sequence[str]],
        connect: Callable[[], "SQSClient"],
    ) -> None:
        self._urls = urls
        self._sources = sources
        self._connect = connect
        self._of_thread = threading.local()

    def all(self) -> list[dict[str, Any]]:
        """Return every queue with how many messages it has, and the redrives of a dead-letter one."""
        return [self._shown(name, self._attributes(name)) for name in self._urls]

    def redrive(self, name: str) -> None:
        """Send a dead-letter queue's messages back to where they came from.

        Raises LookupError when it is not a dead-letter queue, ClientError when the queues refuse.
        """
        if name not in self._sources:
            raise LookupError(f"{name} is not a dead-letter queue")
        self._client().start_message_move_task(SourceArn=self._attributes(name)["QueueArn"])

    def _shown(self, name: str, attributes: Mapping[str, str]) -> dict[str, Any]:
        dead = name in self._sources
        return {
            "id": name,
            "deadLetters": dead,
            "sources": list(self._sources.get(name, ())),
            "redrives": self._redrives(attributes["QueueArn"]) if dead else [],
            **{key: int(attributes[f"ApproximateNumberOfMessages{end}"]) for key, end in _COUNTS.items()},
        }

    def _attributes(self, name: str) -> Mapping[str, str]:
        answer = self._client().get_queue_attributes(QueueUrl=self._urls[name], AttributeNames=["All"])
        attributes: Mapping[str, str] = answer["Attributes"]  # type: ignore[assignment]  # its keys are literals
        return attributes

    def _redrives(self, arn: str) -> list[dict[str, Any]]:
        answer = self._client().list_message_move_tasks(SourceArn=arn, MaxResults=3)
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
