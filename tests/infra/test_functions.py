import importlib
from typing import Any

import pytest

from maitred import config
from tests.infra.template import ROOT, deployed, folder, references, source

FUNCTIONS = sorted(deployed().functions)
NEED_SCHEMA = sorted(set(FUNCTIONS) - {"MigrateFunction"})


def settings_of(function: str) -> type[config.Settings]:
    """BookingsFunction has BookingsSettings."""
    model: type[config.Settings] = getattr(config, function.removesuffix("Function") + "Settings")
    return model


def test_the_template_has_exactly_the_functions_of_the_folders() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {folder(name) for name in FUNCTIONS} == folders


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_runs_on_python_3_13_on_arm_and_traces(name: str) -> None:
    function = deployed().functions[name]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["ApplicationLogLevel"] == "INFO", "debug lines of clients hold secrets"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_can_be_imported(name: str) -> None:
    module, attribute = deployed().functions[name]["Handler"].split(".")
    place = source()["Resources"][name]["Properties"]["CodeUri"]
    loaded = importlib.import_module(f"{place.replace('/', '.')}.{module}")
    assert callable(getattr(loaded, attribute))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_logs_to_a_group_of_its_own_that_forgets(name: str) -> None:
    template = deployed()
    group = template.functions[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == f"{name.removesuffix('Function')}LogGroup"
    retention = template.of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"]
    assert retention == {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "LogRetentionDays"]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_reached_through_its_alias_live(name: str) -> None:
    template = deployed()
    alias = template.resources[f"{name}Aliaslive"]["Properties"]
    assert alias["Name"] == "live"
    assert next(references(alias["FunctionVersion"])) in template.of_type("AWS::Lambda::Version")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_new_layer_gives_a_new_version(name: str) -> None:
    """All our code is in the layer; an alias that stayed on the old version would deploy nothing."""

    def version(layer: str) -> Any:
        return deployed(layer=layer).resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"]

    assert version("layer-1") != version("layer-2")
    assert version("layer-1") == version("layer-1")


@pytest.mark.parametrize("name", NEED_SCHEMA)
def test_no_function_changes_before_the_schema(name: str) -> None:
    assert deployed().resources[name]["DependsOn"] == "Migration"


def test_the_migration_runs_again_for_a_new_layer() -> None:
    first, second = (
        deployed(layer=layer).resources["Migration"]["Properties"] for layer in ("layer-1", "layer-2")
    )
    assert first["ServiceToken"] == {"Fn::GetAtt": ["MigrateFunction", "Arn"]}
    assert first["Layer"] != second["Layer"]
    assert first["ServiceTimeout"] > deployed().functions["MigrateFunction"]["Timeout"]


def test_what_answers_http_ends_before_the_gateway_gives_up() -> None:
    template = deployed()
    targets = {
        function.removesuffix("Aliaslive")
        for body in template.of_type("AWS::ApiGatewayV2::Api").values()
        for function in references(body["Body"])
        if function.endswith("Aliaslive")
    }
    assert targets == {"BookingsFunction", "OperationsFunction", "OptimizeFunction"}
    most = {name: template.functions[name]["Timeout"] for name in targets}
    assert most.pop("OptimizeFunction") < 30  # the solver's two tries
    assert all(seconds <= 10 for seconds in most.values())


def test_what_runs_every_minute_ends_within_it() -> None:
    template = deployed()
    schedules = template.of_type("AWS::Scheduler::Schedule").values()
    assert {schedule["ScheduleExpression"] for schedule in schedules} == {"rate(1 minute)"}
    assert template.functions["RelayFunction"]["Timeout"] < 60
    assert template.functions["MaintainFunction"]["Timeout"] < 60
    assert template.functions["OptimizeFunction"]["Timeout"] < 60


# ------------------------------------------------------------------- settings
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_variable_is_a_setting_and_each_setting_a_variable(name: str) -> None:
    ours = {key for key in deployed().environment(name) if not key.startswith("POWERTOOLS_")}
    assert ours == {field.upper() for field in settings_of(name).model_fields}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_powertools_knows_the_service(name: str) -> None:
    variables = deployed().environment(name)
    assert variables["POWERTOOLS_SERVICE_NAME"] == folder(name)
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Maitred"


@pytest.mark.parametrize("bound", ["Default", "MinValue", "MaxValue"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_value_that_a_parameter_allows_is_a_valid_setting(name: str, bound: str) -> None:
    parameters = source()["Parameters"]

    def value(given: Any) -> str:
        if not isinstance(given, dict):
            return str(given)
        # The last name in an !If is the value of the cloud; "x" stands for what only a deployment knows.
        parameter = parameters.get(list(references(given))[-1], {})
        return str(parameter.get(bound, parameter.get("Default", "x")))

    written = source()["Resources"][name]["Properties"]["Environment"]["Variables"]
    shared = source()["Globals"]["Function"]["Environment"]["Variables"]
    environment = {key: value(given) for key, given in (shared | written).items()}
    assert config.load(settings_of(name), environment).database_port >= 1024


def test_a_batch_of_jobs_fits_into_the_function_and_a_lease_outlives_it() -> None:
    parameters = source()["Parameters"]
    timeout = deployed().functions["AssignFunction"]["Timeout"]
    batch = source()["Resources"]["AssignFunction"]["Properties"]["Events"]["Job"]["Properties"]["BatchSize"]
    assert (
        batch * parameters["JobBudgetMs"]["MaxValue"] / 1000
        < timeout
        < parameters["LeaseSeconds"]["MinValue"]
    )
