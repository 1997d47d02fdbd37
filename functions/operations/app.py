"""HTTP: restaurants, assignment and operations."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from maitred import __version__
from maitred.bootstrap.operations import services
from maitred.contracts.responses import dumps
from maitred.entrypoints import operations
from maitred.entrypoints.http import Edge
from maitred.services.idempotency import Reply

edge = Edge()
app = edge.app


@app.get("/health")
def health() -> Response[str]:
    return edge.send(Reply(200, dumps({"status": "ok", "version": __version__})))


@app.put("/restaurants/<restaurant_id>")
def put_restaurant(restaurant_id: str) -> Response[str]:
    return operations.put_restaurant(edge, services(), restaurant_id)


@app.get("/restaurants/<restaurant_id>")
def get_restaurant(restaurant_id: str) -> Response[str]:
    return operations.get_restaurant(edge, services(), restaurant_id)


@app.post("/assignments/process")
def process_assignment() -> Response[str]:
    return operations.process(edge, services())


@app.get("/restaurants/<restaurant_id>/floor")
def get_floor(restaurant_id: str) -> Response[str]:
    return operations.floor(edge, services(), restaurant_id)


@app.get("/restaurants/<restaurant_id>/manual-review")
def get_manual_review(restaurant_id: str) -> Response[str]:
    return operations.manual_review(edge, services(), restaurant_id)


@app.get("/restaurants/<restaurant_id>/reports/assignments")
def get_assignments(restaurant_id: str) -> Response[str]:
    return operations.assignments(edge, services(), restaurant_id)


@app.put("/bookings/<booking_id>/assignment")
def put_assignment(booking_id: str) -> Response[str]:
    return operations.assign(edge, services(), booking_id)


@app.delete("/bookings/<booking_id>/assignment")
def delete_assignment(booking_id: str) -> Response[str]:
    return operations.unassign(edge, services(), booking_id)


@app.get("/bookings/<booking_id>/history")
def get_history(booking_id: str) -> Response[str]:
    return operations.history(edge, services(), booking_id)


@app.get("/bookings/<booking_id>/explanation")
def get_explanation(booking_id: str) -> Response[str]:
    return operations.explanation(edge, services(), booking_id)


@app.get("/bookings/<booking_id>/attempts")
def get_attempts(booking_id: str) -> Response[str]:
    return operations.attempts(edge, services(), booking_id)


@app.post("/bookings/<booking_id>/seat")
def seat(booking_id: str) -> Response[str]:
    return operations.seat(edge, services(), booking_id)


@app.post("/bookings/<booking_id>/complete")
def complete(booking_id: str) -> Response[str]:
    return operations.complete(edge, services(), booking_id)


@app.post("/bookings/<booking_id>/no-show")
def no_show(booking_id: str) -> Response[str]:
    return operations.no_show(edge, services(), booking_id)


@app.post("/bookings/<booking_id>/undo-no-show")
def undo_no_show(booking_id: str) -> Response[str]:
    return operations.undo_no_show(edge, services(), booking_id)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    healthy = event.get("rawPath") == "/health"
    return edge.handle(event, context, None if healthy else lambda: services().core.recorder)
