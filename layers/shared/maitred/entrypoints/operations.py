"""The operators' routes: parse, one call into a service, map the answer."""

from collections.abc import Callable, Mapping

from aws_lambda_powertools.event_handler import Response

from maitred.bootstrap.operations import Operations
from maitred.contracts import bookings as contract
from maitred.contracts import responses
from maitred.contracts.base import is_identifier, parse
from maitred.contracts.floor_document import FloorDocument
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, InvalidRequest, RestaurantNotFound
from maitred.entrypoints.access import OPERATIONS
from maitred.entrypoints.http import Edge
from maitred.services.idempotency import Reply, RequestContext
from maitred.services.staff.cohorts import cohort_of
from maitred.services.staff.reports import EVERYWHERE, Wanted


def put_restaurant(edge: Edge, services: Operations, restaurant_id: str) -> Response[str]:
    if not is_identifier(restaurant_id):
        edge.caller(OPERATIONS)
        raise InvalidRequest(
            [FieldError("restaurantId", "invalid_id", "must be 1-64 letters, digits, hyphens or underscores")]
        )
    caller = edge.caller_for(restaurant_id, OPERATIONS)
    dry_run = _flag("dryRun", edge.query("dryRun"), absent="false")
    document = parse(FloorDocument, edge.body)
    context = edge.context(caller, restaurant_id)
    return edge.send(services.restaurants.put(restaurant_id, document, context, dry_run=dry_run))


def get_restaurant(edge: Edge, services: Operations, restaurant_id: str) -> Response[str]:
    edge.caller_for(restaurant_id, OPERATIONS)
    stored = services.restaurants.read(restaurant_id)
    return edge.send(Reply(200, responses.dumps(stored.document), {"etag": f'"{stored.layout_version}"'}))


def floor(edge: Edge, services: Operations, restaurant_id: str) -> Response[str]:
    edge.caller_for(restaurant_id, OPERATIONS)
    query = edge.query("at", "includeHolds")
    include_holds = _flag("includeHolds", query, absent="true")
    text = query.get("at")
    at = None if text is None else contract.parse_moment(text, "at", services.core.clock.now())
    return edge.send(services.floor.at(restaurant_id, at, include_holds=include_holds))


def manual_review(edge: Edge, services: Operations, restaurant_id: str) -> Response[str]:
    edge.caller_for(restaurant_id, OPERATIONS)
    query = edge.query("cursor", "limit")
    after, limit = contract.decode_cursor(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return edge.send(services.review.page(restaurant_id, after, limit))


def assignments(edge: Edge, services: Operations, restaurant_id: str) -> Response[str]:
    """How assignment fared between ``from`` and ``to``, dates or date-times.

    ``with``: counted together with these restaurants, or with ``*``, all. ``cohort``: while these flags held.
    """
    caller = edge.caller_for(restaurant_id, OPERATIONS)
    query, now = edge.query("from", "to", "with", "cohort"), services.core.clock.now()
    others = frozenset(query["with"].split(",")) if "with" in query else frozenset()
    if not all(each == EVERYWHERE or is_identifier(each) for each in others):
        raise RestaurantNotFound
    if not all(caller.may_see(each) for each in others):
        raise RestaurantNotFound
    wanted = Wanted(restaurant_id, others, cohort_of(query.get("cohort")))
    first, last = (contract.parse_edge(query.get(name), name, now) for name in ("from", "to"))
    return edge.send(services.report.of(wanted, first, last))


def process(edge: Edge, services: Operations) -> Response[str]:
    edge.caller(OPERATIONS)
    body = parse(contract.ProcessBody, edge.body)
    booking, caller = edge.booking_to_change(
        str(body.booking_id), OPERATIONS, services.core.book.booking_to_change
    )
    context = edge.context(caller, booking.restaurant_id)
    return edge.send(services.process.process(booking, body.as_trigger, context))


def assign(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    booking, caller = edge.booking_to_change(booking_id, OPERATIONS, services.core.book.booking_to_change)
    body = parse(contract.AssignmentBody, edge.body)
    context = edge.context(caller, booking.restaurant_id)
    return edge.send(services.staff.assign(booking, body.to_choice(), context, pin=body.pin))


def unassign(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    booking, caller = edge.booking_to_change(booking_id, OPERATIONS, services.core.book.booking_to_change)
    return edge.send(services.staff.unassign(booking, edge.context(caller, booking.restaurant_id)))


def seat(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    return _mark(edge, services, booking_id, services.visits.seat)


def complete(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    return _mark(edge, services, booking_id, services.visits.complete)


def no_show(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    return _mark(edge, services, booking_id, services.visits.no_show)


def undo_no_show(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    return _mark(edge, services, booking_id, services.visits.undo_no_show)


def _mark(
    edge: Edge,
    services: Operations,
    booking_id: str,
    mark: Callable[[Booking, RequestContext], Reply],
) -> Response[str]:
    booking, caller = edge.booking_to_change(booking_id, OPERATIONS, services.core.book.booking_to_change)
    if edge.body:
        parse(contract.NoBody, edge.body)
    return edge.send(mark(booking, edge.context(caller, booking.restaurant_id)))


def history(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    booking, _ = edge.booking_for(booking_id, OPERATIONS, services.core.book.booking)
    rows = services.core.book.history(booking.id)
    items = [responses.history_json(row, booking.timezone) for row in rows]
    return edge.send(Reply(200, responses.dumps({"items": items, "nextCursor": None})))


def explanation(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    """Why these tables, or why none: of the last attempt."""
    booking, _ = edge.booking_for(booking_id, OPERATIONS, services.core.book.booking)
    [[data, at]] = services.core.book.explanation(booking.id)
    return edge.send(Reply(200, responses.dumps({**data, "at": responses.local(at, booking.timezone)})))


def attempts(edge: Edge, services: Operations, booking_id: str) -> Response[str]:
    booking, _ = edge.booking_for(booking_id, OPERATIONS, services.core.book.booking)
    rows = services.core.book.attempts(booking.id)
    items = [responses.attempt_json(row, booking.timezone) for row in rows]
    return edge.send(Reply(200, responses.dumps({"items": items, "nextCursor": None})))


def _flag(name: str, query: Mapping[str, str], *, absent: str) -> bool:
    value = query.get(name, absent)
    if value not in ("true", "false"):
        raise InvalidRequest([FieldError(name, "invalid_boolean", "must be true or false")])
    return value == "true"
