"""SQS: the background job."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from maitred.bootstrap.assign import services
from maitred.contracts.messages import AssignMessage

processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)


def record_handler(record: SQSRecord) -> None:
    wired = services()
    receives = int(record.attributes.approximate_receive_count)
    wired.worker.work(AssignMessage, record.body, record.receipt_handle, receives, wired.job.run)


def handler(event: dict[str, Any], context: Any) -> Any:
    with services().core.recorder.invocation(context.aws_request_id):
        return process_partial_response(event, record_handler, processor, context)
