"""Is the book as it must be, whatever happened to it? The one place that says what that means.

Tests, the demo, the soak and the operators' ``check`` all ask here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

#: True at every moment, whatever is under way: the statement that counts, and what it says.
ALWAYS: Mapping[str, str] = {
    "no_overlap": "no two live rows of the ledger overlap (self-join)",
    "seated": "confirmed if and only if it holds tables with enough seats for the whole stay",
    "owned": "every live row of the ledger belongs to a booking, or to a hold that is not used yet",
    "history_ends_in_state": "the history ends with the booking's state and version",
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
    "leases_end": "no booking is left in progress by a worker that is gone",
    "nobody_forgotten": "every waiting booking has a message, or is within the sweep's reach",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """``since``: what is older has no events any more. ``patience``: after that, work is overdue."""

    now: datetime
    since: datetime
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Check:
    """``checked``: how many were looked at; ``wrong``: how many of them are; ``examples``: some, in words."""

    name: str
    checked: int
    wrong: int
    examples: tuple[str, ...] = ()


class Invariants(Protocol):
    def count(self, name: str, scope: Scope) -> tuple[int, int, Sequence[str]]:
        """How many there are, how many are wrong, some of those. May raise BookError."""


def inspect(
    invariants: Invariants, scope: Scope, names: Mapping[str, str] = {**ALWAYS, **IN_TIME}
) -> list[Check]:
    """Count each of ``names``. Changes nothing; may run beside everything else."""
    return [
        Check(sentence, checked, wrong, tuple(examples))
        for name, sentence in names.items()
        for checked, wrong, examples in [invariants.count(name, scope)]
    ]
