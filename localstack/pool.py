"""The sandboxes of one function: started on demand, kept warm, the longest idle one first."""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path

from localstack.sandbox import (
    MAX_PAYLOAD_BYTES,
    Invocation,
    LineLog,
    Result,
    Runtime,
    Sandbox,
    failure,
    new_trace_id,
    throttled,
)
from localstack.template import Function


class Pool:
    """Runs the invocations of one function, at most ``limit`` at a time; what is more waits its turn.

    What is more than the function's own reserved concurrency does not wait: it is throttled, as on AWS.
    All methods belong to the event loop's thread.
    """

    def __init__(self, function: Function, runtime: Runtime, limit: int, log: Path) -> None:
        self.function = function
        self.sandboxes: dict[str, Sandbox] = {}
        reserved = function.reserved_concurrency
        self._limit = limit if reserved is None else min(limit, reserved)
        self._under_way = 0
        self._runtime = runtime
        self._log = LineLog(log)
        self._idle: deque[Sandbox] = deque()
        self._waiting: deque[asyncio.Future[Sandbox | Result]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = asyncio.Event()

    async def invoke(
        self, payload: bytes, *, trace_id: str | None = None, patience: float | None = None
    ) -> Result:
        """Run the function on an event and return what it gave; a timeout or a crash is a failed result.

        ``patience``: the most seconds to wait for a sandbox; then the invocation is throttled.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            return failure("RequestEntityTooLargeException", "the event is larger than 6 MB")
        reserved = self.function.reserved_concurrency
        if reserved is not None and self._under_way >= reserved:
            return throttled()
        self._under_way += 1
        try:
            return await self._invoke(payload, trace_id, patience)
        finally:
            self._under_way -= 1

    async def _invoke(self, payload: bytes, trace_id: str | None, patience: float | None) -> Result:
        try:
            async with asyncio.timeout(patience):
                sandbox = await self._acquire()
                while isinstance(sandbox, Sandbox) and sandbox.ended:  # it died before it was used
                    sandbox = await self._acquire()
        except TimeoutError:
            return throttled()
        if isinstance(sandbox, Result):
            return sandbox
        invocation = Invocation(payload, trace_id or new_trace_id(), self.function.timeout, self.function.arn)
        sandbox.dispatch(invocation)
        timer = asyncio.get_running_loop().call_later(self.function.timeout, sandbox.time_out)
        try:
            return await asyncio.shield(invocation.result)
        finally:
            if invocation.result.done():
                timer.cancel()
            else:  # the caller went away; the invocation goes on, as on AWS, and must still end in time
                invocation.result.add_done_callback(lambda _: timer.cancel())

    async def warm(self, count: int) -> None:
        """Start sandboxes until there are ``count`` (at most the limit), and wait until they are ready."""
        alive = sum(not sandbox.ended for sandbox in self.sandboxes.values())
        for _ in range(alive, min(count, self._limit)):
            self._start()
        await asyncio.gather(*(sandbox.settled.wait() for sandbox in tuple(self.sandboxes.values())))

    async def close(self) -> None:
        """End all sandboxes and wait until they are gone."""
        self._closed.set()
        while self._waiting:
            self._give(failure("Sandbox.Closed", "the local stack is stopping"))
        for task in tuple(self._starting):
            with suppress(Exception):
                await task
        sandboxes = tuple(self.sandboxes.values())
        for sandbox in sandboxes:
            sandbox.kill()
        await asyncio.gather(*(sandbox.gone.wait() for sandbox in sandboxes))
        self._log.close()

    async def _acquire(self) -> Sandbox | Result:
        if self._closed.is_set():
            return failure("Sandbox.Closed", "the local stack is stopping")
        while self._idle:
            sandbox = self._idle.popleft()
            if not sandbox.ended:
                return sandbox
        waiter: asyncio.Future[Sandbox | Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._start_for_waiting()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and isinstance(given := waiter.result(), Sandbox):
                self._on_idle(given)
            raise

    def _start_for_waiting(self) -> None:
        """Start a sandbox for each caller that has none on its way, up to the limit."""
        if self._closed.is_set():
            return
        starting = sum(not sandbox.ready for sandbox in self.sandboxes.values())
        wanted = min(len(self._waiting) - starting, self._limit - len(self.sandboxes))
        for _ in range(wanted):
            self._start()

    def _start(self) -> None:
        sandbox = Sandbox(self.function, on_idle=self._on_idle, on_end=self._on_end)
        self.sandboxes[sandbox.id] = sandbox
        task = asyncio.create_task(sandbox.start(self._runtime, self._log))
        self._starting.add(task)
        task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._give(failure("Runtime.StartError", str(error)))

    def _give(self, result: Sandbox | Result) -> bool:
        """Give the caller that has waited longest a sandbox, or the reason why there is none."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(result)
                return True
        return False

    def _on_idle(self, sandbox: Sandbox) -> None:
        if not sandbox.ended and not self._give(sandbox):
            self._idle.append(sandbox)

    def _on_end(self, sandbox: Sandbox) -> None:
        self.sandboxes.pop(sandbox.id, None)
        self._runtime.close_door(sandbox)
        with suppress(ValueError):
            self._idle.remove(sandbox)
        if sandbox.init_error is not None:
            self._give(sandbox.init_error)
        self._start_for_waiting()
