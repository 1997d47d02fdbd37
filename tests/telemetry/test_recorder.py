"""Figures leave on every exit, and the parts of a request are spans of its trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools.tracing import Tracer

from maitred.adapters.postgres.database import Database
from maitred.adapters.telemetry.recorder import Recorder
from maitred.services.booking.inline import Inline
from maitred.services.ports import Event
from maitred.services.ports.names import Severity, SpanName
from tests.harness.service import Service, party


class Segment:
    def __init__(self, name: str) -> None:
        self.name = name
        self.annotations: dict[str, str] = {}

    def put_annotation(self, key: str, value: str) -> None:
        self.annotations[key] = value


@pytest.fixture
def segments(monkeypatch: pytest.MonkeyPatch) -> list[Segment]:
    """The subsegments that are opened while a daemon is said to listen."""
    opened: list[Segment] = []

    class Provider:
        @contextmanager
        def in_subsegment(self, name: str, **_: Any) -> Iterator[Segment]:
            opened.append(Segment(name))
            yield opened[-1]

    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000")
    monkeypatch.setattr(Tracer, "__init__", lambda self, **_: setattr(self, "provider", Provider()))
    return opened


def test_snapshot_plan_confirm_and_relay_are_spans_that_can_be_searched(
    harbour: Service, segments: list[Segment]
) -> None:
    assert harbour.book("harbour", party(4)).status == 201
    names: list[SpanName] = ["snapshot", "plan", "confirm"]
    assert [segment.name for segment in segments] == [f"## {name}" for name in names]
    assert [segment.annotations for segment in segments] == [{"restaurant": "harbour"}] * 3
    segments.clear()
    harbour.book("harbour", party(4), headers={"x-correlation-id": "search-me"})
    assert segments[-1].name == "## relay"
    assert segments[-1].annotations == {"correlationId": "search-me"}


def test_figures_leave_when_the_invocation_breaks_too(
    harbour: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Inline, "read", broken)
    capsys.readouterr()
    assert harbour.book("harbour", party(2)).status == 500
    recorded = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert {"ColdStart", "DbRoundTrips"} <= {name for line in recorded for name in line}
    [summary] = [s for s in harbour.events("auto_assign.summary") if s["result"] == "error"]
    assert summary["reason"] == "RuntimeError"


def recorded(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def recorder(harbour: Service) -> Recorder:
    return Recorder("assign", Database(harbour.database.connect))


def test_figures_of_one_request_share_a_line_and_those_of_two_do_not(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorder.invocation("batch"):
        capsys.readouterr()
        for request in ("one", "two"):
            with recorder.about(correlation_id=request):
                recorder.count("Conflicts")
                recorder.count("Conflicts", 2)
                recorder.milliseconds("LockWait", 5)
                recorder.count("AssignReason", category="transient")
        assert capsys.readouterr().out == ""
    lines = recorded(capsys)
    assert [
        (each["correlation_id"], each["Conflicts"], each["LockWait"]) for each in lines if "LockWait" in each
    ] == [
        ("one", [1.0, 2.0], [5.0]),
        ("two", [1.0, 2.0], [5.0]),
    ]
    assert [each["category"] for each in lines if "AssignReason" in each] == ["transient"] * 2


def test_a_line_has_no_more_values_of_a_metric_than_cloudwatch_takes(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorder.invocation("many"):
        for _ in range(250):
            recorder.count("Conflicts")
    assert [len(each["Conflicts"]) for each in recorded(capsys) if "Conflicts" in each] == [100, 100, 50]


def test_an_event_is_a_line_with_the_ids_of_its_request_from_its_level_on(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=5;Sampled=1")
    acquired, lost = lock("acquired"), lock("lost", "warning")
    with recorder.about(correlation_id="request", restaurant_id="harbour"):
        recorder.committed([acquired, lost])
        recorder._logger.setLevel("WARNING")
        recorder.committed([acquired, lost])
    lines = recorded(capsys)
    assert [(each["context"]["result"], each["level"]) for each in lines] == [
        ("acquired", "INFO"),
        ("lost", "WARNING"),
        ("lost", "WARNING"),
    ]
    assert {(each["correlation_id"], each["restaurant_id"], each["service"]) for each in lines} == {
        ("request", "harbour", "assign")
    }
    assert lines[0]["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert {each["message"] for each in lines} == {"assignment.lock"}
    datetime.strptime(lines[0]["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")


def test_a_log_that_takes_no_lines_breaks_nothing(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.stdout.write", broken)
    with recorder.invocation("lost"):
        recorder.count("Conflicts")
        recorder.committed([lock("acquired")])
    assert "events or metrics were not written" in caplog.messages


def lock(result: str, severity: Severity = "info") -> Event:
    return Event("assignment.lock", {"result": result, "waitMs": 0, "token": "t"}, severity)


def broken(_: str) -> int:
    raise OSError("no space left")
