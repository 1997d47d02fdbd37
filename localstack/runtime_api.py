"""The Lambda Runtime API (for the sandboxes) and the Invoke API (for callers), on loopback."""

import asyncio
import json
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localstack.pool import Pool
from localstack.sandbox import MAX_PAYLOAD_BYTES, MAX_RESPONSE_BYTES, Result, Sandbox, failure

SHUTDOWN_SECONDS = 0.5
_BODY_LIMIT = 2 * MAX_RESPONSE_BYTES


@dataclass(slots=True)
class RuntimeApi:
    """Serves every sandbox, each on a port of its own. ``pools`` by function name.

    ``responses`` takes what functions PUT to the answer addresses of custom resources.
    """

    pools: Mapping[str, Pool]
    responses: dict[str, asyncio.Future[bytes]] = field(default_factory=dict)
    _doors: dict[int, Sandbox] = field(default_factory=dict)
    _sites: dict[Sandbox, web.SockSite] = field(default_factory=dict)
    _running: set[asyncio.Task[Any]] = field(default_factory=set)
    _runner: web.AppRunner = field(init=False)

    async def start(self) -> str:
        """Begin to serve; return the address of the Invoke API."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        address, _, _ = await self._listen()
        return f"http://{address}"

    async def stop(self) -> None:
        """Serve no more."""
        await self._runner.cleanup()

    async def open_door(self, sandbox: Sandbox) -> str:
        """Open the Runtime API for one sandbox; return its address."""
        address, port, site = await self._listen()
        self._doors[port], self._sites[sandbox] = sandbox, site
        return address

    def close_door(self, sandbox: Sandbox) -> None:
        """Close a sandbox's Runtime API."""
        if (site := self._sites.pop(sandbox, None)) is not None:
            self._doors = {port: other for port, other in self._doors.items() if other is not sandbox}
            self._later(site.stop())

    async def _listen(self) -> tuple[str, int, web.SockSite]:
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        port: int = listener.getsockname()[1]
        site = web.SockSite(self._runner, listener)
        await site.start()
        return f"127.0.0.1:{port}", port, site

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=_BODY_LIMIT)
        base = "/2018-06-01/runtime"
        app.router.add_get(f"{base}/invocation/next", self._next)
        app.router.add_post(f"{base}/invocation/{{request}}/response", self._response)
        app.router.add_post(f"{base}/invocation/{{request}}/error", self._error)
        app.router.add_post(f"{base}/init/error", self._init_error)
        app.router.add_post("/2015-03-31/functions/{function}/invocations", self._invoke)
        app.router.add_put("/custom-resource/{token}", self._custom_resource)
        return app

    def _sandbox(self, request: web.Request) -> Sandbox:
        name = request.transport.get_extra_info("sockname") if request.transport else None
        sandbox = self._doors.get(name[1]) if name else None
        if sandbox is None:
            raise web.HTTPGone
        return sandbox

    async def _next(self, request: web.Request) -> web.StreamResponse:
        invocation = await self._sandbox(request).next()
        if invocation is None:
            raise web.HTTPGone
        return web.Response(body=invocation.payload, headers=invocation.headers())

    async def _response(self, request: web.Request) -> web.StreamResponse:
        sandbox = self._sandbox(request)
        body = await request.read()
        if len(body) > MAX_RESPONSE_BYTES:
            message = (
                f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            )
            too_large = failure("Function.ResponseSizeTooLarge", message)
            sandbox.respond(request.match_info["request"], too_large)
            return web.Response(status=413, body=too_large.payload, content_type="application/json")
        return _accepted(sandbox.respond(request.match_info["request"], Result(body)))

    async def _error(self, request: web.Request) -> web.StreamResponse:
        result = Result(await request.read(), failed=True)
        return _accepted(self._sandbox(request).respond(request.match_info["request"], result))

    async def _init_error(self, request: web.Request) -> web.StreamResponse:
        self._sandbox(request).fail_init(Result(await request.read(), failed=True))
        return _accepted(known=True)

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["function"].rsplit("function:", 1)[-1].split(":")[0]
        pool = self.pools.get(name)
        if pool is None:
            return _refused(404, "ResourceNotFoundException", f"Function not found: {name}")
        payload = await request.read() or b"{}"
        if len(payload) > MAX_PAYLOAD_BYTES:
            return _refused(413, "RequestTooLargeException", "Request must be smaller than 6291456 bytes")
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        trace_id = request.headers.get("X-Amzn-Trace-Id")
        if kind == "DryRun":
            return web.Response(status=204)
        if kind == "Event":
            self.invoke_later(pool, payload, trace_id)
            return web.Response(status=202)
        result = await pool.invoke(payload, trace_id=trace_id)
        if result.throttled:
            return _refused(429, "TooManyRequestsException", "Rate Exceeded.")
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if result.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return web.Response(body=result.payload, headers=headers, content_type="application/json")

    def invoke_later(self, pool: Pool, payload: bytes, trace_id: str | None = None) -> None:
        """Invoke without waiting, once: the functions that are called so say MaximumRetryAttempts 0."""
        self._later(pool.invoke(payload, trace_id=trace_id))

    def _later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _custom_resource(self, request: web.Request) -> web.StreamResponse:
        waiting = self.responses.get(request.match_info["token"])
        if waiting is None:
            raise web.HTTPForbidden
        if not waiting.done():
            waiting.set_result(await request.read())
        return web.Response()


def _accepted(known: bool) -> web.Response:
    if known:
        return web.Response(status=202, body=b'{"status":"OK"}', content_type="application/json")
    body = json.dumps({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"})
    return web.Response(status=400, text=body, content_type="application/json")


def _refused(status: int, kind: str, message: str) -> web.Response:
    headers = {"X-Amzn-ErrorType": kind}
    return web.json_response({"Type": "User", "Message": message}, status=status, headers=headers)
