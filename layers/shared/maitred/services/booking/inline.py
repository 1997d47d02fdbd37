"""What every inline attempt shares: a budget, one reading of the day, its planner calls, its figures.

After the budget nothing of an attempt commits. Whoever uses this says what is written in each outcome.
"""

from collections.abc import Callable, Sequence
from datetime import date

from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.reasons import Reason, ReasonCode
from maitred.planner.model import Plan
from maitred.services import ports
from maitred.services.assignment.attempt import Attempt, Outcome, Quote, Verdict
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.comparing import tell_difference
from maitred.services.assignment.failures import reason_of
from maitred.services.assignment.planning import Planning, Question, party_request
from maitred.services.assignment.seating import Seating
from maitred.services.assignment.shadow import Shadow
from maitred.services.booking import outcome
from maitred.services.booking.day_reader import DayReader
from maitred.services.booking.outcome import Seat
from maitred.services.booking.refusal import TryAgain, refusal_reply
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.kit import Kit

GRACE_MS = 1500  # for writing down what is left once the attempt is over

type Confirmed = Callable[[InlineRun, DayReading, Seat, ports.Ids], tuple[ports.Effects, Reply, Attempt]]


class Inline:
    """``budget_ms`` bounds each attempt."""

    def __init__(
        self,
        kit: Kit,
        reader: DayReader,
        seating: Seating,
        planning: Planning,
        budget_ms: int,
    ) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._reader = reader
        self._seating = seating
        self._planning = planning
        self._budget_ms = budget_ms
        self._shadow = Shadow(planning)

    def begin(
        self,
        wish: BookingWish,
        context: RequestContext,
        trigger: Trigger,
        changed: Booking | None = None,
    ) -> InlineRun:
        """``changed``: the booking that is modified."""
        budget = Budget(self._clock, self._budget_ms)  # before the flags, which may have to be read
        booking_id = changed.id if changed else self._ids.uuid()
        conduct = self._planning.conduct_of(wish.restaurant_id)
        if trigger is not Trigger.INLINE_HOLD:
            self._telemetry.know(booking_id=str(booking_id))
        return InlineRun(
            wish=wish,
            context=context,
            trigger=trigger,
            changed=changed,
            budget=budget,
            budget_ms=self._budget_ms,
            now=self._clock.now(),
            options=self._planning.allowed(conduct.options),
            held=conduct.held_inline,
            attempt_id=self._ids.uuid(),
            booking_id=booking_id,
            reference=changed.reference if changed else self._ids.reference(),
        )

    def read(self, run: InlineRun) -> DayReading:
        return self._reader.read(run)

    def confirm(
        self,
        run: InlineRun,
        reading: DayReading,
        write: Confirmed,
        also_days: Sequence[tuple[str, date]] = (),
    ) -> Reply | Reason:
        """Find tables and commit what ``write`` makes of them, or say why not.

        ``also_days``: other days whose ledger is written.
        Raises StaleVersion, ReferenceTaken, DuplicateRequest.
        """
        if isinstance(reading.snapshot, Reason):
            return reading.snapshot
        try:
            return self._seat(run, reading, reading.snapshot, write, also_days)
        except ports.Unavailable as error:
            return self.answered_after_all(run) or reason_of(error, run.budget)
        except (ports.Conflict, ports.DeadlinePassed, ports.LockTimeout) as error:
            return reason_of(error, run.budget)

    def answered_after_all(self, run: InlineRun) -> Reply | None:
        """An answer of the database's got lost: the reply of what it has committed of this attempt."""
        if run.written is None and run.deferred is None:
            return None
        booking = self._book.booking(run.booking_id)
        result = booking.last_result if booking else None
        if result is None or result.get("attemptId") != str(run.attempt_id):
            return None
        return run.written if result["outcome"] == Outcome.CONFIRMED else run.deferred

    def find_alternatives(self, run: InlineRun) -> None:
        """Of a party whose held tables could not be confirmed in time, there are none to be found."""
        asked = run.quotes[-1] if run.quotes else None
        if isinstance(asked, Quote):
            wanted = run.wish.duration_minutes
            run.alternatives = self._planning.alternatives(asked, wanted, run.now, run.budget)

    def refuse(self, run: InlineRun, reading: DayReading, reason: Reason, *, final: bool) -> Reply:
        """Keep nothing but the answer. One that is not ``final`` is not even that: raises TryAgain."""
        attempt, events, more = outcome.refused(run, reading, reason)
        if not final:
            self._telemetry.later(events)
            self.measure(run, attempt)
            raise TryAgain(reason, more)
        reply = refusal_reply(reason, more, run.context.correlation_id)
        effects = ports.Effects(events=events, reply=to_store(run.context.key, reply))
        self._book.apply(effects, GRACE_MS)
        return self.told(run, effects, reply, attempt)

    def told(self, run: InlineRun, effects: ports.Effects, reply: Reply, attempt: Attempt) -> Reply:
        """Log and count what has been committed."""
        self._telemetry.committed(effects.events)
        self.measure(run, attempt)
        return reply

    def measure(self, run: InlineRun, attempt: Attempt) -> None:
        self._telemetry.milliseconds("InlineQuoteConfirm", run.budget.spent_ms())
        self._telemetry.count("AssignOutcome", flow=Flow.INLINE.value, outcome=attempt.outcome.value)
        if attempt.reason is not None:
            self._telemetry.count("AssignReason", category=attempt.reason.category.value)
            if attempt.reason.code in (ReasonCode.TIMEOUT, ReasonCode.LOCK_TIMEOUT):
                self._telemetry.count("InlineTimeouts")
        about = run.wish.restaurant_id, run.booking_id if _is_kept(run, attempt) else None
        tell_difference(self._shadow, self._telemetry, attempt, about, run.budget)

    # --- the parts of a confirmation ---

    def _seat(
        self,
        run: InlineRun,
        reading: DayReading,
        snapshot: ports.Snapshot,
        confirmed: Confirmed,
        also_days: Sequence[tuple[str, date]],
    ) -> Reply | Reason:
        def ask(current: ports.Snapshot) -> Verdict:
            return self._quote(run, reading, current)

        def write(plan: Plan, current: ports.Snapshot, claim: ports.DayClaim | None) -> ports.Effects:
            run.stage = "confirm"
            effects, run.written, run.attempt = confirmed(run, reading, Seat(plan, current, claim), self._ids)
            return effects

        result = self._seating.seat(snapshot, ask, write, run.budget, also_days)
        if isinstance(result, Reason):
            return result
        if run.written is None or run.attempt is None:
            raise ValueError("what was committed was written before")
        moves = len(result.effects.moves)
        if moves:
            self._telemetry.count("Moves", moves)
        if run.trigger is not Trigger.INLINE_HOLD:
            self._telemetry.count("CoversSeated", run.wish.party_size, flow=Flow.INLINE.value)
        self._relay.send_now(result.sent)
        return self.told(run, result.effects, run.written, run.attempt)

    def _quote(self, run: InlineRun, reading: DayReading, snapshot: ports.Snapshot) -> Verdict:
        run.stage = "plan"
        wish = run.wish
        request = party_request(wish.party_size, reading.window, wish.preferences)
        question = Question(reading.index, request, run.options, reading.cache_hit)
        if run.changed is not None:
            snapshot = snapshot.without(run.changed)
        quote: Verdict
        if run.hold is not None:
            snapshot = snapshot.without_hold(run.hold)
        if run.hold is not None and run.keeps_held:
            quote = self._planning.keep_held(question, snapshot, run.hold.tables)
        else:
            quote = self._planning.quote(question, snapshot, run.budget)
        run.quotes.append(quote)
        run.policy = reading.index.floor.policy
        self._telemetry.milliseconds("PlannerDuration", quote.duration_ms, flow=Flow.INLINE.value)
        return quote


def _is_kept(run: InlineRun, attempt: Attempt) -> bool:
    """Is there a booking that the attempt was made for?"""
    made = run.trigger is not Trigger.INLINE_HOLD and attempt.outcome is not Outcome.REFUSED
    return run.changed is not None or made
