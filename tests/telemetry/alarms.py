"""The template's alarms and dashboards as data, and what CloudWatch makes of them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from tests.infra.template import Deployed, Json

#: A metric as CloudWatch finds it: namespace, name, dimensions. A resource is written ``<Resource>``.
type Metric = tuple[str, str, frozenset[tuple[str, str]]]
#: What was told in one period of a metric; None: nothing.
type Period = Sequence[float] | None


def metrics_of(alarm: Json) -> dict[str, tuple[Metric, str]]:
    """Each metric of an alarm with its statistic, by its id."""
    if "Metrics" not in alarm:
        return {"all": (_metric(alarm), alarm.get("Statistic") or alarm["ExtendedStatistic"])}
    return {
        query["Id"]: (_metric(query["MetricStat"]["Metric"]), query["MetricStat"]["Stat"])
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }


def _metric(given: Json) -> Metric:
    dimensions = frozenset((d["Name"], _resolved(d["Value"])) for d in given.get("Dimensions", []))
    return _resolved(given["Namespace"]), given["MetricName"], dimensions


def _resolved(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, *_]}:
            return f"<{name}>"
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([\w:]+)[^}]*\}", r"<\1>", text)
        case str():
            return value
    raise AssertionError(value)


def board(template: Deployed, name: str) -> list[Json]:
    """The widgets of a dashboard."""
    widgets: list[Json] = json.loads(
        _resolved(template.of_type("AWS::CloudWatch::Dashboard")[name]["DashboardBody"])
    )["widgets"]
    return widgets


def metrics_on(widgets: Sequence[Json]) -> Iterator[Metric]:
    for widget in widgets:
        for row in widget["properties"].get("metrics", []):
            if isinstance(row[0], str):
                namespace, name, *names = [part for part in row if isinstance(part, str)]
                yield namespace, name, frozenset(zip(names[::2], names[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm over periods of one length. Missing ones count as the alarm says."""

    properties: Json

    def state(self, recorded: Mapping[str, Sequence[Period]]) -> str:
        """OK or ALARM after the last of the periods, which are given for each metric's id."""
        values = self._values(recorded)[-self._window :]
        missing = self.properties["TreatMissingData"] == "breaching"
        breaching = [missing if value is None else self._breaches(value) for value in values]
        return "ALARM" if sum(breaching) >= self._needed else "OK"

    @property
    def _window(self) -> int:
        return int(self.properties["EvaluationPeriods"])

    @property
    def _needed(self) -> int:
        return int(self.properties.get("DatapointsToAlarm", self._window))

    def _breaches(self, value: float) -> bool:
        threshold = float(self.properties["Threshold"])
        return {
            "GreaterThanThreshold": value > threshold,
            "GreaterThanOrEqualToThreshold": value >= threshold,
            "LessThanThreshold": value < threshold,
        }[self.properties["ComparisonOperator"]]

    def _values(self, recorded: Mapping[str, Sequence[Period]]) -> list[float | None]:
        found = metrics_of(self.properties)
        series = {
            name: [_statistic(statistic, period) for period in recorded[name]]
            for name, (_, statistic) in found.items()
        }
        if "Metrics" not in self.properties:
            return series["all"]
        [expression] = [q["Expression"] for q in self.properties["Metrics"] if "Expression" in q]
        return _calculated(expression, series)


def _statistic(name: str, period: Period) -> float | None:
    if not period:
        return None
    if name.startswith("p"):
        return sorted(period)[ceil(len(period) * float(name[1:]) / 100) - 1]
    return {"Sum": sum(period), "Maximum": max(period), "SampleCount": len(period)}[name]


def _calculated(expression: str, series: Mapping[str, list[float | None]]) -> list[float | None]:
    """The three forms that the template uses."""
    columns = list(zip(*series.values(), strict=True))
    if expression == "SUM(METRICS())":
        recorded = [[value for value in column if value is not None] for column in columns]
        return [sum(column) if column else None for column in recorded]
    if expression == "DIFF(open)":
        values = series["open"]
        pairs = zip([None, *values], values, strict=False)
        return [None if before is None or now is None else now - before for before, now in pairs]
    assert expression == "100 * used / most"
    pairs = zip(series["used"], series["most"], strict=True)
    return [None if used is None or not most else 100 * used / most for used, most in pairs]
