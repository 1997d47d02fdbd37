"""Schedule and on demand: what is left in the outbox goes to the queues."""

from typing import Any

from maitred import bootstrap
from maitred.services.budget import Budget

_MARGIN_MS = 5000  # for marking what was sent, before the time-out


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    services = bootstrap.relay()
    budget = Budget(services.core.clock, context.get_remaining_time_in_millis() - _MARGIN_MS)
    with services.core.recorder.invocation():
        return {"sent": services.sweep.run(budget)}
