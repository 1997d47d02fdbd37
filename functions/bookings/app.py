"""HTTP: the guests' calls."""

from maitred.entrypoints.bookings import routes
from maitred.entrypoints.http import Edge

edge = Edge(routes)
app = edge.app
handler = edge.handle
