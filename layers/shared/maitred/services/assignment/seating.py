"""Plan and confirm against a snapshot, for every flow: first optimistically, then holding the day.

The optimistic unit of work is void if the day's revision, the layout or the ledger has changed. Then the
day is locked, read and planned again, so that a second race cannot be lost to another plan for that day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from maitred.domain.reasons import Reason
from maitred.planner.model import Plan
from maitred.services import ports
from maitred.services.assignment.attempt import Verdict
from maitred.services.assignment.budget import Budget

type Ask = Callable[[ports.Snapshot], Verdict]
type Write = Callable[[Plan, ports.Snapshot, ports.DayClaim | None], ports.Effects]


@dataclass(frozen=True, slots=True)
class Seated:
    """The unit of work that was committed, and the outbox rows that its writer relays."""

    effects: ports.Effects
    sent: tuple[ports.SentBy, ...]


class Seating:
    def __init__(self, book: ports.Book, telemetry: ports.Telemetry) -> None:
        self._book = book
        self._telemetry = telemetry

    def seat(
        self,
        snapshot: ports.Snapshot,
        ask: Ask,
        write: Write,
        budget: Budget,
        also_days: Sequence[tuple[str, date]] = (),
    ) -> Seated | Reason:
        """Commit what ``write`` makes of the plan that ``ask`` finds, or say what refused it.

        ``also_days``: other days that ``write`` touches, to be locked in the one order of all writers.
        Raises BookError (Conflict only if the layout changed or the second race was lost too).
        """
        try:
            return self._optimistic(snapshot, ask, write, budget)
        except ports.Conflict:
            self._telemetry.count("Conflicts")
            return self._holding_the_day(snapshot, ask, write, budget, also_days)

    def _optimistic(
        self, snapshot: ports.Snapshot, ask: Ask, write: Write, budget: Budget
    ) -> Seated | Reason:
        restaurant = snapshot.day.restaurant_id
        with self._telemetry.span("plan", restaurant=restaurant):
            decision = ask(snapshot).decision
        if decision.plan is None:
            return _refusal(decision.refusal)
        claim = ports.DayClaim(
            snapshot.day.restaurant_id, snapshot.day.service_date, snapshot.layout_version, snapshot.revision
        )
        effects = write(decision.plan, snapshot, claim)
        with self._telemetry.span("confirm", restaurant=restaurant):
            return Seated(effects, self._book.apply(effects, budget.remaining_ms()))

    def _holding_the_day(
        self,
        snapshot: ports.Snapshot,
        ask: Ask,
        write: Write,
        budget: Budget,
        also_days: Sequence[tuple[str, date]],
    ) -> Seated | Reason:
        version, restaurant = snapshot.layout_version, snapshot.day.restaurant_id
        with self._book.locked_day(snapshot.day, version, budget.remaining_ms(), also_days) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout; the next attempt plans on it")
            with self._telemetry.span("plan", restaurant=restaurant):
                decision = ask(locked.snapshot).decision
            if decision.plan is None:
                return _refusal(decision.refusal)
            effects = write(decision.plan, locked.snapshot, None)
            with self._telemetry.span("confirm", restaurant=restaurant):
                return Seated(effects, locked.apply(effects))


def _refusal(reason: Reason | None) -> Reason:
    if reason is None:
        raise ValueError("a decision is a plan or a refusal")
    return reason
