import importlib
import json
import re
from collections.abc import Iterator

import pytest

from tests.infra.template import Json, deployed, folder, references, source

type Route = tuple[str, str]


def _operations() -> Iterator[tuple[Route, Json]]:
    (api,) = deployed().of_type("AWS::ApiGatewayV2::Api").values()
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            yield (method.upper(), path), operation


def _target(operation: Json) -> str:
    names = references(operation["x-amazon-apigateway-integration"])
    (alias,) = [name for name in names if name.endswith("Aliaslive")]
    return alias.removesuffix("Aliaslive")


def _anonymous(route: Route) -> Route:
    """A route whose parameters have lost their names: the template's and the handlers' may differ in them."""
    method, path = route
    return method, re.sub(r"[<{][^>}]+[>}]", "{}", path)


@pytest.mark.parametrize("function", ["BookingsFunction", "OperationsFunction"])
def test_the_template_routes_what_the_handler_serves(function: str) -> None:
    app = importlib.import_module(f"functions.{folder(function)}.app").app
    served = {_anonymous((route.method, route.path)) for route in app._static_routes + app._dynamic_routes}
    routed = {_anonymous(route) for route, operation in _operations() if _target(operation) == function}
    assert routed == served


def test_everything_but_health_needs_a_token() -> None:
    """SAM writes a requirement called NONE where there is none."""
    open_routes = {route for route, operation in _operations() if operation["security"] == [{"NONE": []}]}
    closed = {route for route, operation in _operations() if operation["security"] == [{"Jwt": []}]}
    assert open_routes | closed == {route for route, _ in _operations()}
    assert open_routes == {("GET", "/health"), ("GET", "/openapi.json")}


def test_the_token_is_checked_for_issuer_and_audience() -> None:
    (api,) = deployed().of_type("AWS::ApiGatewayV2::Api").values()
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "jwt"
    assert authorizer["jwtConfiguration"] == {
        "issuer": {"Ref": "JwtIssuer"},
        "audience": [{"Ref": "JwtAudience"}],
    }


def test_both_stages_are_the_same_api() -> None:
    """With and without the version before the path; neither may be logged or limited in another way."""
    stages = {stage["StageName"]: stage for stage in deployed().of_type("AWS::ApiGatewayV2::Stage").values()}
    assert stages.keys() == {"$default", "v1"}
    for member in ("ApiId", "AutoDeploy", "DefaultRouteSettings", "AccessLogSettings"):
        assert stages["v1"][member] == stages["$default"][member]
    assert stages["v1"]["AutoDeploy"] is True


def test_the_functions_may_be_called_from_every_stage() -> None:
    permissions = [
        permission["SourceArn"]["Fn::Sub"][1]
        for permission in deployed().of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    assert {values["__Stage__"] for values in permissions} == {"*"}


def test_the_access_log_is_json_that_tells_what_happened() -> None:
    """No path and no query: a search has a guest's name in it."""
    stage = next(iter(deployed().of_type("AWS::ApiGatewayV2::Stage").values()))
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "routeKey", "status", "latencyMs", "integrationError", "authorizerError"} <= set(
        line
    )
    assert all(value.startswith("$context.") for value in line.values())
    assert not any(re.search(r"path|query|protocol", value, re.IGNORECASE) for value in line.values())


def test_every_stage_is_throttled() -> None:
    stage = next(iter(deployed().of_type("AWS::ApiGatewayV2::Stage").values()))
    settings = stage["DefaultRouteSettings"]
    assert (
        next(iter(settings["ThrottlingRateLimit"]))
        == next(iter(settings["ThrottlingBurstLimit"]))
        == "Fn::FindInMap"
    )
    stages = source()["Mappings"]["Stages"].values()
    assert all(0 < stage["ThrottleRate"] <= stage["ThrottleBurst"] for stage in stages)
