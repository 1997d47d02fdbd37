"""Sandboxes: what a function sees of Lambda, and what happens to one that misbehaves."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localstack.stack import InvocationError, LocalStack
from tests.localstack.conftest import eventually

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.stack
TIMED_OUT = "Task timed out after 1.00 seconds"


def trouble(stack: LocalStack, **how: object) -> dict[str, str]:
    result = stack.invoke_raw("TroubleFunction", how)
    assert result.failed
    error: dict[str, str] = json.loads(result.payload)
    return error


def at_rest(stack: LocalStack, function: str) -> set[int]:
    """The processes of a function once none is starting or busy: the next call gets one of these."""
    pool = stack._running_service().pools[function]

    def rests() -> bool:
        stack.warm(function, 1)
        return len(pool._idle) == len(pool.sandboxes) > 0

    eventually(rests)
    return set(stack.sandbox_pids(function))


def test_a_function_knows_what_lambda_tells_it(stack: LocalStack) -> None:
    seen = stack.invoke("ContextFunction", {})
    assert seen["arn"] == "arn:aws:lambda:eu-west-1:000000000000:function:ContextFunction"
    assert (seen["name"], seen["memory"]) == ("ContextFunction", "256")
    assert 4500 < seen["remaining"] <= 5000, "the deadline is the template's, and start-up does not count"
    assert seen["trace"].startswith("Root=1-")
    assert stack.invoke("ContextFunction", {})["request"] != seen["request"]


def test_its_environment_is_lambdas_and_nothing_of_ours(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HOME", "/nowhere")
    stack.kill_sandbox("ContextFunction")
    seen = stack.invoke("ContextFunction", {})
    environment = seen["environment"]
    assert {"AWS_PROFILE", "HOME", "VIRTUAL_ENV"}.isdisjoint(environment)
    assert environment["TZ"] == ":UTC"
    assert environment["AWS_ENDPOINT_URL"] == stack.sqs_endpoint
    assert environment["AWS_ENDPOINT_URL_LAMBDA"] == stack.invoke_endpoint
    assert environment["DIARY_URL"] == stack.queue_url("DiaryQueue")
    assert environment["LAMBDA_TASK_ROOT"].endswith("fixture/functions")
    assert seen["modules"] == ["boto3"], "what Lambda does not have must come from the layer"


def test_a_sandbox_is_kept_warm(stack: LocalStack) -> None:
    pids = at_rest(stack, "ContextFunction")
    assert stack.invoke("ContextFunction", {})["pid"] in pids
    assert at_rest(stack, "ContextFunction") == pids


def test_a_timeout_kills(stack: LocalStack) -> None:
    pids = at_rest(stack, "TroubleFunction")
    started = time.monotonic()
    error = trouble(stack, how="sleep", seconds=30)
    assert 0.9 < time.monotonic() - started < 5
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith(TIMED_OUT)

    def dead() -> list[int]:
        return [pid for pid in pids if not psutil.pid_exists(pid)]

    eventually(dead)
    assert len(dead()) == 1  # other tests may have left more than one sandbox
    assert stack.invoke("TroubleFunction", {"how": "nothing"}) not in dead()


def test_a_process_that_ends_is_an_exit_error(stack: LocalStack) -> None:
    error = trouble(stack, how="exit")
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in error["errorMessage"]
    assert stack.invoke("TroubleFunction", {"how": "nothing"})


def test_a_killed_sandbox_is_an_exit_error_for_its_caller(stack: LocalStack) -> None:
    stack.warm("TroubleFunction", 1)
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(trouble, stack, how="sleep", seconds=0.9)
        killed = eventually(lambda: stack.kill_sandbox("TroubleFunction", busy=True), seconds=5)
        assert waiting.result()["errorType"] == "Runtime.ExitError"
    assert killed not in stack.sandbox_pids("TroubleFunction")


def test_a_function_that_cannot_be_loaded_says_why(stack: LocalStack) -> None:
    result = stack.invoke_raw("BrokenFunction", {})
    error = json.loads(result.payload)
    assert result.failed
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "broken from the start")


def test_an_exception_keeps_the_sandbox(stack: LocalStack) -> None:
    stack.warm("TroubleFunction", 1)
    pids = at_rest(stack, "TroubleFunction")
    with pytest.raises(InvocationError, match="KeyError"):
        stack.invoke("TroubleFunction", {})
    assert at_rest(stack, "TroubleFunction") == pids
    assert stack.invoke("TroubleFunction", {"how": "nothing"}) in pids


def test_an_answer_that_is_too_large_fails(stack: LocalStack) -> None:
    assert trouble(stack, how="large")["errorType"] == "Function.ResponseSizeTooLarge"


def test_sandboxes_run_side_by_side_up_to_the_limit(stack: LocalStack) -> None:
    stack.warm("TroubleFunction", 3)
    with ThreadPoolExecutor(6) as callers:
        asked = [
            callers.submit(stack.invoke, "TroubleFunction", {"how": "sleep", "seconds": 0.5})
            for _ in range(6)
        ]
        pids = {one.result() for one in asked}
    assert len(pids) == 3


def test_log_lines_stay_whole(stack: LocalStack) -> None:
    with ThreadPoolExecutor(3) as callers:
        list(callers.map(lambda _: stack.invoke("TroubleFunction", {"how": "print", "lines": 50}), range(6)))
    log = stack.home / "logs" / "TroubleFunction.log"

    def lines() -> list[str]:
        return [line for line in log.read_text().splitlines() if line.startswith("line ")]

    eventually(lambda: len(lines()) == 300)
    assert {line.split(" ")[2] for line in lines()} == {"x" * 2000}


@pytest.fixture
def client(stack: LocalStack) -> "LambdaClient":
    return boto3.client(
        "lambda",
        endpoint_url=stack.invoke_endpoint,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_boto3_can_invoke(stack: LocalStack, client: "LambdaClient") -> None:
    answer = client.invoke(FunctionName="ContextFunction", Payload=b"{}")
    assert json.loads(answer["Payload"].read())["name"] == "ContextFunction"
    assert answer.get("FunctionError") is None
    by_arn = client.invoke(FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:ContextFunction:live")
    assert by_arn["StatusCode"] == 200


def test_boto3_sees_function_errors(client: "LambdaClient") -> None:
    answer = client.invoke(FunctionName="TroubleFunction", Payload=b'{"how": "exit"}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")


def test_boto3_can_invoke_without_waiting(stack: LocalStack, client: "LambdaClient") -> None:
    event = {
        "Records": [
            {"messageId": "m", "body": '{"do": "note"}', "attributes": {"ApproximateReceiveCount": "1"}}
        ]
    }
    payload = json.dumps(event).encode()
    answer = client.invoke(FunctionName="WindowFunction", InvocationType="Event", Payload=payload)
    assert answer["StatusCode"] == 202
    url, sqs = stack.queue_url("DiaryQueue"), stack.sqs()
    received = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    assert json.loads(received[0]["Body"])["records"][0]["id"] == "m"


def test_an_unknown_function_is_not_found(client: "LambdaClient") -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName="NobodyFunction")
