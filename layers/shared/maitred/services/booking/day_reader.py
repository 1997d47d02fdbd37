"""Reads the day a guest asks for: on the current layout, in one round trip if the floor is known already."""

from datetime import datetime, timedelta

from maitred.domain import errors
from maitred.domain.booking import Booking, LocalStart
from maitred.domain.floor import Floor
from maitred.domain.reasons import Reason
from maitred.domain.windows import Notice, Window, local_start, resolve_window
from maitred.planner.floor.index import FloorIndex
from maitred.services import ports
from maitred.services.assignment.day import Floors, day_of
from maitred.services.assignment.failures import reason_of
from maitred.services.booking.request import BookingWish, DayReading, InlineRun
from maitred.services.idempotency import Reply, replay

_LATE = timedelta(minutes=5)  # how long ago a start may lie
_TRIES = 3  # the layout changing under one request is rare; twice is the end


class DayReader:
    def __init__(
        self, book: ports.Book, floors: Floors, clock: ports.Clock, telemetry: ports.Telemetry
    ) -> None:
        self._book = book
        self._floors = floors
        self._clock = clock
        self._telemetry = telemetry

    def read(self, run: InlineRun) -> DayReading:
        """The day as it is now; that it could not be read in time is part of the answer.

        Raises Replayed if the same request was answered before, MaitredError if the wish breaks a rule of
        the current layout, BookError if the layout could not be read.
        """
        index = self._floors.latest(run.wish.restaurant_id)
        cache_hit = index is not None
        entry: ports.Entry | None = ports.Entry(run.attempt_id, run.context.actor)
        for _ in range(_TRIES):
            index = index or self._layout(run, None)
            try:
                window, notices = stay(run.wish, index, run.now, run.changed)
            except errors.MaitredError:
                fresh = self._layout(run, index) if cache_hit else index
                if fresh is index:
                    raise
                index, cache_hit = fresh, False
                continue
            read = self._snapshot(run, index, window, entry)
            entry = None  # let in once is enough
            if isinstance(read, Reason) or read.document is None:
                return DayReading(index, window, notices, read, cache_hit)
            index = self._floors.keep(run.wish.restaurant_id, read.layout_version, read.document)
            cache_hit = False
        raise ports.Conflict("the layout keeps changing")

    def _layout(self, run: InlineRun, known: FloorIndex | None) -> FloorIndex:
        version = known.floor.layout_version if known else None
        read = self._book.layout(run.wish.restaurant_id, version, run.context.key, run.budget.remaining_ms())
        if read is None:
            raise errors.RestaurantNotFound
        _stop_if_answered(run, read.reply)
        if read.document is None and known is not None:
            return known
        return self._floors.keep(run.wish.restaurant_id, read.layout_version, read.document or {})

    def _snapshot(
        self, run: InlineRun, index: FloorIndex, window: Window, entry: ports.Entry | None
    ) -> ports.Snapshot | Reason:
        day = day_of(index.floor, window, run.now)
        began = self._clock.monotonic()
        try:
            with self._telemetry.span("snapshot", restaurant=day.restaurant_id):
                read = self._book.snapshot(
                    day, index.floor.layout_version, run.context.key, run.budget.remaining_ms(), entry
                )
        except ports.RateLimited as error:
            raise errors.RateLimited(error.wait_seconds) from error
        except ports.CircuitOpen as error:
            raise errors.CircuitOpen(error.wait_seconds) from error
        except (ports.DeadlinePassed, ports.LockTimeout) as error:
            return reason_of(error, run.budget)
        finally:
            run.db_ms += (self._clock.monotonic() - began) * 1000
        if read is None:
            raise errors.RestaurantNotFound
        _stop_if_answered(run, read.reply)
        return read


class Replayed(Exception):
    """Found while reading: this request was answered before."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


def _stop_if_answered(run: InlineRun, stored: ports.StoredReply | None) -> None:
    if stored is not None and run.context.key is not None:
        raise Replayed(replay(run.context.key, stored))


def stay(
    wish: BookingWish, index: FloorIndex, now: datetime, changed: Booking | None = None
) -> tuple[Window, tuple[Notice, ...]]:
    """When the party would sit. Raises MaitredError if the floor document does not allow it.

    Of a booking that is ``changed``, a start that stays may have passed, and the same party keeps its end.
    """
    floor = index.floor
    if wish.party_size > floor.seats():
        raise errors.PartyTooLarge(f"the house seats {floor.seats()} in all")
    moment, notices = _moment(wish.start, index)
    stays = changed is not None and moment == changed.start_at
    if moment < now - _LATE and not stays:
        raise errors.InThePast
    if changed is not None and stays and wish.party_size == changed.party_size:
        return _kept_window(floor, changed), notices
    window = resolve_window(floor, moment, wish.party_size, wish.duration_minutes)
    return window, (*notices, *window.notices)


def _kept_window(floor: Floor, booking: Booking) -> Window:
    """The stay that was promised, also where new hours would not allow it any more. Raises OutsideService."""
    service = next((each for each in floor.services if each.id == booking.service_id), None)
    if service is None:
        raise errors.OutsideService
    return Window(booking.start_at, booking.end_at, service, booking.service_date, ())


def _moment(start: LocalStart | datetime, index: FloorIndex) -> tuple[datetime, tuple[Notice, ...]]:
    if isinstance(start, LocalStart):
        return local_start(start.day, start.clock, index.floor.timezone)
    return start, ()
