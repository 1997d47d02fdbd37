"""What operators ask of a running stage: is the book sound, which outbox rows are dead, try those again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from maitred.services.messaging.outbox import DeadRow
from maitred.services.ports import Clock
from maitred.services.upkeep.checks import Check, Invariants, Scope, inspect


class DeadOutbox(Protocol):
    def dead(self, limit: int) -> Sequence[DeadRow]:
        """Rows that the relay has given up, the oldest first."""

    def revive(self, limit: int) -> int:
        """Make as many of them, the oldest first, due again; how many."""


class Care:
    def __init__(self, invariants: Invariants, outbox: DeadOutbox, clock: Clock) -> None:
        self._invariants = invariants
        self._outbox = outbox
        self._clock = clock

    def check(self, days: int, patience_seconds: int) -> list[Check]:
        """``days``: how far back events are looked at."""
        now = self._clock.now()
        scope = Scope(now, now - timedelta(days=days), timedelta(seconds=patience_seconds))
        return inspect(self._invariants, scope)

    def dead(self, limit: int) -> Sequence[DeadRow]:
        return self._outbox.dead(limit)

    def revive(self, limit: int) -> int:
        return self._outbox.revive(limit)
