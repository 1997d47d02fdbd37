"""HTTP, SQS and the schedule: the shift."""

from maitred.bootstrap.optimize import services
from maitred.entrypoints.http import Edge
from maitred.entrypoints.optimize import by_source, routes
from maitred.entrypoints.queues import queue_handler

edge = Edge(routes)
app = edge.app
handler = by_source(edge.handle, queue_handler(services))
