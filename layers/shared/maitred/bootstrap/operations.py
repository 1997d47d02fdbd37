"""The restaurants' and operators' side."""

import os
from dataclasses import dataclass
from functools import cache

from maitred import config
from maitred.adapters.postgres.reports import PostgresReports
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.bootstrap.core import Core, core
from maitred.bootstrap.rollout import rollout_of
from maitred.services.assignment.day import Floors
from maitred.services.assignment.day_snapshots import DaySnapshots
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.seating import Seating
from maitred.services.assignment.wake import Waking
from maitred.services.rollout import Everywhere
from maitred.services.staff.assignment import StaffAssignment
from maitred.services.staff.floor_view import FloorView
from maitred.services.staff.manual_review import ManualReview
from maitred.services.staff.process import ProcessAssignment
from maitred.services.staff.reports import AssignmentReport
from maitred.services.staff.restaurants import RestaurantService
from maitred.services.staff.visits import Visits


@dataclass(frozen=True, slots=True)
class Operations:
    core: Core
    restaurants: RestaurantService
    process: ProcessAssignment
    staff: StaffAssignment
    visits: Visits
    floor: FloorView
    review: ManualReview
    report: AssignmentReport


@cache
def services() -> Operations:
    settings = config.load(config.OperationsSettings, os.environ)
    base = core(settings, "operations")
    kit = base.kit(settings)
    restaurants = RestaurantService(kit, PostgresRestaurants(base.database, "operations"))
    rollout = rollout_of(settings, base.clock.monotonic)
    floors, waking = Floors(Everywhere()), Waking(base.book)
    days = DaySnapshots(base.book, floors)
    planning = Planning(base.clock, rollout.of)
    return Operations(
        base,
        restaurants,
        ProcessAssignment(kit),
        StaffAssignment(kit, days, Seating(base.book, base.recorder), waking),
        Visits(kit, floors, waking),
        FloorView(base.book, base.clock, floors),
        ManualReview(base.book, base.clock, days, planning),
        AssignmentReport(PostgresReports(base.database), base.clock),
    )
