"""The minute's housekeeping, and what operators ask for."""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from maitred import config
from maitred.adapters.postgres.invariants import PostgresInvariants
from maitred.adapters.postgres.maintenance import PostgresMaintenance
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.bootstrap.core import Core, core
from maitred.services.upkeep.care import Care
from maitred.services.upkeep.maintain import Maintain, MaintenanceRules, Retention


@dataclass(frozen=True, slots=True)
class Housekeeping:
    core: Core
    maintain: Maintain
    care: Care


@cache
def services() -> Housekeeping:
    settings = config.load(config.MaintainSettings, os.environ)
    base = core(settings, "maintain")
    rules = MaintenanceRules(
        Retention(settings.idempotency_days, settings.events_days, settings.outbox_days),
        timedelta(seconds=settings.lease_seconds),
        timedelta(minutes=settings.manual_review_alert_minutes),
    )
    maintain = Maintain(base.kit(settings), PostgresMaintenance(base.database), rules)
    care = Care(PostgresInvariants(base.database), PostgresOutbox(base.database), base.clock)
    return Housekeeping(base, maintain, care)
