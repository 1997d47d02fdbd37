"""``POST /restaurants/{id}/holds`` and ``DELETE /holds/{id}``: tables kept for some minutes.

A hold is found and raced for as a booking is, but nobody is moved for it. It ends by the clock: what has
expired blocks no one, and its rows are let go by whoever needs the tables next.
"""

from uuid import UUID

from maitred.domain import errors
from maitred.domain.booking import Trigger
from maitred.domain.hold import Hold
from maitred.domain.reasons import Category, Reason, ReasonCode
from maitred.services import ports
from maitred.services.assignment.wake import Waking
from maitred.services.booking import hold_records, outcome
from maitred.services.booking.day_reader import Replayed
from maitred.services.booking.inline import Inline
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, earlier, of_twin, to_store
from maitred.services.kit import Kit
from maitred.services.unit_of_work import write


class Holds:
    def __init__(self, kit: Kit, inline: Inline, waking: Waking) -> None:
        """``inline``: of a planner that moves nobody."""
        self._kit = kit
        self._inline = inline
        self._waking = waking

    def make(self, wish: BookingWish, context: RequestContext) -> Reply:
        """Hold tables, or refuse. Raises TryAgain, or MaitredError for what could not be booked either."""
        run = self._inline.begin(wish, context, Trigger.INLINE_HOLD)
        try:
            return self._settle(run, self._inline.read(run))
        except Replayed as found:
            return found.reply
        except errors.MaitredError:
            raise  # refused for now, and told so; or no run at all: the wish breaks a rule
        except ports.DuplicateRequest:
            self._kit.telemetry.later(outcome.ended(run, "superseded", "duplicate_request"))
            return of_twin(self._kit.book, context.key)
        except Exception as error:
            self._kit.telemetry.later(outcome.ended(run, "error", type(error).__name__))
            raise

    def give_back(self, hold: Hold, context: RequestContext) -> Reply:
        """Free the tables and wake who waits for some. Of a hold that is over or used nothing changes."""
        answered = earlier(self._kit.book, context.key)
        if answered is not None:
            return answered
        try:
            return self._give_back(hold, context)
        except ports.DuplicateRequest:
            return of_twin(self._kit.book, context.key)

    def _give_back(self, hold: Hold, context: RequestContext) -> Reply:
        if hold.expired or hold.used_by is not None:
            return self._unchanged(context)
        woken = self._waking.messages(hold, context.correlation_id, self._kit.clock.now())
        return write(self._kit, *hold_records.given_back(hold, context, woken))

    def _unchanged(self, context: RequestContext) -> Reply:
        reply = hold_records.nothing()
        if context.key is not None:
            self._kit.book.apply(ports.Effects(reply=to_store(context.key, reply)))
        return reply

    def _settle(self, run: InlineRun, reading: DayReading) -> Reply:
        hold_id = self._kit.ids.uuid()

        result = self._inline.confirm(
            run, reading, lambda run, reading, seat, _: hold_records.made(run, reading, seat, hold_id)
        )
        if isinstance(result, Reply):
            return result
        answered = self._answered_after_all(run, result, hold_id)
        if answered is not None:
            return answered
        self._inline.find_alternatives(run)
        return self._inline.refuse(run, reading, result, final=_is_proven(result))

    def _answered_after_all(self, run: InlineRun, reason: Reason, hold_id: UUID) -> Reply | None:
        """The commit's answer may have got lost: what was committed is told, or it would block unknown."""
        if reason.code is not ReasonCode.DATABASE_UNAVAILABLE or run.written is None:
            return None
        return run.written if self._kit.book.hold(hold_id).hold is not None else None


def _is_proven(reason: Reason) -> bool:
    """Is nothing free at this time? Other holds may expire, but that is for another request to find out."""
    return reason.category is Category.DETERMINISTIC or reason.code is ReasonCode.HOLD_CONFLICT
