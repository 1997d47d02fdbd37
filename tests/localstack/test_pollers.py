"""Queues feeding functions: retries, dead letters, windows, concurrency, redrive, mail."""

import json
import time
from email import message_from_bytes
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localstack.stack import LocalStack
from tests.localstack.conftest import eventually

pytestmark = pytest.mark.stack


class Diary:
    """What the functions wrote about the batches they were given."""

    def __init__(self, stack: LocalStack) -> None:
        self._sqs, self._url = stack.sqs(), stack.queue_url("DiaryQueue")
        self.entries: list[dict[str, Any]] = []
        self.read()
        self.entries.clear()

    def read(self) -> list[dict[str, Any]]:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                self.entries.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self.entries

    def receives(self, name: str) -> list[int]:
        records = (record for entry in self.read() for record in entry["records"])
        return sorted(record["receives"] for record in records if record["body"]["name"] == name)


@pytest.fixture
def diary(stack: LocalStack) -> Diary:
    return Diary(stack)


def send(stack: LocalStack, queue: str, *bodies: dict[str, Any]) -> None:
    entries = [{"Id": str(i), "MessageBody": json.dumps(body)} for i, body in enumerate(bodies)]
    stack.sqs().send_message_batch(QueueUrl=stack.queue_url(queue), Entries=entries)  # type: ignore[arg-type]


def is_empty(stack: LocalStack, queue: str) -> bool:
    return stack.depth(queue).total == 0


def test_only_the_failed_message_comes_back_and_ends_as_a_dead_letter(
    stack: LocalStack, diary: Diary
) -> None:
    send(stack, "PartialQueue", {"name": "good", "do": "note"}, {"name": "bad", "do": "fail"})
    eventually(lambda: stack.depth("PartialDeadLetterQueue").visible == 1)
    assert diary.receives("good") == [1]
    assert diary.receives("bad") == [1, 2, 3], "exactly maxReceiveCount times"
    assert is_empty(stack, "PartialQueue")
    redrive(stack, diary)


def redrive(stack: LocalStack, diary: Diary) -> None:
    """The dead letter goes back to where it came from, begins anew, and dies again."""
    sqs, arn = stack.sqs(), stack.stack.queues["PartialDeadLetterQueue"].arn
    sources = sqs.list_dead_letter_source_queues(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))
    assert sources["queueUrls"] == [stack.queue_url("PartialQueue")]
    assert sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    eventually(lambda: sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"] == "COMPLETED")
    assert sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["ApproximateNumberOfMessagesMoved"] == 1
    eventually(lambda: diary.receives("bad") == [1, 1, 2, 2, 3, 3])
    eventually(lambda: stack.depth("PartialDeadLetterQueue").visible == 1)
    sqs.purge_queue(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))


@pytest.mark.parametrize("what", ["unknown", "raise"])
def test_an_unknown_id_or_an_exception_fails_the_whole_batch(
    stack: LocalStack, diary: Diary, what: str
) -> None:
    send(stack, "PartialQueue", {"name": what, "do": what}, {"name": "neighbour", "do": "note"})
    eventually(lambda: stack.depth("PartialDeadLetterQueue").visible >= 1)
    together = [entry for entry in diary.read() if len(entry["records"]) == 2]
    assert len(diary.receives(what)) == 3
    assert diary.receives("neighbour")[: len(together)] == list(range(1, len(together) + 1))
    assert together, "the two messages were in one batch at least once"
    eventually(lambda: is_empty(stack, "PartialQueue"))
    stack.sqs().purge_queue(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))


def test_no_list_of_failures_means_that_all_is_done(stack: LocalStack, diary: Diary) -> None:
    send(stack, "PartialQueue", {"name": "null", "do": "null"})
    eventually(lambda: diary.receives("null") == [1])
    eventually(lambda: is_empty(stack, "PartialQueue"))
    assert stack.depth("PartialDeadLetterQueue").total == 0


def test_no_more_batches_at_once_than_the_mapping_allows(stack: LocalStack, diary: Diary) -> None:
    stack.warm("SlowFunction", 3)
    for number in range(8):
        send(stack, "SlowQueue", {"name": str(number), "do": "note", "seconds": 0.3})
    eventually(lambda: sum(len(entry["records"]) for entry in diary.read()) == 8)
    entries = diary.entries
    most = max(
        sum(other["started"] <= entry["started"] < other["ended"] for other in entries) for entry in entries
    )
    assert most == 2
    assert max(len(entry["records"]) for entry in entries) <= 3, "BatchSize"


def test_a_window_gathers_a_batch(stack: LocalStack, diary: Diary) -> None:
    sent = time.time()
    send(stack, "WindowQueue", {"name": "first", "do": "note"})
    time.sleep(0.4)  # inside the window of one second, which is what is tested
    send(stack, "WindowQueue", {"name": "second", "do": "note"})

    def batches() -> list[set[str]]:
        diary.read()
        return [{record["body"]["name"] for record in entry["records"]} for entry in diary.entries]

    eventually(lambda: {"first", "second"} <= set().union(*batches()))
    names = batches()
    first = diary.entries[0]["started"] - sent
    assert first > 0.9, "the function waits for the window"
    assert {"first", "second"} in names or len(names) == 2, "two pollers may take one each"


def test_a_batch_carries_what_aws_sends(stack: LocalStack, diary: Diary) -> None:
    stack.sqs().send_message(
        QueueUrl=stack.queue_url("PartialQueue"),
        MessageBody='{"name": "shape", "do": "note"}',
        MessageAttributes={"trace": {"DataType": "String", "StringValue": "t"}},
    )
    record = eventually(diary.read)[0]["event"]["Records"][0]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-west-1:000000000000:PartialQueue"
    assert record["awsRegion"] == "eu-west-1"
    assert record["messageAttributes"]["trace"] == {
        "stringValue": "t", "stringListValues": [], "binaryListValues": [], "dataType": "String",
    }  # fmt: skip
    expected = {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
    assert expected <= set(record["attributes"])
    assert {"messageId", "receiptHandle", "body", "md5OfBody", "md5OfMessageAttributes"} <= set(record)


def test_the_queues_survive_an_outage_and_the_pollers_come_back(stack: LocalStack, diary: Diary) -> None:
    stack.sqs().send_message(
        QueueUrl=stack.queue_url("PartialQueue"),
        MessageBody='{"name": "late", "do": "note"}',
        DelaySeconds=1,
    )
    stack.stop_emulator()
    stack.start_emulator()
    eventually(lambda: diary.receives("late") == [1])


def test_redriving_an_unknown_queue_or_an_unknown_source_is_an_error(stack: LocalStack) -> None:
    sqs = stack.sqs()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sqs.start_message_move_task(SourceArn="arn:aws:sqs:eu-west-1:000000000000:nobody")
    dead = stack.stack.queues["PartialDeadLetterQueue"]
    sqs.send_message(QueueUrl=stack.queue_url("PartialDeadLetterQueue"), MessageBody="by hand")
    sqs.start_message_move_task(SourceArn=dead.arn)
    eventually(lambda: sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"][0]["Status"] == "FAILED")
    task = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"][0]
    assert task["FailureReason"] == "CouldNotDetermineMessageSource"
    assert stack.depth("PartialDeadLetterQueue").visible == 1
    sqs.purge_queue(QueueUrl=stack.queue_url("PartialDeadLetterQueue"))


def test_mail_is_kept_instead_of_sent(stack: LocalStack) -> None:
    client = boto3.client(
        "sesv2",
        endpoint_url=stack.sqs_endpoint,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    raw = b"Subject: Your table\r\nTo: guest@example.com\r\n\r\nSee you soon"
    identifier = client.send_email(Content={"Raw": {"Data": raw}})["MessageId"]
    kept = stack.home / "mail" / f"{identifier}.eml"
    assert message_from_bytes(kept.read_bytes())["Subject"] == "Your table"
