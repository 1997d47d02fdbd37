"""What both HTTP functions share: claims, correlation ids, idempotency keys, problem documents."""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from math import ceil
from typing import Any, Protocol
from uuid import UUID, uuid4

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from maitred.adapters.telemetry import log
from maitred.bootstrap.runtime import Runtime
from maitred.contracts.base import is_identifier, parse, plain_value
from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, Forbidden, InvalidRequest, MaitredError
from maitred.domain.hold import Hold
from maitred.services import ports
from maitred.services.idempotency import Reply, RequestContext, fingerprint, problem_reply
from maitred.services.ports import IdempotencyKey
from maitred.services.ports.limits import TokensLeft

OPERATIONS = "operations"
BOOKINGS_WRITE = "bookings:write"
BOOKINGS_READ = "bookings:read"

_IMPLIED = {
    OPERATIONS: frozenset({OPERATIONS, BOOKINGS_WRITE, BOOKINGS_READ}),
    BOOKINGS_WRITE: frozenset({BOOKINGS_WRITE, BOOKINGS_READ}),
    BOOKINGS_READ: frozenset({BOOKINGS_READ}),
}

HEALTH = "/health"
DESCRIPTION = "/openapi.json"
_OPEN = frozenset({HEALTH, DESCRIPTION})  # need no token, and no database
VERSION = "/v1/"  # may stand before every path; with API Gateway it is a stage
_CORRELATION = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_MOST_BYTES = 64 * 1024  # of a body; all that a booking may say is far less

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated client: its subject, its scopes (with what they include), its restaurants."""

    subject: str
    scopes: frozenset[str]
    restaurants: frozenset[str]

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token carries ``scope``."""
        if scope not in self.scopes:
            raise Forbidden(f"the token lacks the scope {scope}")

    @property
    def is_staff(self) -> bool:
        """Does the token carry the scope ``operations``?"""
        return OPERATIONS in self.scopes

    @property
    def sees_all(self) -> bool:
        return "*" in self.restaurants

    def may_see(self, restaurant_id: str) -> bool:
        return self.sees_all or restaurant_id in self.restaurants


def caller_of(subject: str, scope: str, restaurants: str) -> Caller:
    """From the claims as text, entries separated by spaces (API Gateway writes a list claim as ``[a b]``).

    A scope may have a prefix, up to its last slash: the resource server's, as Cognito writes it.
    """
    words = (entry.rpartition("/")[2] for entry in _entries(scope))
    granted = frozenset().union(*(_IMPLIED.get(word, frozenset()) for word in words))
    return Caller(subject, granted, frozenset(_entries(restaurants)))


def _entries(claim: str) -> list[str]:
    return claim.strip("[]").split()


class RouteNotFound(MaitredError):
    code = "not_found"
    status = 404
    title = "No such resource"


class Services(Protocol):
    @property
    def runtime(self) -> Runtime: ...


class Routes[S: Services](APIGatewayHttpRouter):
    """One function's routes, and what they need of the present request.

    ``services``: wires the function at its first call.
    """

    def __init__(self, services: Callable[[], S]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools does not annotate it
        self._services = services

    @property
    def services(self) -> S:
        return self._services()

    @property
    def now(self) -> datetime:
        """The present moment, UTC."""
        return self.services.runtime.deps.clock.now()

    # --- the caller, and its restaurant, booking or hold ---

    def caller(self, scope: str) -> Caller:
        """The authenticated client. Raises NoCaller, Forbidden without ``scope``, NoRestaurants."""
        request = self.current_event.raw_event["requestContext"]
        authorizer = request.get("authorizer") or {}
        claims: Mapping[str, str] = (authorizer.get("jwt") or {}).get("claims") or {}
        subject = claims.get("sub") or claims.get("client_id")
        if not subject:
            raise errors.NoCaller
        caller = caller_of(subject, claims.get("scope", ""), claims.get("restaurants", ""))
        caller.require(scope)
        if not caller.restaurants:
            raise errors.NoRestaurants
        return caller

    def caller_for(self, restaurant_id: str, scope: str) -> Caller:
        """As `caller`; another tenant's restaurant does not exist. Raises RestaurantNotFound."""
        caller = self.caller(scope)
        if not is_identifier(restaurant_id) or not caller.may_see(restaurant_id):
            raise errors.RestaurantNotFound
        log.know(restaurant_id=restaurant_id)
        return caller

    def booking_for(self, booking_id: str, scope: str) -> tuple[Booking, Caller]:
        """The booking if the caller may see it. Raises BookingNotFound."""
        return self._owned(booking_id, scope, self._store.booking, errors.BookingNotFound)

    def details_for(self, booking_id: str, scope: str) -> tuple[ports.BookingDetails, Caller]:
        """As `booking_for`, with how the booking came to be as it is."""
        return self._owned(booking_id, scope, self._store.details, errors.BookingNotFound)

    def booking_to_change(self, booking_id: str, scope: str) -> tuple[Booking, Caller]:
        """As `booking_for`, and takes one of the caller's tokens. Raises RateLimited."""
        find = partial(self._store.booking_to_change, client=self.caller(scope).subject)
        return self._owned(booking_id, scope, find, errors.BookingNotFound)

    def hold_for(self, hold_id: str, scope: str) -> tuple[Hold, Caller]:
        """As `booking_for`. Raises HoldNotFound."""
        return self._owned(hold_id, scope, lambda wanted: self._store.hold(wanted).hold, errors.HoldNotFound)

    @property
    def _store(self) -> ports.BookingStore:
        return self.services.runtime.deps.store

    def _owned[T: (Booking, ports.BookingDetails, Hold)](
        self, text: str, scope: str, find: Callable[[UUID], T | None], missing: type[MaitredError]
    ) -> tuple[T, Caller]:
        """What has this id, if its restaurant is one of the caller's; raises ``missing`` if not."""
        caller = self.caller(scope)
        try:
            wanted = UUID(text)
        except ValueError:
            raise missing from None
        found = find(wanted)
        if found is None or not caller.may_see(found.restaurant_id):
            raise missing
        log.know(restaurant_id=found.restaurant_id)
        if not isinstance(found, Hold):
            log.know(booking_id=str(found.id))
        return found, caller

    # --- the request ---

    def request_context(self, caller: Caller, restaurant_id: str) -> RequestContext:
        """Raises InvalidRequest for a malformed Idempotency-Key."""
        correlation_id: str = self.context["correlation_id"]
        key = self.header("idempotency-key")
        if key is None:
            return RequestContext(caller.subject, correlation_id, is_staff=caller.is_staff)
        if not _KEY.fullmatch(key):
            raise InvalidRequest(
                [FieldError("Idempotency-Key", "invalid_key", "must be 1-255 visible ASCII characters")]
            )
        event = self.current_event
        query = event.query_string_parameters or {}
        request = fingerprint(event.http_method, event.path + _sorted(query), self._value())
        stored = IdempotencyKey(caller.subject, restaurant_id, key, request)
        return RequestContext(caller.subject, correlation_id, stored, caller.is_staff)

    def send_unless_known(self, reply: Reply) -> Response[str]:
        """The answer to a read, or 304 if the caller has just this one already (``If-None-Match``)."""
        tag, known = reply.headers["etag"], self.header("if-none-match")
        if known is None or not {"*", tag} & {each.strip().removeprefix("W/") for each in known.split(",")}:
            return send(reply)
        return Response(HTTPStatus.NOT_MODIFIED, headers={"etag": tag})

    def header(self, name: str) -> str | None:
        return self.current_event.headers.get(name)

    def body[M: BaseModel](
        self, model: type[M], absent: str | None = None, most_bytes: int = _MOST_BYTES
    ) -> M:
        """The body; ``absent``: the text that stands for none.

        Raises BodyTooLarge, MalformedBody, InvalidRequest.
        """
        sent = self._text(most_bytes)
        document, value = parse(model, sent or absent)
        self.context["value"] = value if sent else None
        return document

    def _value(self) -> Any:
        """The body as a plain value, which `body` has read already unless the route takes none."""
        if "value" not in self.context:
            sent = self._text()
            self.context["value"] = plain_value(sent) if sent else None
        return self.context["value"]

    def _text(self, most_bytes: int = _MOST_BYTES) -> str | None:
        try:
            text = self.current_event.decoded_body
        except (ValueError, UnicodeDecodeError):
            raise errors.MalformedBody from None
        if text is not None and len(text.encode(errors="surrogatepass")) > most_bytes:
            raise errors.BodyTooLarge(f"a body of this call may have at most {most_bytes} bytes")
        return text

    def query(self, *allowed: str) -> dict[str, str]:
        """The query parameters. Raises InvalidRequest for unknown ones."""
        found = self.current_event.query_string_parameters or {}
        unknown = [
            FieldError(_printable(name), "unknown_parameter", "This parameter is not known")
            for name in found
            if name not in allowed
        ]
        if unknown:
            raise InvalidRequest(unknown)
        return dict(found)


class _Resolver(APIGatewayHttpResolver):
    """Finds the route of a decoded path. A value in it is any text without slashes and controls.

    Powertools knows the characters of an encoded path only, and would not find ``/tables/A#1/block``.
    """

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"{}\Z") -> re.Pattern[str]:
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/\\x00-\\x1f\\x7f]+)", rule)))


class Edge:
    """The handler of an HTTP function: its routes, with every error as a problem document."""

    def __init__(self, routes: Routes[Any]) -> None:
        self.app = _Resolver()
        self.app.include_router(routes)
        self.app.exception_handler(Exception)(self._problem)
        self.app.not_found()(self._not_found)
        self._routes = routes

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event. What is open is not recorded: it must not need the database's settings."""
        event = _without_version(event)
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        correlation_id = _correlation_id(headers.get("x-correlation-id"))
        is_open = event.get("rawPath") in _OPEN
        with nullcontext() if is_open else self._routes.services.runtime.recorder.invocation(correlation_id):
            self.app.context["correlation_id"] = correlation_id
            answer = self.app.resolve(event, context)
        more = {} if is_open else _rate_limit(self._routes.services.runtime.guard.tokens_left())
        answer.setdefault("headers", {}).update(more | {"x-correlation-id": correlation_id})
        return answer

    def _not_found(self, _: NotFoundError) -> Response[str]:
        return self._problem(RouteNotFound())

    def _problem(self, error: Exception) -> Response[str]:
        known = as_ours(error)
        if known.status == 500:  # noqa: PLR2004 - internal server error
            logger.error("unhandled", exc_info=error)
        more: dict[str, Any] = dict(getattr(known, "more", {}))
        if isinstance(known, InvalidRequest):
            more["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in known.errors]
        correlation_id = self.app.context["correlation_id"]
        answer = send(
            problem_reply(known.status, known.code, known.title, known.detail, correlation_id, more)
        )
        if known.retry_after is not None:
            answer.headers["retry-after"] = str(known.retry_after)
        return answer


def _rate_limit(left: TokensLeft | None) -> dict[str, str]:
    """The headers of a call that is limited (draft-ietf-httpapi-ratelimit-headers-10)."""
    if left is None:
        return {}
    window = ceil(left.bucket.burst / left.bucket.per_second)
    return {
        "ratelimit-policy": f'"client";q={left.bucket.burst};w={window}',
        "ratelimit": f'"client";r={left.tokens};t={ceil(left.full_in_seconds)}',
    }


def _without_version(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its path as the routes have it: a version before it means the same, in replays too."""
    path = event.get("rawPath") or ""
    if not path.startswith(VERSION):
        return event
    context = event["requestContext"] | {"stage": "$default"}
    return event | {"rawPath": path.removeprefix(VERSION.rstrip("/")), "requestContext": context}


def send(reply: Reply) -> Response[str]:
    """The reply as Powertools takes it, marked if it was given before."""
    headers: dict[str, str | list[str]] = dict(reply.headers)
    content_type = str(headers.pop("content-type", "application/json"))
    if reply.replayed:
        headers["idempotent-replayed"] = "true"
    return Response(reply.status, content_type, reply.body, headers)


def as_ours(error: Exception) -> MaitredError:
    """The one mapping from a failure to the error that the caller gets. No internals leak."""
    match error:
        case MaitredError():
            return error
        case ports.RateLimited():
            return errors.TooManyRequests(error.wait_seconds)
        case ports.Unavailable():
            return errors.DatabaseUnavailable()
        case ports.StoreError():
            return errors.Overloaded()
        case _:
            return MaitredError()


def _printable(name: str) -> str:
    """A name from outside, fit to be repeated."""
    return name[:64].encode("ascii", "replace").decode().replace("\x00", "?")


def _correlation_id(given: str | None) -> str:
    return given if given and _CORRELATION.fullmatch(given) else str(uuid4())


def _sorted(query: Mapping[str, str]) -> str:
    return "?" + "&".join(f"{name}={query[name]}" for name in sorted(query)) if query else ""
