"""Turns requests into events and answers into replies, as API Gateway does (payload format 2.0). Pure."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from localstack.constants import ACCOUNT
from localstack.routes import Match

API_ID = "local"
MIN_STATUS, MAX_STATUS = 100, 599
_TEXT_TYPES = {"application/json", "application/xml", "application/javascript"}
_NOT_PASSED_ON = {"cookie", "connection", "transfer-encoding", "keep-alive", "upgrade", "te"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in. ``path`` and ``query`` are still percent-encoded."""

    method: str
    path: str
    query: str
    protocol: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    port: int
    request_id: str
    trace_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def gateway_answer(status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Return an answer of the gateway's own."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return Answer(status, (("content-type", "application/json"), *headers), body)


def internal_server_error() -> Answer:
    """Return what the caller sees when the function fails or answers nonsense."""
    return gateway_answer(500, "Internal Server Error")


def build_event(request: Request, match: Match, claims: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the function's event. ``claims`` are the verified token's, None for an open route."""
    headers = _joined_headers(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    event["headers"] = headers
    if query := _query_parameters(request.query):
        event["queryStringParameters"] = query
    event["requestContext"] = _context(request, match, claims, headers)
    if match.parameters:
        event["pathParameters"] = dict(match.parameters)
    if request.body:
        text = _as_text(request.body, headers)
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
        event["isBase64Encoded"] = text is None
    else:
        event["isBase64Encoded"] = False
    return event


def claim_text(value: Any) -> str:
    """Return a claim as API Gateway flattens it: always a string, lists as ``[a b]``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(claim_text(part) for part in value)}]"
    return value if isinstance(value, str) else json.dumps(value)


def read_answer(payload: bytes) -> Answer:
    """Return the HTTP answer that a function's result means; nonsense is a 500."""
    try:
        result = json.loads(payload)
    except ValueError:
        return internal_server_error()
    if not isinstance(result, dict) or "statusCode" not in result:
        return Answer(200, (("content-type", "application/json"),), payload)
    try:
        return _formatted_answer(result)
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return internal_server_error()


def _formatted_answer(result: dict[str, Any]) -> Answer:
    status = int(result["statusCode"])
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise ValueError(f"status {status}")
    headers = {
        str(name).lower(): _header_value(value) for name, value in (result.get("headers") or {}).items()
    }
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers[str(name).lower()] = ",".join(_header_value(value) for value in values)
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    cookies = [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    return Answer(status, (*headers.items(), *cookies), _answer_body(result))


def _answer_body(result: dict[str, Any]) -> bytes:
    body = result.get("body") or ""
    if result.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _header_value(value: Any) -> str:
    text = claim_text(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a line break in a header")
    return text


def _joined_headers(request: Request) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        if key not in _NOT_PASSED_ON:
            joined[key] = f"{joined[key]},{value}" if key in joined else value
    forwarded = joined.get("x-forwarded-for")
    joined["x-forwarded-for"] = f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    joined["x-forwarded-port"] = str(request.port)
    joined["x-forwarded-proto"] = "http"
    joined["x-amzn-trace-id"] = request.trace_id.split(";", 1)[0]
    joined.setdefault("content-length", str(len(request.body)))
    return dict(sorted(joined.items()))


def _cookies(request: Request) -> list[str]:
    values = [value for name, value in request.headers if name.lower() == "cookie"]
    return [cookie.strip() for value in values for cookie in value.split(";") if cookie.strip()]


def _query_parameters(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _context(
    request: Request, match: Match, claims: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": ACCOUNT, "apiId": API_ID}
    if claims is not None:
        flat = {name: claim_text(value) for name, value in claims.items()}
        context["authorizer"] = {"jwt": {"claims": flat, "scopes": None}}
    host = headers.get("host", "127.0.0.1")
    return context | {
        "domainName": host,
        "domainPrefix": host.split(".", 1)[0],
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": match.route.key,
        "stage": match.stage,
        "time": request.at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(request.at.timestamp() * 1000),
    }


def _as_text(body: bytes, headers: Mapping[str, str]) -> str | None:
    """Return the body as text where API Gateway passes it on so, None where it encodes it."""
    kind = headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if "content-encoding" in headers or not (kind.startswith("text/") or kind in _TEXT_TYPES):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
