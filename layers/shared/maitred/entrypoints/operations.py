"""The operators' routes: parse, one call into a service, map the answer."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from maitred import __version__
from maitred.bootstrap.operations import services
from maitred.contracts import bookings as contract
from maitred.contracts.base import is_identifier
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.responses import dumps
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, InvalidRequest, RestaurantNotFound
from maitred.domain.states import State
from maitred.entrypoints.http import DESCRIPTION, HEALTH, OPERATIONS, Routes, send
from maitred.services.evening.block import BlockRequest
from maitred.services.evening.walk_in import WalkInRequest
from maitred.services.idempotency import Reply, RequestContext, tagged_reply
from maitred.services.staff.erasure import GuestWanted
from maitred.services.staff.new_timezone import Keep
from maitred.services.staff.reports import EVERYWHERE, cohort_of
from maitred.services.staff.restaurants import SeenLayout
from maitred.services.webhooks.registry import WebhookRequest

_MOST_BYTES_OF_A_FLOOR = 1024 * 1024

routes = Routes(services)


@routes.get(HEALTH)
def health() -> Response[str]:
    return send(Reply(200, dumps({"status": "ok", "version": __version__})))


@routes.get(DESCRIPTION)
def describe() -> Response[str]:
    return routes.send_unless_known(_description())


@cache
def _description() -> Reply:
    return tagged_reply(Path(__file__).with_name("openapi.json").read_text("utf-8"))


@routes.put("/restaurants/<restaurant_id>")
def put_restaurant(restaurant_id: str) -> Response[str]:
    if not is_identifier(restaurant_id):
        routes.caller(OPERATIONS)
        raise _invalid_id("restaurantId")
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    query = routes.query("dryRun", "bookings", "strict")
    dry_run, keep = _flag("dryRun", query, absent="false"), _keep(query.get("bookings"))
    if_match = contract.if_match_of(routes.header("if-match"))
    seen = SeenLayout(if_match, strict=_flag("strict", query, absent="false"))
    document = routes.body(FloorDocument, most_bytes=_MOST_BYTES_OF_A_FLOOR)
    context = routes.request_context(caller, restaurant_id)
    put = routes.services.restaurants.put
    return send(put(restaurant_id, document, context, dry_run=dry_run, keep=keep, seen=seen))


@routes.get("/restaurants/<restaurant_id>")
def get_restaurant(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, OPERATIONS)
    return routes.send_unless_known(routes.services.restaurants.read(restaurant_id))


@routes.get("/restaurants/<restaurant_id>/floor")
def get_floor(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, OPERATIONS)
    query = routes.query("at", "includeHolds")
    include_holds = _flag("includeHolds", query, absent="true")
    text = query.get("at")
    at = None if text is None else contract.parse_moment(text, "at", routes.now)
    return send(routes.services.floor.at(restaurant_id, at, include_holds=include_holds))


@routes.get("/restaurants/<restaurant_id>/manual-review")
def get_manual_review(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    query = routes.query("cursor", "limit")
    after, limit = contract.decode_cursor(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return send(routes.services.review.page(restaurant_id, after, limit, caller.subject))


@routes.get("/restaurants/<restaurant_id>/reports/assignments")
def get_assignments(restaurant_id: str) -> Response[str]:
    """How assignment performed between ``from`` and ``to``, dates or date-times.

    ``with``: count these restaurants too, or with ``*`` all. ``cohort``: only attempts with these flags.
    """
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    query, now = routes.query("from", "to", "with", "cohort"), routes.now
    others = frozenset(query["with"].split(",")) if "with" in query else frozenset()
    if not all(each == EVERYWHERE or is_identifier(each) for each in others):
        raise RestaurantNotFound
    if not all(caller.may_see(each) for each in others):
        raise RestaurantNotFound
    cohort = cohort_of(query.get("cohort"))
    first, last = (contract.parse_edge(query.get(name), name, now) for name in ("from", "to"))
    report = routes.services.report.of(restaurant_id, others, cohort, first, last, caller.subject)
    return send(report)


@routes.post("/restaurants/<restaurant_id>/guests/erase")
def erase_guest(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    body = routes.body(contract.EraseBody)
    guest = GuestWanted(body.email, body.phone, body.booking_id)
    context = routes.request_context(caller, restaurant_id)
    return send(routes.services.erasure.erase(restaurant_id, guest, context))


@routes.post("/assignments/process")
def process_assignment() -> Response[str]:
    routes.caller(OPERATIONS)
    body = routes.body(contract.ProcessBody)
    booking, caller = routes.booking_to_change(str(body.booking_id), OPERATIONS)
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.process.process(booking, body.as_trigger, context))


@routes.put("/bookings/<booking_id>/assignment")
def put_assignment(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, OPERATIONS)
    body = routes.body(contract.AssignmentBody)
    context = routes.request_context(caller, booking.restaurant_id)
    if booking.state is State.SEATED:
        return send(routes.services.seating.move(booking, body.to_choice(), context))
    return send(routes.services.staff.assign(booking, body.to_choice(), context, pin=body.pin))


@routes.delete("/bookings/<booking_id>/assignment")
def delete_assignment(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, OPERATIONS)
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.staff.unassign(booking, context))


# --- the evening ---


@routes.post("/bookings/<booking_id>/arrive")
def arrive(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.arrivals.arrive)


@routes.post("/bookings/<booking_id>/seat")
def seat(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, OPERATIONS)
    body = routes.body(contract.SeatBody, absent="{}")
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.seating.seat(booking, body.to_choice(), context))


@routes.post("/bookings/<booking_id>/unseat")
def unseat(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.seating.unseat)


@routes.post("/bookings/<booking_id>/complete")
def complete(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.leaving.complete)


@routes.post("/bookings/<booking_id>/undo-complete")
def undo_complete(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.leaving.undo)


@routes.post("/bookings/<booking_id>/no-show")
def no_show(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.arrivals.no_show)


@routes.post("/bookings/<booking_id>/undo-no-show")
def undo_no_show(booking_id: str) -> Response[str]:
    return _mark(booking_id, routes.services.arrivals.undo_no_show)


@routes.post("/bookings/<booking_id>/decline")
def decline(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, OPERATIONS)
    body = routes.body(contract.DeclineBody, absent="{}")
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.declining.decline(booking, body.reason, context))


@routes.post("/restaurants/<restaurant_id>/walk-ins")
def receive_walk_in(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    body = routes.body(contract.WalkInBody)
    request = WalkInRequest(
        restaurant_id=restaurant_id,
        party_size=body.party_size,
        preferences=body.preferences.to_domain(),
        choice=body.to_choice(),
        duration_minutes=body.duration_minutes,
        guest=body.guest.model_dump(exclude_none=True),
        notes=body.notes,
        seat=body.seat,
        override=frozenset(body.override),
    )
    return send(routes.services.walk_ins.receive(request, routes.request_context(caller, restaurant_id)))


@routes.post("/restaurants/<restaurant_id>/tables/<table_id>/block")
def block_table(restaurant_id: str, table_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    body = routes.body(contract.BlockBody)
    start, end = body.period(routes.now)
    context = routes.request_context(caller, restaurant_id)
    request = BlockRequest(restaurant_id, _readings(table_id), start, end, body.reason)
    return send(routes.services.blocking.block(request, context))


@routes.delete("/restaurants/<restaurant_id>/tables/<table_id>/block")
def unblock_table(restaurant_id: str, table_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    context = routes.request_context(caller, restaurant_id)
    return send(routes.services.blocking.unblock(restaurant_id, _readings(table_id), context))


# --- webhooks ---


@routes.put("/restaurants/<restaurant_id>/webhooks/<webhook_id>")
def put_webhook(restaurant_id: str, webhook_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    if not is_identifier(webhook_id):
        raise _invalid_id("webhookId")
    body = routes.body(contract.WebhookBody)
    request = WebhookRequest(restaurant_id, webhook_id, body.url, body.change_types, body.secret)
    return send(routes.services.webhooks.put(request, routes.request_context(caller, restaurant_id)))


@routes.get("/restaurants/<restaurant_id>/webhooks")
def list_webhooks(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, OPERATIONS)
    return send(routes.services.webhooks.page(restaurant_id))


@routes.get("/restaurants/<restaurant_id>/webhooks/<webhook_id>")
def get_webhook(restaurant_id: str, webhook_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, OPERATIONS)
    return send(routes.services.webhooks.read(restaurant_id, webhook_id))


@routes.delete("/restaurants/<restaurant_id>/webhooks/<webhook_id>")
def delete_webhook(restaurant_id: str, webhook_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    context = routes.request_context(caller, restaurant_id)
    return send(routes.services.webhooks.delete(restaurant_id, webhook_id, context))


def _readings(text: str) -> Sequence[str]:
    """What a text in a path may mean: API Gateway decodes a path twice, other gateways once or never.

    A client that is to reach all of them encodes more than once. The text as it came is the first, so that no
    id is out of reach.
    """
    return list(dict.fromkeys((text, once := unquote(text), unquote(once))))


def _mark(booking_id: str, mark: Callable[[Booking, RequestContext], Reply]) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, OPERATIONS)
    routes.body(contract.NoBody, absent="{}")
    return send(mark(booking, routes.request_context(caller, booking.restaurant_id)))


@routes.get("/bookings/<booking_id>/history")
def get_history(booking_id: str) -> Response[str]:
    booking, _ = routes.booking_for(booking_id, OPERATIONS)
    return send(routes.services.records.history(booking))


@routes.get("/bookings/<booking_id>/explanation")
def get_explanation(booking_id: str) -> Response[str]:
    booking, _ = routes.booking_for(booking_id, OPERATIONS)
    return send(routes.services.records.explanation(booking))


@routes.get("/bookings/<booking_id>/attempts")
def get_attempts(booking_id: str) -> Response[str]:
    booking, _ = routes.booking_for(booking_id, OPERATIONS)
    return send(routes.services.records.attempts(booking))


def _invalid_id(field: str) -> InvalidRequest:
    return InvalidRequest(
        [FieldError(field, "invalid_id", "must be 1-64 letters, digits, hyphens or underscores")]
    )


def _flag(name: str, query: Mapping[str, str], *, absent: str) -> bool:
    value = query.get(name, absent)
    if value not in ("true", "false"):
        raise InvalidRequest([FieldError(name, "invalid_boolean", "must be true or false")])
    return value == "true"


def _keep(value: str | None) -> Keep | None:
    if value is None:
        return None
    try:
        return Keep(value)
    except ValueError:
        message = f"must be {' or '.join(Keep)}"
        raise InvalidRequest([FieldError("bookings", "unknown_value", message)]) from None
