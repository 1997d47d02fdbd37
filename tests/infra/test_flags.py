"""The flags that are checked in are the ones that a stack begins with, and are flags."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.feature_flags import SchemaValidator

from maitred.adapters.flags import checked, packaged
from maitred.services.feature_flags import Flag
from tests.infra.template import deployed, references

APPCONFIG = "AWS::AppConfig::"


def only(kind: str) -> Any:
    (properties,) = deployed().of_type(APPCONFIG + kind).values()
    return properties


def test_the_checked_in_flags_are_valid() -> None:
    SchemaValidator(packaged()).validate()
    assert checked(packaged()).keys() == set(Flag)


def test_a_stack_begins_with_them() -> None:
    assert json.loads(only("HostedConfigurationVersion")["Content"]) == packaged()
    assert only("Deployment")["ConfigurationVersion"] == {"Ref": "FlagsVersion"}


def test_what_is_deployed_holds_at_once() -> None:
    strategy = only("DeploymentStrategy")
    assert (strategy["DeploymentDurationInMinutes"], strategy["FinalBakeTimeInMinutes"]) == (0, 0)


@pytest.mark.parametrize("name", ["BookingsFunction", "OperationsFunction", "AssignFunction"])
def test_who_plans_may_read_these_flags_and_no_others(name: str) -> None:
    template = deployed()
    (read,) = [s for s in template.statements(name) if "appconfig:GetLatestConfiguration" in s["Action"]]
    named = {"FlagsApplication", "FlagsEnvironment", "FlagsProfile"}
    assert named <= set(references(read["Resource"]))
    assert named <= set(references(template.environment(name)))
