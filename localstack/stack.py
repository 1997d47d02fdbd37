"""The local stack as one object: ``with LocalStack(home) as stack: stack.url ...``."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from localstack.build import BuildError, build
from localstack.constants import ALL_SCOPES, DEFAULT_SANDBOXES
from localstack.home import Home, HomeBusyError, Running
from localstack.intrinsics import TemplateError
from localstack.postgres import PostgresError, PostgresServer
from localstack.processes import StartStop
from localstack.sandbox import Result
from localstack.service import DeploymentError, Service, Settings
from localstack.sqs import Emulator, EmulatorError, create_keys, create_queues
from localstack.template import Stack, read_stack
from localstack.tokens import AUDIENCE, ISSUER, Issuer
from tools.environments import SetupError, environment

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DATABASE = "maitred"
APPLICATION_ROLE = "maitred_app"
OWNER_ROLE = "maitred_owner"
_FIRST_CALL_SECONDS = 30.0


class PortBusyError(RuntimeError):
    """The port is taken."""


class InvocationError(RuntimeError):
    """A function failed; the message is its error."""


#: Everything that can keep a stack from starting; each message says why.
FAILURES = (
    BuildError, DeploymentError, EmulatorError, HomeBusyError, PortBusyError, PostgresError, SetupError,
    TemplateError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How a stack differs from the template and from what is usual.

    ``sandboxes``: the most that one function may have at once. ``schedules``: whether the clock invokes.
    ``durable``: whether the database survives a power cut. ``visibility_seconds``: of every queue, instead
    of the template's. ``parameters``: for the template, besides the local stage's. ``built``: a template
    that was built elsewhere.
    """

    sandboxes: int = DEFAULT_SANDBOXES
    schedules: bool = True
    durable: bool = True
    visibility_seconds: int | None = None
    parameters: Mapping[str, str] | None = None
    built: Path | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.visible + self.in_flight + self.delayed


class LocalStack(StartStop):
    """Everything that ``template.yaml`` declares, running on this machine until the context ends.

    ``home`` keeps the data between runs; ``port`` 0 takes any free one; ``say`` prints progress.
    ``start`` raises one of `FAILURES`.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int = 0,
        options: Options | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._home = Home(home)
        self._port = port
        self._options = options or Options()
        self._say = say
        self._cleanup = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._service: Service | None = None
        self._postgres = PostgresServer(self._home.path / "postgres", durable=self._options.durable)
        self._emulator: Emulator | None = None
        self._queue_urls: dict[str, str] = {}

    # ------------------------------------------------------------------ life
    def start(self) -> None:
        """Start everything in order; on any failure stop what was started."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything; no process stays."""
        self._cleanup.close()

    def _start(self) -> None:
        self._home.lock()
        self._cleanup.callback(self._home.unlock)
        listener = _listen(self._port)
        self._cleanup.callback(listener.close)
        self._port = listener.getsockname()[1]
        built = self._options.built or build(self._say)
        self._say("starting the database and the queues")
        self._cleanup.callback(self._postgres.stop)
        self._postgres.start()
        _prepare_database(self._postgres)
        self._emulator = Emulator(environment("emulator"), self._home.path)
        self._cleanup.callback(self._emulator.stop)
        self._emulator.start()
        stack = self._read(built)
        self._queue_urls = create_queues(self._emulator.client(), stack.queues.values())
        create_keys(self.sqs_endpoint, stack.key_aliases)
        self._start_service(stack, listener)
        self._home.announce(
            Running(
                os.getpid(), self.url, self.dsn, self.sqs_endpoint, self.invoke_endpoint, self._queue_urls
            )
        )
        self._cleanup.callback(self._home.withdraw)

    def _start_service(self, stack: Stack, listener: socket.socket) -> None:
        emulator = self._running_emulator()
        settings = Settings(
            python=environment("runtime"),
            logs=self._home.logs,
            mail=emulator.mail_dir,
            dsn=self.dsn,
            sandboxes=self._options.sandboxes,
            issuer=Issuer.load(self._home.path),
            sqs_endpoint=emulator.endpoint,
            queue_urls=self._queue_urls,
            sqs_client=emulator.client,
        )
        loop = self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="local-stack")
        thread.start()
        self._cleanup.callback(_end_loop, loop, thread)
        service = self._service = Service(stack, settings)
        self._cleanup.callback(lambda: self._await(service.stop()))
        self._await(service.start_functions())
        self._say("migrating the database")
        self._await(service.deploy())
        self._await(service.start_front(listener))
        self._await(service.warm_routes())
        loop.call_soon_threadsafe(lambda: service.start_background(schedules=self._options.schedules))

    def _read(self, built: Path) -> Stack:
        parameters = {
            "Stage": "local",
            "JwtIssuer": ISSUER,
            "JwtAudience": AUDIENCE,
            "VpcId": "vpc-0123456789abcdef0",
            "PrivateSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
            "DatabaseName": DATABASE,
            "DatabaseUser": APPLICATION_ROLE,
            "DatabaseOwner": OWNER_ROLE,
            "DatabaseAuth": "trust",
            "DatabaseHostOverride": "127.0.0.1",
            "DatabasePort": str(self._postgres.port),
            "DatabaseSslMode": "disable",
            "MailDelivery": "ses",  # the emulator keeps all mail in the home's mail folder
            "MailFrom": "maitred@localhost.localdomain",
            "WebhookTargets": "any",
            **(self._options.parameters or {}),
        }
        stack = read_stack(built, parameters, sqs_endpoint=self.sqs_endpoint)
        if self._options.visibility_seconds is None:
            return stack
        seconds = self._options.visibility_seconds
        queues = {name: replace(queue, visibility_seconds=seconds) for name, queue in stack.queues.items()}
        return replace(stack, queues=queues)

    # ------------------------------------------------------------------- use
    @property
    def url(self) -> str:
        """The address of the HTTP API."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def dsn(self) -> str:
        """The database, as its superuser."""
        return self._postgres.dsn(DATABASE)

    @property
    def sqs_endpoint(self) -> str:
        """The address of the queue emulator."""
        return self._running_emulator().endpoint

    @property
    def invoke_endpoint(self) -> str:
        """The address for boto3's Lambda client."""
        return self._running_service().invoke_endpoint

    @property
    def home(self) -> Path:
        """The directory of the data, the logs (``logs/``) and the mail (``mail/``)."""
        return self._home.path

    @property
    def stack(self) -> Stack:
        """What the template declares."""
        return self._running_service().stack

    def token(self, *, restaurants: str = "*", scopes: str = ALL_SCOPES, ttl_seconds: int = 3600) -> str:
        """Return a token for the API; restaurants and scopes are separated by spaces."""
        issuer = self._running_service().settings.issuer
        return issuer.mint(restaurants=restaurants, scopes=scopes, ttl_seconds=ttl_seconds)

    def sqs(self) -> "SQSClient":
        """Return a client of the queues."""
        return self._running_emulator().client()

    def queue_url(self, queue: str) -> str:
        """Return the address of a queue by its logical id."""
        return self._queue_urls[queue]

    def depth(self, queue: str) -> Depth:
        """Return how many messages a queue holds, by its logical id."""
        answer = self.sqs().get_queue_attributes(QueueUrl=self.queue_url(queue), AttributeNames=["All"])
        prefix, values = "ApproximateNumberOfMessages", answer["Attributes"]
        return Depth(*(int(values[prefix + end]) for end in ("", "NotVisible", "Delayed")))  # type: ignore[index]

    def invoke(self, function: str, event: object) -> Any:
        """Invoke a function by its logical id and return its answer.

        Raises InvocationError when it fails.
        """
        result = self.invoke_raw(function, event)
        if result.failed:
            raise InvocationError(result.payload.decode(errors="replace"))
        return json.loads(result.payload) if result.payload else None

    def invoke_raw(self, function: str, event: object) -> Result:
        """Invoke a function by its logical id and return what came of it, good or bad."""
        return self._await(self._running_service().invoke(function, event))

    def warm(self, function: str, count: int) -> None:
        """Have ``count`` sandboxes of a function ready (at most the stack's limit)."""
        self._await(self._running_service().pools[function].warm(count))

    def sandbox_pids(self, function: str) -> list[int]:
        """Return the process ids of a function's sandboxes."""
        return self._await(self._pids(function))

    def kill_sandbox(self, function: str, *, busy: bool = False) -> int | None:
        """Kill one sandbox of a function as a crash would, a ``busy`` one if asked; return its process id."""
        return self._await(self._kill(function, busy))

    def stop_emulator(self) -> None:
        """Take the queues away, as an outage does. They keep their messages."""
        self._running_emulator().stop()

    def start_emulator(self) -> None:
        """Bring the queues back, where they were."""
        self._running_emulator().start()

    def stop_postgres(self) -> None:
        """Take the database away, as an outage does."""
        self._postgres.stop()

    def start_postgres(self) -> None:
        """Bring the database back, where it was."""
        self._postgres.start()

    async def _pids(self, function: str) -> list[int]:
        sandboxes = self._running_service().pools[function].sandboxes.values()
        return [sandbox.pid for sandbox in sandboxes if sandbox.pid is not None and not sandbox.ended]

    async def _kill(self, function: str, busy: bool) -> int | None:
        for sandbox in self._running_service().pools[function].sandboxes.values():
            if sandbox.ended or (busy and not sandbox.busy):
                continue
            sandbox.kill()
            return sandbox.pid
        return None

    def _await[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("the stack is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _running_service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the stack is not running")
        return self._service

    def _running_emulator(self) -> Emulator:
        if self._emulator is None:
            raise RuntimeError("the stack is not running")
        return self._emulator


def _end_loop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=256)
    except OSError as error:
        raise PortBusyError(f"port {port} is busy: set PORT to a free one") from error


def _prepare_database(server: PostgresServer) -> None:
    """Give the database an owner like the cloud's: not a superuser, but allowed to create roles."""
    server.ensure_database(DATABASE)
    owner, database = sql.Identifier(OWNER_ROLE), sql.Identifier(DATABASE)
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER_ROLE,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(owner))
