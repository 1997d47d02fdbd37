"""``GET /bookings/{id}``, ``GET /restaurants/{id}/bookings`` and ``GET /restaurants``: things as they are."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import encode_cursor, encode_name
from maitred.domain.booking import Booking
from maitred.domain.errors import RestaurantNotFound
from maitred.services.assignment.attempt import Outcome
from maitred.services.assignment.day import DaySnapshots, day_of_services
from maitred.services.assignment.planning import Planning, booking_request
from maitred.services.assignment.waiting import waiting_reason
from maitred.services.booking.request import earliest_start
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply, read_reply
from maitred.services.ports import BookingDetails, BookingFilter, BookingStore, Clock, DecidingAttempt, Json

_BUDGET_MS = 900
_PENDING = "pending"  # the status of all who wait


class BookingViews:
    def __init__(self, store: BookingStore, clock: Clock, days: DaySnapshots, planning: Planning) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._planning = planning

    def booking(self, details: BookingDetails, *, is_staff: bool) -> Reply:
        """The booking and how it came to its tables; while it waits also why, and other starts to offer.

        ``is_staff``: limits for guests do not bind who asks. The ETag begins with the version.
        Raises StoreError.
        """
        booking, attempt, now = details.booking, details.attempt, self._clock.now()
        waits = booking.state.status == _PENDING
        if waits and attempt is not None and attempt.outcome == Outcome.CONFIRMED:
            attempt = None  # it gave tables that are gone
        body = {
            "booking": responses.booking_json(booking, now),
            "assignment": None if attempt is None else _assignment_json(attempt),
            "reason": waiting_reason(booking, details.came_by) if waits else None,
            "alternatives": self._alternatives(booking, now, is_staff=is_staff) if waits else [],
        }
        return read_reply(body, f"{booking.version}-")

    def _alternatives(self, booking: Booking, now: datetime, *, is_staff: bool) -> list[Json]:
        budget = Budget(self._clock, _BUDGET_MS)
        reading = self._days.read(
            booking.restaurant_id, lambda floor: day_of_services(floor, booking.service_date, now), budget
        )
        planner = self._planning.of_day(reading.index, reading.snapshot.without(booking))
        earliest = earliest_start(reading.index.floor, now, is_staff=is_staff)
        found = planner.alternatives(booking_request(booking), booking.duration_minutes, earliest, budget)
        return responses.alternatives_json(found, reading.index.floor.timezone)

    def page(self, wanted: BookingFilter, after: tuple[datetime, UUID], limit: int) -> Reply:
        """Up to ``limit`` bookings that follow ``after``, by place and id. Raises RestaurantNotFound."""
        found = self._store.page(wanted, after, limit)
        if not found.items and self._store.layout(wanted.restaurant_id, None, None, None) is None:
            raise RestaurantNotFound
        last, now = found.items[-1] if found.more else None, self._clock.now()
        body = {
            "items": [responses.booking_json(booking, now) for booking in found.items],
            "nextCursor": encode_cursor(wanted.place_of(last), last.id) if last else None,
        }
        return read_reply(body)

    def restaurants(self, ids: Collection[str] | None, after: str, limit: int) -> Reply:
        """Up to ``limit`` of the caller's restaurants that follow ``after``, by id. ``ids`` None: all are."""
        found = self._store.restaurants(ids, after, limit + 1)
        page = found[:limit]
        body = {
            "items": [responses.members_json(each) for each in page],
            "nextCursor": encode_name(page[-1].restaurant_id) if len(found) > limit else None,
        }
        return read_reply(body)


def _assignment_json(attempt: DecidingAttempt) -> Json:
    """As the reply to the request for tables had it. Who is in the way of a refusal is for staff to know."""
    plan = attempt.explanation if attempt.outcome == Outcome.CONFIRMED else {}
    return {
        "attemptId": str(attempt.id),
        "trigger": attempt.trigger,
        "outcome": attempt.outcome,
        "strategy": plan.get("strategy"),
        "score": plan.get("score"),
        "reason": attempt.reason,
        "durationMs": attempt.duration_ms,
        "alternates": plan.get("alternates", 0),
        "moves": len(plan.get("moves", ())),
        "explanation": attempt.reason["detail"] if attempt.reason else plan.get("summary", ""),
    }
