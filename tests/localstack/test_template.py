"""What the local stack understands of the project's own template."""

from pathlib import Path

import pytest

from localstack.intrinsics import TemplateError
from localstack.template import Redrive, Stack, read_stack
from localstack.tokens import AUDIENCE, ISSUER
from tools.environments import ROOT

PARAMETERS = {
    "Stage": "local",
    "JwtIssuer": ISSUER,
    "JwtAudience": AUDIENCE,
    "VpcId": "vpc-1",
    "PrivateSubnetIds": "subnet-1,subnet-2",
    "DatabaseAuth": "trust",
    "DatabaseHostOverride": "127.0.0.1",
    "DatabasePort": "5555",
    "DatabaseSslMode": "disable",
}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return read_stack(ROOT / "template.yaml", PARAMETERS, sqs_endpoint="http://queues")


def test_functions_are_the_deployed_ones(stack: Stack) -> None:
    assign = stack.functions["AssignFunction"]
    assert (assign.handler, assign.timeout, assign.memory) == ("app.handler", 60, 1769)
    assert assign.code == ROOT / "functions/assign"
    assert assign.layers == (ROOT / "layers/shared",)
    assert assign.arn == "arn:aws:lambda:eu-west-1:000000000000:function:AssignFunction"


def test_the_environment_is_resolved(stack: Stack) -> None:
    environment = stack.functions["AssignFunction"].environment
    assert environment["ASSIGN_QUEUE_URL"] == "http://queues/000000000000/maitred-local-assign"
    assert (environment["DATABASE_HOST"], environment["DATABASE_PORT"]) == ("127.0.0.1", "5555")
    assert environment["POWERTOOLS_SERVICE_NAME"] == "assign"
    assert "DATABASE_SECRET_ARN" not in stack.functions["MigrateFunction"].environment


def test_the_runtime_is_told_how_to_log(stack: Stack) -> None:
    for function in stack.functions.values():
        assert function.logging == {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


def test_queues_carry_their_redrive_policy(stack: Stack) -> None:
    queue, dead = stack.queues["AssignQueue"], stack.queues["AssignDeadLetterQueue"]
    assert queue.name == "maitred-local-assign"
    assert queue.visibility_seconds == 360
    assert queue.redrive == Redrive(dead.arn, 5)
    assert (dead.retention_seconds, dead.redrive) == (1209600, None)


def test_event_sources_and_schedules(stack: Stack) -> None:
    sources = {source.queue: source for source in stack.event_sources}
    assign = sources["AssignQueue"]
    assert (assign.function, assign.batch_size, assign.window_seconds) == ("AssignFunction", 5, 0)
    assert (assign.reports_failures, assign.max_concurrency) == (True, 2)
    assert sources["NotificationQueue"].batch_size == 2
    schedules = {schedule.function: schedule.every_seconds for schedule in stack.schedules}
    assert schedules == dict.fromkeys(("RelayFunction", "MaintainFunction", "OptimizeFunction"), 60)


def test_routes_and_who_may_take_them(stack: Stack) -> None:
    routes = {route.key: route for route in stack.routes}
    create = routes["POST /restaurants/{restaurantId}/bookings"]
    assert create.function == "BookingsFunction"
    assert create.authorizer is not None
    assert (create.authorizer.issuer, create.authorizer.audience) == (ISSUER, (AUDIENCE,))
    assert routes["GET /health"].authorizer is None
    assert routes["PUT /restaurants/{restaurantId}"].function == "OperationsFunction"


def test_the_migration_is_a_custom_resource(stack: Stack) -> None:
    assert [(made.logical_id, made.function) for made in stack.custom_resources] == [
        ("Migration", "MigrateFunction")
    ]


def test_a_parameter_without_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="Stage"):
        read_stack(
            ROOT / "template.yaml",
            {k: v for k, v in PARAMETERS.items() if k != "Stage"},
            sqs_endpoint="http://queues",
        )


def test_what_cannot_be_resolved_is_named(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !ImportValue x}\n"
    )
    with pytest.raises(TemplateError, match="Fn::ImportValue"):
        read_stack(template, {}, sqs_endpoint="http://queues")
