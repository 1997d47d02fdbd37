"""What a command works on: the stack that runs on this machine, or one deployed stage."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localstack.home import Home, default_home
from localstack.sqs import sqs_client
from localstack.template import REGION
from localstack.tokens import ALL_SCOPES, Issuer

LOCAL = "local"
FUNCTIONS = ("RelayFunction", "MaintainFunction")
_ALIAS = "live"
_TOKEN_SECONDS = 24 * 3600


class OpsError(Exception):
    """The command cannot be carried out; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """``queues`` and ``functions`` by logical id. ``token``: for the API; None if there is none."""

    name: str
    url: str
    token: str | None
    sqs: Any
    lambdas: Any
    queues: Mapping[str, str]
    functions: Mapping[str, str]
    outputs: Mapping[str, str]
    sends_mail: bool

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Call one of `FUNCTIONS` and wait for its answer. Raises OpsError if it fails."""
        answer = self.lambdas.invoke(
            FunctionName=self.functions[function], Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise OpsError(f"{function} failed: {payload[:300]}; its log says why")
        found: dict[str, Any] = json.loads(payload)
        return found


def local_target() -> Target:
    """The stack that runs on MAITRED_HOME. Raises OpsError if none does."""
    home = default_home()
    running = Home(home).running()
    if running is None:
        raise OpsError(f"no stack runs on {home}: start one with make up, or name a stage with --stage")
    lambdas = boto3.client(
        "lambda",
        endpoint_url=running.invoke_endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the emulator checks none
    )
    token = Issuer.load(home).mint(restaurants="*", scopes=ALL_SCOPES, ttl_seconds=_TOKEN_SECONDS)
    names = {name: name for name in FUNCTIONS}
    sqs, queues = sqs_client(running.sqs_endpoint), running.queues
    outputs = {"ApiUrl": running.url, **{f"{name}Url": url for name, url in queues.items()}}
    return Target(LOCAL, running.url, token, sqs, lambdas, queues, names, outputs, sends_mail=False)


def stage_target(stage: str) -> Target:
    """A deployed stage, by what its stack says of itself. The token is MAITRED_TOKEN. Raises OpsError."""
    if stage == LOCAL:
        raise OpsError("local is no deployed stage: leave --stage out")
    name = f"maitred-{stage}"
    try:
        cloud: Any = boto3.client("cloudformation")
        [stack] = cloud.describe_stacks(StackName=name)["Stacks"]
        functions = {each: f"{_physical(cloud, name, each)}:{_ALIAS}" for each in FUNCTIONS}
        sqs, lambdas = boto3.client("sqs"), boto3.client("lambda")
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"{name} cannot be read: {error}; see --stage, region and credentials") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each.get("ParameterValue") for each in stack.get("Parameters", [])}
    queues = {key.removesuffix("Url"): url for key, url in outputs.items() if key.endswith("QueueUrl")}
    return Target(
        stage,
        outputs.get("ApiUrl", ""),
        os.environ.get("MAITRED_TOKEN"),
        sqs,
        lambdas,
        queues,
        functions,
        outputs,
        sends_mail=parameters.get("MailDelivery") != "suppressed",
    )


def _physical(cloud: Any, stack: str, logical_id: str) -> str:
    found = cloud.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
