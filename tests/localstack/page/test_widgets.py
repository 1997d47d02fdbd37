"""What the page makes of a dashboard and of the functions' logs: each figure counted by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from localstack.build import ROOT
from localstack.page.emf import KEPT_SECONDS, MOST_POINTS, Key, Metrics, Point
from localstack.page.series import draw, window
from localstack.page.widgets import Expression, Metric, NoDashboard, Widget, parse
from localstack.template import read_stack
from tests.localstack.test_template import PARAMETERS

NOW = 1_800_000_000.0


def line(name: str, value: object, *, ago: float = 0, **dimensions: str) -> bytes:
    """A line of a log as a function writes it."""
    told = {
        "_aws": {
            "Timestamp": int((NOW - ago) * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "Maitred", "Dimensions": [list(dimensions)], "Metrics": [{"Name": name}]}
            ],
        },
        **dimensions,
        name: value,
    }
    return json.dumps(told).encode() + b"\n"


def metrics(folder: Path, *lines: bytes) -> Metrics:
    (folder / "F.log").write_bytes(b"".join(lines))
    read = Metrics(folder, lambda: NOW)
    read.refresh()
    return read


def widget(*rows: list[Any], **properties: Any) -> Widget:
    given = {"metrics": list(rows), "period": 60, "stat": "Sum"} | properties
    (parsed,) = parse(json.dumps({"widgets": [{"type": "metric", "properties": given}]}))
    return parsed


def drawn(read: Metrics, *rows: list[Any], **properties: Any) -> dict[str, Any]:
    return draw(widget(*rows, **properties), read, 900, NOW)


def number(read: Metrics, *rows: list[Any], **properties: Any) -> list[float | None]:
    series = drawn(read, *rows, view="singleValue", **properties)["series"]
    return [value for each in series for value in each["values"]]


def test_a_widget_names_the_statistics_of_its_lines(tmp_path: Path) -> None:
    read = metrics(tmp_path)
    metric = ["Maitred", "PlannerDuration", "service", "bookings", "flow", "inline"]
    rows: list[list[Any]] = [[*metric, {"stat": stat}] for stat in ("p50", "p95", "p95")]
    assert drawn(read, *rows)["stat"] == "p50, p95"
    hidden: list[Any] = [*metric, {"id": "m1", "visible": False, "stat": "p99"}]
    assert drawn(read, hidden, [{"expression": "m1 * 2"}])["stat"] == "Sum"


def test_metrics_are_spelled_out() -> None:
    parsed = widget(
        ["Maitred", "PlannerDuration", "service", "bookings", "flow", "inline", {"stat": "p95", "id": "m1"}],
        ["...", "job"],
        [".", "JobDuration", ".", "assign", {"label": "job", "period": 300}],
        [{"expression": "m1 * 2", "label": "twice"}],
    )
    first, second, third, twice = parsed.lines
    assert first == Metric(
        id="m1",
        namespace="Maitred",
        name="PlannerDuration",
        dimensions=frozenset({("service", "bookings"), ("flow", "inline")}),
        stat="p95",
        period=60,
        label="PlannerDuration bookings inline",
    )
    assert isinstance(second, Metric)
    assert second.dimensions == frozenset({("service", "bookings"), ("flow", "job")})
    assert (second.stat, second.id) == ("Sum", None)
    assert isinstance(third, Metric)
    assert (third.namespace, third.name, third.label, third.period) == ("Maitred", "JobDuration", "job", 300)
    assert third.dimensions == frozenset({("service", "assign")})
    assert twice == Expression(None, "m1 * 2", "twice")


def test_widgets_stand_in_the_order_of_their_places() -> None:
    widgets = [
        {"type": "log", "y": 6, "x": 0, "properties": {"title": "Slow"}},
        {"type": "text", "y": 0, "x": 12, "properties": {"markdown": "right"}},
        {"type": "text", "y": 0, "x": 0, "properties": {"markdown": "left"}},
    ]
    left, right, log = parse(json.dumps({"widgets": widgets}))
    assert (left.kind, left.note, right.note) == ("text", "left", "right")
    assert (log.kind, log.title) == ("other", "Slow")
    assert "CloudWatch only" in log.note


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"widgets": [{}]}', '{"widgets": [{"type": "metric"}, 1]}']
)
def test_what_is_no_dashboard_is_told(body: str) -> None:
    with pytest.raises(NoDashboard):
        parse(body)


@pytest.mark.parametrize(
    ("stat", "expected"),
    [("Sum", 15.0), ("Average", 3.0), ("Minimum", 1.0), ("Maximum", 5.0), ("SampleCount", 5), ("p50", 3.0),
     ("p95", 5.0), ("p0", 1.0)],
)  # fmt: skip
def test_each_statistic(tmp_path: Path, stat: str, expected: float) -> None:
    read = metrics(
        tmp_path, line("M", [3, 1], service="a"), line("M", 5, service="a"), line("M", [2, 4], service="a")
    )
    assert number(read, ["Maitred", "M", "service", "a"], stat=stat) == [expected]


def test_values_fall_into_their_periods_and_only_those_of_the_very_metric(tmp_path: Path) -> None:
    read = metrics(
        tmp_path,
        line("M", 1, service="a"),
        line("M", 2, ago=60, service="a"),
        line("M", 4, ago=61, service="a"),
        line("M", 100, service="b"),
        line("M", 100, service="a", flow="job"),
        line("Other", 100, service="a"),
        line("M", 100, ago=901, service="a"),
    )
    told = drawn(read, ["Maitred", "M", "service", "a"], period=60)
    assert (told["step"], len(told["times"])) == (10, 90)
    (series,) = told["series"]
    found = {
        round(NOW - at): value for at, value in zip(told["times"], series["values"], strict=True) if value
    }
    assert found == {0: 1.0, 60: 2.0, 70: 4.0}


def test_periods_are_the_templates_unless_these_leave_too_few_points() -> None:
    every_minute = widget(["Maitred", "M"], period=60)
    assert window(every_minute, 3600, NOW).step == 60
    assert window(every_minute, 900, NOW).step == 10
    assert window(widget(["Maitred", "M"], period=5), 3600, NOW).step == 5
    shown = window(every_minute, 3600, NOW)
    assert shown.times[-1] <= NOW < shown.times[-1] + shown.step


def test_formulas(tmp_path: Path) -> None:
    read = metrics(tmp_path, line("Good", 3, service="a"), line("Bad", 1, service="a"))
    good = ["Maitred", "Good", "service", "a", {"id": "g", "visible": False}]
    bad = [".", "Bad", ".", "a", {"id": "b", "visible": False}]
    none = [".", "None", ".", "a", {"id": "n", "visible": False}]
    for text, expected in (
        ("100 * g / (g + b)", [75.0]),
        ("-g + 1", [-2.0]),
        ("g + n", [None]),
        ("g + FILL(n, 0)", [3.0]),
        ("g / FILL(n, 0)", [None]),
        ("SUM([g, b])", [4.0]),
        ("SUM(METRICS())", [4.0]),
        ("MAX([g, b, 7])", [7.0]),
        ("AVG(g)", [3.0]),
    ):
        assert number(read, good, bad, none, [{"expression": text, "id": "e"}]) == expected, text


@pytest.mark.parametrize(
    "text", ["IF(g > 1, 1)", "ANOMALY_DETECTION_BAND(g)", "unknown + 1", "g +", "__import__('os')"]
)
def test_what_only_cloudwatch_computes_is_told_and_draws_nothing(tmp_path: Path, text: str) -> None:
    read = metrics(tmp_path, line("Good", 3, service="a"))
    told = drawn(read, ["Maitred", "Good", "service", "a", {"id": "g"}], [{"expression": text, "label": "L"}])
    assert [series["label"] for series in told["series"]] == ["Good a"]
    assert told["unmeasured"] == [f"L: {text} is known to CloudWatch only"]


def test_a_search_finds_what_has_exactly_these_dimensions(tmp_path: Path) -> None:
    read = metrics(
        tmp_path,
        line("M", 1, service="a", flow="inline"),
        line("M", 2, service="b", flow="job"),
        line("M", 4, service="a"),
        line("N", 8, service="a", flow="inline"),
    )
    every = "SEARCH('{Maitred,service,flow} MetricName=\"M\"', 'Sum', 60)"
    series = drawn(read, [{"expression": every}], view="singleValue")["series"]
    assert series == [{"label": "M inline a", "values": [1.0]}, {"label": "M job b", "values": [2.0]}]
    assert number(read, [{"expression": every.replace('"M"', '"M" flow="job"')}]) == [2.0]


def test_what_aws_measures_and_unknown_statistics_are_told(tmp_path: Path) -> None:
    told = drawn(
        metrics(tmp_path),
        ["AWS/SQS", "Age", "QueueName", "q"],
        ["...", "r"],
        ["Maitred", "M", {"stat": "TM(5%:95%)"}],
    )
    assert told["unmeasured"] == [
        "AWS/SQS is measured by AWS only",
        "M: the statistic TM(5%:95%) is known to CloudWatch only",
    ]


def test_logs_are_read_once_and_line_by_line(tmp_path: Path) -> None:
    key = Key("Maitred", "M", frozenset({("service", "a")}))
    log = tmp_path / "F.log"
    read = metrics(
        tmp_path,
        line("M", 1, service="a"),
        b"not json\n",
        b'{"CloudWatchMetrics": 1}\n',
        b'"CloudWatchMetrics"\n',
    )
    next_line = line("M", 2, service="a")
    with log.open("ab") as more:
        more.write(next_line[:40])
    read.refresh()
    assert [point.value for point in read.points(key, 0)] == [1.0]
    with log.open("ab") as more:
        more.write(next_line[40:])
    read.refresh()
    read.refresh()
    assert [point.value for point in read.points(key, 0)] == [1.0, 2.0]
    log.write_bytes(line("M", 3, service="a"))  # begun anew, and shorter
    read.refresh()
    assert read.points(key, 0)[-1] == Point(NOW, 3.0)


def test_old_values_and_too_many_are_forgotten(tmp_path: Path) -> None:
    old = metrics(tmp_path, line("M", 1, ago=KEPT_SECONDS + 1, service="a"))
    assert old.keys() == []
    many = metrics(tmp_path, line("M", list(range(MOST_POINTS + 5)), service="a"))
    (key,) = many.keys()
    assert len(many.points(key, 0)) == MOST_POINTS
    told = drawn(many, ["Maitred", "M", "service", "a"])
    assert told["unmeasured"] == [f"M a: only the newest {MOST_POINTS} values are known here"]


def test_every_dashboard_of_the_template_is_understood() -> None:
    stack = read_stack(ROOT / "template.yaml", PARAMETERS, sqs_endpoint="http://queues")
    for name, body in stack.dashboards.items():
        for each in parse(body):
            assert each.kind in {"plot", "number", "text", "other"}, name
            assert "${" not in each.note


def test_a_dashboard_is_resolved(tmp_path: Path) -> None:
    body = json.dumps(
        {"widgets": [{"type": "text", "properties": {"markdown": "${Stage} ${Work.QueueName}"}}]}
    )
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Stage": {"Type": "String"}},
        "Resources": {
            "Work": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Stage}-work"}}},
            "Board": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardBody": {"Fn::Sub": body}},
            },
        },
    }
    (tmp_path / "template.yaml").write_text(json.dumps(template))
    stack = read_stack(tmp_path / "template.yaml", {"Stage": "local"}, sqs_endpoint="http://queues")
    (text,) = parse(stack.dashboards["Board"])
    assert text.note == "local local-work"
