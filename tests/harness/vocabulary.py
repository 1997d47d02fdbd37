"""Whatever any test makes the code tell must be in the vocabulary, word for word."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pytest
from aws_lambda_powertools.metrics import MetricUnit

from maitred.adapters.telemetry.recorder import Recorder
from maitred.services.feature_flags import VALUES, Flag
from maitred.services.ports import Event
from tests.harness.databases import TestDatabase
from tools.vocabulary import COUNTS, DURATIONS, EVENTS, SERVICES, Metric

#: The source of events that a test has put into the table itself.
BY_HAND = "by hand"


class Undefined(Exception):
    """Something was told that the vocabulary does not have."""


def check_metric(name: str, unit: str, service: str, given: Mapping[str, str]) -> None:
    """Raises Undefined unless ``service`` may tell ``name`` in this unit with exactly these dimensions."""
    metrics: list[tuple[str, Metric]] = [*COUNTS.items()] if unit == "count" else [*DURATIONS.items()]
    metric = dict(metrics).get(name)
    if metric is None:
        raise Undefined(f"no metric in {unit} has the name {name}")
    _check_service(name, service, metric.services)
    if given.keys() != metric.dimensions.keys():
        raise Undefined(f"{name} has the dimensions {sorted(metric.dimensions)}, not {sorted(given)}")
    wrong = {key: value for key, value in given.items() if value not in metric.dimensions[key]}
    if wrong:
        raise Undefined(f"{name} does not have the values {wrong}")


def check_event(event_type: str, service: str, context: Mapping[str, object]) -> None:
    """Raises Undefined unless ``service`` may tell this event with exactly these keys."""
    recorded = next((recorded for name, recorded in EVENTS.items() if name == event_type), None)
    if recorded is None:
        raise Undefined(f"no event has the type {event_type}")
    _check_service(event_type, service, recorded.services)
    if context.keys() - recorded.sometimes != recorded.keys:
        raise Undefined(f"{event_type} has the keys {sorted(recorded.keys)}, not {sorted(context)}")
    wrong = {key: context[key] for key, values in recorded.values.items() if context[key] not in values}
    if wrong:
        raise Undefined(f"{event_type} does not have the values {wrong}")
    on_hold = context.get("flags")
    if isinstance(on_hold, Mapping):
        _check_flags(event_type, on_hold)


def check_stored(database: TestDatabase) -> list[str]:
    """What is in the table of events and not in the vocabulary, whichever process wrote it."""
    return check_events_of(database.owner)


def check_events_of(conn: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Of a database that may have been taken back to before there were events."""
    [[there]] = conn.execute("select to_regclass('observability_events') is not null").fetchall()
    if not there:
        return []
    undefined = []
    for source, event_type, context in conn.execute(
        "select distinct source, event_type, context from observability_events where source <> %s", [BY_HAND]
    ):
        try:
            check_event(event_type, source, context)
        except Undefined as error:
            undefined.append(str(error))
    return undefined


def _check_flags(event_type: str, on_hold: Mapping[str, object]) -> None:
    """Of those that attempts heed."""
    known = {flag.value: values for flag, values in VALUES.items() if flag is not Flag.KILL_SWITCH}
    wrong = {name: value for name, value in on_hold.items() if value not in known.get(name, ())}
    if wrong:
        raise Undefined(f"{event_type} does not have the flags {wrong}")


def _check_service(name: str, service: str, known: Sequence[str]) -> None:
    """A desk of the tests does the work of several functions."""
    if service in SERVICES and service not in known:
        raise Undefined(f"{name} is not told by {service}")


def watch_recorders(patch: pytest.MonkeyPatch) -> list[str]:
    """From now on every recorder is held to the vocabulary; what was not in it is added to the list."""
    undefined: list[str] = []
    emit, committed, later = Recorder._emit, Recorder.committed, Recorder.later

    def check(call: Any, *recorded: Any) -> None:
        try:
            call(*recorded)
        except Undefined as error:
            undefined.append(str(error))

    def watched_emit(
        self: Recorder, name: Any, unit: MetricUnit, value: float, dimensions: dict[str, str]
    ) -> None:
        unit_name = "count" if unit is MetricUnit.Count else "milliseconds"
        check(check_metric, name, unit_name, self._service, dimensions)
        emit(self, name, unit, value, dimensions)

    def watched_events(self: Recorder, events: Sequence[Event]) -> None:
        for event in events:
            check(check_event, event.event_type, self._service, event.context)

    def watched_committed(self: Recorder, events: Sequence[Event]) -> None:
        watched_events(self, events)
        committed(self, events)

    def watched_later(self: Recorder, events: Sequence[Event]) -> None:
        watched_events(self, events)
        later(self, events)

    patch.setattr(Recorder, "_emit", watched_emit)
    patch.setattr(Recorder, "committed", watched_committed)
    patch.setattr(Recorder, "later", watched_later)
    return undefined
