"""Schedule and on demand: what is left in the outbox goes to the queues."""

from typing import Any

from maitred.bootstrap.relay import services
from maitred.services.assignment.budget import Budget

_MARGIN_MS = 5000  # for marking what was sent, before the time-out


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    wired = services()
    budget = Budget(wired.core.clock, context.get_remaining_time_in_millis() - _MARGIN_MS)
    with wired.core.recorder.invocation(context.aws_request_id):
        return {"sent": wired.sweep.run(budget)}
