"""The store's failures as reasons: decided by type, never parsed from text."""

from maitred.domain.reasons import Reason, ReasonCode
from maitred.services import ports
from maitred.services.budget import Budget

_NEARLY_OVER_MS = 50

#: A commit that failed this way leaves the party without tables for now; the request itself is fine.
LOST = (ports.Conflict, ports.DeadlinePassed, ports.LockTimeout, ports.Unavailable)


def reason_of(error: ports.StoreError, budget: Budget) -> Reason:
    """Why the attempt could not be finished. A lock that outlasted the budget is a timeout."""
    match error:
        case ports.LockTimeout() if budget.remaining_ms() > _NEARLY_OVER_MS:
            return Reason(ReasonCode.LOCK_TIMEOUT, "Another booking was being written for too long.")
        case ports.DeadlinePassed() | ports.LockTimeout():
            return Reason(ReasonCode.TIMEOUT, "The attempt ran out of time; nothing of it was kept.")
        case ports.RateLimited():
            return Reason(
                ReasonCode.RATE_LIMITED,
                "The restaurant has more attempts under way than it may have at once.",
            )
        case ports.CircuitOpen():
            return Reason(
                ReasonCode.CIRCUIT_OPEN, "The database keeps failing; no attempt is made for a while."
            )
        case ports.Unavailable():
            return Reason(ReasonCode.DATABASE_UNAVAILABLE, "The database could not be reached.")
        case _:
            return Reason(ReasonCode.CONFLICT, "Other bookings took these tables first.")
