"""A dashboard's body, as CloudWatch reads it: widgets, each with the lines it draws. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Dimensions = frozenset[tuple[str, str]]

DEFAULT_PERIOD = 300
DEFAULT_STAT = "Average"
_NUMBERS = {"singleValue", "gauge", "pie"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a widget. ``period`` in seconds; ``id`` is how expressions call it."""

    id: str | None
    namespace: str
    name: str
    dimensions: Dimensions
    stat: str
    period: int
    label: str
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Expression:
    """A line that is computed from others, or a search for metrics."""

    id: str | None
    text: str
    label: str
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Threshold:
    """A horizontal line across a plot."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Widget:
    """``kind``: ``plot``, ``number``, ``text`` (its text in ``note``) or ``other`` (``note`` says what)."""

    title: str
    kind: str
    period: int = DEFAULT_PERIOD
    stat: str = DEFAULT_STAT
    stacked: bool = False
    lines: tuple[Metric | Expression, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    note: str = ""


class NoDashboard(ValueError):
    """A text that CloudWatch would not take as a dashboard's body."""


def parse(body: str) -> tuple[Widget, ...]:
    """Return a dashboard's widgets, from top to bottom and left to right.

    Raises NoDashboard if it is none.
    """
    try:
        widgets = json.loads(body)["widgets"]
        placed = sorted(widgets, key=lambda widget: (widget.get("y", 0), widget.get("x", 0)))
        return tuple(_widget(widget) for widget in placed)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NoDashboard(repr(error)) from error


def _widget(widget: Mapping[str, Any]) -> Widget:
    given: Mapping[str, Any] = widget.get("properties", {})
    if widget["type"] == "text":
        return Widget("", "text", note=given["markdown"])
    if widget["type"] != "metric":
        return Widget(
            given.get("title", ""), "other", note=f"{widget['type']}: to be seen in CloudWatch only"
        )
    if "metrics" not in given:
        return Widget(given.get("title", ""), "other", note="an alarm: to be seen in CloudWatch only")
    period, stat = int(given.get("period", DEFAULT_PERIOD)), given.get("stat", DEFAULT_STAT)
    thresholds = given.get("annotations", {}).get("horizontal", [])
    return Widget(
        title=given.get("title", ""),
        kind="number" if given.get("view") in _NUMBERS else "plot",
        period=period,
        stat=stat,
        stacked=bool(given.get("stacked")),
        lines=tuple(_lines(given["metrics"], period, stat)),
        thresholds=tuple(Threshold(each.get("label", ""), float(each["value"])) for each in thresholds),
    )


def _lines(rows: Sequence[Sequence[Any]], period: int, stat: str) -> Iterator[Metric | Expression]:
    above: list[str] = []
    for row in rows:
        options = row[-1] if isinstance(row[-1], dict) else {}
        visible = options.get("visible", True)
        if "expression" in options:
            text = options["expression"]
            yield Expression(options.get("id"), text, options.get("label") or text, visible)
            continue
        above = _spelled_out([part for part in row if isinstance(part, str)], above)
        namespace, name, *pairs = above
        dimensions = frozenset(zip(pairs[::2], pairs[1::2], strict=True))
        yield Metric(
            id=options.get("id"),
            namespace=namespace,
            name=name,
            dimensions=dimensions,
            stat=options.get("stat", stat),
            period=int(options.get("period", period)),
            label=options.get("label") or " ".join([name, *pairs[1::2]]),
            visible=visible,
        )


def _spelled_out(parts: Sequence[str], above: Sequence[str]) -> list[str]:
    """``.`` is what stands above; ``...`` is everything above but what follows."""
    if parts[0] == "...":
        rest = parts[1:]
        return [*above[: len(above) - len(rest)], *rest]
    return [above[place] if part == "." else part for place, part in enumerate(parts)]
