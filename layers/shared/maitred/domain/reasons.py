"""Why a party was not seated: codes, each with a category (see docs/api.md, Reasons).

A reason is decided where it arises; no code reads it out of a text.
"""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """Tells the background job what to do about a reason."""

    DETERMINISTIC = "deterministic"  # the same question gives the same answer
    TRANSIENT = "transient"  # the next attempt may well succeed
    UNDECIDED = "undecided"  # the budget ended before a proof
    INTERNAL = "internal"  # a fault of Maitred


class ReasonCode(StrEnum):
    NO_CAPACITY = "no_capacity"
    PARTY_TOO_LARGE = "party_too_large"
    MAX_TABLES = "max_tables"
    ADJACENCY = "adjacency"
    ZONE = "zone"
    ATTRIBUTES = "attributes"
    MIN_PARTY = "min_party"
    PACING = "pacing"
    PAUSED = "paused"
    OUTSIDE_SERVICE = "outside_service"
    SERVICE_OVERRUN = "service_overrun"
    CLOSED = "closed"
    CUTOFF = "cutoff"
    CONFLICT = "conflict"
    HOLD_CONFLICT = "hold_conflict"
    LOCK_TIMEOUT = "lock_timeout"
    TIMEOUT = "timeout"
    ABORTED = "aborted"
    DATABASE_UNAVAILABLE = "database_unavailable"
    CIRCUIT_OPEN = "circuit_open"
    RATE_LIMITED = "rate_limited"
    SEARCH_TRUNCATED = "search_truncated"
    PLANNER_ERROR = "planner_error"

    @property
    def category(self) -> Category:
        return _CATEGORIES.get(self, Category.DETERMINISTIC)


_CATEGORIES = {
    ReasonCode.CONFLICT: Category.TRANSIENT,
    ReasonCode.HOLD_CONFLICT: Category.TRANSIENT,
    ReasonCode.LOCK_TIMEOUT: Category.TRANSIENT,
    ReasonCode.TIMEOUT: Category.TRANSIENT,
    ReasonCode.ABORTED: Category.TRANSIENT,
    ReasonCode.DATABASE_UNAVAILABLE: Category.TRANSIENT,
    ReasonCode.CIRCUIT_OPEN: Category.TRANSIENT,
    ReasonCode.RATE_LIMITED: Category.TRANSIENT,
    ReasonCode.SEARCH_TRUNCATED: Category.UNDECIDED,
    ReasonCode.PLANNER_ERROR: Category.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and one plain sentence for a host. The sentence is never parsed."""

    code: ReasonCode
    detail: str

    @property
    def category(self) -> Category:
        return self.code.category
