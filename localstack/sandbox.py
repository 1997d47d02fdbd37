"""One execution environment of one function: a real ``awslambdaric`` process and what it is doing."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from localstack.constants import ACCOUNT, REGION
from localstack.processes import spawn
from localstack.template import Function

INIT_SECONDS = 60.0
MAX_PAYLOAD_BYTES = 6_291_456
MAX_RESPONSE_BYTES = 6_291_556
MAX_LINE_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an invocation. ``failed`` means a function error; the payload then describes it.

    ``throttled``: the function was not run at all, because too many of its invocations were under way.
    """

    payload: bytes
    failed: bool = False
    throttled: bool = False


@dataclass(slots=True)
class Invocation:
    """One event on its way through a sandbox."""

    payload: bytes
    trace_id: str
    timeout: int
    arn: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline_ms: int = 0
    result: asyncio.Future[Result] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def headers(self) -> dict[str, str]:
        """Return the headers with which the Runtime API hands the event out."""
        return {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
            "Content-Type": "application/json",
        }

    def settle(self, result: Result) -> None:
        """Give the caller the result, unless there is one."""
        if not self.result.done():
            self.result.set_result(result)


def failure(kind: str, message: str) -> Result:
    """Return a function error as Lambda words it."""
    return Result(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)


def throttled() -> Result:
    """Return what Lambda says when a function is at its concurrency."""
    answer = {
        "Type": "User",
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "message": "Rate Exceeded.",
    }
    return Result(json.dumps(answer).encode(), failed=True, throttled=True)


def new_trace_id() -> str:
    """Return an X-Ray header of a request that is not sampled, as most are."""
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"


class LineLog:
    """Appends whole lines to a file, though they arrive in pieces and from several sandboxes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, lines: bytes) -> None:
        """Write lines; they must end with a newline."""
        os.write(self._descriptor, lines)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class _Output(asyncio.Protocol):
    """A sandbox's output, cut into lines."""

    def __init__(self, log: LineLog) -> None:
        self._log = log
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if newline:
            self._log.write(whole + newline)
        elif len(self._rest) > MAX_LINE_BYTES:
            self._end_line()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface's
        if self._rest:
            self._end_line()

    def _end_line(self) -> None:
        self._log.write(self._rest + b"\n")
        self._rest = b""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where functions run: an interpreter that has what Lambda has, the Runtime API, the endpoints.

    ``open_door`` opens an address of the Runtime API for one sandbox alone, ``close_door`` closes it. (The
    runtime client takes an address with a path too, but cannot report a failed start-up to one.)
    """

    python: Path
    endpoints: Mapping[str, str]
    open_door: Callable[["Sandbox"], Awaitable[str]]
    close_door: Callable[["Sandbox"], None]

    def environment(self, function: Function, sandbox_id: str, address: str) -> dict[str, str]:
        """Return the whole environment of a sandbox: what Lambda sets, the endpoints, the template's own."""
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID": ACCOUNT,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{sandbox_id}",
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": str(function.code),
            "LANG": "en_US.UTF-8",
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(str(layer / "python") for layer in function.layers),
            "TZ": ":UTC",
            "_HANDLER": function.handler,
            **self.endpoints,
            **function.logging,
            **function.environment,
        }


class Sandbox:
    """A process that runs one invocation at a time. All methods belong to the event loop's thread.

    ``on_idle`` is called whenever it can take an invocation, ``on_end`` once when it is gone.
    """

    def __init__(
        self, function: Function, *, on_idle: Callable[["Sandbox"], None], on_end: Callable[["Sandbox"], None]
    ) -> None:
        self.id = uuid.uuid4().hex
        self.function = function
        self.init_error: Result | None = None
        self.ready = False
        self.ended = False
        self.settled = asyncio.Event()  # ready or gone
        self.gone = asyncio.Event()
        self.current: Invocation | None = None
        self._on_idle = on_idle
        self._on_end = on_end
        self._inbox: asyncio.Queue[Invocation | None] = asyncio.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._loop = asyncio.get_running_loop()
        self._init_timer = self._loop.call_later(INIT_SECONDS, self.kill)

    @property
    def busy(self) -> bool:
        """Whether a caller waits for its answer."""
        return self.current is not None and not self.current.result.done()

    @property
    def pid(self) -> int | None:
        """The process id, once there is one."""
        return self._process.pid if self._process else None

    async def start(self, runtime: Runtime, log: LineLog) -> None:
        """Start the process. It reports through the Runtime API when it is ready."""
        command = (str(runtime.python), "-m", "awslambdaric", self.function.handler)
        environment = runtime.environment(self.function, self.id, await runtime.open_door(self))
        reading, writing = os.pipe()
        try:
            self._process = await self._loop.run_in_executor(
                None,
                lambda: spawn(command, environment=environment, output=writing, directory=self.function.code),
            )
        finally:
            os.close(writing)
        await self._loop.connect_read_pipe(lambda: _Output(log), os.fdopen(reading, "rb", buffering=0))
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()
        if self.ended:  # killed while it was being started
            self.kill()

    def dispatch(self, invocation: Invocation) -> None:
        """Hand an invocation to the idle process."""
        self.current = invocation
        self._inbox.put_nowait(invocation)

    async def next(self) -> Invocation | None:
        """Answer the process's call for its next event; None when the sandbox is gone."""
        if not self.ready:
            self.ready = True
            self.settled.set()
            self._init_timer.cancel()
        self.current = None
        self._on_idle(self)
        invocation = await self._inbox.get()
        if invocation is not None:
            invocation.deadline_ms = int(time.time() * 1000) + invocation.timeout * 1000
        return invocation

    def respond(self, request_id: str, result: Result) -> bool:
        """Take the process's answer; False when no caller waits for it."""
        if self.current is None or self.current.request_id != request_id:
            return False
        self.current.settle(result)
        return True

    def fail_init(self, result: Result) -> None:
        """Take the process's report that its handler cannot be loaded. It ends by itself."""
        self.init_error = result

    def time_out(self) -> None:
        """Kill the process because its invocation ran out of time."""
        if self.current is not None:
            seconds = f"{self.current.timeout:.2f}"
            message = f"RequestId: {self.current.request_id} Error: Task timed out after {seconds} seconds"
            self.current.settle(failure("Sandbox.Timedout", message))
        self.kill()

    def kill(self) -> None:
        """End the process at once, and everything it started. It takes no more invocations."""
        self.ended = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended, code)

    def _ended(self, code: int) -> None:
        self.ended = True
        self._init_timer.cancel()
        self._inbox.put_nowait(None)
        status = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        subject = f"RequestId: {self.current.request_id} " if self.current else ""
        exit_error = failure("Runtime.ExitError", f"{subject}Error: Runtime exited with error: {status}")
        if self.current is not None:
            self.current.settle(exit_error)
        if not self.ready and self.init_error is None:
            self.init_error = exit_error
        self._on_end(self)
        self.settled.set()
        self.gone.set()
