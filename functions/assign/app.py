"""SQS: the background job."""

from maitred.bootstrap.assign import services
from maitred.entrypoints.queues import queue_handler

handler = queue_handler(services)
