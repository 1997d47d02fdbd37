"""The background job."""

import os
from dataclasses import dataclass
from functools import cache

import boto3  # noqa: F401 - every run sends: loaded as the sandbox starts, not by its first message

from maitred import config
from maitred.adapters import flags  # noqa: F401 - as boto3, which it needs
from maitred.adapters.highs.solver import HighsSolver
from maitred.adapters.sqs import SqsQueue
from maitred.bootstrap.core import Core, core
from maitred.bootstrap.rollout import rollout_of
from maitred.services.assignment.day import Floors
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.seating import Seating
from maitred.services.job.deep_search import DeepSearch
from maitred.services.job.worker import AssignJob, JobLimits
from maitred.services.messaging.queue_worker import QueueWorker


@dataclass(frozen=True, slots=True)
class Assign:
    core: Core
    job: AssignJob
    worker: QueueWorker


@cache
def services() -> Assign:
    settings = config.load(config.AssignSettings, os.environ)
    base = core(settings, "assign")
    rollout = rollout_of(
        settings, base.clock.monotonic, cache=settings.planner_cache, retries=settings.retry_policy
    )
    limits = JobLimits(settings.max_attempts, settings.job_budget_ms, settings.lease_seconds)
    seating = Seating(base.book, base.recorder)
    planning = Planning(base.clock, rollout.of)
    search = DeepSearch(planning, HighsSolver(base.clock), base.clock)
    job = AssignJob(base.kit(settings), Floors(rollout), seating, search, limits, rollout)
    worker = QueueWorker(SqsQueue(), settings.assign_queue_url, settings.assign_dlq_url, base.recorder)
    return Assign(base, job, worker)
