"""MigrateFunction speaks CloudFormation's protocol: it answers whatever happens."""

import importlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from maitred.bootstrap.migrate import Migrated

STACK = {"StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "Migration"}


@dataclass(frozen=True, slots=True)
class Context:
    aws_request_id: str = "id"
    function_name: str = "migrate"
    function_version: str = "1"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:000000000000:function:migrate"
    log_group_name: str = "group"
    log_stream_name: str = "stream-7"


@dataclass(slots=True)
class Migrator:
    applied: list[str] = field(default_factory=lambda: ["0001_initial"])
    error: Exception | None = None
    runs: int = 0

    def run(self) -> Migrated:
        self.runs += 1
        if self.error:
            raise self.error
        return Migrated(self.applied, [])


@dataclass(slots=True)
class CloudFormation:
    """Takes the one PUT to the address that it gave out."""

    url: str
    answers: list[dict[str, Any]]
    content_types: list[str | None]


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    taken = CloudFormation("", [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.answers.append(json.loads(body))
            taken.content_types.append(self.headers["content-type"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.url = f"http://127.0.0.1:{server.server_port}/answer?signature=x"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield taken
        server.shutdown()
        thread.join()


@pytest.fixture
def migrator(monkeypatch: pytest.MonkeyPatch) -> Migrator:
    fake = Migrator()
    monkeypatch.setattr("maitred.entrypoints.migrate.migrate", fake.run)
    return fake


def _call(event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = importlib.import_module("functions.migrate.app").handler(event, Context())
    return answer


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_deployment_migrates_and_is_told(
    kind: str, cloudformation: CloudFormation, migrator: Migrator
) -> None:
    _call({"RequestType": kind, "ResponseURL": cloudformation.url, **STACK})
    recorded = {"PhysicalResourceId": "schema", "Status": "SUCCESS", "Data": {"Applied": "0001_initial"}}
    assert cloudformation.answers == [STACK | recorded]
    assert cloudformation.content_types == [""]  # the address is signed for none
    assert migrator.runs == 1


def test_a_failed_migration_fails_the_deployment_without_telling_secrets(
    cloudformation: CloudFormation, migrator: Migrator
) -> None:
    migrator.error = RuntimeError("password=hunter2")
    _call({"RequestType": "Update", "ResponseURL": cloudformation.url, **STACK})
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "schema")
    assert answer["Reason"] == "RuntimeError; see the log stream stream-7"


def test_a_stack_that_goes_keeps_its_data(cloudformation: CloudFormation, migrator: Migrator) -> None:
    _call({"RequestType": "Delete", "ResponseURL": cloudformation.url, **STACK})
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]
    assert migrator.runs == 0


def test_called_by_hand_it_returns_what_it_did(migrator: Migrator) -> None:
    assert _call({}) == {"applied": ["0001_initial"]}


def test_called_by_hand_it_raises_when_it_fails(migrator: Migrator) -> None:
    migrator.error = RuntimeError("no")
    with pytest.raises(RuntimeError, match="no"):
        _call({})
