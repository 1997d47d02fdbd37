"""Records what the shadow would have decided. A fault here never reaches the guest: the attempt is over."""

import logging
from uuid import UUID

from maitred.domain.booking import Flow
from maitred.services.assignment.attempt import Attempt
from maitred.services.assignment.shadow import Shadow
from maitred.services.ports import Telemetry

logger = logging.getLogger(__name__)


def compare(shadow: Shadow, telemetry: Telemetry, attempt: Attempt, booking_id: UUID | None) -> None:
    """``booking_id``: None if no booking was kept."""
    try:
        compared = shadow.compare(attempt, booking_id)
    except Exception:
        logger.exception("the shadow failed")
        telemetry.count("ShadowFailed")
        return
    if compared is not None:
        quote, event = compared
        telemetry.milliseconds("PlannerDuration", quote.duration_ms, flow=Flow.SHADOW.value)
        telemetry.later([event])
