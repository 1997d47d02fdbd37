"""O3: alarms and dashboards look at what is really told; each alarm fires when it should, and ends."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.harness.service import Service
from tests.infra.template import ROOT, Json, deployed
from tests.telemetry.alarms import Alarm, Metric, Period, board, metrics_of, metrics_on
from tests.telemetry.evening import Told, told_by
from tools.vocabulary import COUNTS, DURATIONS, EVENTS

TEMPLATE = deployed()
ALARMS: dict[str, Json] = TEMPLATE.of_type("AWS::CloudWatch::Alarm")
BOARDS = ("BusinessDashboard", "OperationsDashboard")
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ("Symptom.", "What it means.", "What to look at", "What to do", "Whom to wake.")
#: AWS's own metrics, with the dimensions by which AWS tells them.
OF_AWS: dict[str, dict[tuple[str, ...], set[str]]] = {
    "AWS/SQS": {("QueueName",): {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}},
    "AWS/Lambda": {
        ("FunctionName",): {"Errors", "Throttles"},
        ("ExecutedVersion", "FunctionName", "Resource"): {"Errors"},
    },
    "AWS/ApiGateway": {("ApiId",): {"Count", "4xx", "5xx", "Latency"}},
    "AWS/RDS": {
        ("ProxyName",): {
            "ClientConnections",
            "DatabaseConnections",
            "DatabaseConnectionsCurrentlySessionPinned",
            "MaxDatabaseConnectionsAllowed",
        },
        ("DBClusterIdentifier",): {"ACUUtilization", "CPUUtilization"},
    },
}
ONE, NONE = [1.0], None
#: For each alarm: what is told in a period of trouble, and in one without. By id where there are several.
TROUBLE: dict[str, tuple[Any, Any]] = {
    "ApiFaultsAlarm": ([1.0] * 5, [1.0] * 4),
    "AssignDeadLettersAlarm": (ONE, [0.0]),
    "NotificationDeadLettersAlarm": (ONE, [0.0]),
    "OptimizeDeadLettersAlarm": (ONE, [0.0]),
    "WebhookDeadLettersAlarm": (ONE, [0.0]),
    "OptimizeQueueAgeAlarm": ([7201.0], [3600.0]),
    "WebhookQueueAgeAlarm": ([1201.0], [600.0]),
    "AssignQueueAgeAlarm": ([1300.0], [901.0]),
    "NotificationQueueAgeAlarm": ([901.0], [480.0]),
    "OutboxAgeAlarm": ([120_500.0], [60_000.0]),
    "OutboxDeadAlarm": (ONE, [0.0]),
    "InlineSlowAlarm": ([15.0] * 9 + [2100.0], [15.0] * 99 + [2100.0]),
    "InlineTimeoutsAlarm": ([1.0] * 5, ONE),
    "ManualReviewGrowthAlarm": ([25.0], [14.0]),
    "MaintainSilentAlarm": (NONE, [0.0]),
    "ThrottlesAlarm": ({"bookings": ONE}, {}),
    "DatabaseCircuitAlarm": ({"assign": ONE}, {}),
    "MailCircuitAlarm": (ONE, NONE),
    "DatabaseConnectionsAlarm": (
        {"used": [85.0], "most": [100.0]},
        {"used": [60.0], "most": [100.0]},
    ),
    "LettersFailedAlarm": ([1.0] * 3, ONE),
    "EventsLostAlarm": ({"bookings": [4.0]}, {}),
    **{
        f"{name}ErrorsAlarm": (ONE, [0.0])
        for name in ("Bookings", "Operations", "Assign", "Relay", "Notify", "Maintain", "Optimize", "Deliver")
    },
}


@pytest.fixture(scope="module")
def evening(running: Service) -> list[tuple[Told, str, float]]:
    return told_by(running)


@pytest.fixture(scope="module")
def emitted(evening: list[tuple[Told, str, float]]) -> set[Told]:
    return {recorded for recorded, _, _ in evening}


def watched() -> Iterator[tuple[str, Metric]]:
    """Every metric that an alarm or a widget looks at, and which."""
    for name, alarm in ALARMS.items():
        yield from ((name, metric) for metric, _ in metrics_of(alarm).values())
    for name in BOARDS:
        yield from ((name, metric) for metric in metrics_on(board(TEMPLATE, name)))


def test_o3_whatever_is_looked_at_was_told_by_the_handlers(emitted: set[Told]) -> None:
    ours = {(name, metric[1:]) for name, metric in watched() if metric[0] == "Maitred"}
    assert len(ours) > 70
    assert sorted((name, *metric) for name, metric in ours if metric not in emitted) == []


def test_everything_that_the_vocabulary_has_was_told_and_nothing_else(emitted: set[Told]) -> None:
    """By each who may tell it; not in each combination of values."""
    recorded = {(name, dict(dimensions)["service"]) for name, dimensions in emitted}
    counts = {(name, service) for name, metric in COUNTS.items() for service in metric.services}
    durations = {(name, service) for name, metric in DURATIONS.items() for service in metric.services}
    assert recorded == counts | durations


def test_every_event_was_told_by_each_who_may_tell_it_and_by_nobody_else(
    evening: list[tuple[Told, str, float]], running: Service
) -> None:
    """As the table has them."""
    stored = set(running.database.query("select distinct event_type, source from observability_events"))
    described = {(name, service) for name, recorded in EVENTS.items() for service in recorded.services}
    assert stored == described


def test_every_inline_run_ends_with_one_event_of_its_own(
    evening: list[tuple[Told, str, float]], running: Service
) -> None:
    runs, ends = running.database.query(
        "select count(*) filter (where event_type = 'auto_assign.summary' and context ->> 'flow' = 'inline'),"
        " count(*) filter (where event_type like 'inline_auto_assign.%%') from observability_events"
    )[0]
    assert runs == ends > 30


def test_units_are_those_of_the_vocabulary(evening: list[tuple[Told, str, float]]) -> None:
    for (name, _), unit, value in evening:
        assert unit == ("Count" if name in COUNTS else "Milliseconds")
        assert value >= 0


def test_metrics_of_aws_have_the_dimensions_by_which_aws_tells_them() -> None:
    of_aws = [metric for _, metric in watched() if metric[0].startswith("AWS/")]
    assert {namespace for namespace, _, _ in of_aws} == set(OF_AWS)
    for namespace, name, dimensions in of_aws:
        keys = tuple(sorted(key for key, _ in dimensions))
        assert name in OF_AWS[namespace][keys], (name, keys)
        for _, value in dimensions:
            for resource in re.findall(r"<(\w+)>", value):
                assert resource in TEMPLATE.resources, resource


def test_what_is_neither_ours_nor_of_aws_is_made_by_the_template() -> None:
    others = {
        metric[:2] for _, metric in watched() if metric[0] != "Maitred" and not metric[0].startswith("AWS/")
    }
    assert others == {("Maitred/<AWS::StackName>", "ApiFaults")}


# ---------------------------------------------------------------- they fire
def told_in(alarm: Json, periods: Sequence[Any]) -> dict[str, list[Period]]:
    """The periods for each metric of the alarm, by its id."""
    names = metrics_of(alarm)
    return {
        name: [period.get(name) if isinstance(period, dict) else period for period in periods]
        for name in names
    }


@pytest.mark.parametrize("name", ALARMS)
def test_o3_an_alarm_fires_when_there_is_trouble_and_ends_when_it_is_over(name: str) -> None:
    alarm, (bad, good) = Alarm(ALARMS[name]), TROUBLE[name]
    window = ALARMS[name]["EvaluationPeriods"]

    def state(*periods: Any) -> str:
        return alarm.state(told_in(ALARMS[name], periods))

    calm, trouble = [good] * (window + 1), [bad] * window
    assert state(*calm) == "OK"
    assert state(*calm, *trouble) == "ALARM"
    assert state(*calm, *trouble, *calm) == "OK"
    if window > 1:
        assert state(*calm, *trouble[1:]) == "OK"


@pytest.mark.parametrize("name", ["OutboxAgeAlarm", "MaintainSilentAlarm"])
def test_who_runs_every_minute_is_missed_when_silent(name: str) -> None:
    """Both metrics are told by each run, also by one that finds nothing to do."""
    periods = [None] * ALARMS[name]["EvaluationPeriods"]
    assert Alarm(ALARMS[name]).state(told_in(ALARMS[name], periods)) == "ALARM"


@pytest.mark.parametrize("name", sorted(set(ALARMS) - {"OutboxAgeAlarm", "MaintainSilentAlarm"}))
def test_a_night_without_guests_is_no_alarm(name: str) -> None:
    periods = [None] * (ALARMS[name]["EvaluationPeriods"] + 1)
    assert Alarm(ALARMS[name]).state(told_in(ALARMS[name], periods)) == "OK"


def test_the_evening_itself_sets_off_what_it_was_made_for(evening: list[tuple[Told, str, float]]) -> None:
    """From the very figures that the handlers wrote."""
    for name in (
        "MailCircuitAlarm",
        "DatabaseCircuitAlarm",
        "EventsLostAlarm",
        "OutboxDeadAlarm",
        "LettersFailedAlarm",
    ):
        recorded = {
            key: [[value for recorded, _, value in evening if ("Maitred", *recorded) == metric] or None]
            for key, (metric, _) in metrics_of(ALARMS[name]).items()
        }
        assert Alarm(ALARMS[name]).state(recorded) == "ALARM", name


# ----------------------------------------------------------- they are heard
@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_reaches_people_and_tells_them_what_to_do(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    [runbook] = re.findall(r"\$\{RunbooksUrl\}/([a-z0-9-]+\.md)$", alarm["AlarmDescription"]["Fn::Sub"])
    text = (RUNBOOKS / runbook).read_text()
    assert f"`{name}`" in text or f"`<Name>{name.removeprefix(name.partition('Errors')[0])}`" in text
    places = [text.index(f"**{section}**") for section in SECTIONS]
    assert places == sorted(places)


def test_every_runbook_belongs_to_an_alarm_and_is_on_the_list() -> None:
    contents = (RUNBOOKS / "README.md").read_text()
    linked = set(re.findall(r"\(([a-z0-9-]+\.md)\)", contents))
    assert linked | {"README.md"} == {path.name for path in RUNBOOKS.glob("*.md")}
    assert set(re.findall(r"`(\w+Alarm)`", contents)) == set(ALARMS)


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_links_to_what_exists_and_fits_its_page(name: str) -> None:
    widgets = board(TEMPLATE, name)
    for linked in re.findall(r"<RunbooksUrl>/([\w-]+\.md)", str(widgets)):
        assert (RUNBOOKS / linked).exists()
    cells = [
        (x, y)
        for w in widgets
        for x in range(w["x"], w["x"] + w["width"])
        for y in range(w["y"], w["y"] + w["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_operations_dashboard_shows_every_alarm_and_questions_to_the_logs() -> None:
    widgets = board(TEMPLATE, "OperationsDashboard")
    [shown] = [w["properties"]["alarms"] for w in widgets if w["type"] == "alarm"]
    assert sorted(shown) == sorted(f"<{name}>" for name in ALARMS)
    queries = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    assert len(queries) == 3
    groups = set(re.findall(r"SOURCE '<(\w+)>'", " ".join(queries)))
    assert groups <= set(TEMPLATE.of_type("AWS::Logs::LogGroup"))
