import tomllib
from graphlib import TopologicalSorter

import pytest

from tests.infra.template import ROOT, as_list, deployed, references, source

SHIFTED = sorted(set(deployed().functions) - {"MigrateFunction"})


@pytest.mark.parametrize("name", SHIFTED)
def test_production_shifts_a_tenth_first_and_watches_the_new_version(name: str) -> None:
    template = deployed()
    group = template.resources[f"{name}DeploymentGroup"]["Properties"]
    canary = {"Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": "Canary10Percent5Minutes"}]}
    assert group["DeploymentConfigName"]["Fn::If"][:2] == ["IsProd", canary]
    watched = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    own = f"{name.removesuffix('Function')}ErrorsAlarm"
    assert own in watched
    dimensions = {d["Name"]: d["Value"] for d in template.resources[own]["Properties"]["Dimensions"]}
    version = template.resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"]
    assert dimensions == {
        "FunctionName": {"Ref": name},
        "Resource": {"Fn::Sub": f"${{{name}}}:live"},
        "ExecutedVersion": version,
    }


@pytest.mark.parametrize("name", ["BookingsFunction", "OperationsFunction"])
def test_an_http_function_is_taken_back_for_5xx_too(name: str) -> None:
    """It answers 500 itself, which is no error to Lambda."""
    alarms = deployed().resources[f"{name}DeploymentGroup"]["Properties"]["AlarmConfiguration"]["Alarms"]
    assert {"Name": {"Ref": "ApiFaultsAlarm"}} in alarms


def test_the_5xx_alarm_reads_the_metric_that_the_access_log_gives() -> None:
    template = deployed()
    (made,) = template.resources["ApiFaults"]["Properties"]["MetricTransformations"]
    alarm = template.resources["ApiFaultsAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (made["MetricNamespace"], made["MetricName"])
    assert template.resources["ApiFaults"]["Properties"]["LogGroupName"] == {"Ref": "ApiLogGroup"}


@pytest.mark.parametrize("stage", source()["Parameters"]["Stage"]["AllowedValues"])
def test_resources_do_not_wait_for_each_other_in_a_circle(stage: str) -> None:
    """Update policies count: an alias waits for its deployment group, and that for its alarms."""
    resources = deployed(stage).resources
    graph = {
        name: {found for found in references(body) if found in resources}
        | set(as_list(body.get("DependsOn", [])))
        for name, body in resources.items()
    }
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("Migration") < order.index("BookingsFunction") < order.index("Api")


def test_every_parameter_and_every_number_of_a_stage_is_used() -> None:
    text = (ROOT / "template.yaml").read_text()
    document = source()
    used = set(references({key: document[key] for key in ("Conditions", "Rules", "Globals", "Resources")}))
    assert set(document["Parameters"]) <= used | {"Stage"}
    stages = document["Mappings"]["Stages"]
    assert len({frozenset(stage) for stage in stages.values()}) == 1
    assert [key for key in stages["prod"] if f"!Ref Stage, {key}]" not in text] == []


def test_each_stage_has_a_deployment_and_the_local_one_has_none() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stages = {name for name, section in config.items() if isinstance(section, dict) and "deploy" in section}
    assert stages == set(source()["Parameters"]["Stage"]["AllowedValues"]) - {"local"}
    for stage in stages:
        given = config[stage]["deploy"]["parameters"]
        assert f"Stage={stage}" in given["parameter_overrides"].split()
        assert given["stack_name"] == f"maitred-{stage}"
    assert config["prod"]["deploy"]["parameters"]["confirm_changeset"] is True


def test_e5_mail_is_suppressed_unless_a_stage_says_otherwise() -> None:
    assert source()["Parameters"]["MailDelivery"]["Default"] == "suppressed"
    variables = source()["Resources"]["NotifyFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["MAIL_DELIVERY"] == {"Ref": "MailDelivery"}
    assert "MailDelivery" not in (ROOT / "samconfig.toml").read_text()


# Names within a parent that is the stack's own, or AWS's.
_WITHIN = {
    "AWS::ApiGatewayV2::Stage StageName",
    "AWS::AppConfig::ConfigurationProfile Name",
    "AWS::AppConfig::Environment Name",
    "AWS::CodeDeploy::DeploymentGroup DeploymentConfigName",
    "AWS::Lambda::Alias Name",
    "AWS::RDS::DBCluster DatabaseName",
    "AWS::RDS::DBProxyTargetGroup TargetGroupName",
}


def _of_this_stack(name: object) -> bool:
    found = set(references(name))
    return "AWS::StackName" in found or bool(found & deployed().resources.keys())


def test_two_stages_fit_into_one_account() -> None:
    """A resource is named by CloudFormation, or after its stack."""
    fixed = {
        f"{body['Type']} {key}"
        for body in deployed().resources.values()
        for key, name in body.get("Properties", {}).items()
        if key.endswith(("Name", "Identifier")) and key != "MetricName" and not _of_this_stack(name)
    }
    assert fixed == _WITHIN
