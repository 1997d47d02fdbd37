"""Figures leave on every exit, and the parts of a request are spans of its trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aws_lambda_powertools.tracing import Tracer

from maitred.services.inline import Inline
from maitred.telemetry.names import SpanName
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

    monkeypatch.setattr(Inline, "confirm", broken)
    capsys.readouterr()
    assert harbour.book("harbour", party(2)).status == 500
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert {"ColdStart", "DbRoundTrips"} <= {name for line in told for name in line}
    [summary] = [s for s in harbour.events("auto_assign.summary") if s["result"] == "error"]
    assert summary["reason"] == "RuntimeError"
