"""The guests' routes: parse, one call into a service, map the answer."""

from datetime import date

from aws_lambda_powertools.event_handler import Response

from maitred.bootstrap.bookings import Bookings
from maitred.contracts import bookings as contract
from maitred.contracts import responses
from maitred.contracts.base import parse
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, InvalidRequest, RestaurantNotFound
from maitred.domain.states import STATUSES, State, states_of
from maitred.entrypoints.access import BOOKINGS_READ, BOOKINGS_WRITE
from maitred.entrypoints.http import Edge
from maitred.services.booking.availability import AvailabilityWish
from maitred.services.booking.request import BookingWish
from maitred.services.idempotency import Reply


def create(edge: Edge, services: Bookings, restaurant_id: str) -> Response[str]:
    caller = edge.caller_for(restaurant_id, BOOKINGS_WRITE)
    body = parse(contract.BookingBody, edge.body)
    wish = BookingWish(
        restaurant_id=restaurant_id,
        party_size=body.party_size,
        start=contract.start_of(body, services.core.clock.now()),
        guest=body.guest.model_dump(exclude_none=True),
        preferences=body.preferences.to_domain(),
        notes=body.notes,
        duration_minutes=body.duration_minutes,
        refuse_if_full=body.on_full == "refuse",
        hold_id=body.hold_id,
    )
    return edge.send(services.create.create(wish, edge.context(caller, restaurant_id)))


def hold(edge: Edge, services: Bookings, restaurant_id: str) -> Response[str]:
    caller = edge.caller_for(restaurant_id, BOOKINGS_WRITE)
    body = parse(contract.HoldBody, edge.body)
    wish = BookingWish(
        restaurant_id=restaurant_id,
        party_size=body.party_size,
        start=contract.start_of(body, services.core.clock.now()),
        guest={},
        preferences=body.preferences.to_domain(),
        notes=None,
        duration_minutes=body.duration_minutes,
        refuse_if_full=True,
    )
    return edge.send(services.holds.make(wish, edge.context(caller, restaurant_id)))


def give_back(edge: Edge, services: Bookings, hold_id: str) -> Response[str]:
    found, caller = edge.hold_for(
        hold_id, BOOKINGS_WRITE, lambda wanted: services.core.book.hold(wanted).hold
    )
    return edge.send(services.holds.give_back(found, edge.context(caller, found.restaurant_id)))


def modify(edge: Edge, services: Bookings, booking_id: str) -> Response[str]:
    booking, caller = edge.booking_to_change(booking_id, BOOKINGS_WRITE, services.core.book.booking_to_change)
    body = parse(contract.PatchBody, edge.body)
    start = body.start_of(services.core.clock.now())

    def change(present: Booking) -> BookingWish:
        return BookingWish(
            restaurant_id=present.restaurant_id,
            party_size=body.party_size or present.party_size,
            start=start or present.start_at,
            guest=body.guest_of(present.guest),
            preferences=body.preferences.applied_to(present.preferences),
            notes=body.notes_of(present.notes),
            duration_minutes=present.duration_minutes,
            refuse_if_full=body.on_full == "keep",
        )

    versions = contract.versions_of(edge.header("if-match"))
    context = edge.context(caller, booking.restaurant_id)
    return edge.send(services.modify.modify(booking, change, context, versions))


def page(edge: Edge, services: Bookings, restaurant_id: str) -> Response[str]:
    edge.caller_for(restaurant_id, BOOKINGS_READ)
    query = edge.query("date", "status", "cursor", "limit")
    found = services.core.book.page(
        restaurant_id,
        _service_date(query.get("date"), services),
        _states(query.get("status")),
        contract.decode_cursor(query.get("cursor")),
        contract.parse_limit(query.get("limit")),
    )
    if not found.items and services.core.book.layout(restaurant_id, None, None, None) is None:
        raise RestaurantNotFound
    last = found.items[-1] if found.more else None
    body = {
        "items": [responses.booking_json(booking) for booking in found.items],
        "nextCursor": contract.encode_cursor(last.start_at, last.id) if last else None,
    }
    return edge.send(Reply(200, responses.dumps(body)))


def availability(edge: Edge, services: Bookings, restaurant_id: str) -> Response[str]:
    edge.caller_for(restaurant_id, BOOKINGS_READ)
    query = edge.query("date", "partySize", "zone", "required")
    day = _service_date(query.get("date"), services)
    if day is None:
        raise InvalidRequest([FieldError("date", "missing", "say for which day")])
    wish = AvailabilityWish(
        restaurant_id=restaurant_id,
        service_date=day,
        party_size=contract.parse_party_size(query.get("partySize")),
        preferences=contract.parse_musts(query.get("zone"), query.get("required")),
    )
    return edge.send(services.availability.of_day(wish))


def read(edge: Edge, services: Bookings, booking_id: str) -> Response[str]:
    booking, _ = edge.booking_for(booking_id, BOOKINGS_READ, services.core.book.booking)
    body = responses.dumps({"booking": responses.booking_json(booking)})
    return edge.send(Reply(200, body, {"etag": f'"{booking.version}"'}))


def cancel(edge: Edge, services: Bookings, booking_id: str) -> Response[str]:
    booking, caller = edge.booking_to_change(booking_id, BOOKINGS_WRITE, services.core.book.booking_to_change)
    body = parse(contract.CancelBody, edge.body or "{}")
    context = edge.context(caller, booking.restaurant_id)
    return edge.send(services.cancel.cancel(booking, body.reason, context))


def _service_date(text: str | None, services: Bookings) -> date | None:
    return None if text is None else contract.parse_date(text, "date", services.core.clock.now())


def _states(status: str | None) -> tuple[State, ...]:
    if status is None:
        return tuple(State)
    if status not in STATUSES:
        raise InvalidRequest(
            [FieldError("status", "unknown_status", f"must be one of {', '.join(STATUSES)}")]
        )
    return states_of(status)
