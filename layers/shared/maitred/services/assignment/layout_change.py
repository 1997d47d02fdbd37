"""Which confirmed bookings a floor document can no longer keep as promised. See docs/api.md."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from maitred.domain.booking import Booking, Preferences
from maitred.domain.errors import MaitredError
from maitred.domain.windows import promised_window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import Violation, check_tables
from maitred.planner.model import PartyRequest
from maitred.services.assignment.planning import booking_request
from maitred.services.assignment.sent_back import OUT_OF_SERVICE_HORIZON

_WALK_IN = "walk_in"


def back_by_then(booking: Booking, now: datetime) -> frozenset[str]:
    """Rules that do not bind yet: a table that is out of service may be back for a booking a day ahead."""
    later = booking.start_at > now + OUT_OF_SERVICE_HORIZON
    return frozenset({"out_of_service"}) if later else frozenset()


def problem_of(
    index: FloorIndex, booking: Booking, now: datetime, overridden: frozenset[str] = frozenset()
) -> str | None:
    """Why ``booking``'s tables can no longer be used by it on this floor; None if they can.

    ``overridden``: the rules that a person set aside for these tables; they stay so on a new floor.
    """
    request = booking_request(replace(booking, preferences=Preferences()))
    return _broken_rule(index, booking, request, overridden | back_by_then(booking, now))


def broken_promise(
    index: FloorIndex,
    booking: Booking,
    now: datetime,
    overridden: frozenset[str] = frozenset(),
    *,
    chosen: bool = False,
) -> str | None:
    """Why ``booking`` cannot be kept as promised on this floor; None if it can.

    A promise is the stay, the seats and every must; wishes are not looked at. ``chosen``: a person gave it
    these tables, which may therefore be kept for walk-ins.
    """
    try:
        promised_window(index.floor, booking.start_at, booking.end_at)
    except MaitredError as error:
        return error.detail
    ignored = overridden | back_by_then(booking, now)
    broken = _broken_rule(index, booking, booking_request(booking), ignored)
    if broken is not None or chosen or _WALK_IN in overridden:
        return broken
    walk_in = [table for table in booking.tables if index.tables[index.position[table]].walk_in_only]
    return f"Table {walk_in[0]} is kept for walk-ins" if walk_in else None


def _broken_rule(
    index: FloorIndex, booking: Booking, request: PartyRequest, ignored: Collection[str]
) -> str | None:
    violations: Sequence[Violation] = check_tables(index, booking.tables, request)
    return next((each.message for each in violations if each.code not in ignored), None)
