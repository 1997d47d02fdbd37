"""The asynchronous part of the local stack: everything that lives on the event loop, started in order."""

import asyncio
import json
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from localstack.constants import ACCOUNT, REGION
from localstack.front import Front
from localstack.page.mailbox import Mailbox
from localstack.page.metrics import Metrics
from localstack.page.queues import Queues
from localstack.page.records import Records
from localstack.page.site import API_TOKEN_SECONDS, HOST, Page
from localstack.pollers import Poller, stop_all
from localstack.pool import Pool
from localstack.routes import Router
from localstack.runtime_api import SHUTDOWN_SECONDS, RuntimeApi
from localstack.sandbox import Result, Runtime
from localstack.schedules import Scheduler
from localstack.template import CustomResource, Stack
from localstack.tokens import Issuer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DeploymentError(RuntimeError):
    """A custom resource (the migration) failed; the message is the function's own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run a stack. ``sandboxes`` is the most that one function may have.

    ``logs``, ``mail`` and ``dsn`` (the database) are where the page looks.
    """

    python: Path
    logs: Path
    mail: Path
    dsn: str
    sandboxes: int
    issuer: Issuer
    sqs_endpoint: str
    queue_urls: Mapping[str, str]
    sqs_client: Callable[[], "SQSClient"]


@dataclass(slots=True)
class Service:
    """Pools, Runtime API, front, pollers, schedules. All methods belong to the loop's thread."""

    stack: Stack
    settings: Settings
    pools: dict[str, Pool] = field(default_factory=dict)
    invoke_endpoint: str = ""
    _by_name: dict[str, Pool] = field(default_factory=dict)
    _api: RuntimeApi | None = None
    _front: web.ServerRunner | None = None
    page: Page | None = None
    _pollers: list[Poller] = field(default_factory=list)
    _scheduler: Scheduler | None = None

    async def start_functions(self) -> None:
        """Open the Runtime API; from here on functions can be invoked."""
        self._api = RuntimeApi(self._by_name)
        self.invoke_endpoint = await self._api.start()
        endpoints = {
            "AWS_ENDPOINT_URL": self.settings.sqs_endpoint,
            "AWS_ENDPOINT_URL_LAMBDA": self.invoke_endpoint,
        }
        runtime = Runtime(self.settings.python, endpoints, self._api.open_door, self._api.close_door)
        for name, function in self.stack.functions.items():
            log = self.settings.logs / f"{name}.log"
            pool = Pool(function, runtime, self.settings.sandboxes, log)
            self.pools[name] = self._by_name[function.name] = pool

    async def deploy(self) -> None:
        """Make the custom resources, as CloudFormation does at each deployment.

        Raises DeploymentError when one says that it failed.
        """
        for resource in self.stack.custom_resources:
            await self._make(resource)

    async def start_front(self, listener: socket.socket) -> None:
        """Answer HTTP requests on a listening socket: those of the API, and the page's."""
        front = Front(Router(self.stack.routes, self.stack.stages), self.pools, self.settings.issuer)
        page = self.page = self._make_page()

        async def answer(http: web.BaseRequest) -> web.StreamResponse:
            return await (page if page.owns(http.path) else front).handle(http)

        server = web.Server(answer, access_log=None)
        self._front = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._front.setup()
        await web.SockSite(self._front, listener, backlog=256).start()

    async def warm_routes(self) -> None:
        """Have one sandbox ready for each function that answers HTTP."""
        await asyncio.gather(*(self.pools[name].warm(1) for name in {r.function for r in self.stack.routes}))

    def start_background(self, *, schedules: bool) -> None:
        """Feed the functions from the queues and, if wanted, by the clock."""
        for source in self.stack.event_sources:
            queue, url = self.stack.queues[source.queue], self.settings.queue_urls[source.queue]
            poller = Poller(source, queue, url, self.pools[source.function], self.settings.sqs_client)
            poller.start()
            self._pollers.append(poller)
        self._scheduler = Scheduler(self.stack.schedules if schedules else (), self._invoke_later)
        self._scheduler.start()

    async def stop(self) -> None:
        """End in the order that loses least: what calls first, what is called last."""
        if self._scheduler is not None:
            await self._scheduler.stop()
        await stop_all(self._pollers)
        if self._front is not None:
            await self._front.cleanup()
        if self.page is not None:
            self.page.close()
        await asyncio.gather(*(pool.close() for pool in self.pools.values()))
        if self._api is not None:
            await self._api.stop()

    async def invoke(self, function: str, event: object) -> Result:
        """Invoke a function by its logical id."""
        return await self.pools[function].invoke(json.dumps(event).encode())

    def _invoke_later(self, function: str, payload: bytes) -> None:
        self._running_api().invoke_later(self.pools[function], payload)

    def _make_page(self) -> Page:
        known = self.settings
        return Page(
            metrics=Metrics(known.logs),
            records=Records(known.dsn),
            queues=Queues(known.queue_urls, self.stack.dead_letter_sources(), known.sqs_client),
            mailbox=Mailbox(known.mail),
            mint=lambda: known.issuer.mint(ttl_seconds=API_TOKEN_SECONDS, subject=HOST),
        )

    def _running_api(self) -> RuntimeApi:
        if self._api is None:
            raise RuntimeError("the functions are not running")
        return self._api

    async def _make(self, resource: CustomResource) -> None:
        token = str(uuid.uuid4())
        pool = self.pools[resource.function]
        answered = asyncio.get_running_loop().create_future()
        self._running_api().responses[token] = answered
        event = {
            "RequestType": "Create",
            "ResponseURL": f"{self.invoke_endpoint}/custom-resource/{token}",
            "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/maitred-local/0",
            "RequestId": str(uuid.uuid4()),
            "ResourceType": resource.kind,
            "LogicalResourceId": resource.logical_id,
            "ServiceToken": pool.function.arn,
            "ResourceProperties": {"ServiceToken": pool.function.arn},
        }
        result = await self.invoke(resource.function, event)
        if result.failed:
            raise DeploymentError(f"{resource.function} failed: {result.payload.decode(errors='replace')}")
        if (
            not answered.done()
        ):  # CloudFormation would wait for an hour; the function has ended, so none will come
            raise DeploymentError(f"{resource.function} ended without an answer for {resource.logical_id}")
        answer = json.loads(answered.result())
        if answer.get("Status") != "SUCCESS":
            raise DeploymentError(f"{resource.logical_id} failed: {answer.get('Reason')}")
