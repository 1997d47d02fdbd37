"""The function of the background job."""

import os
from collections.abc import Callable
from functools import cache

import boto3  # noqa: F401 - every run sends, so load it while the sandbox starts

from maitred import config
from maitred.adapters import flags  # noqa: F401 - as boto3, which it needs
from maitred.adapters.highs.solver import HighsSolver
from maitred.bootstrap.feature_flags import flag_source
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.contracts.messages import AssignMessage
from maitred.planner.answer.quote import quote
from maitred.planner.model import Decision
from maitred.services.assignment.day import Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.job.deep_search import DeepSearch
from maitred.services.job.worker import AssignJob, JobLimits
from maitred.services.messaging.queue_worker import QueueWorker


class AssignServices:
    def __init__(
        self, settings: config.AssignSettings, base: Runtime, decide: Callable[..., Decision] = quote
    ) -> None:
        """``decide``: the planner, except in tests of its faults."""
        clock, recorder = base.deps.clock, base.recorder
        source = flag_source(
            settings, clock.monotonic, cache=settings.planner_cache, retries=settings.retry_policy
        )
        planning, floors = Planning(clock, source, decide), Floors(source)
        search = DeepSearch(planning, HighsSolver(clock), clock)
        waitlist = Waitlist(base.deps, floors, planning)
        limits = JobLimits(settings.max_attempts, settings.job_budget_ms, settings.lease_seconds)
        queue_url, dlq_url = settings.assign_queue_url, settings.assign_dlq_url
        self.runtime = base
        self.job = AssignJob(base.deps, floors, search, limits, source, waitlist)
        self.worker = QueueWorker(base.queue, queue_url, dlq_url, recorder, AssignMessage, self.job.run)


@cache
def services() -> AssignServices:
    settings = config.load(config.AssignSettings, os.environ)
    return AssignServices(settings, runtime(settings, "assign"))
