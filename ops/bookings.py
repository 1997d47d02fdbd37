"""Finds a booking by what a person has: its id, or the reference that the guest reads out."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from ops.load import Caller
from ops.target import OpsError

_OK = "200"


def booking_id(caller: Caller, wanted: str) -> str:
    """The id of the booking of this id or reference. Raises OpsError unless there is just one."""
    if is_id(wanted):
        return wanted
    found: dict[str, str] = {
        each["id"]: restaurant
        for restaurant in _restaurants(caller)
        for each in _get(caller, f"/restaurants/{restaurant}/bookings", reference=wanted)["items"]
    }
    if not found:
        raise OpsError(f"no restaurant of the token has a booking {wanted}")
    if len(found) > 1:
        where = ", ".join(f"{own_id} in {restaurant}" for own_id, restaurant in found.items())
        raise OpsError(f"{wanted} is the reference of several bookings, give the id: {where}")
    return next(iter(found))


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _restaurants(caller: Caller) -> Iterator[str]:
    cursor: dict[str, str] = {}
    while True:
        page = _get(caller, "/restaurants", limit="200", **cursor)
        yield from (each["restaurantId"] for each in page["items"])
        if page["nextCursor"] is None:
            return
        cursor = {"cursor": page["nextCursor"]}


def _get(caller: Caller, path: str, **query: str) -> dict[str, Any]:
    status, answer = caller.call("GET", f"{path}?{urlencode(query)}", None)
    if status != _OK:
        raise OpsError(f"cannot look for the booking: {status} {answer.get('detail', '')}")
    return answer
