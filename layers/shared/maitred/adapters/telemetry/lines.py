"""Lines of the log that are no calls of ``logging``: events and metrics, several in one write.

A request tells half a dozen of each. A call of ``logging`` and of Powertools' metrics for each one would
cost more than all the rest of what they add to it (``make bench-telemetry``).
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.shared.functions import get_tracer_id
from pydantic_core import to_json

from maitred.adapters.telemetry import log
from maitred.services.ports import Event


def write_lines(objects: Iterable[Any]) -> None:
    """Each as one line of JSON."""
    text = "".join([to_json(each, fallback=str).decode() + "\n" for each in objects])
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def event_line(event: Event, service: str) -> dict[str, Any]:
    """The event with the keys of Powertools' lines, and what it says of itself before what is known."""
    told: dict[str, Any] = {
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
    said = {name: value for name, value in told.items() if value is not None}
    return {**log.known(), **said, "context": event.context}
