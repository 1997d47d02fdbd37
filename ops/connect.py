"""Finds what a command works on: the stack that is running on this machine, or a deployed stage."""

import os
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localstack.constants import ALL_SCOPES, REGION
from localstack.home import Home, default_home
from localstack.sqs import sqs_client
from localstack.tokens import Issuer
from ops.target import FUNCTIONS, LOCAL, OpsError, Target

_ALIAS = "live"
_TOKEN_SECONDS = 24 * 3600


def local_target() -> Target:
    """The stack that is running on MAITRED_HOME. Raises OpsError if there is none."""
    home = default_home()
    running = Home(home).running()
    if running is None:
        raise OpsError(f"no stack is running on {home}: start one with make up, or name a stage with --stage")
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
    """A deployed stage, as its CloudFormation stack describes it; the token is MAITRED_TOKEN.

    Raises OpsError if the stack cannot be read.
    """
    if stage == LOCAL:
        raise OpsError("local is not a deployed stage: leave --stage out")
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
