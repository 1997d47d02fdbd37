"""Inline quote-and-confirm: one snapshot read, a plan in memory, one confirm transaction.

What is not confirmed within the budget is kept as pending with a message for the background job, in one
transaction too (or refused, if the caller asked for that). After the budget nothing of the attempt commits.
"""

from collections.abc import Callable

from maitred.domain import errors
from maitred.domain.booking import Flow
from maitred.domain.reasons import Category, Reason, ReasonCode
from maitred.planner.model import Plan
from maitred.services import creation_records, ports
from maitred.services.attempt import Attempt, Outcome, Quote
from maitred.services.budget import Budget
from maitred.services.day_reader import DayReader, Replayed
from maitred.services.failures import reason_of
from maitred.services.inline_run import BookingWish, DayReading, InlineRun
from maitred.services.kit import Kit
from maitred.services.planning import Planning, Question, party_request
from maitred.services.refusal import TryAgain, refusal_reply
from maitred.services.replies import Reply, RequestContext, of_twin, to_store
from maitred.services.seating import Seating

_GRACE_MS = 1500  # for keeping the booking as pending once its attempt is over
_REFERENCES = 3  # a random reference in use is rare; three in a row are not random


class CreateBooking:
    """``POST /restaurants/{id}/bookings``. ``budget_ms`` bounds the inline attempt."""

    def __init__(
        self, kit: Kit, reader: DayReader, seating: Seating, planning: Planning, budget_ms: int
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

    def create(self, wish: BookingWish, context: RequestContext) -> Reply:
        """Confirm, keep as pending, or refuse. Raises MaitredError for what cannot be booked at all."""
        run = self._begin(wish, context)
        try:
            return self._settle(run, self._reader.read(run))
        except Replayed as found:
            return found.reply
        except errors.MaitredError:
            raise  # refused for now, and told so; or no run at all: the wish breaks a rule
        except ports.DuplicateRequest:
            self._telemetry.later(creation_records.ended(run, "superseded", "duplicate_request"))
            return of_twin(self._book, run.context.key)
        except Exception as error:
            self._telemetry.later(creation_records.ended(run, "error", type(error).__name__))
            raise

    def _begin(self, wish: BookingWish, context: RequestContext) -> InlineRun:
        return InlineRun(
            wish=wish,
            context=context,
            budget=Budget(self._clock, self._budget_ms),
            budget_ms=self._budget_ms,
            now=self._clock.now(),
            options=self._planning.options,
            attempt_id=self._ids.uuid(),
            booking_id=self._ids.uuid(),
            reference=self._ids.reference(),
        )

    def _settle(self, run: InlineRun, reading: DayReading) -> Reply:
        result = self._confirm(run, reading)
        if isinstance(result, Reply):
            return result
        if run.quotes:
            wanted = run.wish.duration_minutes
            run.alternatives = self._planning.alternatives(run.quotes[-1], wanted, run.now, run.budget)
        if run.wish.refuse_if_full:
            return self._refuse(run, reading, result)
        return self._keep_pending(run, reading, result)

    # --- confirming ---

    def _confirm(self, run: InlineRun, reading: DayReading) -> Reply | Reason:
        if isinstance(reading.snapshot, Reason):
            return reading.snapshot
        try:
            snapshot = reading.snapshot
            return self._with_fresh_reference(run, lambda: self._seat(run, reading, snapshot))
        except ports.Unavailable as error:
            return self._find_out(run, error)
        except (ports.Conflict, ports.ReferenceTaken, ports.DeadlinePassed, ports.LockTimeout) as error:
            return reason_of(error, run.budget)

    def _with_fresh_reference[T](self, run: InlineRun, write: Callable[[], T]) -> T:
        for _ in range(_REFERENCES - 1):
            try:
                return write()
            except ports.ReferenceTaken:
                run.reference = self._ids.reference()
        return write()

    def _seat(self, run: InlineRun, reading: DayReading, snapshot: ports.Snapshot) -> Reply | Reason:
        def ask(current: ports.Snapshot) -> Quote:
            return self._quote(run, reading, current)

        def write(plan: Plan, current: ports.Snapshot, claim: ports.DayClaim | None) -> ports.Effects:
            run.stage = "confirm"
            seat = creation_records.Seat(plan, current, claim)
            effects, run.written, run.attempt = creation_records.confirmed(run, reading, seat, self._ids)
            return effects

        result = self._seating.seat(snapshot, ask, write, run.budget)
        if isinstance(result, Reason):
            return result
        if run.written is None or run.attempt is None:
            raise ValueError("what was committed was written before")
        moves = len(result.effects.moves)
        if moves:
            self._telemetry.count("Moves", moves)
        return self._told(run, result.effects, run.written, run.attempt)

    def _quote(self, run: InlineRun, reading: DayReading, snapshot: ports.Snapshot) -> Quote:
        run.stage = "plan"
        wish = run.wish
        request = party_request(wish.party_size, reading.window, wish.preferences)
        question = Question(reading.index, request, reading.cache_hit)
        quote = self._planning.quote(question, snapshot, run.budget)
        run.quotes.append(quote)
        self._telemetry.milliseconds("PlannerDuration", quote.duration_ms, flow=Flow.INLINE.value)
        return quote

    def _find_out(self, run: InlineRun, error: ports.Unavailable) -> Reply | Reason:
        """The connection broke during the commit: look whether it took place before anything else is done."""
        if run.written is not None and self._book.booking(run.booking_id) is not None:
            return run.written
        return reason_of(error, run.budget)

    # --- not confirmed ---

    def _keep_pending(self, run: InlineRun, reading: DayReading, reason: Reason) -> Reply:
        def write() -> tuple[ports.Effects, Reply, Attempt, tuple[ports.SentBy, ...]]:
            effects, reply, attempt = creation_records.pending(run, reading, reason, self._ids)
            run.deferred = reply
            return effects, reply, attempt, self._book.apply(effects, _GRACE_MS)

        try:
            effects, reply, attempt, sent = self._with_fresh_reference(run, write)
        except (ports.Unavailable, ports.Conflict) as error:
            return self._kept_after_all(run, error)
        self._told(run, effects, reply, attempt)
        self._relay.send_now(sent)
        return reply

    def _kept_after_all(self, run: InlineRun, error: ports.BookError) -> Reply:
        """An answer got lost, of this unit of work or of the confirmation before it: which one is there?"""
        booking = self._book.booking(run.booking_id)
        result = booking.last_result if booking else None
        if result is None or result.get("attemptId") != str(run.attempt_id):
            raise error
        reply = run.written if result["outcome"] == Outcome.CONFIRMED else run.deferred
        if reply is None:
            raise error
        return reply

    def _refuse(self, run: InlineRun, reading: DayReading, reason: Reason) -> Reply:
        """A refusal that stands is an answer, kept for replays; one that may not is tried again."""
        attempt, events, more = creation_records.refused(run, reading, reason)
        if reason.category is not Category.DETERMINISTIC:
            self._telemetry.later(events)
            self._measure(run, attempt)
            raise TryAgain(reason, more)
        reply = refusal_reply(reason, more, run.context.correlation_id)
        effects = ports.Effects(events=events, reply=to_store(run.context.key, reply))
        self._book.apply(effects, _GRACE_MS)
        return self._told(run, effects, reply, attempt)

    # --- telling ---

    def _told(self, run: InlineRun, effects: ports.Effects, reply: Reply, attempt: Attempt) -> Reply:
        self._telemetry.committed(effects.events)
        self._measure(run, attempt)
        return reply

    def _measure(self, run: InlineRun, attempt: Attempt) -> None:
        self._telemetry.milliseconds("InlineQuoteConfirm", run.budget.spent_ms())
        self._telemetry.count("AssignOutcome", flow=Flow.INLINE.value, outcome=attempt.outcome.value)
        if attempt.reason is not None:
            self._telemetry.count("AssignReason", category=attempt.reason.category.value)
            if attempt.reason.code in (ReasonCode.TIMEOUT, ReasonCode.LOCK_TIMEOUT):
                self._telemetry.count("InlineTimeouts")
