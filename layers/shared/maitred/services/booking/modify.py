"""``PATCH /bookings/{id}``: a guest's change gets the same care as a new booking.

New tables are taken and old ones let go in one transaction, or nothing changes. What alters neither party
nor time, and what the present tables still grant, keeps them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from maitred.domain import errors
from maitred.domain.booking import Booking, LocalStart, Trigger
from maitred.domain.reasons import Category, Reason
from maitred.domain.windows import local_start
from maitred.planner.floor.rules import check_tables
from maitred.services import ports
from maitred.services.assignment.attempt import Attempt
from maitred.services.assignment.layout_change import back_by_then
from maitred.services.assignment.planning import party_request
from maitred.services.assignment.wake import Waking
from maitred.services.booking import modification_records, outcome
from maitred.services.booking.day_reader import Replayed
from maitred.services.booking.inline import GRACE_MS, Inline
from maitred.services.booking.outcome import Seat
from maitred.services.booking.refusal import TryAgain, refusal_reply
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.kit import Kit
from maitred.services.unit_of_work import change_booking, write

#: Rules of size and joining: the party that sits there has met them, or a person has overridden them.
_SHAPE = frozenset({"capacity", "min_party", "max_tables", "not_movable", "adjacency"})

type Change = Callable[[Booking], BookingWish]


class ModifyBooking:
    def __init__(self, kit: Kit, inline: Inline, waking: Waking) -> None:
        self._kit = kit
        self._inline = inline
        self._waking = waking

    def modify(
        self, booking: Booking, change: Change, context: RequestContext, versions: Collection[int] | None
    ) -> Reply:
        """``change``: the whole wish, made of the booking as it is. ``versions``: which the caller knows.

        Raises VersionMismatch, InvalidTransition, TryAgain, or MaitredError for a wish that breaks a rule.
        """

        def modify(current: Booking) -> Reply:
            if versions is not None and current.version not in versions:
                raise errors.VersionMismatch(f"the booking has version {current.version}")
            if current.state not in modification_records.CHANGEABLE:
                raise errors.InvalidTransition(f"a booking that is {current.state.value} cannot be changed")
            return self._modify(current, change(current), context)

        return change_booking(self._kit.book, booking, context, modify)

    def _modify(self, booking: Booking, wish: BookingWish, context: RequestContext) -> Reply:
        same_stay = wish.party_size == booking.party_size and _moment(wish, booking) == booking.start_at
        if same_stay and wish.preferences == booking.preferences:
            return self._details(booking, wish, context)
        run = self._inline.begin(wish, context, Trigger.INLINE_MODIFICATION, booking)
        try:
            reading = self._inline.read(run)
            if same_stay and _granted(reading, wish, booking, run.now):
                return self._details(booking, wish, context)
            return self._replan(run, reading, booking)
        except Replayed as found:
            return found.reply
        except errors.MaitredError:
            raise  # refused for now, and told so; or no run at all: the wish breaks a rule
        except (ports.StaleVersion, ports.DuplicateRequest) as error:
            self._kit.telemetry.later(outcome.ended(run, "superseded", type(error).__name__))
            raise
        except Exception as error:
            self._kit.telemetry.later(outcome.ended(run, "error", type(error).__name__))
            raise

    # --- without an attempt ---

    def _details(self, booking: Booking, wish: BookingWish, context: RequestContext) -> Reply:
        present = (booking.guest, booking.notes, booking.preferences)
        if (wish.guest, wish.notes, wish.preferences) == present:
            return self._unchanged(booking, context)
        now = self._kit.clock.now()
        return write(self._kit, *modification_records.details(booking, wish, context, now))

    def _unchanged(self, booking: Booking, context: RequestContext) -> Reply:
        reply = modification_records.kept_reply(booking, "This is how it is already.")
        if context.key is not None:
            self._kit.book.apply(ports.Effects(reply=to_store(context.key, reply)))
        return reply

    # --- with one ---

    def _replan(self, run: InlineRun, reading: DayReading, booking: Booking) -> Reply:
        waking = self._waking.messages(booking, run.context.correlation_id, run.now)

        def confirmed(
            run: InlineRun, reading: DayReading, seat: Seat, ids: ports.Ids
        ) -> tuple[ports.Effects, Reply, Attempt]:
            effects, reply, attempt = modification_records.confirmed(run, reading, seat, ids)
            lets_go = seat.plan.tables != booking.tables or not _covers(reading, booking)
            return _with_messages(effects, waking if lets_go else []), reply, attempt

        days = [(booking.restaurant_id, booking.service_date)] if booking.tables else []
        result = self._inline.confirm(run, reading, confirmed, days)
        if isinstance(result, Reply):
            return result
        self._inline.find_alternatives(run)
        if run.wish.refuse_if_full:
            return self._refuse(run, reading, result)
        return self._keep_pending(run, reading, result, waking)

    def _refuse(self, run: InlineRun, reading: DayReading, reason: Reason) -> Reply:
        """The booking and its tables stay as they were."""
        attempt, told, more = outcome.refused(run, reading, reason)
        if reason.category is not Category.DETERMINISTIC:
            self._kit.telemetry.later(told)
            self._inline.measure(run, attempt)
            raise TryAgain(reason, more)
        reply = refusal_reply(reason, more, run.context.correlation_id)
        effects = modification_records.refused(run, attempt, told, reply)
        self._kit.book.apply(effects, GRACE_MS)
        return self._inline.told(run, effects, reply, attempt)

    def _keep_pending(
        self, run: InlineRun, reading: DayReading, reason: Reason, waking: Sequence[ports.OutboxRow]
    ) -> Reply:
        effects, reply, attempt = modification_records.pending(run, reading, reason, self._kit.ids)
        effects = _with_messages(effects, waking)
        run.deferred = reply
        try:
            sent = self._kit.book.apply(effects, GRACE_MS)
        except (ports.Unavailable, ports.StaleVersion):
            answered = self._inline.answered_after_all(run)
            if answered is None:
                raise
            return answered
        self._inline.told(run, effects, reply, attempt)
        self._kit.relay.send_now(sent)
        return reply


def _moment(wish: BookingWish, booking: Booking) -> datetime:
    if isinstance(wish.start, LocalStart):
        return local_start(wish.start.day, wish.start.clock, ZoneInfo(booking.timezone))[0]
    return wish.start


def _granted(reading: DayReading, wish: BookingWish, booking: Booking, now: datetime) -> bool:
    """Do the present tables grant every must and wish? A person's choice of tables outweighs wishes."""
    if not booking.tables:
        return False
    request = party_request(wish.party_size, reading.window, wish.preferences)
    ignored = _SHAPE | back_by_then(booking, now)
    if any(broken.code not in ignored for broken in check_tables(reading.index, booking.tables, request)):
        return False
    chosen = [table for table in reading.index.floor.tables if table.id in booking.tables]
    wishes = wish.preferences
    in_zone = wishes.zone is None or all(table.zone == wishes.zone for table in chosen)
    return booking.pinned or (
        in_zone and all(set(wishes.attributes) <= set(table.attributes) for table in chosen)
    )


def _covers(reading: DayReading, booking: Booking) -> bool:
    """Does the new stay take all of the old one's time?"""
    return reading.window.start <= booking.start_at and reading.window.end >= booking.end_at


def _with_messages(effects: ports.Effects, messages: Sequence[ports.OutboxRow]) -> ports.Effects:
    return replace(effects, outbox=[*effects.outbox, *messages])
