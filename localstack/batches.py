"""Turns SQS messages into events and reads answers, as Lambda's event source mapping does. Pure functions."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localstack.constants import REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef


def build_event(messages: Sequence["MessageTypeDef"], queue_arn: str) -> bytes:
    """Return the function's event for a batch of received messages."""
    return json.dumps({"Records": [_record(message, queue_arn) for message in messages]}).encode()


def failed_ids(payload: bytes, known: frozenset[str], *, reports_failures: bool) -> frozenset[str]:
    """Return the ids of the messages to be received again, from a successful invocation's answer.

    Without ``ReportBatchItemFailures`` an answer means nothing. With it, an answer of another shape, or an id
    that was not in the batch, fails the whole batch, as on AWS; no list or an empty one means: all is done.
    """
    if not reports_failures:
        return frozenset()
    try:
        answer = json.loads(payload) if payload.strip() else None
    except ValueError:
        return known
    if answer is None:
        return frozenset()
    if not isinstance(answer, dict):
        return known
    failures = answer.get("batchItemFailures")
    if failures is None:
        return frozenset()
    return _listed(failures, known)


def _listed(failures: Any, known: frozenset[str]) -> frozenset[str]:
    if not isinstance(failures, list):
        return known
    ids = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    failed = [one for one in ids if isinstance(one, str) and one in known]
    return frozenset(failed) if len(failed) == len(ids) else known


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    record: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record | {
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    return attribute
