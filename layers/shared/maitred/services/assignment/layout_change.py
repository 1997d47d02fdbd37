"""Which confirmed guests a new floor document touches (contract 9, "Layout changes")."""

from datetime import datetime, timedelta

from maitred.domain.booking import Booking
from maitred.domain.timeline import to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import check_tables
from maitred.planner.model import PartyRequest

_OUT_OF_SERVICE_HORIZON = timedelta(hours=24)


def back_by_then(booking: Booking, now: datetime) -> frozenset[str]:
    """The rule that a table out of service now does not break for a booking later than 24 hours from now."""
    later = booking.start_at > now + _OUT_OF_SERVICE_HORIZON
    return frozenset({"out_of_service"}) if later else frozenset()


def problem_of(
    index: FloorIndex, booking: Booking, now: datetime, overridden: frozenset[str] = frozenset()
) -> str | None:
    """Why ``booking``'s tables no longer serve it on this floor; None if they do.

    ``overridden``: the rules that a person set aside for these tables; they stay so on a new floor.
    Wishes are not looked at: they were granted, or not, when the guest was confirmed.
    """
    request = PartyRequest(
        party_size=booking.party_size,
        start=to_minutes(booking.start_at),
        end=to_minutes(booking.end_at),
        service_id=booking.service_id,
        service_date=booking.service_date,
    )
    ignored = overridden | back_by_then(booking, now)
    for violation in check_tables(index, booking.tables, request):
        if violation.code not in ignored:
            return violation.message
    return None
