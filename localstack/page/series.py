"""Widgets as numbers: statistics over periods, metric math and searches, of any source of values."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localstack.page.emf import MOST_POINTS, Key, Point
from localstack.page.formula import Unknown, Value, evaluate
from localstack.page.widgets import Expression, Metric, Widget

LINES_OF_A_SEARCH = 12
_STEPS = (10, 30, 60, 300, 900, 3600)
_POINTS_OF_A_PLOT = 60
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)", re.IGNORECASE)
_SEARCH = re.compile(r"SEARCH\(\s*'(?P<what>[^']*)'\s*(?:,\s*'(?P<stat>[^']*)')?[^)]*\)")
_SCHEMA = re.compile(r"\{([^}]*)\}")
_TERM = re.compile(r"(\w+)\s*=\s*\"?([^\"\s]+)\"?")
_SIMPLE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "average": lambda values: sum(values) / len(values),
    "minimum": min,
    "maximum": max,
    "samplecount": len,
}


class Source(Protocol):
    """Where the values come from."""

    def keys(self) -> list[Key]: ...
    def points(self, key: Key, since: float) -> list[Point]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown: ``count`` periods of ``step`` seconds, the first from ``begins`` on."""

    begins: float
    step: int
    count: int

    @property
    def times(self) -> list[float]:
        """When each period begins."""
        return [self.begins + place * self.step for place in range(self.count)]


def window(widget: Widget, seconds: int, now: float) -> Window:
    """The window of the last ``seconds`` that suits a widget.

    A number covers all of it. A plot's periods are those of the template, or shorter ones where these would
    leave less than sixty points: an evening that was played in a minute would be a single one.
    """
    if widget.kind == "number":
        return Window(now - seconds, seconds + 1, 1)
    finest = max((step for step in _STEPS if step * _POINTS_OF_A_PLOT <= seconds), default=_STEPS[0])
    step = min(
        finest, min((line.period for line in widget.lines if isinstance(line, Metric)), default=finest)
    )
    count = math.ceil(seconds / step)
    return Window((math.floor(now / step) + 1 - count) * step, step, count)


def draw(widget: Widget, source: Source, seconds: int, now: float) -> dict[str, Any]:
    """Return a widget as the page needs it."""
    told: dict[str, Any] = {"title": widget.title, "kind": widget.kind, "note": widget.note}
    if not widget.lines:
        return told
    shown = window(widget, seconds, now)
    lines = _Lines(widget, source, shown)
    series = [
        {"label": label, "values": [value.get(place) for place in range(shown.count)]}
        for label, value in lines.visible()
    ]
    return told | {
        "stat": _stats(widget),
        "step": seconds if widget.kind == "number" else shown.step,
        "stacked": widget.stacked,
        "times": shown.times,
        "series": series,
        "thresholds": [{"label": each.label, "value": each.value} for each in widget.thresholds],
        "unmeasured": lines.unmeasured,
    }


def _stats(widget: Widget) -> str:
    """The lines' own, each once, where they have some."""
    return (
        ", ".join(
            dict.fromkeys(line.stat for line in widget.lines if isinstance(line, Metric) and line.visible)
        )
        or widget.stat
    )


class _Lines:
    """The lines of one widget; expressions may use any metric above or below them."""

    def __init__(self, widget: Widget, source: Source, shown: Window) -> None:
        self._widget = widget
        self._source = source
        self._shown = shown
        self.unmeasured: list[str] = []
        metrics = [line for line in widget.lines if isinstance(line, Metric)]
        self._known = {line.id: self._measured(line) for line in metrics if line.id}

    def visible(self) -> Iterator[tuple[str, Mapping[int, float]]]:
        for line in self._widget.lines:
            if isinstance(line, Metric):
                if line.visible:
                    yield line.label, self._measured(line)
            elif search := _SEARCH.fullmatch(line.text.strip()):
                yield from self._found(line, search["what"], search["stat"] or self._widget.stat)
            else:
                yield from self._computed(line)

    def _measured(self, metric: Metric) -> dict[int, float]:
        told = f"{metric.namespace} is measured by AWS only"
        if metric.namespace.startswith("AWS/") and told not in self.unmeasured:
            self.unmeasured.append(told)
        return self._values(Key(metric.namespace, metric.name, metric.dimensions), metric.stat, metric.label)

    def _values(self, key: Key, stat: str, label: str) -> dict[int, float]:
        statistic = _statistic(stat)
        if statistic is None:
            self.unmeasured.append(f"{label}: the statistic {stat} is known to CloudWatch only")
            return {}
        periods: dict[int, list[float]] = {}
        points = self._source.points(key, self._shown.begins)
        if len(points) == MOST_POINTS:
            self.unmeasured.append(f"{label}: only the newest {MOST_POINTS} values are known here")
        for point in points:
            place = int((point.at - self._shown.begins) // self._shown.step)
            if place < self._shown.count:
                periods.setdefault(place, []).append(point.value)
        return {place: statistic(values) for place, values in periods.items()}

    def _found(self, line: Expression, what: str, stat: str) -> Iterator[tuple[str, Mapping[int, float]]]:
        keys = sorted(_search(what, self._source.keys()), key=lambda key: sorted(key.dimensions))
        for key in keys[:LINES_OF_A_SEARCH] if line.visible else ():
            label = " ".join([key.name, *(value for _, value in sorted(key.dimensions))])
            yield label, self._values(key, stat, label)

    def _computed(self, line: Expression) -> Iterator[tuple[str, Mapping[int, float]]]:
        try:
            value: Value = evaluate(line.text, self._known, range(self._shown.count))
        except Unknown as error:
            if line.visible:
                self.unmeasured.append(f"{line.label}: {error}")
            return
        constant = value if isinstance(value, float) else None
        points = (
            value if isinstance(value, dict) else dict.fromkeys(range(self._shown.count), constant or 0.0)
        )
        if line.id:
            self._known[line.id] = points
        if line.visible:
            yield line.label, points


def _statistic(name: str) -> Callable[[Sequence[float]], float] | None:
    if match := _PERCENTILE.fullmatch(name):
        share = float(match[1]) / 100
        return lambda values: sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    return _SIMPLE.get(name.lower())


def _search(what: str, keys: Sequence[Key]) -> Iterator[Key]:
    """``{namespace,dimension} MetricName="X" flow="inline"``: exactly these dimensions, all terms true."""
    schema = _SCHEMA.search(what)
    namespace, *names = [part.strip().strip('"') for part in schema[1].split(",")] if schema else [""]
    terms = dict(_TERM.findall(_SCHEMA.sub("", what)))
    for key in keys:
        told = dict(key.dimensions) | {"MetricName": key.name}
        of_schema = key.namespace == namespace and {name for name, _ in key.dimensions} == set(names)
        if of_schema and all(told.get(name) == value for name, value in terms.items()):
            yield key
