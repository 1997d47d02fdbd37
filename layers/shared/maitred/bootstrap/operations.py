"""The restaurants' and operators' calls."""

import os
from functools import cache

from maitred import config
from maitred.adapters.postgres.reports import PostgresReports
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.bootstrap.feature_flags import flag_source
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.services.assignment.day import DaySnapshots, Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.feature_flags import SameFlags
from maitred.services.staff.assignment import StaffAssignment
from maitred.services.staff.floor_view import FloorView
from maitred.services.staff.manual_review import ManualReview
from maitred.services.staff.process import ProcessAssignment
from maitred.services.staff.reports import AssignmentReport
from maitred.services.staff.restaurants import RestaurantService
from maitred.services.staff.views import BookingRecords
from maitred.services.staff.visits import Visits


class OperationsServices:
    def __init__(self, settings: config.OperationsSettings, base: Runtime) -> None:
        deps, floors = base.deps, Floors(SameFlags())
        days = DaySnapshots(deps.store, floors)
        planning = Planning(deps.clock, flag_source(settings, deps.clock.monotonic))
        self.runtime = base
        self.restaurants = RestaurantService(deps, PostgresRestaurants(base.database, base.name))
        self.process = ProcessAssignment(deps)
        waitlist = Waitlist(deps, floors, planning)
        self.staff = StaffAssignment(deps, days, waitlist)
        self.visits = Visits(deps, floors, waitlist)
        self.floor = FloorView(deps.store, deps.clock, floors)
        self.review = ManualReview(deps.store, deps.clock, days, planning)
        self.report = AssignmentReport(PostgresReports(base.database), deps.clock)
        self.records = BookingRecords(deps.store)


@cache
def services() -> OperationsServices:
    settings = config.load(config.OperationsSettings, os.environ)
    return OperationsServices(settings, runtime(settings, "operations"))
