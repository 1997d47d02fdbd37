"""The restaurants' and operators' calls."""

import os
from functools import cache

from maitred import config
from maitred.adapters.postgres.guests import PostgresGuests
from maitred.adapters.postgres.reports import PostgresReports
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.adapters.postgres.webhooks import PostgresWebhooks
from maitred.adapters.secrets import KmsSecrets
from maitred.bootstrap.feature_flags import flag_source
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.services.assignment.day import DaySnapshots, Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.room import Replanner
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.evening.arrive import Arrivals
from maitred.services.evening.block import Blocking
from maitred.services.evening.decline import Declining
from maitred.services.evening.leave import Leaving
from maitred.services.evening.seat import Seating
from maitred.services.evening.walk_in import WalkIns
from maitred.services.feature_flags import SameFlags
from maitred.services.staff.assignment import StaffAssignment
from maitred.services.staff.erasure import Erasure
from maitred.services.staff.floor_view import FloorView
from maitred.services.staff.manual_review import ManualReview
from maitred.services.staff.process import ProcessAssignment
from maitred.services.staff.reports import AssignmentReport
from maitred.services.staff.restaurants import RestaurantService
from maitred.services.staff.views import BookingRecords
from maitred.services.webhooks.registry import WebhookRegistry


class OperationsServices:
    def __init__(self, settings: config.OperationsSettings, base: Runtime) -> None:
        deps, floors = base.deps, Floors(SameFlags())
        days = DaySnapshots(deps.store, floors)
        planning = Planning(deps.clock, flag_source(settings, deps.clock.monotonic))
        self.runtime = base
        self.restaurants = RestaurantService(deps, PostgresRestaurants(base.database, base.name))
        self.process = ProcessAssignment(deps)
        self.erasure = Erasure(deps, PostgresGuests(base.database, base.name))
        waitlist, replanner = Waitlist(deps, floors, planning), Replanner(deps, planning)
        self.staff = StaffAssignment(deps, days, waitlist)
        self.arrivals = Arrivals(deps, floors, waitlist)
        self.seating = Seating(deps, floors, replanner, waitlist)
        self.leaving = Leaving(deps, floors, replanner, waitlist)
        self.walk_ins = WalkIns(deps, floors, planning)
        self.blocking = Blocking(deps, floors, replanner, waitlist)
        self.declining = Declining(deps, waitlist)
        self.floor = FloorView(deps.store, deps.clock, floors)
        self.review = ManualReview(deps.store, deps.clock, days, planning)
        self.report = AssignmentReport(PostgresReports(base.database, base.guard), deps.clock)
        self.records = BookingRecords(deps.store)
        self.webhooks = WebhookRegistry(
            deps,
            PostgresWebhooks(base.database),
            KmsSecrets(settings.webhook_key),
            anywhere=settings.webhook_targets == "any",
        )


@cache
def services() -> OperationsServices:
    settings = config.load(config.OperationsSettings, os.environ)
    return OperationsServices(settings, runtime(settings, "operations"))
