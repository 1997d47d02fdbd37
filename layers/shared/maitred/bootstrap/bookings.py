"""The guests' calls."""

import os
from collections.abc import Callable
from functools import cache

import boto3  # noqa: F401 - load it while the sandbox starts, not for the first deferred guest

from maitred import config
from maitred.adapters import flags  # noqa: F401 - as boto3, which it needs
from maitred.adapters.postgres.feed import PostgresFeed
from maitred.bootstrap.feature_flags import flag_source
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.planner.answer.quote import quote
from maitred.planner.model import Decision
from maitred.services.assignment.day import DaySnapshots, Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.room import Replanner
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.booking.availability import Availability
from maitred.services.booking.batch_availability import BatchAvailability
from maitred.services.booking.cancel import CancelBooking
from maitred.services.booking.changes import ChangeFeed
from maitred.services.booking.create import CreateBooking
from maitred.services.booking.holds import Holds
from maitred.services.booking.inline import Inline
from maitred.services.booking.modify import ModifyBooking
from maitred.services.booking.seated import SeatedChange
from maitred.services.booking.views import BookingViews


class BookingsServices:
    def __init__(
        self, settings: config.BookingsSettings, base: Runtime, decide: Callable[..., Decision] = quote
    ) -> None:
        """``decide``: the planner, except in tests of its faults."""
        deps, budget_ms = base.deps, settings.inline_budget_ms
        source = flag_source(settings, deps.clock.monotonic, cache=settings.planner_cache)
        floors = Floors(source)
        planning = Planning(deps.clock, source, decide)
        inline = Inline(deps, floors, planning, budget_ms)
        moving_nobody = Inline(deps, floors, planning.moving_nobody(), budget_ms)
        self.runtime = base
        self.create = CreateBooking(deps, inline)
        waitlist = Waitlist(deps, floors, planning)
        replanner = Replanner(deps, planning)
        self.modify = ModifyBooking(deps, inline, waitlist, SeatedChange(deps, floors, replanner))
        self.cancel = CancelBooking(deps, floors, waitlist, replanner)
        self.holds = Holds(deps, moving_nobody, waitlist)
        days = DaySnapshots(deps.store, floors)
        self.availability = Availability(deps.clock, days, planning)
        self.batch_availability = BatchAvailability(deps.clock, deps.store, floors, planning)
        self.views = BookingViews(deps.store, deps.clock, days, planning)
        self.changes = ChangeFeed(PostgresFeed(base.database))


@cache
def services() -> BookingsServices:
    settings = config.load(config.BookingsSettings, os.environ)
    return BookingsServices(settings, runtime(settings, "bookings"))
