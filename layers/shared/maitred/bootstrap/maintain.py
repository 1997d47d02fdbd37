"""The minute's upkeep, and the operators' tools."""

import os
from datetime import timedelta
from functools import cache

from maitred import config
from maitred.adapters.postgres.invariants import PostgresInvariants
from maitred.adapters.postgres.maintenance import PostgresMaintenance
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.services.assignment.day import Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.room import Replanner
from maitred.services.feature_flags import SameFlags
from maitred.services.upkeep.checks import DeadOutbox, Invariants
from maitred.services.upkeep.maintain import Maintain, MaintenanceRules, Retention
from maitred.services.upkeep.rooms import RoomUpkeep


class MaintainServices:
    def __init__(self, settings: config.MaintainSettings, base: Runtime) -> None:
        rules = MaintenanceRules(
            Retention(
                settings.idempotency_days,
                settings.events_days,
                settings.outbox_days,
                settings.changes_days,
                settings.guest_days,
            ),
            timedelta(seconds=settings.lease_seconds),
            timedelta(minutes=settings.manual_review_alert_minutes),
        )
        database, maintenance = base.database, PostgresMaintenance(base.database)
        replanner = Replanner(base.deps, Planning(base.deps.clock))
        self.runtime = base
        rooms = RoomUpkeep(base.deps, maintenance, Floors(SameFlags()), replanner)
        self.maintain = Maintain(base.deps, maintenance, rules, rooms)
        self.invariants: Invariants = PostgresInvariants(database)
        self.outbox: DeadOutbox = PostgresOutbox(database)


@cache
def services() -> MaintainServices:
    settings = config.load(config.MaintainSettings, os.environ)
    return MaintainServices(settings, runtime(settings, "maintain"))
