"""Events, each built in one place. Their contexts hold no guest data. See docs/telemetry.md."""

from collections.abc import Sequence

from maitred.services.ports import Event, HistoryRow


def state_changed(history: Sequence[HistoryRow], restaurant_id: str, correlation_id: str) -> list[Event]:
    return [
        Event(
            "booking.state_changed",
            {
                "from": row.from_state and row.from_state.value,
                "to": row.to_state.value,
                "version": row.version,
                "actor": row.actor_id,
            },
            "info",
            restaurant_id,
            row.booking_id,
            correlation_id,
        )
        for row in history
    ]
