"""The guests' side."""

import os
from dataclasses import dataclass
from functools import cache

import boto3  # noqa: F401 - else the first guest of each sandbox who must wait pays for loading it

from maitred import config
from maitred.bootstrap.core import Core, core
from maitred.services.availability import Availability
from maitred.services.cancel_booking import CancelBooking
from maitred.services.create_booking import CreateBooking
from maitred.services.day_reader import DayReader
from maitred.services.day_snapshots import DaySnapshots
from maitred.services.floors import Floors
from maitred.services.holds import Holds
from maitred.services.inline import Inline
from maitred.services.modify_booking import ModifyBooking
from maitred.services.planning import OPTIONS, Planning
from maitred.services.seating import Seating
from maitred.services.waking import Waking


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
    floors = Floors()
    reader = DayReader(base.book, floors, base.clock, base.recorder)
    seating = Seating(base.book, base.recorder)
    planning = Planning(base.clock, OPTIONS[settings.assignment_pipeline])
    inline = Inline(kit, reader, seating, planning, settings.inline_budget_ms)
    waking = Waking(base.book)
    moving_nobody = Planning(base.clock, planning.options.moving_nobody())
    holding = Inline(kit, reader, seating, moving_nobody, settings.inline_budget_ms)
    return Bookings(
        base,
        CreateBooking(kit, inline),
        ModifyBooking(kit, inline, waking),
        CancelBooking(kit, waking),
        Availability(base.clock, DaySnapshots(base.book, floors), planning),
        Holds(kit, holding, waking),
    )
