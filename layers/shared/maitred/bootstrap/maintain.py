"""The minute's housekeeping."""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from maitred import config
from maitred.adapters.postgres.maintenance import PostgresMaintenance
from maitred.bootstrap.core import Core, core
from maitred.services.maintain import Maintain, MaintenanceRules, Retention


@dataclass(frozen=True, slots=True)
class Housekeeping:
    core: Core
    maintain: Maintain


@cache
def services() -> Housekeeping:
    settings = config.load(config.MaintainSettings, os.environ)
    base = core(settings, "maintain")
    rules = MaintenanceRules(
        Retention(settings.idempotency_days, settings.events_days, settings.outbox_days),
        timedelta(seconds=settings.lease_seconds),
        timedelta(minutes=settings.manual_review_alert_minutes),
    )
    return Housekeeping(base, Maintain(base.kit(settings), PostgresMaintenance(base.database), rules))
