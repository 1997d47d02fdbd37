"""The function that sweeps the outbox."""

import os
from functools import cache

import boto3  # noqa: F401 - every run sends, so load it while the sandbox starts

from maitred import config
from maitred.adapters.postgres.outbox import PostgresOutbox
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.contracts.messages import ASSIGN, NOTIFICATION, OPTIMIZE, WEBHOOK, WEBHOOK_DEAD
from maitred.services.messaging.outbox import Relay, Sweep


class RelayServices:
    def __init__(self, settings: config.RelaySettings, base: Runtime) -> None:
        outbox, clock = PostgresOutbox(base.database), base.deps.clock
        queues = {
            ASSIGN: settings.assign_queue_url,
            NOTIFICATION: settings.notification_queue_url,
            OPTIMIZE: settings.optimize_queue_url,
            WEBHOOK: settings.webhook_queue_url,
            WEBHOOK_DEAD: settings.webhook_dlq_url,
        }
        relay = Relay(outbox, base.queue, queues, clock)
        self.runtime = base
        self.sweep = Sweep(relay, outbox, clock, base.recorder, settings.relay_batch)


@cache
def services() -> RelayServices:
    settings = config.load(config.RelaySettings, os.environ)
    return RelayServices(settings, runtime(settings, "relay"))
