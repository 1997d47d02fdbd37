"""SQS: e-mail."""

from maitred.bootstrap.notify import services
from maitred.entrypoints.queues import queue_handler

handler = queue_handler(services)
