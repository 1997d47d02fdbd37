"""The function of the shift."""

import os
from functools import cache

from maitred import config
from maitred.adapters.highs.shift import HighsShiftSolver
from maitred.adapters.postgres.optimizations import PostgresOptimizations
from maitred.bootstrap.feature_flags import flag_source
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.contracts.messages import OptimizeMessage
from maitred.services.assignment.day import DaySnapshots, Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.feature_flags import SameFlags
from maitred.services.messaging.queue_worker import QueueWorker
from maitred.services.shift.history import ShiftHistory
from maitred.services.shift.optimize import ShiftOptimizer
from maitred.services.shift.schedule import ShiftSchedule
from maitred.services.shift.undo import ShiftUndo


class OptimizeServices:
    def __init__(self, settings: config.OptimizeSettings, base: Runtime) -> None:
        deps, floors = base.deps, Floors(SameFlags())
        flags = flag_source(settings, deps.clock.monotonic, optimizer=settings.day_optimizer)
        waitlist = Waitlist(deps, floors, Planning(deps.clock, flags))
        solver = HighsShiftSolver(deps.clock)
        self.runtime = base
        self.optimizations = PostgresOptimizations(base.database)
        self.optimizer = ShiftOptimizer(
            deps,
            DaySnapshots(deps.store, floors),
            self.optimizations,
            lambda shift: solver.reseat(shift, settings.shift_seconds),
            flags,
            waitlist,
        )
        self.undo = ShiftUndo(deps, floors, self.optimizations, waitlist)
        self.history = ShiftHistory(deps.store, floors, self.optimizations)
        self.schedule = ShiftSchedule(deps, floors, self.optimizations, self.optimizer, flags)
        self.worker = QueueWorker(
            base.queue,
            settings.optimize_queue_url,
            settings.optimize_dlq_url,
            base.recorder,
            OptimizeMessage,
            self.schedule.run,
        )


@cache
def services() -> OptimizeServices:
    settings = config.load(config.OptimizeSettings, os.environ)
    return OptimizeServices(settings, runtime(settings, "optimize"))
