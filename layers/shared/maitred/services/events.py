"""Events, each built in one place. Their contexts hold no guest data. See docs/telemetry.md."""

from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.services.ports import Event, Json
from maitred.services.ports.names import EventType, Severity


def booking_event(
    booking: Booking, correlation_id: str, event_type: EventType, context: Json, severity: Severity = "info"
) -> Event:
    return Event(event_type, context, severity, booking.restaurant_id, booking.id, correlation_id)


def state_context(source: State | None, target: State, version: int, actor: str) -> Json:
    return {"from": source.value if source else None, "to": target.value, "version": version, "actor": actor}


def state_changed(
    booking: Booking, correlation_id: str, steps: list[tuple[State | None, State, int]], actor: str
) -> list[Event]:
    return [
        booking_event(booking, correlation_id, "booking.state_changed", state_context(*step, actor))
        for step in steps
    ]
