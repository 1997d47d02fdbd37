"""Which confirmed bookings a new floor document takes their tables from. See docs/api.md."""

from dataclasses import replace
from datetime import datetime, timedelta

from maitred.domain.booking import Booking, Preferences
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import check_tables
from maitred.services.assignment.planning import booking_request

_OUT_OF_SERVICE_HORIZON = timedelta(hours=24)


def back_by_then(booking: Booking, now: datetime) -> frozenset[str]:
    """Rules that do not bind yet: a table that is out of service may be back for a booking a day ahead."""
    later = booking.start_at > now + _OUT_OF_SERVICE_HORIZON
    return frozenset({"out_of_service"}) if later else frozenset()


def problem_of(
    index: FloorIndex, booking: Booking, now: datetime, overridden: frozenset[str] = frozenset()
) -> str | None:
    """Why ``booking``'s tables no longer serve it on this floor; None if they do.

    ``overridden``: the rules that a person set aside for these tables; they stay so on a new floor.
    Preferences are not checked: the guest was confirmed with or without them.
    """
    request = booking_request(replace(booking, preferences=Preferences()))
    ignored = overridden | back_by_then(booking, now)
    for violation in check_tables(index, booking.tables, request):
        if violation.code not in ignored:
            return violation.message
    return None
