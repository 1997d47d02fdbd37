"""``GET /restaurants/{id}/manual-review``: the bookings that need a person, why, and other times to offer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import encode_cursor
from maitred.domain.booking import Booking
from maitred.domain.floor import Floor
from maitred.domain.reasons import Category, ReasonCode
from maitred.planner.floor.index import FloorIndex
from maitred.services.assignment.day import DaySnapshots, day_of_services
from maitred.services.assignment.planning import DayPlanner, Planning, booking_request
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Clock, Day, Json, ReviewCase
from maitred.services.staff.assignment import UNASSIGNED

_BUDGET_MS = 2000
_MOST_DAYS = 8  # a page ends where it would need the ledger of more service days

#: Reasons for manual review that no attempt gives.
_OTHER_REASONS: Mapping[str, Json] = {
    UNASSIGNED: {
        "code": UNASSIGNED,
        "category": Category.DETERMINISTIC.value,
        "detail": "A person took the tables away.",
    },
    "lease_expired": {
        "code": ReasonCode.ABORTED.value,
        "category": ReasonCode.ABORTED.category.value,
        "detail": "The background job broke off again and again.",
    },
}


class ManualReview:
    def __init__(self, store: BookingStore, clock: Clock, days: DaySnapshots, planning: Planning) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._planning = planning

    def page(self, restaurant_id: str, after: tuple[datetime, UUID], limit: int) -> Reply:
        """Bookings in manual review whose stay is not over, by start.

        ``alternatives`` are planned on one reading of each service day; a page may be shorter than
        ``limit``. Raises RestaurantNotFound, StoreError.
        """
        now, budget = self._clock.now(), Budget(self._clock, _BUDGET_MS)
        found = self._store.manual_review(restaurant_id, now, after, limit + 1)
        page = _of_few_days(found[:limit])
        planners, index = self._planners(restaurant_id, page, now, budget)
        items = []
        for left, case in zip(range(len(page), 0, -1), page, strict=True):
            share = Budget(self._clock, budget.remaining_ms() / left)
            planner = planners[case.booking.service_date]
            items.append(_item(case, index, planner, now, share))
        last = page[-1].booking if len(page) < len(found) else None
        cursor = encode_cursor(last.start_at, last.id) if last else None
        return Reply(200, responses.dumps({"items": items, "nextCursor": cursor}))

    def _planners(
        self, restaurant_id: str, page: Sequence[ReviewCase], now: datetime, budget: Budget
    ) -> tuple[Mapping[date, DayPlanner], FloorIndex]:
        """One for each service day of the page, all read in one round trip."""
        dates = sorted({case.booking.service_date for case in page})

        def days_on(floor: Floor) -> list[Day]:
            return [day_of_services(floor, each, now) for each in dates]

        reading = self._days.read_all(restaurant_id, days_on, budget)
        planners = {
            snapshot.day.service_date: self._planning.of_day(reading.index, snapshot)
            for snapshot in reading.snapshots
        }
        return planners, reading.index


def _of_few_days(cases: Sequence[ReviewCase]) -> Sequence[ReviewCase]:
    dates: set[date] = set()
    for number, case in enumerate(cases):
        dates.add(case.booking.service_date)
        if len(dates) > _MOST_DAYS:
            return cases[:number]
    return cases


def _item(case: ReviewCase, index: FloorIndex, planner: DayPlanner, now: datetime, deadline: Budget) -> Json:
    booking = case.booking
    alternatives = planner.alternatives(booking_request(booking), booking.duration_minutes, now, deadline)
    return {
        "booking": responses.booking_json(booking),
        "reason": _reason(case),
        "since": responses.local(case.since, booking.timezone),
        "alternatives": responses.alternatives_json(alternatives, index.floor.timezone),
    }


def _reason(case: ReviewCase) -> Json | None:
    """The last attempt's, if that is what brought the booking here."""
    return _OTHER_REASONS.get(case.reason or "") or _stored(case.booking)


def _stored(booking: Booking) -> Json | None:
    reason = (booking.last_result or {}).get("reason")
    return reason if isinstance(reason, dict) else None
