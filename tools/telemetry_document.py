"""``python -m tools.telemetry_document [--check]``: docs/telemetry.md, made from the vocabulary."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from maitred.services.ports.names import NAMESPACE
from tools.vocabulary import COUNTS, DURATIONS, EVENTS, SERVICES, SPANS, Metric

DOCUMENT = Path(__file__).parents[1] / "docs" / "telemetry.md"
_HEAD = f"""# Telemetry

`make telemetry` writes this file from `tools/vocabulary.py`; `make check` fails when it is stale. No
metric, event, log line or span carries guest data, a token or a secret; nor does the log of PostgreSQL
([guest-data.md](guest-data.md)).

**Metrics** are lines in CloudWatch's embedded metric format (EMF) in the namespace `{NAMESPACE}`. Each has
the dimension `service` (the function that emits it) and the dimensions named below. An id is never a
dimension. They are written when the invocation ends, whether it succeeds or fails: one line for all metrics
of a request that share the same dimensions.

**Events** are rows of `observability_events` and the same line in the function's log, with `restaurant_id`,
`booking_id` and `correlation_id`. Every event carries all of its keys. Events commit with the outcome they
describe; those without a transaction of their own are written in one batch when the invocation ends. An
event that cannot be written is counted (`EventsLost`) and logged; it never costs a booking. The table has
one partition for each month (UTC). The maintenance run creates three months ahead and drops a month once
all of it is older than `EVENTS_DAYS`.

**Logs** are JSON. Every line of an invocation, including the libraries' lines, carries `correlation_id`,
and `restaurant_id` and `booking_id` once they are known. Libraries log warnings and errors only, because
their debug lines contain whole requests.

**Spans** are subsegments of the X-Ray trace, annotated with the restaurant or the correlation id.

The alarms and what to do about each: [runbooks](runbooks/README.md).
"""


def document() -> str:
    """The whole file."""
    return "\n".join((_HEAD, *_metrics(), *_events(), *_spans(), ""))


def _metrics() -> Iterator[str]:
    yield "## Metrics\n"
    yield "| metric | unit | emitted by | dimensions | meaning |\n|---|---|---|---|---|"
    rows: list[tuple[str, str, Metric]] = [
        *((name, "count", metric) for name, metric in COUNTS.items()),
        *((name, "ms", metric) for name, metric in DURATIONS.items()),
    ]
    for name, unit, metric in sorted(rows, key=lambda row: row[0]):
        emitted_by = _services(metric.services)
        yield f"| `{name}` | {unit} | {emitted_by} | {_dimensions(metric.dimensions)} | {metric.meaning} |"


def _events() -> Iterator[str]:
    yield "\n## Events\n"
    yield "| event | emitted by | context | meaning |\n|---|---|---|---|"
    for name, event in EVENTS.items():
        keys = ", ".join(f"`{key}`" for key in sorted(event.keys))
        keys += "".join(f", sometimes `{key}`" for key in sorted(event.sometimes))
        yield f"| `{name}` | {_services(event.services)} | {keys} | {event.meaning} |"
    yield "\n### Values\n"
    yield "Keys that take only certain values.\n"
    yield "| event | key | values |\n|---|---|---|"
    for name, event in EVENTS.items():
        for key, values in event.values.items():
            yield f"| `{name}` | `{key}` | {', '.join(value or 'null' for value in values)} |"


def _spans() -> Iterator[str]:
    yield "\n## Spans\n"
    yield "| span | meaning |\n|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in SPANS.items())


def _services(names: tuple[str, ...]) -> str:
    return "all" if set(names) == set(SERVICES) else ", ".join(sorted(names))


def _dimensions(dimensions: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"`{name}`: {', '.join(values)}" for name, values in dimensions.items())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.telemetry_document", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is stale")
    if not parser.parse_args().check:
        DOCUMENT.write_text(document())
        return 0
    if DOCUMENT.read_text() == document():
        return 0
    print("docs/telemetry.md is stale: run make telemetry", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
