"""Each built handler once under AWS's own runtime interface emulator: it answers as under the local stack."""

import json
import platform
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localstack.stack import LocalStack, Options
from localstack.template import Function
from tests.localstack.conftest import call, eventually
from tools.environments import ROOT, environment

pytestmark = pytest.mark.stack

EVENTS = ROOT / "events"
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def http_event(method: str, path: str, key: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The recorded event, for another request."""
    event: dict[str, Any] = json.loads((EVENTS / "http_api_v2.json").read_text(encoding="utf-8"))
    for absent in ("body", "cookies", "queryStringParameters"):
        del event[absent]
    event |= {"routeKey": key, "rawPath": path, "rawQueryString": "", "pathParameters": dict(parameters)}
    event["headers"] = {"host": "localhost", "x-correlation-id": "conformance"}
    context = event["requestContext"]
    context["routeKey"] = key
    context["http"] |= {"method": method, "path": path}
    context["authorizer"]["jwt"]["claims"] |= {
        "restaurants": "*",
        "scope": "operations",
        "sub": "conformance",
    }
    return event


def sqs_event(body: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "sqs.json").read_text(encoding="utf-8"))
    event["Records"][0]["body"] = body
    return event


BOOKING = "018f0000-0000-7000-8000-000000000000"
CASES: Mapping[str, dict[str, Any]] = {
    "BookingsFunction": http_event(
        "GET", f"/bookings/{BOOKING}", "GET /bookings/{bookingId}", {"bookingId": BOOKING}
    ),
    "OperationsFunction": http_event("GET", "/health", "GET /health", {}),
    "AssignFunction": sqs_event("no job"),
    "DeliverFunction": sqs_event("no webhook"),
    "NotifyFunction": sqs_event("no notification"),
    "RelayFunction": {},
    "MaintainFunction": {},
    "OptimizeFunction": {},
    "MigrateFunction": {},
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = Options(durable=False, schedules=False, sandboxes=1)
    with LocalStack(tmp_path_factory.mktemp("product"), options=options) as running:
        yield running


@pytest.fixture(scope="module")
def emulator() -> Path:
    tools = environment("sam").parent.parent
    name = f"aws-lambda-rie-{MACHINES.get(platform.machine(), 'none')}"
    found = next(tools.glob(f"lib/*/site-packages/samcli/local/rapid/{name}"), None)
    if found is None:
        pytest.skip(f"NOT CHECKED: aws-sam-cli carries no {name}, AWS's runtime interface emulator")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def under_rie(emulator: Path, stack: LocalStack, function: Function, log: Path) -> Iterator[str]:
    """Run the function under AWS's emulator; yield the address that invokes it."""
    runtime = stack._running_service().pools[function.logical_id]._runtime
    variables = runtime.environment(function, "rie", "")
    del variables["AWS_LAMBDA_RUNTIME_API"]
    front, back = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    command = (
        *(str(emulator), "--runtime-interface-emulator-address", front, "--runtime-api-address", back),
        *(str(runtime.python), "-m", "awslambdaric", function.handler),
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**variables, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout)},
            cwd=function.code,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: listens(front))
        yield f"http://{front}"
    finally:
        process.terminate()
        process.wait(20)


def listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


def test_every_function_has_a_case(product: LocalStack) -> None:
    assert set(CASES) == set(product.stack.functions)


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_answers_as_under_the_local_stack(
    product: LocalStack, emulator: Path, tmp_path: Path, name: str
) -> None:
    ours = product.invoke(name, CASES[name])
    log = tmp_path / "rie.log"
    with under_rie(emulator, product, product.stack.functions[name], log) as address:
        body = json.dumps(CASES[name]).encode()
        reply = call(address, "/2015-03-31/functions/function/invocations", method="POST", body=body)
    assert reply.status == 200, log.read_text()
    assert reply.json() == ours, log.read_text()
