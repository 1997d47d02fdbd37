"""The restaurants' and operators' side."""

import os
from dataclasses import dataclass
from functools import cache

from maitred import config
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.bootstrap.core import Core, core
from maitred.services.day_snapshots import DaySnapshots
from maitred.services.floors import Floors
from maitred.services.process_assignment import ProcessAssignment
from maitred.services.restaurants import RestaurantService
from maitred.services.seating import Seating
from maitred.services.staff_assignment import StaffAssignment
from maitred.services.visits import Visits
from maitred.services.waking import Waking


@dataclass(frozen=True, slots=True)
class Operations:
    core: Core
    restaurants: RestaurantService
    process: ProcessAssignment
    staff: StaffAssignment
    visits: Visits


@cache
def services() -> Operations:
    settings = config.load(config.OperationsSettings, os.environ)
    base = core(settings, "operations")
    kit = base.kit(settings)
    restaurants = RestaurantService(kit, PostgresRestaurants(base.database, "operations"))
    floors, waking = Floors(), Waking(base.book)
    staff = StaffAssignment(kit, DaySnapshots(base.book, floors), Seating(base.book, base.recorder), waking)
    return Operations(base, restaurants, ProcessAssignment(kit), staff, Visits(kit, floors, waking))
