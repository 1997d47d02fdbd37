"""Inline quote-and-confirm: one snapshot read, a plan in memory, one confirm transaction.

What is not confirmed within the budget is kept as pending with a message for the background job, in one
transaction too (or refused, if the caller asked for that).
"""

from collections.abc import Callable

from maitred.domain import errors
from maitred.domain.booking import Trigger
from maitred.domain.reasons import Category, Reason
from maitred.services import ports
from maitred.services.assignment.attempt import Attempt
from maitred.services.assignment.failures import reason_of
from maitred.services.booking import creation_records, outcome
from maitred.services.booking.day_reader import Replayed
from maitred.services.booking.held import keeps_tables, read_hold
from maitred.services.booking.inline import GRACE_MS, Inline
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, of_twin
from maitred.services.kit import Kit

_REFERENCES = 3  # a random reference in use is rare; three in a row are not random


class CreateBooking:
    """``POST /restaurants/{id}/bookings``."""

    def __init__(self, kit: Kit, inline: Inline) -> None:
        self._book = kit.book
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._inline = inline

    def create(self, wish: BookingWish, context: RequestContext) -> Reply:
        """Confirm, keep as pending, or refuse. Raises MaitredError for what cannot be booked at all."""
        run = self._inline.begin(wish, context, Trigger.INLINE_CREATION)
        try:
            run.hold = read_hold(self._book, run)
            return self._settle(run, self._inline.read(run))
        except Replayed as found:
            return found.reply
        except errors.MaitredError:
            raise  # refused for now, and told so; or no run at all: the wish breaks a rule
        except ports.DuplicateRequest:
            self._telemetry.later(outcome.ended(run, "superseded", "duplicate_request"))
            return of_twin(self._book, run.context.key)
        except ports.HoldGone:
            self._telemetry.later(outcome.ended(run, "superseded", "hold_gone"))
            return self._of_gone_hold(run)
        except Exception as error:
            self._telemetry.later(outcome.ended(run, "error", type(error).__name__))
            raise

    def _of_gone_hold(self, run: InlineRun) -> Reply:
        """What became of the hold while this ran; it may have been this very request's twin."""
        try:
            read_hold(self._book, run)
        except Replayed as found:
            return found.reply
        raise errors.HoldExpired

    def _settle(self, run: InlineRun, reading: DayReading) -> Reply:
        run.keeps_held = run.hold is not None and keeps_tables(run, reading, run.hold)
        result = self._confirm(run, reading)
        if isinstance(result, Reply):
            return result
        if run.keeps_held:  # it stays the guest's; a pending booking would have to give it back
            return self._inline.refuse(run, reading, result, final=False)
        self._inline.find_alternatives(run)
        if run.wish.refuse_if_full:
            final = result.category is Category.DETERMINISTIC
            return self._inline.refuse(run, reading, result, final=final)
        return self._keep_pending(run, reading, result)

    def _confirm(self, run: InlineRun, reading: DayReading) -> Reply | Reason:
        def confirm() -> Reply | Reason:
            return self._inline.confirm(run, reading, creation_records.confirmed)

        try:
            return self._with_fresh_reference(run, confirm)
        except ports.ReferenceTaken as error:
            return reason_of(error, run.budget)

    def _with_fresh_reference[T](self, run: InlineRun, write: Callable[[], T]) -> T:
        for _ in range(_REFERENCES - 1):
            try:
                return write()
            except ports.ReferenceTaken:
                run.reference = self._ids.reference()
        return write()

    def _keep_pending(self, run: InlineRun, reading: DayReading, reason: Reason) -> Reply:
        def write() -> tuple[ports.Effects, Reply, Attempt, tuple[ports.SentBy, ...]]:
            effects, reply, attempt = creation_records.pending(run, reading, reason, self._ids)
            run.deferred = reply
            return effects, reply, attempt, self._book.apply(effects, GRACE_MS)

        try:
            effects, reply, attempt, sent = self._with_fresh_reference(run, write)
        except (ports.Unavailable, ports.Conflict):
            answered = self._inline.answered_after_all(run)
            if answered is None:
                raise
            return answered
        self._inline.told(run, effects, reply, attempt)
        self._relay.send_now(sent)
        return reply
