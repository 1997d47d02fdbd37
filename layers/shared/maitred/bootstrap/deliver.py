"""The function that tells webhooks of changes."""

import os
from functools import cache

import boto3  # noqa: F401 - every run may ask KMS, so load it while the sandbox starts

from maitred import config
from maitred.adapters.postgres.webhooks import PostgresWebhooks
from maitred.adapters.secrets import KmsSecrets
from maitred.adapters.webhook_sender import WebhookSender
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.contracts.messages import WebhookMessage
from maitred.services.messaging.queue_worker import QueueWorker
from maitred.services.webhooks.deliver import Deliver


class DeliverServices:
    def __init__(self, settings: config.DeliverSettings, base: Runtime) -> None:
        anywhere = settings.webhook_targets == "any"
        self.runtime = base
        self.deliver = Deliver(
            base.deps,
            PostgresWebhooks(base.database),
            KmsSecrets(settings.webhook_key),
            WebhookSender(anywhere=anywhere),
        )
        self.worker = QueueWorker(
            base.queue,
            settings.webhook_queue_url,
            settings.webhook_dlq_url,
            base.recorder,
            WebhookMessage,
            self.deliver.run,
        )


@cache
def services() -> DeliverServices:
    settings = config.load(config.DeliverSettings, os.environ)
    return DeliverServices(settings, runtime(settings, "deliver"))
