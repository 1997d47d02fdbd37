"""The book's failures as reasons: decided by type, never parsed from text."""

from maitred.domain.reasons import Reason, ReasonCode
from maitred.services import ports
from maitred.services.assignment.budget import Budget

_NEARLY_OVER_MS = 50


def reason_of(error: ports.BookError, budget: Budget) -> Reason:
    """Why the attempt could not be finished. A lock that outlasted the budget is a timeout."""
    match error:
        case ports.LockTimeout() if budget.remaining_ms() > _NEARLY_OVER_MS:
            return Reason(ReasonCode.LOCK_TIMEOUT, "Another booking was being written for too long.")
        case ports.DeadlinePassed() | ports.LockTimeout():
            return Reason(ReasonCode.TIMEOUT, "The attempt ran out of time; nothing of it was kept.")
        case ports.RateLimited():
            return Reason(
                ReasonCode.RATE_LIMITED, "The restaurant has more to do than it is allowed at once."
            )
        case ports.CircuitOpen():
            return Reason(
                ReasonCode.CIRCUIT_OPEN, "The booking book keeps failing; it is left alone a while."
            )
        case ports.Unavailable():
            return Reason(ReasonCode.DATABASE_UNAVAILABLE, "The booking book could not be reached.")
        case _:
            return Reason(ReasonCode.CONFLICT, "Other bookings took these tables first.")
