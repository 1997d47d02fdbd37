"""Compiled floors that are kept, and the part of the ledger that a stay on one can touch."""

from collections import OrderedDict
from datetime import date, datetime, timedelta

from maitred.contracts.stored_floor import floor_from_document
from maitred.domain.booking import Booking
from maitred.domain.errors import RestaurantNotFound
from maitred.domain.floor import Floor
from maitred.domain.windows import Window, service_day, slot_starts
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.services.ports import Book, Day, Json
from maitred.services.rollout import Rollout

_KEPT_FLOORS = 64


class Floors:
    """The latest compiled floor of each restaurant, a bounded number of them.

    None of a restaurant whose conduct is to keep none. Whoever uses one compares its layout version with the
    snapshot's, so an old one is never planned on.
    """

    def __init__(self, rollout: Rollout, kept: int = _KEPT_FLOORS) -> None:
        self._rollout = rollout
        self._kept = kept
        self._floors: OrderedDict[str, FloorIndex] = OrderedDict()

    def latest(self, restaurant_id: str) -> FloorIndex | None:
        if not self._rollout.of(restaurant_id).keeps_floors:
            return None
        index = self._floors.get(restaurant_id)
        if index is not None:
            self._floors.move_to_end(restaurant_id)
        return index

    def keep(self, restaurant_id: str, layout_version: int, document: Json) -> FloorIndex:
        index = compile_floor(floor_from_document(document, restaurant_id, layout_version))
        self._floors[restaurant_id] = index
        self._floors.move_to_end(restaurant_id)
        while len(self._floors) > self._kept:
            self._floors.popitem(last=False)
        return index


def read_floor(book: Book, floors: Floors, restaurant_id: str, budget_ms: int | None = None) -> FloorIndex:
    """The current floor, compiled; never an old one. Raises RestaurantNotFound or BookError."""
    known = floors.latest(restaurant_id)
    read = book.layout(restaurant_id, known.floor.layout_version if known else None, None, budget_ms)
    if read is None:
        raise RestaurantNotFound
    if read.document is None and known is not None:
        return known
    return floors.keep(restaurant_id, read.layout_version, read.document or {})


def day_of(floor: Floor, window: Window, now: datetime) -> Day:
    """The part of the ledger that a plan for ``window``, its moves and its alternatives can touch."""
    opens, closes = service_day(floor, window.service_date)
    before = timedelta(minutes=floor.policy.buffer_before_minutes)
    after = timedelta(minutes=floor.policy.buffer_after_minutes)
    start = min(opens, window.start) - before
    end = max(closes, window.end) + after
    profile = profile_name(window.service_date.isoweekday(), window.service.id)
    return Day(floor.restaurant_id, window.service_date, start, end, _movable_from(floor, now), profile)


def day_of_services(floor: Floor, service_date: date, now: datetime) -> Day:
    """The part of the ledger that any stay of that service day can touch."""
    opens, closes = service_day(floor, service_date)
    before = timedelta(minutes=floor.policy.buffer_before_minutes)
    after = timedelta(minutes=floor.policy.buffer_after_minutes)
    profile = profile_name(service_date.isoweekday(), _main_service(floor, service_date))
    return Day(
        floor.restaurant_id, service_date, opens - before, closes + after, _movable_from(floor, now), profile
    )


def _main_service(floor: Floor, service_date: date) -> str:
    """The last to open that day: one profile of demand serves the whole day."""
    slots = slot_starts(floor, service_date)
    return slots[-1][0].id if slots else ""


def _movable_from(floor: Floor, now: datetime) -> datetime | None:
    return now + timedelta(minutes=floor.policy.freeze_minutes) if floor.policy.max_moves else None


def day_of_stay(floor: Floor, booking: Booking) -> Day:
    """The part of the ledger that this very stay touches; nobody is moved for it."""
    before = timedelta(minutes=floor.policy.buffer_before_minutes)
    after = timedelta(minutes=floor.policy.buffer_after_minutes)
    profile = profile_name(booking.service_date.isoweekday(), booking.service_id)
    start, end = booking.start_at - before, booking.end_at + after
    return Day(floor.restaurant_id, booking.service_date, start, end, None, profile)


def profile_name(weekday: int, service_id: str) -> str:
    """Under which name the demand of a service is learnt; ``weekday`` 1 is Monday."""
    return f"{weekday}:{service_id}"
