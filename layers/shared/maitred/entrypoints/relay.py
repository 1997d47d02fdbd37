"""The outbox's sweep, within the function's time."""

from typing import Any

from maitred.bootstrap.relay import services
from maitred.services.budget import Budget

_MARGIN_MS = 5000  # to mark the sent rows before the function times out


def handle(_event: dict[str, Any], context: Any) -> dict[str, int]:
    """Send what is due; returns how many messages the queues took. Raises StoreError."""
    wired = services()
    budget = Budget(wired.runtime.deps.clock, context.get_remaining_time_in_millis() - _MARGIN_MS)
    with wired.runtime.recorder.invocation(context.aws_request_id):
        return {"sent": wired.sweep.run(budget)}
