"""``GET /restaurants/{id}/manual-review``: the bookings that need a person, why, and other times to offer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import encode_cursor
from maitred.services.assignment.day import DaySnapshots, day_of_services
from maitred.services.assignment.planning import DayPlanner, Planning, booking_request
from maitred.services.assignment.waiting import waiting_reason
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Charge, Clock, Json, ReviewCase

_BUDGET_MS = 2000
_TOKENS = 10  # each case asks the planner for other times
_MOST_DAYS = 8  # a page ends where it would need the ledger of more service days


class ManualReview:
    def __init__(self, store: BookingStore, clock: Clock, days: DaySnapshots, planning: Planning) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._planning = planning

    def page(self, restaurant_id: str, after: tuple[datetime, UUID], limit: int, client: str) -> Reply:
        """Bookings in manual review whose stay is not over, and guests at risk, by start.

        ``alternatives`` are planned on one reading of each service day; a page may be shorter than
        ``limit``. The ``client`` pays for those. Raises RestaurantNotFound, StoreError.
        """
        now, budget = self._clock.now(), Budget(self._clock, _BUDGET_MS)
        found = self._store.manual_review(restaurant_id, now, after, limit + 1, Charge(client, _TOKENS))
        page = _of_few_days(found[:limit])
        planners = self._planners(restaurant_id, page, now, budget)
        items = []
        for case, share in zip(page, budget.shares(len(page)), strict=True):
            items.append(_item(case, planners[case.booking.service_date], now, share))
        last = page[-1].booking if len(page) < len(found) else None
        cursor = encode_cursor(last.start_at, last.id) if last else None
        return Reply(200, responses.dumps({"items": items, "nextCursor": cursor}))

    def _planners(
        self, restaurant_id: str, page: Sequence[ReviewCase], now: datetime, budget: Budget
    ) -> Mapping[date, DayPlanner]:
        """One for each service day of the page, all read in one round trip."""
        dates = sorted({case.booking.service_date for case in page})
        readings = self._days.read_all(
            restaurant_id, lambda floor: [day_of_services(floor, each, now) for each in dates], budget
        )
        return {
            reading.snapshot.day.service_date: self._planning.of_day(reading.index, reading.snapshot)
            for reading in readings
        }


def _of_few_days(cases: Sequence[ReviewCase]) -> Sequence[ReviewCase]:
    dates: set[date] = set()
    for number, case in enumerate(cases):
        dates.add(case.booking.service_date)
        if len(dates) > _MOST_DAYS:
            return cases[:number]
    return cases


def _item(case: ReviewCase, planner: DayPlanner, now: datetime, deadline: Budget) -> Json:
    booking = case.booking
    alternatives = planner.alternatives(booking_request(booking), booking.duration_minutes, now, deadline)
    return {
        "booking": responses.booking_json(booking, now),
        "reason": waiting_reason(booking, case.reason),
        "since": responses.local(case.since, booking.timezone),
        "alternatives": responses.alternatives_json(alternatives, planner.day.index.floor.timezone),
    }
