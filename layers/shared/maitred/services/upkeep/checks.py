"""Is the booking data sound? The one place that says what that means, and the operators' tools.

Tests, the demo, the soak and the operators' ``check`` all use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from maitred.services.messaging.outbox import DeadRow

#: True at every moment, whatever is under way: the name of the statement that counts, and what it checks.
ALWAYS: Mapping[str, str] = {
    "no_overlap": "no two live rows of the ledger overlap (self-join), but for plans flagged as at risk",
    "one_party": "no two parties sit at one table",
    "seated": "confirmed if and only if it holds tables with enough seats for the whole stay",
    "owned": "every live row of the ledger belongs to a booking, a block, or a hold that is not used yet",
    "history_ends_in_state": "the history ends with the booking's state and version",
    "feed_ends_in_state": "the last change of a booking in its feed shows it as it is",
    "history_unbroken": "the history is unbroken: every step allowed, every version one more",
    "one_summary": "every attempt has exactly one summary",
    "told": "every booking has a summary event",
    "notified_once": "at most one notification a booking, kind and request version",
    "mail_as_stored": "a result that says a mail was queued has one",
    "leased": "in progress if and only if somebody holds the lease",
}
#: True once what is under way has had its time.
IN_TIME: Mapping[str, str] = {
    "outbox_drained": "no outbox row is overdue",
    "outbox_alive": "no outbox row is dead",
    "room_known": "nobody is to sit where another party sits without being flagged",
    "leases_end": "no booking is left in progress by a worker that is gone",
    "nobody_forgotten": "every waiting booking has a message, or is within the sweep's reach",
}


@dataclass(frozen=True, slots=True)
class InspectionScope:
    """``since``: older bookings may have no events any more. ``patience``: how late work may be."""

    now: datetime
    since: datetime
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Check:
    """``checked``: how many rows were looked at; ``wrong``: how many of them are wrong, with ``examples``."""

    name: str
    checked: int
    wrong: int
    examples: tuple[str, ...] = ()


class Invariants(Protocol):
    def count(self, name: str, scope: InspectionScope) -> tuple[int, int, Sequence[str]]:
        """How many there are, how many are wrong, and some that are. May raise StoreError."""


class DeadOutbox(Protocol):
    def dead(self, limit: int) -> Sequence[DeadRow]:
        """Rows that the relay has given up, the oldest first. May raise StoreError."""

    def revive(self, limit: int) -> int:
        """Make up to ``limit`` of them, the oldest first, due again; returns how many."""


def inspect(
    invariants: Invariants, scope: InspectionScope, names: Mapping[str, str] = {**ALWAYS, **IN_TIME}
) -> list[Check]:
    """Count each of ``names``. Changes nothing; may run beside everything else."""
    return [
        Check(sentence, checked, wrong, tuple(examples))
        for name, sentence in names.items()
        for checked, wrong, examples in [invariants.count(name, scope)]
    ]


def check(invariants: Invariants, now: datetime, days: int, patience_seconds: int) -> list[Check]:
    """Check all invariants of a running stage; events no further back than ``days``. Raises StoreError."""
    return inspect(
        invariants, InspectionScope(now, now - timedelta(days=days), timedelta(seconds=patience_seconds))
    )
