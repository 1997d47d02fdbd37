"""SQS: webhooks."""

from maitred.bootstrap.deliver import services
from maitred.entrypoints.queues import queue_handler

handler = queue_handler(services)
