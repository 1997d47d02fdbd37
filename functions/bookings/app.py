"""HTTP: the guests' side of the contract. Inline quote-and-confirm lives behind it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from maitred.bootstrap.bookings import services
from maitred.entrypoints import bookings
from maitred.entrypoints.http import Edge

edge = Edge()
app = edge.app


@app.post("/restaurants/<restaurant_id>/bookings")
def create_booking(restaurant_id: str) -> Response[str]:
    return bookings.create(edge, services(), restaurant_id)


@app.post("/restaurants/<restaurant_id>/holds")
def make_hold(restaurant_id: str) -> Response[str]:
    return bookings.hold(edge, services(), restaurant_id)


@app.delete("/holds/<hold_id>")
def give_back_hold(hold_id: str) -> Response[str]:
    return bookings.give_back(edge, services(), hold_id)


@app.get("/restaurants/<restaurant_id>/bookings")
def list_bookings(restaurant_id: str) -> Response[str]:
    return bookings.page(edge, services(), restaurant_id)


@app.get("/restaurants/<restaurant_id>/availability")
def get_availability(restaurant_id: str) -> Response[str]:
    return bookings.availability(edge, services(), restaurant_id)


@app.get("/bookings/<booking_id>")
def get_booking(booking_id: str) -> Response[str]:
    return bookings.read(edge, services(), booking_id)


@app.patch("/bookings/<booking_id>")
def modify_booking(booking_id: str) -> Response[str]:
    return bookings.modify(edge, services(), booking_id)


@app.post("/bookings/<booking_id>/cancel")
def cancel_booking(booking_id: str) -> Response[str]:
    return bookings.cancel(edge, services(), booking_id)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return edge.handle(event, context, lambda: services().core.recorder)
