"""The guests' side."""

import os
from dataclasses import dataclass
from functools import cache

import boto3  # noqa: F401 - else the first guest of each sandbox who must wait pays for loading it

from maitred import config
from maitred.adapters import flags  # noqa: F401 - as boto3, which it needs
from maitred.bootstrap.core import Core, core
from maitred.bootstrap.rollout import rollout_of
from maitred.services.assignment.day import Floors
from maitred.services.assignment.day_snapshots import DaySnapshots
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.seating import Seating
from maitred.services.assignment.wake import Waking
from maitred.services.booking.availability import Availability
from maitred.services.booking.cancel import CancelBooking
from maitred.services.booking.create import CreateBooking
from maitred.services.booking.day_reader import DayReader
from maitred.services.booking.holds import Holds
from maitred.services.booking.inline import Inline
from maitred.services.booking.modify import ModifyBooking


@dataclass(frozen=True, slots=True)
class Bookings:
    core: Core
    create: CreateBooking
    modify: ModifyBooking
    cancel: CancelBooking
    availability: Availability
    holds: Holds


@cache
def services() -> Bookings:
    settings = config.load(config.BookingsSettings, os.environ)
    base = core(settings, "bookings")
    kit = base.kit(settings)
    rollout = rollout_of(settings, base.clock.monotonic, cache=settings.planner_cache)
    floors = Floors(rollout)
    reader = DayReader(base.book, floors, base.clock, base.recorder)
    seating = Seating(base.book, base.recorder)
    planning = Planning(base.clock, rollout.of)
    inline = Inline(kit, reader, seating, planning, settings.inline_budget_ms)
    waking = Waking(base.book)
    holding = Inline(kit, reader, seating, planning.moving_nobody(), settings.inline_budget_ms)
    return Bookings(
        base,
        CreateBooking(kit, inline),
        ModifyBooking(kit, inline, waking),
        CancelBooking(kit, waking),
        Availability(base.clock, DaySnapshots(base.book, floors), planning),
        Holds(kit, holding, waking),
    )
