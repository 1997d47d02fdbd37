"""A restaurant's current floor, and the part of its ledger that a stay there can touch."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from maitred.contracts.stored_floor import floor_from_document
from maitred.domain.booking import Booking
from maitred.domain.errors import RestaurantNotFound
from maitred.domain.floor import Floor
from maitred.domain.windows import Window, service_day, slot_starts
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.services.budget import Budget
from maitred.services.feature_flags import FlagSource
from maitred.services.ports import BookingStore, Charge, Conflict, Day, FloorRead, Json, LayoutRead, Snapshot

_KEPT_FLOORS = 64
_TRIES = 3  # the layout changing under one request is rare; twice is the end


class Floors:
    """The latest compiled floor of each restaurant, a bounded number of them; none where the flag is off.

    Every reading of the database names the layout version that is known and returns a newer document if
    there is one, so an old floor is never planned on.
    """

    def __init__(self, flags: FlagSource, kept: int = _KEPT_FLOORS) -> None:
        self._flags = flags
        self._kept = kept
        self._floors: OrderedDict[str, FloorIndex] = OrderedDict()

    def latest(self, restaurant_id: str) -> FloorIndex | None:
        if not self._flags.flags_for(restaurant_id).keeps_floors:
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

    def current(
        self, restaurant_id: str, known: FloorIndex | None, read: LayoutRead | FloorRead | None
    ) -> FloorIndex:
        """The floor after a reading that named the version of ``known``. Raises RestaurantNotFound."""
        if read is None:
            raise RestaurantNotFound
        if read.document is None and known is not None:
            return known
        return self.keep(restaurant_id, read.layout_version, read.document or {})


def version_of(known: FloorIndex | None) -> int | None:
    return known.floor.layout_version if known else None


def read_floor(
    store: BookingStore, floors: Floors, restaurant_id: str, budget_ms: int | None = None
) -> FloorIndex:
    """The current floor, compiled; never an old one. Raises RestaurantNotFound or StoreError."""
    known = floors.latest(restaurant_id)
    read = store.layout(restaurant_id, version_of(known), None, budget_ms)
    return floors.current(restaurant_id, known, read)


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot, the floor it was read on, and how long that took.

    ``cache_hit``: the floor was kept, not read for this.
    """

    index: FloorIndex
    snapshot: Snapshot
    cache_hit: bool
    db_ms: float


class DaySnapshots:
    def __init__(self, store: BookingStore, floors: Floors) -> None:
        self._store = store
        self._floors = floors

    def read(
        self,
        restaurant_id: str,
        day_on: Callable[[Floor], Day],
        budget: Budget,
        charge: Charge | None = None,
    ) -> Reading:
        """``day_on`` says which part is wanted, given the floor; ``charge``, what the client pays for it.

        Raises RestaurantNotFound, StoreError.
        """
        return self.read_all(restaurant_id, lambda floor: [day_on(floor)], budget, charge)[0]

    def read_all(
        self,
        restaurant_id: str,
        days_on: Callable[[Floor], Sequence[Day]],
        budget: Budget,
        charge: Charge | None = None,
    ) -> list[Reading]:
        """As `read`, of several days, also in one round trip."""
        began = budget.spent_ms()
        index = self._floors.latest(restaurant_id)
        cache_hit = index is not None
        index = index or read_floor(self._store, self._floors, restaurant_id, budget.remaining_ms())
        for _ in range(_TRIES):
            days, version = days_on(index.floor), index.floor.layout_version
            read = self._store.snapshots(days, version, budget.remaining_ms(), charge) if days else []
            if read is None:
                raise RestaurantNotFound
            newer = next((each for each in read if each.document is not None), None)
            if newer is None or newer.document is None:
                db_ms = budget.spent_ms() - began
                return [Reading(index, snapshot, cache_hit, db_ms) for snapshot in read]
            index, cache_hit = self._floors.keep(restaurant_id, newer.layout_version, newer.document), False
            charge = None  # it has been paid
        raise Conflict("the layout keeps changing")


def day_of(floor: Floor, window: Window, now: datetime) -> Day:
    """The part of the ledger that a plan for ``window``, its moves and its alternatives can touch."""
    opens, closes = service_day(floor, window.service_date)
    span = min(opens, window.start), max(closes, window.end)
    return _day(floor, window.service_date, window.service.id, span, now, _movable_from(floor, now))


def day_of_services(floor: Floor, service_date: date, now: datetime) -> Day:
    """The part of the ledger that any stay of that service day can touch."""
    span = service_day(floor, service_date)
    return _day(floor, service_date, _last_to_open(floor, service_date), span, now, _movable_from(floor, now))


def day_of_stay(floor: Floor, booking: Booking, now: datetime) -> Day:
    """The part of the ledger that exactly this stay touches; no booking is moved for it."""
    span = booking.start_at, booking.end_at
    return _day(floor, booking.service_date, booking.service_id, span, now, None)


def day_around(floor: Floor, booking: Booking, now: datetime) -> Day:
    """The service day of a stay, and all of the stay itself."""
    stay, day = day_of_stay(floor, booking, now), day_of_services(floor, booking.service_date, now)
    start, end = min(stay.start, day.start), max(stay.end, day.end)
    return replace(day, start=start, end=end, profile=stay.profile)


def day_of_room(floor: Floor, service_date: date, now: datetime, until: datetime | None = None) -> Day:
    """As `day_of_services`, for what the room needs at once: whoever has not come may be moved, late or not.

    ``until``: the end of a stay that has to lie within it too.
    """
    opens, closes = service_day(floor, service_date)
    span = min(opens, now), max(closes, until or closes, now)
    everybody = span[0] - timedelta(days=1)
    day = _day(floor, service_date, _last_to_open(floor, service_date), span, now, everybody)
    return replace(day, with_blocks=True)


def _day(
    floor: Floor,
    service_date: date,
    service_id: str,
    span: tuple[datetime, datetime],
    now: datetime,
    movable_from: datetime | None,
) -> Day:
    before = timedelta(minutes=floor.policy.buffer_before_minutes)
    after = timedelta(minutes=floor.policy.buffer_after_minutes)
    stays_on = timedelta(minutes=floor.policy.lookahead_minutes + 1)  # a start just that far ahead, too
    return Day(
        restaurant_id=floor.restaurant_id,
        service_date=service_date,
        start=span[0] - before,
        end=span[1] + after,
        movable_from=movable_from,
        profile=profile_name(service_date.isoweekday(), service_id),
        overdue=now.replace(second=59, microsecond=0) + after,
        overdue_until=now + stays_on,
        by_zone=bool(floor.policy.pacing.per_zone),  # costs a look at each party's tables
    )


def _last_to_open(floor: Floor, service_date: date) -> str:
    """One profile of demand serves the whole day."""
    slots = slot_starts(floor, service_date)
    return slots[-1][0].id if slots else ""


def _movable_from(floor: Floor, now: datetime) -> datetime | None:
    return now + timedelta(minutes=floor.policy.freeze_minutes) if floor.policy.max_moves else None


def profile_name(weekday: int, service_id: str) -> str:
    """Under which name the demand of a service is learnt; ``weekday`` 1 is Monday."""
    return f"{weekday}:{service_id}"
