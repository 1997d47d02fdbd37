"""SQS behind the queue port: batches of ten, short time-outs, each failure reported by itself."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maitred.services.ports import OutgoingMessage, SendReport

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10


class SqsQueue:
    """Implements services.ports.QueuePort. The client is made on first use: most requests send nothing."""

    @cached_property
    def _client(self) -> "SQSClient":
        import boto3  # noqa: PLC0415 - heavy, and off the path of a confirmed booking
        from botocore.config import Config  # noqa: PLC0415

        # A guest may be waiting for this request. The sweep sends a minute later what fails here.
        config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
        return boto3.client("sqs", config=config)

    def send(self, queue_url: str, messages: Sequence[OutgoingMessage]) -> SendReport:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        failed: dict[int, str] = {}
        for first in range(0, len(messages), _BATCH):
            try:
                failed |= self._send_batch(queue_url, messages[first : first + _BATCH], first)
            except BotoCoreError as error:
                # SQS is out of reach. A request with many messages must not wait for each batch to time out.
                return SendReport(failed | dict.fromkeys(range(first, len(messages)), _text(error)))
        return SendReport(failed)

    def change_visibility(self, queue_url: str, receipt: str, seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    def _send_batch(self, url: str, messages: Sequence[OutgoingMessage], first: int) -> dict[int, str]:
        from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415

        entries: list[Any] = [_entry(i, message) for i, message in enumerate(messages)]
        try:
            answer = self._client.send_message_batch(QueueUrl=url, Entries=entries)
        except (ClientError, ParamValidationError) as error:
            return dict.fromkeys(range(first, first + len(messages)), _text(error))
        return {first + int(f["Id"]): f["Code"] for f in answer.get("Failed", [])}


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _entry(position: int, message: OutgoingMessage) -> Mapping[str, Any]:
    return {
        "Id": str(position),
        "MessageBody": message.body,
        "DelaySeconds": message.delay_seconds,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    }
