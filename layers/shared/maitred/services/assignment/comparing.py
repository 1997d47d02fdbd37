"""Tells what the shadow would have done. Nothing that goes wrong here is the guest's affair: it is done."""

import logging
from uuid import UUID

from maitred.domain.booking import Flow
from maitred.services.assignment.attempt import Attempt
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.shadow import Shadow
from maitred.services.ports import Telemetry

logger = logging.getLogger(__name__)


def tell_difference(
    shadow: Shadow,
    telemetry: Telemetry,
    attempt: Attempt,
    about: tuple[str, UUID | None],
    budget: Budget,
) -> None:
    """``about``: the restaurant, and the booking if one was kept."""
    try:
        compared = shadow.compare(attempt, *about, budget)
    except Exception:
        logger.exception("the shadow failed")
        telemetry.count("ShadowFailed")
        return
    if compared is not None:
        quote, event = compared
        telemetry.milliseconds("PlannerDuration", quote.duration_ms, flow=Flow.SHADOW.value)
        telemetry.later([event])
