"""The HTTP API in front of the functions, as API Gateway would answer."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from localstack.gateway import (
    Answer,
    Request,
    build_event,
    gateway_answer,
    internal_server_error,
    read_answer,
)
from localstack.pool import Pool
from localstack.routes import Router
from localstack.sandbox import MAX_PAYLOAD_BYTES, new_trace_id
from localstack.tokens import Issuer, TokenRefusedError

MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_SECONDS = 30.0
PATIENCE_SECONDS = 10.0  # for a sandbox; AWS would start another one, but this machine has a limit


@dataclass(frozen=True, slots=True)
class Front:
    """Answers HTTP requests by way of the functions. ``pools`` by the functions' logical ids."""

    router: Router
    pools: Mapping[str, Pool]
    issuer: Issuer
    integration_seconds: float = INTEGRATION_SECONDS
    patience_seconds: float = PATIENCE_SECONDS

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        answer = await self._answer(http, request_id)
        response = web.Response(status=answer.status, body=answer.body)
        for name, value in answer.headers:
            if name != "content-length":
                response.headers.add(name, value)
        response.headers["apigw-requestid"] = request_id
        return response

    async def _answer(self, http: web.BaseRequest, request_id: str) -> Answer:
        path, _, query = http.raw_path.partition("?")
        match = self.router.match(http.method, path)
        if match is None:
            return gateway_answer(404, "Not Found")
        claims: Mapping[str, Any] | None = None
        if match.route.authorizer is not None:
            try:
                claims = self.issuer.verify(http.headers.get("authorization"), match.route.authorizer)
            except TokenRefusedError as error:
                return _unauthorized(str(error))
        body = await _read_body(http)
        if body is None:
            return gateway_answer(413, "Request Entity Too Large")
        request = _request(http, path, query, body, request_id)
        event = json.dumps(build_event(request, match, claims)).encode()
        return await self._integrate(match.route.function, event, request.trace_id)

    async def _integrate(self, function: str, event: bytes, trace_id: str) -> Answer:
        if len(event) > MAX_PAYLOAD_BYTES:
            return gateway_answer(413, "Request Entity Too Large")
        try:
            async with asyncio.timeout(self.integration_seconds):
                pool = self.pools[function]
                result = await pool.invoke(event, trace_id=trace_id, patience=self.patience_seconds)
        except TimeoutError:
            return gateway_answer(503, "Service Unavailable")
        if result.throttled:
            return gateway_answer(503, "Service Unavailable", [("retry-after", "1")])
        return internal_server_error() if result.failed else read_answer(result.payload)


def _unauthorized(reason: str) -> Answer:
    words = reason.replace('"', "'")
    challenge = f'Bearer scope="" error="invalid_token" error_description="{words}"'
    return gateway_answer(401, "Unauthorized", [("www-authenticate", challenge)])


async def _read_body(http: web.BaseRequest) -> bytes | None:
    """Return the body, None when it is larger than the gateway takes."""
    if (http.content_length or 0) > MAX_BODY_BYTES:
        return None
    parts, size = [], 0
    async for part in http.content.iter_any():
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _request(http: web.BaseRequest, path: str, query: str, body: bytes, request_id: str) -> Request:
    socket_name = http.transport.get_extra_info("sockname") if http.transport else None
    return Request(
        method=http.method,
        path=path,
        query=query,
        protocol=f"HTTP/{http.version.major}.{http.version.minor}",
        headers=tuple(http.headers.items()),
        body=body,
        source_ip=http.remote or "127.0.0.1",
        port=socket_name[1] if socket_name else 0,
        request_id=request_id,
        trace_id=http.headers.get("x-amzn-trace-id") or new_trace_id(),
        at=datetime.now(UTC),
    )
