"""When the background job tries again (contract 3): one pure function over codes, counts and times."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from maitred.domain.reasons import Category, Reason, ReasonCode

_BACKOFF_SECONDS = (5, 15, 45, 135, 405)
_BACKOFF_CAP_SECONDS = 900
_DETERMINISTIC_ATTEMPTS = 2
_INTERNAL_ATTEMPTS = 2
_FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class InlineResult:
    """What the inline attempt left behind, as far as it counts for the job."""

    attempt_id: str
    category: Category


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many job attempts there may be for this reason, and what reduced their number."""

    attempts: int
    reduced_by: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    delay: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """To a person. ``reason`` says why no further attempt makes sense."""

    reason: Reason


def fresh_inline_result(last_result: object, now: datetime, booking_version: int) -> InlineResult | None:
    """The inline failure in ``auto_assign_last_result`` if it is fresh and of this very request.

    Anything stale, of another source or unreadable is no result; nothing is ever raised.
    """
    if not isinstance(last_result, dict) or last_result.get("source") != "inline":
        return None
    if last_result.get("success") is not False or last_result.get("bookingVersion") != booking_version:
        return None
    try:
        age = now - datetime.fromisoformat(last_result["at"])
        category = Category(last_result["reason"]["category"])
        attempt_id = str(last_result["attemptId"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return InlineResult(attempt_id, category) if timedelta() <= age <= _FRESH else None


def allowance(reason: Reason, inline: InlineResult | None, max_attempts: int) -> Allowance:
    match reason.category:
        case Category.DETERMINISTIC:
            counted = inline is not None and inline.category is Category.DETERMINISTIC
            attempts = _DETERMINISTIC_ATTEMPTS - (1 if counted else 0)
            reduced_by = "fresh_inline_result" if counted else "deterministic_reason"
        case Category.INTERNAL:
            attempts, reduced_by = _INTERNAL_ATTEMPTS, "internal_error"
        case _:
            return Allowance(max_attempts, None)
    if attempts >= max_attempts:
        return Allowance(max_attempts, None)
    return Allowance(attempts, reduced_by)


def next_step(
    reason: Reason, attempt: int, allowed: Allowance, now: datetime, last_start: datetime, jitter: float
) -> Retry | GiveUp:
    """After job attempt number ``attempt`` failed: the next one, or a person.

    ``last_start``: when the cut-off forbids further attempts; ``jitter``: uniform in [0, 1) (full jitter).
    """
    if attempt >= allowed.attempts:
        return GiveUp(reason)
    ceiling = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS)) - 1]
    delay = timedelta(seconds=max(1, round(min(ceiling, _BACKOFF_CAP_SECONDS) * jitter)))
    if now + delay > last_start:
        return GiveUp(
            Reason(ReasonCode.CUTOFF, f"Too close to the start for another attempt. {reason.detail}")
        )
    return Retry(delay)
