"""When the background job tries again: one pure function over codes, counts and times (docs/api.md)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from maitred.domain.reasons import Category, Reason, ReasonCode

_BACKOFF_SECONDS = (5, 15, 45, 135, 405)
_DETERMINISTIC_ATTEMPTS = 2
_INTERNAL_ATTEMPTS = 2
_FRESH = timedelta(minutes=5)
# Nothing was tried, so nothing counts; the cut-off ends it. Spread over the time that a surge takes to pass.
_NOT_TRIED = frozenset({ReasonCode.RATE_LIMITED, ReasonCode.CIRCUIT_OPEN})
_NOT_TRIED_SECONDS = 30
# Only another floor document or another request changes these, and both have the booking tried again.
_FINAL = frozenset(
    {ReasonCode.PARTY_TOO_LARGE, ReasonCode.OUTSIDE_SERVICE, ReasonCode.SERVICE_OVERRUN, ReasonCode.CLOSED}
)


@dataclass(frozen=True, slots=True)
class InlineResult:
    """What the inline attempt left behind, as far as it counts for the job."""

    attempt_id: str
    category: Category


@dataclass(frozen=True, slots=True)
class RetryRules:
    """``informed``: the reason and the inline result may reduce ``max_attempts``; else it is fixed."""

    max_attempts: int
    informed: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that did not confirm.

    ``attempt``: its number, from 1. ``last_start``: when the cut-off forbids further attempts.
    ``jitter``: uniform in [0, 1). ``on_hold_until``: when the first of the day's live holds expires.
    ``never``: no set of the floor's tables will ever seat the party.
    """

    reason: Reason
    attempt: int
    inline: InlineResult | None
    now: datetime
    last_start: datetime
    jitter: float
    on_hold_until: datetime | None = None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many job attempts there may be for this reason, and what reduced their number."""

    attempts: int
    reduced_by: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """At ``at``, as attempt number ``attempt``."""

    at: datetime
    attempt: int
    allowed: Allowance


@dataclass(frozen=True, slots=True)
class GiveUp:
    """To a person. ``reason`` says why no further attempt makes sense."""

    reason: Reason
    allowed: Allowance


@dataclass(frozen=True, slots=True)
class Stop:
    """Our own fault, again: the queue's redelivery is the next try, its dead-letter queue the end."""

    allowed: Allowance


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


def next_step(rules: RetryRules, failed: Failed) -> Retry | GiveUp | Stop:
    """What follows a failed attempt."""
    allowed = _allowance(rules, failed)
    if failed.reason.code in _NOT_TRIED:
        return _retry(failed, allowed, failed.attempt, _NOT_TRIED_SECONDS)
    if failed.attempt < allowed.attempts:
        ceiling = _BACKOFF_SECONDS[min(failed.attempt, len(_BACKOFF_SECONDS)) - 1]
        return _retry(failed, allowed, failed.attempt + 1, ceiling)
    if failed.reason.category is Category.INTERNAL:
        return Stop(allowed)
    return GiveUp(failed.reason, allowed)


def _retry(failed: Failed, allowed: Allowance, attempt: int, ceiling: int) -> Retry | GiveUp:
    """Full jitter below ``ceiling`` seconds, unless the cut-off comes first.

    Where only holds stand in the way, the pause begins when the first of them expires.
    """
    since = failed.now
    if failed.reason.code is ReasonCode.HOLD_CONFLICT and failed.on_hold_until is not None:
        since = max(since, failed.on_hold_until)
    at = since + timedelta(seconds=max(1, round(ceiling * failed.jitter)))
    if at > failed.last_start:
        detail = f"Too close to the start for another attempt. {failed.reason.detail}"
        return GiveUp(Reason(ReasonCode.CUTOFF, detail), allowed)
    return Retry(at, attempt, allowed)


def _allowance(rules: RetryRules, failed: Failed) -> Allowance:
    reason, inline = failed.reason, failed.inline
    full = Allowance(rules.max_attempts, None)
    if not rules.informed:
        return full
    match reason.category:
        case Category.DETERMINISTIC if inline is not None and inline.category is Category.DETERMINISTIC:
            reduced = Allowance(_DETERMINISTIC_ATTEMPTS - 1, "fresh_inline_result")
        case Category.DETERMINISTIC if failed.never or reason.code in _FINAL:
            reduced = Allowance(1, "deterministic_reason")
        case Category.DETERMINISTIC:
            reduced = Allowance(_DETERMINISTIC_ATTEMPTS, "deterministic_reason")
        case Category.INTERNAL:
            reduced = Allowance(_INTERNAL_ATTEMPTS, "internal_error")
        case _:
            return full
    return reduced if reduced.attempts < full.attempts else full
