"""HTTP: the restaurants' and operators' calls."""

from maitred.entrypoints.http import Edge
from maitred.entrypoints.operations import routes

edge = Edge(routes)
app = edge.app
handler = edge.handle
