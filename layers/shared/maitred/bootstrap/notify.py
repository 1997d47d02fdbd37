"""Mail."""

import os
from dataclasses import dataclass
from functools import cache

import boto3  # noqa: F401 - every run sends: loaded as the sandbox starts, not by its first message

from maitred import config
from maitred.adapters.mail import SesMailer
from maitred.adapters.postgres.circuits import PostgresCircuit
from maitred.adapters.postgres.notifications import PostgresNotifications
from maitred.adapters.sqs import SqsQueue
from maitred.bootstrap.core import Core, core
from maitred.services.messaging.notify import Notify
from maitred.services.messaging.queue_worker import QueueWorker

_PAUSE_SECONDS = 30.0  # nobody waits for a letter: the provider gets time


@dataclass(frozen=True, slots=True)
class Mail:
    core: Core
    notify: Notify
    worker: QueueWorker


@cache
def services() -> Mail:
    settings = config.load(config.NotifySettings, os.environ)
    base = core(settings, "notify")
    mailer = SesMailer(settings.mail_from) if settings.mail_delivery == "ses" else None
    circuit = PostgresCircuit(base.database, base.recorder, "mail", _PAUSE_SECONDS)
    notifications = PostgresNotifications(base.database, "notify")
    notify = Notify(notifications, mailer, circuit, base.clock, base.recorder)
    worker = QueueWorker(SqsQueue(), None, settings.notification_dlq_url, base.recorder)
    return Mail(base, notify, worker)
