import pytest

from tests.infra.template import Json, deployed, references

QUEUES = {
    "AssignQueue": "AssignDeadLetterQueue",
    "NotificationQueue": "NotificationDeadLetterQueue",
    "OptimizeQueue": "OptimizeDeadLetterQueue",
    "WebhookQueue": "WebhookDeadLetterQueue",
}
FORTNIGHT = 14 * 24 * 3600


def _source(queue: str) -> Json:
    mappings = deployed().of_type("AWS::Lambda::EventSourceMapping").values()
    (found,) = [m for m in mappings if m["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}]
    return found


def test_each_queue_has_a_name_here_and_is_there_with_a_dead_letter_queue() -> None:
    assert set(deployed().of_type("AWS::SQS::Queue")) == {*QUEUES, *QUEUES.values()}


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run(queue: str) -> None:
    template, source = deployed(), _source(queue)
    function = next(references(source["FunctionName"])).removesuffix("Aliaslive")
    window = source.get("MaximumBatchingWindowInSeconds", 0)
    visibility = template.of_type("AWS::SQS::Queue")[queue]["VisibilityTimeout"]
    assert visibility >= 6 * template.functions[function]["Timeout"] + window


@pytest.mark.parametrize("queue", QUEUES)
def test_only_the_failed_messages_of_a_batch_come_back(queue: str) -> None:
    assert _source(queue)["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("queue", QUEUES)
def test_the_queue_calls_the_alias_with_bounded_concurrency(queue: str) -> None:
    source = _source(queue)
    assert source["FunctionName"]["Ref"].endswith("Aliaslive")
    assert source["ScalingConfig"]["MaximumConcurrency"]["Fn::FindInMap"][0] == "Stages"


@pytest.mark.parametrize(("queue", "dead_letter"), QUEUES.items())
def test_the_fifth_failure_ends_in_the_dead_letter_queue(queue: str, dead_letter: str) -> None:
    policy = deployed().of_type("AWS::SQS::Queue")[queue]["RedrivePolicy"]
    assert policy == {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letter, "Arn"]}, "maxReceiveCount": 5}


@pytest.mark.parametrize(("queue", "dead_letter"), QUEUES.items())
def test_a_dead_letter_queue_keeps_longest_and_serves_its_queue_only(queue: str, dead_letter: str) -> None:
    queues = deployed().of_type("AWS::SQS::Queue")
    assert (
        queues[dead_letter]["MessageRetentionPeriod"] == FORTNIGHT > queues[queue]["MessageRetentionPeriod"]
    )
    allow = queues[dead_letter]["RedriveAllowPolicy"]
    name = queues[queue]["QueueName"]["Fn::Sub"]
    assert allow["redrivePermission"] == "byQueue"
    assert [arn["Fn::Sub"].endswith(f":{name}") for arn in allow["sourceQueueArns"]] == [True]


def test_every_queue_is_encrypted_and_refuses_plain_connections() -> None:
    template = deployed()
    queues = template.of_type("AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    (policy,) = template.of_type("AWS::SQS::QueuePolicy").values()
    assert {queue["Ref"] for queue in policy["Queues"]} == set(queues)
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
