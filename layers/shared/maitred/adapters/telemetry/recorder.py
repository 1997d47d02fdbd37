"""Metrics, events and spans with Powertools, behind the telemetry port. It never raises into a booking."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from maitred.adapters.postgres.booking_store import event_params
from maitred.adapters.postgres.database import Call, Database
from maitred.adapters.telemetry import log
from maitred.services.ports import Event
from maitred.services.ports.names import NAMESPACE, CountName, DurationName, MetricName, SpanName

type Pairs = tuple[tuple[str, str], ...]

_MOST_VALUES = 100  # CloudWatch's limit for one metric in one line


class Recorder:
    """Implements services.ports.Telemetry for one sandbox."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._db = database
        self._logger = Logger(service=service)
        log.set_up(self._logger.log_level, self._logger.registered_handler)
        self._waiting: list[Event] = []
        self._emf = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
        self._figures: dict[tuple[Pairs, Pairs], dict[str, Any]] = {}
        self._inside = False
        self._cold = True
        self._tracer: Any = None

    def count(self, name: CountName, value: float = 1, **dimensions: str) -> None:
        self._emit(name, MetricUnit.Count, value, dimensions)

    def milliseconds(self, name: DurationName, value: float, **dimensions: str) -> None:
        self._emit(name, MetricUnit.Milliseconds, value, dimensions)

    def committed(self, events: Sequence[Event]) -> None:
        emitted = [
            each for each in events if getattr(logging, each.severity.upper()) >= self._logger.log_level
        ]
        self._write([log.event_line(each, self._service) for each in emitted])

    def later(self, events: Sequence[Event]) -> None:
        self._waiting.extend(events)

    @contextmanager
    def span(self, name: SpanName, **annotations: str) -> Iterator[None]:
        """A subsegment if X-Ray listens (Lambda names its daemon), else nothing."""
        if "AWS_XRAY_DAEMON_ADDRESS" not in os.environ:
            yield
            return
        if self._tracer is None:
            from aws_lambda_powertools import Tracer  # noqa: PLC0415 - a tenth of a second, only where traced

            self._tracer = Tracer(service=self._service, auto_patch=False)
        with self._tracer.provider.in_subsegment(f"## {name}") as segment:
            for key, value in annotations.items():
                segment.put_annotation(key, value)
            yield

    def about(self, **ids: str) -> AbstractContextManager[None]:
        return log.about(**ids)

    def know(self, **ids: str) -> None:
        log.know(**ids)

    @contextmanager
    def invocation(self, correlation_id: str) -> Iterator[None]:
        """Around one invocation: counts a cold start, and writes metrics and waiting events on every exit."""
        with self.about(correlation_id=correlation_id):
            self._inside = True
            if self._cold:
                self._cold = False
                self.count("ColdStart")
            trips, lost = self._db.round_trips, self._db.events_lost
            try:
                yield
            finally:
                self._flush()
                self._count_since("DbRoundTrips", self._db.round_trips - trips)
                self._count_since("EventsLost", self._db.events_lost - lost)
                self._inside = False
                self._write_figures()

    def _count_since(self, name: CountName, more: int) -> None:
        if more:
            self.count(name, more)

    def _flush(self) -> None:
        events, self._waiting = self._waiting, []
        if not events:
            return
        try:
            self._db.transact([Call("insert_events", event_params(events, self._service))])
        except Exception:
            self._logger.exception("events were not written", extra={"lost": len(events)})
            self.count("EventsLost", len(events))
        self.committed(events)

    def _emit(self, name: MetricName, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
        """Keep a value until the end of the invocation; outside of one, write it at once."""
        of_these = self._figures.setdefault((tuple(dimensions.items()), tuple(log.known().items())), {})
        figure = of_these.setdefault(name, {"Unit": unit.value, "Value": []})
        figure["Value"].append(float(value))
        if not self._inside or len(figure["Value"]) == _MOST_VALUES:
            self._write_figures()

    def _write_figures(self) -> None:
        """Write all metrics at once, one line for each request and set of dimensions."""
        figures, self._figures = self._figures, {}
        self._write([self._emf_of(each, *about) for about, each in figures.items()])

    def _write(self, lines: Sequence[Any]) -> None:
        try:
            log.write_lines(lines)
        except Exception:
            self._logger.exception("events or metrics were not written", extra={"lost": len(lines)})

    def _emf_of(self, figures: dict[str, Any], dimensions: Pairs, about: Pairs) -> Any:
        named = {"service": self._service, **dict(dimensions)}
        return self._emf.serialize_metric_set(figures, named, dict(about))
