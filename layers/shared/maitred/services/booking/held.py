"""A booking that is made of a hold: whose it is, and whether its tables still serve the party."""

from datetime import datetime
from zoneinfo import ZoneInfo

from maitred.domain import errors
from maitred.domain.booking import LocalStart
from maitred.domain.hold import Hold
from maitred.domain.windows import local_start
from maitred.planner.floor.rules import check_tables
from maitred.services import ports
from maitred.services.assignment.planning import party_request
from maitred.services.booking.day_reader import Replayed
from maitred.services.booking.request import DayReading, InlineRun
from maitred.services.idempotency import replay


def read_hold(book: ports.Book, run: InlineRun) -> Hold | None:
    """The hold that the wish names, None if it names none.

    Raises Replayed if this request was answered before, HoldNotFound, HoldUsed, HoldExpired, HoldMismatch
    for another party or start.
    """
    wish = run.wish
    if wish.hold_id is None:
        return None
    found = book.hold(wish.hold_id, run.context.key, run.budget.remaining_ms())
    if found.reply is not None and run.context.key is not None:
        raise Replayed(replay(run.context.key, found.reply))
    hold = found.hold
    if hold is None or hold.restaurant_id != wish.restaurant_id:
        raise errors.HoldNotFound
    if hold.used_by is not None:
        raise errors.HoldUsed
    if hold.expired:
        raise errors.HoldExpired
    if (wish.party_size, _moment(wish.start, hold)) != (hold.party_size, hold.start_at):
        raise errors.HoldMismatch("the hold is for another party or another time")
    return hold


def keeps_tables(run: InlineRun, reading: DayReading, hold: Hold) -> bool:
    """Does the booking take the held tables as they are?

    Not if the floor has changed since and they, or the stay, are no longer allowed: then the planner looks
    afresh. On the floor of the hold only the wish can differ, by its end or its musts: raises HoldMismatch.
    """
    request = party_request(run.wish.party_size, reading.window, run.wish.preferences)
    broken = check_tables(reading.index, hold.tables, request)
    if reading.window.end == hold.end_at and not broken:
        return True
    if hold.layout_version == reading.index.floor.layout_version:
        raise errors.HoldMismatch(broken[0].message if broken else "the hold is for a stay of another length")
    return False


def _moment(start: LocalStart | datetime, hold: Hold) -> datetime:
    if isinstance(start, LocalStart):
        return local_start(start.day, start.clock, ZoneInfo(hold.timezone))[0]
    return start
