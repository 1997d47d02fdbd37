"""The report on assignments, one or two side by side, as a table, JSON, CSV or an HTML page."""

import csv
import html
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ops.load import Caller
from ops.target import OpsError, Target

FORMATS = ("table", "json", "csv", "html")
_OK = "200"
_NOT_FIGURES = frozenset({"restaurantId", "from", "to", "cohort"})
_BAR, _ROW, _FIGURE = 250, 18, 80
_COLOURS = ("#8aa4c8", "#c8743c")
_LETTERS = "AB"
#: The charts of the page; the figures of one chart share a scale.
_CHARTS = (
    ("How runs ended", ".results."),
    ("Milliseconds of planner, attempts and runs", "Ms."),
    ("Reasons", "reasons."),
    ("Full planner beside the plain one", "shadow."),
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Assignments</title>
<meta name="viewport" content="width=device-width">
<style>body{font:14px system-ui,sans-serif;margin:1em;max-width:70em}table{border-collapse:collapse}
td,th{padding:.15em .4em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left;overflow-wrap:anywhere}
svg{display:block;max-width:100%;height:auto;font:12px system-ui,sans-serif}</style>
"""

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One report, flat: figures by their path in the document."""

    title: str
    figures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Query:
    """Which report: a restaurant and ``others``, from and to, only runs under the flags of ``cohort``."""

    restaurant: str
    edges: tuple[str | None, str | None]
    others: Sequence[str] = ()
    cohort: str | None = None

    @property
    def path(self) -> str:
        since, until = self.edges
        given = {"from": since, "to": until, "with": ",".join(self.others), "cohort": self.cohort}
        query = urlencode({name: value for name, value in given.items() if value})
        path = f"/restaurants/{quote(self.restaurant, safe='')}/reports/assignments"
        return f"{path}?{query}" if query else path


def fetch(target: Target, query: Query) -> Json:
    """Fetch a report. Raises OpsError with the service's message if it gives none."""
    with Caller(target) as caller:
        status, answer = caller.call("GET", query.path, None)
    if status != _OK:
        raise OpsError(f"no report: {status} {answer.get('detail') or answer.get('message', '')}")
    return answer


def column(report: Json) -> Column:
    others = report["restaurants"] - 1
    named = [report["restaurantId"] + (f" and {others} more" if others else "")]
    named += [f"{flag}={str(value).lower()}" for flag, value in report["cohort"].items()]
    title = f"{' '.join(named)} {report['from'][:16]} to {report['to'][:16]}"
    figures = {name: report[name] for name in report if name not in _NOT_FIGURES}
    return Column(title, dict(_flat(figures, "")))


def as_text(kind: str, reports: Sequence[Json]) -> str:
    """Render one report, or two for comparison. ``kind``: one of `FORMATS`."""
    columns = [column(report) for report in reports]
    match kind:
        case "json":
            return json.dumps(reports[0] if len(reports) == 1 else _compared(reports, columns), indent=2)
        case "csv":
            return _csv(columns)
        case "html":
            return _html(columns)
        case _:
            return _table(columns)


def rows(columns: Sequence[Column]) -> list[tuple[str, list[float | None]]]:
    """Every figure of any column, in order; None where a column lacks it."""
    names = dict.fromkeys(name for each in columns for name in each.figures)
    return [(name, [each.figures.get(name) for each in columns]) for name in names]


def change(values: Sequence[float | None]) -> float | None:
    """Return the relative change from the first to the second; None if there is no such figure."""
    if len(values) != len(_COLOURS) or values[0] is None or values[1] is None or not values[0]:
        return None
    return round(values[1] / values[0] - 1, 4)


def shadow_text(report: Json) -> str:
    """Say in sentences what the full planner would have changed."""
    shadow = report["shadow"]
    if not shadow["compared"]:
        return "nothing was compared: the flag assignment_pipeline was not shadow"
    kinds, parties = shadow["kinds"], shadow["parties"]
    planner = report["flows"]["shadow"]["plannerMs"]
    return "\n".join(
        (
            f"the full planner repeated {shadow['compared']} decisions of the plain planner:",
            *(f"  {count:6}  {kind}" for kind, count in kinds.items()),
            f"{parties.get('would_confirm', 0)} more parties seated, {parties.get('would_refuse', 0)} fewer",
            f"{shadow['withMoves']} decisions that move other bookings",
            f"the full planner took {planner['median']} ms (median), {planner['p99']} ms (99th percentile)",
        )
    )


def _flat(value: Any, path: str) -> Iterator[tuple[str, float | None]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    else:
        yield path, value


def _compared(reports: Sequence[Json], columns: Sequence[Column]) -> Json:
    return {"reports": list(reports), "changes": {name: change(values) for name, values in rows(columns)}}


def _csv(columns: Sequence[Column]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    compared = ["change"] if len(columns) > 1 else []
    writer.writerow(["figure", *(each.title for each in columns), *compared])
    for name, values in rows(columns):
        writer.writerow([name, *values, *([change(values)] if compared else [])])
    return text.getvalue()


def _table(columns: Sequence[Column]) -> str:
    widest = max((len(name) for name, _ in rows(columns)), default=0)
    letters = _LETTERS[: len(columns)]
    lines = [f"{letter}: {each.title}" for letter, each in zip(letters, columns, strict=True)]
    lines.append(f"{'':{widest}}  " + "  ".join(f"{letter:>12}" for letter in letters))
    for name, values in rows(columns):
        lines.append(f"{name:{widest}}  " + "  ".join(f"{_shown(v):>12}" for v in values) + _percent(values))
    return "\n".join(lines)


def _html(columns: Sequence[Column]) -> str:
    """One file that loads nothing else."""
    compared = len(columns) > 1
    head = [*_LETTERS[: len(columns)], *(["change"] if compared else [])]
    body = [
        f"<tr><td>{html.escape(name)}</td>{''.join(f'<td>{_shown(value)}</td>' for value in values)}"
        f"{f'<td>{_percent(values)}</td>' if compared else ''}</tr>"
        for name, values in rows(columns)
    ]
    return "".join(
        (
            _PAGE,
            "<h1>Assignments</h1>",
            *(
                f"<p><b style='color:{colour}'>■ {letter}</b> {html.escape(each.title)}</p>"
                for colour, letter, each in zip(_COLOURS, _LETTERS, columns, strict=False)
            ),
            *(_chart(title, part, columns) for title, part in _CHARTS),
            "<h2>All figures</h2><table><tr><th></th>",
            *(f"<th>{html.escape(title)}</th>" for title in head),
            "</tr>",
            *body,
            "</table></html>\n",
        )
    )


def _chart(title: str, part: str, columns: Sequence[Column]) -> str:
    """Each figure's name, and under it one bar for each column."""
    chosen = [(name, values) for name, values in rows(columns) if part in name and _is_bar(name)]
    most = max((value or 0 for _, values in chosen for value in values), default=0)
    if not most:
        return ""
    rows_of_one = 1 + len(columns)
    height = _ROW * len(chosen) * rows_of_one
    lines = []
    for place, (name, values) in enumerate(chosen):
        top = place * _ROW * rows_of_one
        lines.append(f'<text x="0" y="{top + 13}">{html.escape(name)}</text>')
        for number, value in enumerate(values, 1):
            y, length = top + number * _ROW, _BAR * (value or 0) / most
            lines.append(
                f'<rect x="0" y="{y + 2}" width="{length:.1f}" height="{_ROW - 5}" '
                f'fill="{_COLOURS[number - 1]}"/>'
                f'<text x="{length + 5:.1f}" y="{y + 13}">{_shown(value)}</text>'
            )
    width = _BAR + _FIGURE
    drawn = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}">{"".join(lines)}</svg>'
    return f"<h2>{html.escape(title)}</h2>{drawn}"


def _is_bar(name: str) -> bool:
    return not name.endswith((".total", ".count", "soonSeconds", "right"))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, int) else f"{value:.3f}"


def _percent(values: Sequence[float | None]) -> str:
    relative = change(values)
    return "" if relative is None else f"  {relative:+.1%}"
