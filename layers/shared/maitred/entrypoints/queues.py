"""A queue's batch: every message by itself, so that only failed ones come back."""

from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from maitred.bootstrap.runtime import Runtime
from maitred.services.messaging.queue_worker import QueueWorker


class QueueServices(Protocol):
    @property
    def runtime(self) -> Runtime: ...

    @property
    def worker(self) -> QueueWorker[Any]: ...


def queue_handler(services: Callable[[], QueueServices]) -> Callable[[dict[str, Any], Any], Any]:
    """The handler of a function that reads one queue; it returns the partial batch response."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def work(record: SQSRecord) -> None:
        receives = int(record.attributes.approximate_receive_count)
        services().worker.work(record.body, record.receipt_handle, receives)

    def handler(event: dict[str, Any], context: Any) -> Any:
        with services().runtime.recorder.invocation(context.aws_request_id):
            return process_partial_response(event, work, processor, context)

    return handler
