"""Errors as types, each with a stable code. The HTTP edge turns them into problem documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake in one input field. ``field`` is a dotted path, e.g. ``tables.3.zone``."""

    field: str
    code: str
    message: str


class MaitredError(Exception):
    """Base of every error that a caller sees. ``detail`` must contain no guest data and no SQL."""

    code = "internal_error"
    status = 500
    title = "Something went wrong on our side"
    retry_after: int | None = None

    def __init_subclass__(cls, code: str | None = None, status: int | None = None) -> None:
        if code is not None:
            cls.code = code
        if status is not None:
            cls.status = status

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class BookingsInTheWay(MaitredError):
    """``more``: which ones, as members of the answer."""

    def __init__(self, detail: str, more: Mapping[str, object]) -> None:
        super().__init__(detail)
        self.more = more


class InvalidRequest(MaitredError, code="invalid_request", status=422):
    """The input breaks one or more rules; nothing was written."""

    title = "The request is not valid"

    def __init__(self, errors: Sequence[FieldError], detail: str | None = None) -> None:
        super().__init__(detail or "; ".join(f"{e.field}: {e.message}" for e in errors[:3]))
        self.errors = tuple(errors)


class NaiveTimestamp(InvalidRequest, code="naive_timestamp"):
    title = "The time has no offset"


class MalformedBody(MaitredError, code="malformed_json", status=400):
    title = "The body is not valid JSON"


class BodyTooLarge(MaitredError, code="too_large", status=413):
    title = "The body is too large"


class PartyTooLarge(MaitredError, code="party_too_large", status=422):
    title = "The party is too large for this restaurant"


class OutsideService(MaitredError, code="outside_service", status=422):
    title = "The restaurant does not seat parties at this time"


class ServiceOverrun(MaitredError, code="service_overrun", status=422):
    title = "The stay would not fit before closing"


class Closed(MaitredError, code="closed", status=422):
    title = "The restaurant is closed at this time"


class InThePast(MaitredError, code="in_the_past", status=422):
    title = "The start is in the past"


class TooSoon(MaitredError, code="too_soon", status=422):
    title = "The restaurant needs more notice"


class TooFarAhead(MaitredError, code="too_far_ahead", status=422):
    title = "The restaurant does not take bookings so far ahead"


class PartyNeedsACall(MaitredError, code="party_needs_a_call", status=422):
    title = "A party of this size has to call the restaurant"


class Forbidden(MaitredError, code="forbidden", status=403):
    title = "The token does not allow this"


class NoCaller(MaitredError, code="no_caller", status=403):
    title = "The token does not say whose it is"


class NoRestaurants(MaitredError, code="no_restaurants", status=403):
    title = "The token names no restaurants"


class RestaurantNotFound(MaitredError, code="restaurant_not_found", status=404):
    title = "No such restaurant"


class BookingNotFound(MaitredError, code="booking_not_found", status=404):
    title = "No such booking"


class HoldNotFound(MaitredError, code="hold_not_found", status=404):
    title = "No such hold"


class HoldUsed(MaitredError, code="hold_used", status=409):
    title = "This hold has already been used"


class HoldExpired(MaitredError, code="hold_expired", status=410):
    title = "The hold has expired"


class HoldMismatch(MaitredError, code="hold_mismatch", status=422):
    title = "The booking does not match the hold"


class InvalidState(MaitredError, code="invalid_state", status=400):
    title = "There is nothing to assign"


class InvalidTransition(MaitredError, code="invalid_transition", status=409):
    title = "The booking's state does not allow this"


class VersionMismatch(MaitredError, code="version_mismatch", status=412):
    title = "It has changed since it was read"


class VersionRequired(MaitredError, code="version_required", status=428):
    title = "The call has to name the version that it replaces"


class AssignmentInProgress(MaitredError, code="assignment_in_progress", status=409):
    title = "A worker is looking for tables for this booking"
    retry_after = 5


class RuleViolated(InvalidRequest, code="rule_violated"):
    """A person's choice of tables breaks rules that it does not override; one entry for each rule."""

    title = "These tables break a rule of the restaurant"


class TableOccupied(MaitredError, code="table_occupied", status=409):
    title = "A table is taken at this time"


class TooEarly(MaitredError, code="too_early", status=409):
    title = "It is too early to seat this party"


class TableNotFound(MaitredError, code="table_not_found", status=404):
    title = "No such table"


class TimezoneHasBookings(BookingsInTheWay, code="timezone_has_bookings", status=409):
    """A new time zone, and nobody said what the bookings still to come keep."""

    title = "Bookings were made in the present time zone"


class OptimizationNotFound(MaitredError, code="optimization_not_found", status=404):
    title = "No such optimisation"


class ShiftConflict(MaitredError, code="conflict", status=409):
    title = "The day has changed meanwhile"


class CannotUndo(BookingsInTheWay, code="cannot_undo", status=409):
    title = "The optimisation cannot be undone"


class UpcomingBooking(BookingsInTheWay, code="upcoming_booking", status=409):
    title = "The guest is still expected"


class WebhookNotFound(MaitredError, code="webhook_not_found", status=404):
    title = "No such webhook"


class TooManyWebhooks(MaitredError, code="too_many_webhooks", status=409):
    title = "A restaurant has at most 10 webhooks; delete one first"


class AddressNotAllowed(InvalidRequest, code="address_not_allowed"):
    title = "Webhooks are sent to public https addresses only"


class IdempotencyKeyReused(MaitredError, code="idempotency_key_reused", status=422):
    title = "This Idempotency-Key was used for another request"


class IdempotencyInProgress(MaitredError, code="idempotency_in_progress", status=409):
    title = "A request with this Idempotency-Key is still running"
    retry_after = 1


class DatabaseUnavailable(MaitredError, code="database_unavailable", status=503):
    title = "The database cannot be reached"
    retry_after = 2


class RetryLater(MaitredError):
    """Nothing was attempted. The caller may ask again after ``wait_seconds``."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__()
        self.retry_after = max(1, ceil(wait_seconds))


class TooManyRequests(RetryLater, code="rate_limited", status=429):
    title = "Too many requests"


class ServiceUnavailable(RetryLater, code="circuit_open", status=503):
    title = "The database keeps failing"


class Overloaded(MaitredError, code="overloaded", status=503):
    title = "The service is overloaded"
    retry_after = 2
