"""The function that sends mail."""

import os
from functools import cache

import boto3  # noqa: F401 - every run sends, so load it while the sandbox starts

from maitred import config
from maitred.adapters.mail import SesMailer
from maitred.adapters.postgres.guard import PostgresCircuit
from maitred.adapters.postgres.notifications import PostgresNotifications
from maitred.bootstrap.runtime import Runtime, runtime
from maitred.contracts.messages import NotificationMessage
from maitred.services.messaging.notify import Notify
from maitred.services.messaging.queue_worker import QueueWorker

_PAUSE_SECONDS = 30.0  # nobody waits for a mail: the provider gets time


class NotifyServices:
    def __init__(self, settings: config.NotifySettings, base: Runtime) -> None:
        mailer = SesMailer(settings.mail_from) if settings.mail_delivery == "ses" else None
        circuit = PostgresCircuit(base.database, base.recorder, "mail", _PAUSE_SECONDS)
        notifications = PostgresNotifications(base.database, base.name)
        dlq_url, recorder = settings.notification_dlq_url, base.recorder
        self.runtime = base
        self.notify = Notify(notifications, mailer, circuit, base.deps.clock, recorder)
        self.worker = QueueWorker(base.queue, None, dlq_url, recorder, NotificationMessage, self.notify.run)


@cache
def services() -> NotifyServices:
    settings = config.load(config.NotifySettings, os.environ)
    return NotifyServices(settings, runtime(settings, "notify"))
