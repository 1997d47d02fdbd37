"""The event source mapping's rules for batches."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from localstack.batches import build_event, failed_ids

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

EVENT = json.loads((Path(__file__).parents[2] / "events" / "sqs.json").read_text(encoding="utf-8"))
KNOWN = frozenset({"a", "b", "c"})


def test_the_event_is_the_recorded_one() -> None:
    record = EVENT["Records"][0]
    message = cast(
        "MessageTypeDef",
        {
            "MessageId": record["messageId"],
            "ReceiptHandle": record["receiptHandle"],
            "MD5OfBody": record["md5OfBody"],
            "MD5OfMessageAttributes": record["md5OfMessageAttributes"],
            "Body": record["body"],
            "Attributes": record["attributes"],
            "MessageAttributes": {"myAttribute": {"DataType": "String", "StringValue": "myValue"}},
        },
    )
    assert json.loads(build_event([message], record["eventSourceARN"])) == EVENT


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({}, set()),
        (None, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "nobody"}]}, KNOWN),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, KNOWN),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, KNOWN),
        ({"batchItemFailures": [{"id": "b"}]}, KNOWN),
        ({"batchItemFailures": ["b"]}, KNOWN),
        ({"batchItemFailures": {"itemIdentifier": "b"}}, KNOWN),
        ("all fine", KNOWN),
    ],
)
def test_what_an_answer_means(answer: Any, failed: set[str]) -> None:
    assert failed_ids(json.dumps(answer).encode(), KNOWN, reports_failures=True) == failed


def test_an_empty_answer_means_that_all_is_done() -> None:
    assert failed_ids(b"", KNOWN, reports_failures=True) == set()


def test_an_answer_that_is_no_json_fails_the_batch() -> None:
    assert failed_ids(b"oops", KNOWN, reports_failures=True) == KNOWN


def test_without_reports_an_answer_means_nothing() -> None:
    answer = json.dumps({"batchItemFailures": [{"itemIdentifier": "b"}]}).encode()
    assert failed_ids(answer, KNOWN, reports_failures=False) == set()
