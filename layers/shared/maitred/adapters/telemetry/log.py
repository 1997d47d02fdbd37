"""The log. Every line carries the ids of the present work, whichever library writes it, and no guest data."""

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.shared.functions import get_tracer_id
from pydantic_core import to_json

from maitred.services.ports import Event

_OURS = "maitred"
_ABOUT: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Lines inside carry these ids and those added by `know`; afterwards the earlier ids return."""
    before = _ABOUT.set({**known(), **ids})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def know(**ids: str) -> None:
    """Inside `about`: later lines carry these ids too."""
    if _ABOUT.get() is not None:
        _ABOUT.set({**known(), **ids})


def known() -> Mapping[str, str]:
    """The ids that log lines carry now."""
    return _ABOUT.get() or {}


def set_up(level: int, *handlers: logging.Handler) -> None:
    """Write Maitred's lines from ``level`` on and libraries' warnings, with the runtime's handlers and these.

    Libraries' debug lines contain whole requests, and so guests' addresses. They are never written, whatever
    level the runtime has.
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    logging.getLogger(_OURS).setLevel(level)
    for handler in (*root.handlers, *handlers):
        handler.addFilter(_stamp)  # adding the same filter again changes nothing


def _stamp(record: logging.LogRecord) -> bool:
    """Formatters write all attributes of a record, so the ids become attributes. The line's own ones stay."""
    for name, value in known().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True


# --- events and metrics: several in one write. Separate calls of logging and of Powertools' metrics
# would cost more than the rest of their work (make bench-telemetry).


def write_lines(objects: Iterable[Any]) -> None:
    """Write each object as one line of JSON."""
    text = "".join([to_json(each, fallback=str).decode() + "\n" for each in objects])
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def event_line(event: Event, service: str) -> dict[str, Any]:
    """The event with the keys of Powertools' lines. Its own ids win over those of the present request."""
    fields: dict[str, Any] = {
        "level": event.severity.upper(),
        "message": event.event_type,
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3] + "+0000",
        "service": service,
        "xray_trace_id": get_tracer_id(),
        "event_type": event.event_type,
        "restaurant_id": event.restaurant_id,
        "booking_id": event.booking_id,
        "correlation_id": event.correlation_id or None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return {**known(), **given, "context": event.context}
