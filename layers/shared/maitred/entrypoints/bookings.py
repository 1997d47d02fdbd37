"""The guests' routes: parse, one call into a service, map the answer."""

from datetime import date

from aws_lambda_powertools.event_handler import Response

from maitred.bootstrap.bookings import services
from maitred.contracts import bookings as contract
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, InvalidRequest
from maitred.domain.states import STATUSES, State, states_of
from maitred.entrypoints.http import BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS, Routes, send
from maitred.services.booking.availability import AvailabilityRequest
from maitred.services.booking.batch_availability import BatchRequest
from maitred.services.booking.request import BookingRequest
from maitred.services.booking.seated import SeatedRequest
from maitred.services.ports import BookingFilter

routes = Routes(services)
_FILTERS = ("date", "status", "reference", "q", "from", "to", "updatedSince")


@routes.post("/restaurants/<restaurant_id>/bookings")
def create_booking(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, BOOKINGS_WRITE)
    body = routes.body(contract.BookingBody)
    request = BookingRequest(
        restaurant_id=restaurant_id,
        party_size=body.party_size,
        start=contract.start_of(body, routes.now),
        guest=body.guest.model_dump(exclude_none=True),
        preferences=body.preferences.to_domain(),
        notes=body.notes,
        duration_minutes=body.duration_minutes,
        refuse_if_full=body.on_full == "refuse",
        hold_id=body.hold_id,
    )
    return send(routes.services.create.create(request, routes.request_context(caller, restaurant_id)))


@routes.post("/restaurants/<restaurant_id>/holds")
def make_hold(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, BOOKINGS_WRITE)
    body = routes.body(contract.HoldBody)
    request = BookingRequest(
        restaurant_id=restaurant_id,
        party_size=body.party_size,
        start=contract.start_of(body, routes.now),
        preferences=body.preferences.to_domain(),
        duration_minutes=body.duration_minutes,
    )
    return send(routes.services.holds.make(request, routes.request_context(caller, restaurant_id)))


@routes.delete("/holds/<hold_id>")
def give_back_hold(hold_id: str) -> Response[str]:
    hold, caller = routes.hold_for(hold_id, BOOKINGS_WRITE)
    context = routes.request_context(caller, hold.restaurant_id)
    return send(routes.services.holds.give_back(hold, context))


@routes.get("/restaurants/<restaurant_id>/bookings")
def list_bookings(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, BOOKINGS_READ)
    query, now = routes.query(*_FILTERS, "cursor", "limit"), routes.now
    start_from, start_before = contract.parse_period(query.get("from"), query.get("to"), now)
    since = query.get("updatedSince")
    wanted = BookingFilter(
        restaurant_id=restaurant_id,
        states=_states(query.get("status")),
        service_date=_service_date(query.get("date")),
        reference=contract.parse_reference(query.get("reference")),
        guest=contract.parse_search(query.get("q")),
        start_from=start_from,
        start_before=start_before,
        updated_since=None if since is None else contract.parse_moment(since, "updatedSince", now),
    )
    after, limit = contract.decode_cursor(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return routes.send_unless_known(routes.services.views.page(wanted, after, limit))


@routes.get("/restaurants")
def list_restaurants() -> Response[str]:
    caller = routes.caller(BOOKINGS_READ)
    query = routes.query("cursor", "limit")
    ids = None if caller.sees_all else caller.restaurants
    after, limit = contract.decode_name(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return routes.send_unless_known(routes.services.views.restaurants(ids, after, limit))


@routes.get("/restaurants/<restaurant_id>/changes")
def list_changes(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, BOOKINGS_READ)
    query = routes.query("cursor", "limit")
    after, limit = contract.decode_position(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return send(routes.services.changes.page(restaurant_id, after, limit))


@routes.get("/restaurants/<restaurant_id>/availability")
def get_availability(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, BOOKINGS_READ)
    query = routes.query("date", "partySize", "zone", "required")
    day = _service_date(query.get("date"))
    if day is None:
        raise InvalidRequest([FieldError("date", "missing", "is required")])
    request = AvailabilityRequest(
        client=caller.subject,
        restaurant_id=restaurant_id,
        service_date=day,
        party_size=contract.parse_party_size(query.get("partySize")),
        preferences=contract.parse_musts(query.get("zone"), query.get("required")),
        is_staff=caller.is_staff,
    )
    return send(routes.services.availability.of_day(request))


@routes.post("/restaurants/<restaurant_id>/availability")
def get_batch_availability(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, BOOKINGS_READ)
    body = routes.body(contract.AvailabilityBody)
    request = BatchRequest(
        client=caller.subject,
        restaurant_id=restaurant_id,
        dates=body.days(routes.now),
        party_sizes=body.sizes(),
        preferences=body.musts(),
        is_staff=caller.is_staff,
    )
    return send(routes.services.batch_availability.of_days(request))


@routes.get("/bookings/<booking_id>")
def get_booking(booking_id: str) -> Response[str]:
    details, caller = routes.details_for(booking_id, BOOKINGS_READ)
    return routes.send_unless_known(routes.services.views.booking(details, is_staff=caller.is_staff))


@routes.patch("/bookings/<booking_id>")
def modify_booking(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, BOOKINGS_WRITE)
    body = routes.body(contract.PatchBody)
    if body.override:
        caller.require(OPERATIONS)
    start = body.start_of(routes.now)

    def change(present: Booking) -> BookingRequest | SeatedRequest:
        if present.state is State.SEATED:
            return change_seated(present)
        body.require_no_override()
        return BookingRequest(
            restaurant_id=present.restaurant_id,
            party_size=body.party_size or present.party_size,
            start=start or present.start_at,
            guest=body.guest_of(present.guest),
            preferences=body.preferences.applied_to(present.preferences),
            notes=body.notes_of(present.notes),
            duration_minutes=body.duration_minutes or present.duration_minutes,
            refuse_if_full=body.on_full == "keep",
        )

    def change_seated(present: Booking) -> SeatedRequest:
        caller.require(OPERATIONS)  # who sits in the house is the staff's business, as seating them was
        body.require_no_start()
        return SeatedRequest(
            party_size=body.party_size or present.party_size,
            duration_minutes=body.duration_minutes,
            guest=body.guest_of(present.guest),
            preferences=body.preferences.applied_to(present.preferences),
            notes=body.notes_of(present.notes),
            override=frozenset(body.override),
        )

    if_match = contract.if_match_of(routes.header("if-match"))
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.modify.modify(booking, change, context, if_match))


@routes.post("/bookings/<booking_id>/cancel")
def cancel_booking(booking_id: str) -> Response[str]:
    booking, caller = routes.booking_to_change(booking_id, BOOKINGS_WRITE)
    body = routes.body(contract.CancelBody, absent="{}")
    context = routes.request_context(caller, booking.restaurant_id)
    return send(routes.services.cancel.cancel(booking, body.reason, context))


def _service_date(text: str | None) -> date | None:
    return None if text is None else contract.parse_date(text, "date", routes.now)


def _states(status: str | None) -> tuple[State, ...]:
    if status is None:
        return tuple(State)
    if status not in STATUSES:
        raise InvalidRequest(
            [FieldError("status", "unknown_status", f"must be one of {', '.join(STATUSES)}")]
        )
    return states_of(status)
