"""The outbox's sweep."""

import os
from dataclasses import dataclass
from functools import cache

import boto3  # noqa: F401 - every run sends: loaded as the sandbox starts, not by its first message

from maitred import config
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.adapters.sqs import SqsQueue
from maitred.bootstrap.core import Core, core
from maitred.contracts.messages import ASSIGN, NOTIFICATION
from maitred.services.messaging.outbox import Relay, Sweep


@dataclass(frozen=True, slots=True)
class Sweeping:
    core: Core
    sweep: Sweep


@cache
def services() -> Sweeping:
    settings = config.load(config.RelaySettings, os.environ)
    base = core(settings, "relay")
    outbox = PostgresOutbox(base.database)
    queues = {ASSIGN: settings.assign_queue_url, NOTIFICATION: settings.notification_queue_url}
    relay = Relay(outbox, SqsQueue(), queues, base.clock)
    return Sweeping(base, Sweep(relay, outbox, base.clock, base.recorder, settings.relay_batch))
