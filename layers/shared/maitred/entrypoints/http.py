"""The HTTP edge both API functions share: claims, correlation, idempotency keys, problem documents."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from maitred.adapters.telemetry import log
from maitred.adapters.telemetry.recorder import Recorder
from maitred.contracts import responses
from maitred.contracts.base import is_identifier
from maitred.domain import errors
from maitred.domain.booking import Booking
from maitred.domain.errors import FieldError, InvalidRequest, MaitredError
from maitred.domain.hold import Hold
from maitred.entrypoints.access import Caller, caller_of
from maitred.services import ports
from maitred.services.idempotency import Reply, RequestContext, fingerprint
from maitred.services.ports import IdempotencyKey

_CORRELATION = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PROBLEM = "application/problem+json"

logger = logging.getLogger(__name__)


class RouteNotFound(MaitredError):
    code = "not_found"
    status = 404
    title = "No such resource"


class Edge:
    """One function's resolver with our errors, and what its routes need of a request."""

    def __init__(self) -> None:
        self.app = APIGatewayHttpResolver()
        self._correlation_id = ""
        self.app.exception_handler(Exception)(self._problem)
        self.app.not_found()(self._not_found)

    def handle(
        self, event: dict[str, Any], context: Any, recorder: Callable[[], Recorder] | None
    ) -> dict[str, Any]:
        """Resolve one event. ``recorder`` None: the route needs no telemetry."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        self._correlation_id = _correlation_id(headers.get("x-correlation-id"))
        if recorder is None:
            answer = self.app.resolve(event, context)
        else:
            with recorder().invocation(self._correlation_id):
                answer = self.app.resolve(event, context)
        answer.setdefault("headers", {})["x-correlation-id"] = self._correlation_id
        return answer

    # --- the request ---

    def caller(self, scope: str) -> Caller:
        """Who calls. Raises Forbidden without ``scope``."""
        request = self.app.current_event.raw_event["requestContext"]
        authorizer = request.get("authorizer") or {}
        claims: Mapping[str, str] = (authorizer.get("jwt") or {}).get("claims") or {}
        subject = claims.get("sub") or claims.get("client_id") or "unknown"
        caller = caller_of(subject, claims.get("scope", ""), claims.get("restaurants", ""))
        caller.require(scope)
        return caller

    def caller_for(self, restaurant_id: str, scope: str) -> Caller:
        """As `caller`; another tenant's restaurant does not exist."""
        caller = self.caller(scope)
        if not is_identifier(restaurant_id) or not caller.may_see(restaurant_id):
            raise errors.RestaurantNotFound
        log.know(restaurant_id=restaurant_id)
        return caller

    def booking_for(
        self, booking_id: str, scope: str, find: Callable[[UUID], Booking | None]
    ) -> tuple[Booking, Caller]:
        """The booking if the caller may see it. Raises BookingNotFound."""
        return self._owned(booking_id, scope, find, errors.BookingNotFound)

    def booking_to_change(
        self, booking_id: str, scope: str, find: Callable[[UUID, str], Booking | None]
    ) -> tuple[Booking, Caller]:
        """As `booking_for`, and one of the caller's tokens. Raises RateLimited."""
        subject = self.caller(scope).subject
        return self.booking_for(booking_id, scope, lambda wanted: find(wanted, subject))

    def hold_for(self, hold_id: str, scope: str, find: Callable[[UUID], Hold | None]) -> tuple[Hold, Caller]:
        """As `booking_for`. Raises HoldNotFound."""
        return self._owned(hold_id, scope, find, errors.HoldNotFound)

    def _owned[T: (Booking, Hold)](
        self, text: str, scope: str, find: Callable[[UUID], T | None], missing: type[MaitredError]
    ) -> tuple[T, Caller]:
        """What has this id if it is of a restaurant that the caller may see; raises ``missing`` if not."""
        caller = self.caller(scope)
        try:
            wanted = UUID(text)
        except ValueError:
            raise missing from None
        found = find(wanted)
        if found is None or not caller.may_see(found.restaurant_id):
            raise missing
        log.know(restaurant_id=found.restaurant_id)
        if isinstance(found, Booking):
            log.know(booking_id=str(found.id))
        return found, caller

    def context(self, caller: Caller, restaurant_id: str) -> RequestContext:
        """Raises InvalidRequest for an Idempotency-Key that is none."""
        key = self.header("idempotency-key")
        if key is None:
            return RequestContext(caller.subject, self._correlation_id)
        if not _KEY.fullmatch(key):
            raise InvalidRequest(
                [FieldError("Idempotency-Key", "invalid_key", "must be 1-255 visible ASCII characters")]
            )
        event = self.app.current_event
        query = event.query_string_parameters or {}
        print_ = fingerprint(event.http_method, event.path + _sorted(query), _json(self.body))
        stored = IdempotencyKey(caller.subject, restaurant_id, key, print_)
        return RequestContext(caller.subject, self._correlation_id, stored)

    def header(self, name: str) -> str | None:
        return self.app.current_event.headers.get(name)

    @property
    def body(self) -> str | None:
        """Raises MalformedBody for a body that is not text."""
        try:
            return self.app.current_event.decoded_body
        except (ValueError, UnicodeDecodeError):
            raise errors.MalformedBody from None

    def query(self, *allowed: str) -> dict[str, str]:
        """The query parameters. Raises InvalidRequest for unknown ones."""
        found = self.app.current_event.query_string_parameters or {}
        unknown = [
            FieldError(_printable(name), "unknown_parameter", "This parameter is not known")
            for name in found
            if name not in allowed
        ]
        if unknown:
            raise InvalidRequest(unknown)
        return dict(found)

    # --- the answer ---

    def send(self, reply: Reply) -> Response[str]:
        headers: dict[str, str | list[str]] = dict(reply.headers)
        content_type = str(headers.pop("content-type", "application/json"))
        if reply.replayed:
            headers["idempotent-replayed"] = "true"
        return Response(reply.status, content_type, reply.body, headers)

    def _not_found(self, _: NotFoundError) -> Response[str]:
        return self._problem(RouteNotFound())

    def _problem(self, error: Exception) -> Response[str]:
        known = as_ours(error)
        if known.status == 500:  # noqa: PLR2004 - internal server error
            logger.error("unhandled", exc_info=error)
        more: dict[str, Any] = dict(getattr(known, "more", {}))
        if isinstance(known, InvalidRequest):
            more["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in known.errors]
        body = responses.problem_json(
            known.status, known.code, known.title, known.detail, self._correlation_id, more
        )
        headers: dict[str, str | list[str]] = {}
        if known.retry_after is not None:
            headers["retry-after"] = str(known.retry_after)
        return Response(known.status, _PROBLEM, responses.dumps(body), headers)


def as_ours(error: Exception) -> MaitredError:
    """The one mapping from what went wrong to what the caller is told. Nothing inner ever leaks."""
    match error:
        case MaitredError():
            return error
        case ports.RateLimited():
            return errors.RateLimited(error.wait_seconds)
        case ports.Unavailable():
            return errors.DatabaseUnavailable()
        case ports.BookError():
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


def _json(body: str | None) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        raise errors.MalformedBody from None
