"""Every minute and on demand: sends the remaining rows of the outbox to the queues."""

from maitred.entrypoints.relay import handle

handler = handle
