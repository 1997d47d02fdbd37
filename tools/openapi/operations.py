"""The calls of the API: one row each, with what it takes, answers and refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from maitred.contracts import bookings as bodies
from maitred.contracts.floor_document import FloorDocument
from maitred.domain import errors
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.states import STATUSES
from maitred.entrypoints.http import BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS, RouteNotFound
from tools.openapi import replies

type Schema = Mapping[str, Any]
type Errors = tuple[type[MaitredError], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """``where``: ``path``, ``query`` or ``header``."""

    name: str
    where: str
    text: str
    schema: Schema
    required: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """From a reply to a call that can come next. ``parameters``: OpenAPI's runtime expressions."""

    operation: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """``scope`` None: needs no token. ``refusals``: reasons for a 409; ``faults``: for a 503."""

    method: str
    path: str
    id: str
    tag: str
    summary: str
    replies: Mapping[int, type[BaseModel] | None]
    scope: str | None = OPERATIONS
    body: type[BaseModel] | None = None
    body_required: bool = True
    parameters: Sequence[Parameter] = ()
    errors: Errors = ()
    refusals: Sequence[ReasonCode] = ()
    faults: Sequence[ReasonCode] = ()
    repeatable: bool = False
    """Takes an Idempotency-Key."""
    limited: bool = False
    """Takes tokens from the client's bucket."""
    tagged: bool = False
    """Has an ETag, and answers 304 to it."""
    headers: Sequence[str] = ()
    """Of its success, beside those that all such calls have."""
    links: Sequence[Link] = field(default=())


_DATE: Schema = {"type": "string", "format": "date"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_FLAG: Schema = {"type": "string", "enum": ["true", "false"]}

_CURSOR = Parameter("cursor", "query", "`nextCursor` of the page before.", {"type": "string"})
_LIMIT = Parameter(
    "limit", "query", "Items on a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
)
_PAGE = (_CURSOR, _LIMIT)
_IF_MATCH = Parameter(
    "If-Match", "header", "What you have seen, as its ETag says; 412 if it has changed.", {"type": "string"}
)
_ZONE = Parameter("zone", "query", "Only this zone will do.", {"type": "string", "maxLength": 64})

_START: Errors = (
    errors.NaiveTimestamp,
    errors.PartyTooLarge,
    errors.OutsideService,
    errors.ServiceOverrun,
    errors.Closed,
    errors.InThePast,
    errors.TooSoon,
    errors.TooFarAhead,
    errors.PartyNeedsACall,
)
_BOOKING: Errors = (errors.BookingNotFound,)
_MARK: Errors = (errors.BookingNotFound, errors.InvalidTransition, errors.AssignmentInProgress)
_CHOICE: Errors = (*_MARK, errors.TableOccupied, errors.RuleViolated)
#: Why there is no table. The other reasons are faults of the moment, or errors of the request.
NO_TABLE = (
    ReasonCode.NO_CAPACITY,
    ReasonCode.PARTY_TOO_LARGE,
    ReasonCode.MAX_TABLES,
    ReasonCode.ADJACENCY,
    ReasonCode.ZONE,
    ReasonCode.ATTRIBUTES,
    ReasonCode.MIN_PARTY,
    ReasonCode.PACING,
    ReasonCode.PAUSED,
    ReasonCode.HOLD_CONFLICT,
)
#: Nothing was found out: ask again after ``Retry-After``.
NOT_FOUND_OUT = tuple(
    code for code in ReasonCode if code.category is not Category.DETERMINISTIC and code not in NO_TABLE
)
_TO_BOOKING = {"bookingId": "$response.body#/booking/id"}
_ON_A_BOOKING = (
    Link("getBooking", _TO_BOOKING),
    Link("modifyBooking", _TO_BOOKING),
    Link("cancelBooking", _TO_BOOKING),
)


def _mark(path: str, name: str, summary: str, body: type[BaseModel], more: Errors = ()) -> Operation:
    """A call of the evening on one booking."""
    return Operation(
        "POST",
        f"/bookings/{{bookingId}}/{path}",
        name,
        "Evening",
        summary,
        {200: replies.BookingReply},
        body=body,
        body_required=False,
        errors=(*_MARK, *more),
        repeatable=True,
        limited=True,
        links=_ON_A_BOOKING,
    )


CALLS: Sequence[Operation] = (
    # --- the service itself ---
    Operation("GET", "/health", "getHealth", "Service", "Is it up?", {200: replies.Health}, scope=None),
    Operation(
        "GET",
        "/openapi.json",
        "getDescription",
        "Service",
        "This document.",
        {200: None},
        scope=None,
        tagged=True,
    ),
    # --- restaurants ---
    Operation(
        "GET",
        "/restaurants",
        "listRestaurants",
        "Restaurants",
        "The restaurants of your token, by id.",
        {200: replies.RestaurantPage},
        scope=BOOKINGS_READ,
        parameters=_PAGE,
        tagged=True,
    ),
    Operation(
        "PUT",
        "/restaurants/{restaurantId}",
        "putRestaurant",
        "Restaurants",
        "Create a restaurant, or replace its floor document.",
        {201: replies.RestaurantPut, 200: replies.RestaurantPut},
        body=FloorDocument,
        parameters=(
            Parameter("dryRun", "query", "Say what would happen, and write nothing.", _FLAG),
            Parameter("strict", "query", "Refuse the call if it does not say what it replaces.", _FLAG),
            Parameter(
                "bookings",
                "query",
                "With another time zone: what the bookings still to come keep.",
                {"type": "string", "enum": ["keep_local_time", "keep_instant"]},
            ),
            _IF_MATCH,
        ),
        errors=(
            errors.RestaurantNotFound,
            errors.TimezoneHasBookings,
            errors.VersionMismatch,
            errors.VersionRequired,
        ),
        repeatable=True,
        headers=("ETag",),
        links=(Link("getRestaurant", {"restaurantId": "$request.path.restaurantId"}),),
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}",
        "getRestaurant",
        "Restaurants",
        "The floor document, with its defaults.",
        {200: FloorDocument},
        errors=(errors.RestaurantNotFound,),
        tagged=True,
    ),
    # --- bookings ---
    Operation(
        "POST",
        "/restaurants/{restaurantId}/bookings",
        "createBooking",
        "Bookings",
        "Book: finds the best tables and confirms them, or keeps the booking waiting.",
        {201: replies.AssignedReply},
        scope=BOOKINGS_WRITE,
        body=bodies.BookingBody,
        errors=(
            errors.RestaurantNotFound,
            errors.HoldNotFound,
            errors.HoldUsed,
            errors.HoldExpired,
            errors.HoldMismatch,
            *_START,
        ),
        refusals=NO_TABLE,
        faults=NOT_FOUND_OUT,
        repeatable=True,
        limited=True,
        headers=("Location",),
        links=_ON_A_BOOKING,
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/bookings",
        "listBookings",
        "Bookings",
        "Find bookings; by start, or by change with `updatedSince`.",
        {200: replies.BookingPage},
        scope=BOOKINGS_READ,
        parameters=(
            Parameter("date", "query", "The service day.", _DATE),
            Parameter("status", "query", "What guests see.", {"type": "string", "enum": list(STATUSES)}),
            Parameter(
                "reference",
                "query",
                "The booking's reference, in either case.",
                {"type": "string", "pattern": "^[A-Za-z0-9-]{1,20}$"},
            ),
            Parameter(
                "q",
                "query",
                "The beginning of words of the name, or part of the phone number or mail address.",
                {"type": "string", "minLength": 1, "maxLength": 100},
            ),
            Parameter("from", "query", "Starts at this moment or later.", _MOMENT),
            Parameter("to", "query", "Starts before this moment.", _MOMENT),
            Parameter("updatedSince", "query", "Changed at this moment or later.", _MOMENT),
            *_PAGE,
        ),
        errors=(errors.RestaurantNotFound, errors.NaiveTimestamp),
        tagged=True,
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/changes",
        "listChanges",
        "Bookings",
        "What happened to the restaurant's bookings, in order, for 30 days.",
        {200: replies.ChangePage},
        scope=BOOKINGS_READ,
        parameters=_PAGE,
        errors=(errors.RestaurantNotFound,),
        links=(
            Link(
                "listChanges",
                {"restaurantId": "$request.path.restaurantId", "cursor": "$response.body#/nextCursor"},
            ),
        ),
    ),
    Operation(
        "GET",
        "/bookings/{bookingId}",
        "getBooking",
        "Bookings",
        "The booking, and while it waits why, and other starts.",
        {200: replies.BookingDetails},
        scope=BOOKINGS_READ,
        errors=_BOOKING,
        tagged=True,
    ),
    Operation(
        "PATCH",
        "/bookings/{bookingId}",
        "modifyBooking",
        "Bookings",
        "Change the request; members that are left out stay.",
        {200: replies.AssignedReply},
        scope=BOOKINGS_WRITE,
        body=bodies.PatchBody,
        parameters=(_IF_MATCH,),
        errors=(*_CHOICE, errors.VersionMismatch, *_START),
        refusals=NO_TABLE,
        faults=NOT_FOUND_OUT,
        repeatable=True,
        limited=True,
        links=_ON_A_BOOKING,
    ),
    Operation(
        "POST",
        "/bookings/{bookingId}/cancel",
        "cancelBooking",
        "Bookings",
        "Cancel; the tables are free at once. A second cancel changes nothing.",
        {200: replies.BookingReply},
        scope=BOOKINGS_WRITE,
        body=bodies.CancelBody,
        body_required=False,
        errors=_MARK,
        repeatable=True,
        limited=True,
        links=(Link("getBooking", _TO_BOOKING),),
    ),
    # --- availability and holds ---
    Operation(
        "GET",
        "/restaurants/{restaurantId}/availability",
        "getAvailability",
        "Availability",
        "Every slot of a day for one party.",
        {200: replies.Availability},
        scope=BOOKINGS_READ,
        parameters=(
            Parameter("date", "query", "The service day.", _DATE, required=True),
            Parameter(
                "partySize",
                "query",
                "The number of guests.",
                {"type": "integer", "minimum": 1, "maximum": 1000},
                required=True,
            ),
            _ZONE,
            Parameter(
                "required", "query", "Attributes that the tables must have, with commas.", {"type": "string"}
            ),
        ),
        errors=(errors.RestaurantNotFound,),
        limited=True,
    ),
    Operation(
        "POST",
        "/restaurants/{restaurantId}/availability",
        "getBatchAvailability",
        "Availability",
        "Every slot of several days for several sizes, all of one moment.",
        {200: replies.BatchAvailability},
        scope=BOOKINGS_READ,
        body=bodies.AvailabilityBody,
        errors=(errors.RestaurantNotFound,),
        limited=True,
    ),
    Operation(
        "POST",
        "/restaurants/{restaurantId}/holds",
        "makeHold",
        "Availability",
        "Keep tables for some minutes while the guest decides.",
        {201: replies.HoldReply},
        scope=BOOKINGS_WRITE,
        body=bodies.HoldBody,
        errors=(errors.RestaurantNotFound, *_START),
        refusals=NO_TABLE,
        faults=NOT_FOUND_OUT,
        repeatable=True,
        limited=True,
        links=(Link("giveBackHold", {"holdId": "$response.body#/holdId"}),),
    ),
    Operation(
        "DELETE",
        "/holds/{holdId}",
        "giveBackHold",
        "Availability",
        "Give a hold back; also when it has expired.",
        {204: None},
        scope=BOOKINGS_WRITE,
        errors=(errors.HoldNotFound, errors.HoldUsed),
        repeatable=True,
    ),
    # --- assignment ---
    Operation(
        "POST",
        "/assignments/process",
        "processAssignment",
        "Assignment",
        "Have the background job look for tables again.",
        {202: replies.Accepted},
        body=bodies.ProcessBody,
        errors=(*_BOOKING, errors.InvalidState, errors.AssignmentInProgress),
        repeatable=True,
        limited=True,
    ),
    Operation(
        "PUT",
        "/bookings/{bookingId}/assignment",
        "chooseTables",
        "Assignment",
        "A person's choice of tables; of a party that sits, its new place.",
        {200: replies.AssignedReply},
        body=bodies.AssignmentBody,
        errors=(*_CHOICE, errors.InThePast),
        repeatable=True,
        limited=True,
        links=_ON_A_BOOKING,
    ),
    Operation(
        "DELETE",
        "/bookings/{bookingId}/assignment",
        "takeTablesAway",
        "Assignment",
        "Take the tables away; a person decides what comes next.",
        {200: replies.BookingReply},
        errors=_MARK,
        repeatable=True,
        limited=True,
        links=(Link("getBooking", _TO_BOOKING),),
    ),
    Operation(
        "GET",
        "/bookings/{bookingId}/history",
        "getHistory",
        "Assignment",
        "The changes of its state.",
        {200: replies.HistoryPage},
        errors=_BOOKING,
    ),
    Operation(
        "GET",
        "/bookings/{bookingId}/attempts",
        "getAttempts",
        "Assignment",
        "The attempts to find tables.",
        {200: replies.AttemptPage},
        errors=_BOOKING,
    ),
    Operation(
        "GET",
        "/bookings/{bookingId}/explanation",
        "getExplanation",
        "Assignment",
        "Why these tables, or why none.",
        {200: replies.Explanation},
        errors=_BOOKING,
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/manual-review",
        "listManualReview",
        "Assignment",
        "Bookings that need a person.",
        {200: replies.ReviewPage},
        parameters=_PAGE,
        errors=(errors.RestaurantNotFound,),
        limited=True,
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/reports/assignments",
        "getReport",
        "Assignment",
        "How assignment performed over a period.",
        {200: replies.Report},
        parameters=(
            Parameter(
                "from",
                "query",
                "A date or a date-time; seven days before `to` if left out.",
                {"type": "string"},
            ),
            Parameter("to", "query", "A date or a date-time; now if left out.", {"type": "string"}),
            Parameter(
                "with", "query", "Count these restaurants too, with commas; `*`: all.", {"type": "string"}
            ),
            Parameter(
                "cohort", "query", "Only attempts with these flags, as `flag:value`.", {"type": "string"}
            ),
        ),
        errors=(errors.RestaurantNotFound, errors.NaiveTimestamp),
        limited=True,
    ),
    # --- the evening ---
    Operation(
        "GET",
        "/restaurants/{restaurantId}/floor",
        "getFloor",
        "Evening",
        "Every table at a moment.",
        {200: replies.Floor},
        parameters=(
            Parameter("at", "query", "The moment; now if left out.", _MOMENT),
            Parameter("includeHolds", "query", "Show tables that are on hold as held.", _FLAG),
        ),
        errors=(errors.RestaurantNotFound, errors.NaiveTimestamp),
    ),
    _mark("arrive", "arrive", "The party is in the house, not yet at a table.", bodies.NoBody),
    _mark(
        "seat",
        "seat",
        "The party sits down, at its tables or at others.",
        bodies.SeatBody,
        (errors.TooEarly, errors.TableOccupied, errors.RuleViolated),
    ),
    _mark("unseat", "unseat", "It has not sat down after all.", bodies.NoBody, (errors.TableOccupied,)),
    _mark("complete", "complete", "The party has left; its tables are free.", bodies.NoBody),
    _mark(
        "undo-complete",
        "undoComplete",
        "It has not left after all.",
        bodies.NoBody,
        (errors.TableOccupied,),
    ),
    _mark("no-show", "markNoShow", "The party did not come.", bodies.NoBody),
    _mark("undo-no-show", "undoNoShow", "It has come after all.", bodies.NoBody, (errors.TableOccupied,)),
    _mark("decline", "decline", "Say no to a booking that waits.", bodies.DeclineBody),
    Operation(
        "POST",
        "/restaurants/{restaurantId}/walk-ins",
        "receiveWalkIn",
        "Evening",
        "Guests at the door: seat them now.",
        {201: replies.AssignedReply},
        body=bodies.WalkInBody,
        errors=(errors.RestaurantNotFound, errors.TableOccupied, errors.RuleViolated, *_START),
        refusals=NO_TABLE,
        faults=NOT_FOUND_OUT,
        repeatable=True,
        headers=("Location",),
        links=_ON_A_BOOKING,
    ),
    Operation(
        "POST",
        "/restaurants/{restaurantId}/tables/{tableId}/block",
        "blockTable",
        "Evening",
        "A table is out of order for a time.",
        {200: replies.Blocked},
        body=bodies.BlockBody,
        errors=(errors.RestaurantNotFound, errors.TableNotFound, errors.NaiveTimestamp),
        repeatable=True,
    ),
    Operation(
        "DELETE",
        "/restaurants/{restaurantId}/tables/{tableId}/block",
        "unblockTable",
        "Evening",
        "It is in order again; all its blocks end.",
        {204: None},
        errors=(errors.RestaurantNotFound, errors.TableNotFound),
        repeatable=True,
    ),
    # --- guests' data ---
    Operation(
        "POST",
        "/restaurants/{restaurantId}/guests/erase",
        "eraseGuest",
        "Guests",
        "Erase what is known of a guest; figures stay.",
        {200: replies.Erased},
        body=bodies.EraseBody,
        errors=(errors.RestaurantNotFound, errors.UpcomingBooking),
        repeatable=True,
    ),
    # --- webhooks ---
    Operation(
        "PUT",
        "/restaurants/{restaurantId}/webhooks/{webhookId}",
        "putWebhook",
        "Webhooks",
        "Have changes sent to an address, signed by Standard Webhooks 1.0.",
        {201: replies.WebhookPut, 200: replies.WebhookPut},
        body=bodies.WebhookBody,
        errors=(errors.RestaurantNotFound, errors.TooManyWebhooks, errors.AddressNotAllowed),
        repeatable=True,
        links=(
            Link(
                "getWebhook",
                {"restaurantId": "$request.path.restaurantId", "webhookId": "$request.path.webhookId"},
            ),
        ),
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/webhooks",
        "listWebhooks",
        "Webhooks",
        "All of the restaurant.",
        {200: replies.WebhookPage},
        errors=(errors.RestaurantNotFound,),
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/webhooks/{webhookId}",
        "getWebhook",
        "Webhooks",
        "One, without its secret.",
        {200: replies.WebhookReply},
        errors=(errors.RestaurantNotFound, errors.WebhookNotFound),
    ),
    Operation(
        "DELETE",
        "/restaurants/{restaurantId}/webhooks/{webhookId}",
        "deleteWebhook",
        "Webhooks",
        "Send nothing more; also when there is none.",
        {204: None},
        errors=(errors.RestaurantNotFound,),
        repeatable=True,
    ),
    # --- the shift ---
    Operation(
        "POST",
        "/restaurants/{restaurantId}/optimizations",
        "optimizeShift",
        "Shift",
        "Re-seat a whole service: see what would be gained, or do it.",
        {200: replies.OptimizationReply},
        body=bodies.OptimizationBody,
        errors=(errors.RestaurantNotFound, errors.ShiftConflict),
        repeatable=True,
        links=(Link("undoOptimization", {"optimizationId": "$response.body#/optimizationId"}),),
    ),
    Operation(
        "GET",
        "/restaurants/{restaurantId}/optimizations",
        "listOptimizations",
        "Shift",
        "What was decided, the latest first.",
        {200: replies.OptimizationPage},
        parameters=_PAGE,
        errors=(errors.RestaurantNotFound,),
    ),
    Operation(
        "POST",
        "/optimizations/{optimizationId}/undo",
        "undoOptimization",
        "Shift",
        "Everybody who is still where it put them goes back.",
        {200: replies.Undone},
        body=bodies.NoBody,
        body_required=False,
        errors=(errors.OptimizationNotFound, errors.CannotUndo, errors.ShiftConflict),
        repeatable=True,
    ),
)

_TOKEN: Errors = (errors.NoCaller, errors.Forbidden, errors.NoRestaurants)
_BODY: Errors = (errors.MalformedBody, errors.BodyTooLarge, errors.InvalidRequest)
_KEY: Errors = (*_BODY, errors.IdempotencyKeyReused, errors.IdempotencyInProgress)
_ALWAYS: Errors = (
    MaitredError,
    errors.DatabaseUnavailable,
    errors.Overloaded,
    errors.ServiceUnavailable,
)


def errors_of(operation: Operation) -> Errors:
    """Every error that the call may be answered with, each once."""
    found = list(operation.errors)
    if operation.scope is not None:
        found += [*_TOKEN, *_ALWAYS]
    if operation.repeatable:
        found += _KEY
    elif operation.body is not None:
        found += _BODY
    if any(each.where == "query" for each in operation.parameters):
        found.append(errors.InvalidRequest)
    if operation.limited:
        found.append(errors.TooManyRequests)
    if "{" in operation.path:
        found.append(RouteNotFound)
    return tuple(dict.fromkeys(found))
