"""Units of work: committed whole or not at all, then logged and dispatched.

A plan gets two tries: first on the snapshot it was made from, which a changed day makes void; then with the
day locked, so that a second race cannot be lost to another plan for that day.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date

from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.services import ports
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, reply_of_duplicate, stored_reply, to_store

_TRIES = 3  # a worker may advance the booking between the read and the write


def commit(deps: Dependencies, changes: ports.Changes, budget_ms: int | None = None) -> None:
    """Apply ``changes`` in one transaction, then log its events and send its messages. Raises StoreError."""
    committed(deps, changes, deps.store.apply(changes, budget_ms))


def committed(deps: Dependencies, changes: ports.Changes, leased: Sequence[ports.LeasedMessage]) -> None:
    """Log the events of ``changes``, which a transaction has just committed, and send its messages."""
    deps.telemetry.committed(changes.events)
    if leased:
        deps.dispatcher.dispatch(leased)


def remember(
    deps: Dependencies, context: RequestContext, reply: Reply, shown: Booking | None = None
) -> Reply:
    """``reply``, which is all there is to store: nothing else changes.

    Raises StaleVersion if the booking that it shows has changed since it was read.
    """
    if context.key is not None:
        deps.store.apply(ports.Changes(shown=shown, reply=to_store(context.key, reply)))
    return reply


@dataclass(frozen=True, slots=True)
class Try:
    """One try to confirm a plan made from ``snapshot``. ``locked``: the day, if this try has locked it."""

    deps: Dependencies
    snapshot: ports.Snapshot
    budget: Budget
    locked: ports.LockedDay | None = None

    @property
    def claim(self) -> ports.Snapshot | None:
        """The day as it was planned on; None while it is locked, since nobody can change it."""
        return None if self.locked else self.snapshot

    def commit(self, changes: ports.Changes) -> bool:
        """Commit, or return False if the race was lost and another try may win it. Raises StoreError."""
        try:
            with self.deps.telemetry.span("confirm", restaurant=self.snapshot.day.restaurant_id):
                leased = self._apply(changes)
        except ports.Conflict:
            if self.locked is not None:
                raise
            self.deps.telemetry.count("Conflicts")
            return False
        committed(self.deps, changes, leased)
        return True

    def _apply(self, changes: ports.Changes) -> tuple[ports.LeasedMessage, ...]:
        if self.locked is not None:
            return self.locked.apply(changes)
        return self.deps.store.apply(changes, self.budget.remaining_ms())


@contextmanager
def tries(
    deps: Dependencies,
    snapshot: ports.Snapshot,
    budget: Budget,
    also_days: Sequence[tuple[str, date]] = (),
) -> Iterator[Iterator[Try]]:
    """At most two tries; each is over when its commit returns. Raises Conflict when both races are lost.

    ``also_days``: other days that the unit of work touches, to be locked in the one order of all writers.
    """
    with ExitStack() as stack:

        def both() -> Iterator[Try]:
            yield Try(deps, snapshot, budget)
            day, version, left = snapshot.day, snapshot.layout_version, budget.remaining_ms()
            locked = stack.enter_context(deps.store.locked_day(day, version, left, also_days))
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout; the next attempt plans on it")
            yield Try(deps, locked.snapshot, budget, locked)

        yield both()


def once(
    deps: Dependencies,
    context: RequestContext,
    change: Callable[[], Reply],
    again: tuple[type[ports.StoreError], ...] = (ports.Conflict,),
) -> Reply:
    """The reply of ``change``, once a key; called anew after an error of ``again``, which a rival has caused.

    Raises IdempotencyKeyReused, and what ``change`` raises, the last time also an error of ``again``.
    """
    answered = stored_reply(deps.store, context.key)
    if answered is not None:
        return answered
    for left in reversed(range(_TRIES)):
        try:
            return change()
        except ports.DuplicateRequest:
            return reply_of_duplicate(deps.store, context.key)
        except again:
            if not left:
                raise
    raise errors.Overloaded


def change_booking(
    deps: Dependencies, booking: Booking, context: RequestContext, change: Callable[[Booking], Reply]
) -> Reply:
    """The reply of ``change``, once a key and to the booking as it is.

    ``change`` raises StaleVersion or Conflict if the booking or the layout has moved meanwhile; then it is
    called again with the booking as it is now. Raises BookingNotFound, Overloaded, IdempotencyKeyReused, and
    what ``change`` raises.
    """
    answered = stored_reply(deps.store, context.key)
    if answered is not None:
        return answered
    for _ in range(_TRIES):
        try:
            return change(booking)
        except (ports.StaleVersion, ports.Conflict):
            found = deps.store.booking(booking.id)
            if found is None:
                raise errors.BookingNotFound from None
            booking = found
        except ports.DuplicateRequest:
            return reply_of_duplicate(deps.store, context.key)
    raise errors.Overloaded("the booking keeps changing")
