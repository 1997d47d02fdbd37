"""Why a booking waits for tables, for whoever reads it."""

from collections.abc import Mapping

from maitred.domain.booking import Booking
from maitred.domain.reasons import Category, ReasonCode
from maitred.services.ports import Json

#: The reason in the history when a person has taken a booking's tables away.
UNASSIGNED = "unassigned_by_staff"

#: Reasons that no attempt gives.
_OTHER_REASONS: Mapping[str, Json] = {
    UNASSIGNED: {
        "code": UNASSIGNED,
        "category": Category.DETERMINISTIC.value,
        "detail": "A person took the tables away.",
    },
    "at_risk": {
        "code": "at_risk",
        "category": Category.DETERMINISTIC.value,
        "detail": "Its table will not be free in time, and no equivalent one is. Seat it elsewhere, "
        "move who sits there, or offer another time.",
    },
    "lease_expired": {
        "code": ReasonCode.ABORTED.value,
        "category": ReasonCode.ABORTED.category.value,
        "detail": "The background job broke off again and again.",
    },
}


def waiting_reason(booking: Booking, came_by: str | None) -> Json | None:
    """``came_by``: the reason in the history with which it came to manual review, None if it is not there.

    The last attempt's own, if that is what brought the booking here; None if nobody has tried yet.
    """
    last = (booking.last_result or {}).get("reason")
    return _OTHER_REASONS.get(came_by or "") or (last if isinstance(last, dict) else None)
