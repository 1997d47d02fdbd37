"""Inline quote-and-confirm: one snapshot read, a plan in memory, one confirm transaction.

What is not confirmed within the budget is kept as pending with a message for the background job, in one
transaction too (or refused, if the caller asked for that).
"""

from collections.abc import Callable

from maitred.domain import errors
from maitred.domain.reasons import Category, Reason
from maitred.services import creation_records, inline_records, ports
from maitred.services.attempt import Attempt
from maitred.services.day_reader import Replayed
from maitred.services.failures import reason_of
from maitred.services.inline import GRACE_MS, Inline
from maitred.services.inline_run import BookingWish, DayReading, InlineRun
from maitred.services.kit import Kit
from maitred.services.refusal import TryAgain, refusal_reply
from maitred.services.replies import Reply, RequestContext, of_twin, to_store

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
        run = self._inline.begin(wish, context)
        try:
            return self._settle(run, self._inline.read(run))
        except Replayed as found:
            return found.reply
        except errors.MaitredError:
            raise  # refused for now, and told so; or no run at all: the wish breaks a rule
        except ports.DuplicateRequest:
            self._telemetry.later(inline_records.ended(run, "superseded", "duplicate_request"))
            return of_twin(self._book, run.context.key)
        except Exception as error:
            self._telemetry.later(inline_records.ended(run, "error", type(error).__name__))
            raise

    def _settle(self, run: InlineRun, reading: DayReading) -> Reply:
        result = self._confirm(run, reading)
        if isinstance(result, Reply):
            return result
        self._inline.find_alternatives(run)
        if run.wish.refuse_if_full:
            return self._refuse(run, reading, result)
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

    def _refuse(self, run: InlineRun, reading: DayReading, reason: Reason) -> Reply:
        """A refusal that stands is an answer, kept for replays; one that may not is tried again."""
        attempt, events, more = inline_records.refused(run, reading, reason)
        if reason.category is not Category.DETERMINISTIC:
            self._telemetry.later(events)
            self._inline.measure(run, attempt)
            raise TryAgain(reason, more)
        reply = refusal_reply(reason, more, run.context.correlation_id)
        effects = ports.Effects(events=events, reply=to_store(run.context.key, reply))
        self._book.apply(effects, GRACE_MS)
        return self._inline.told(run, effects, reply, attempt)
