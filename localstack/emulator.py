"""Run as a script in the emulator's own environment: ministack, and what it lacks.

``emulator.py LISTENING_SOCKET MAIL_DIR`` serves on a listening socket that was inherited, so that no port can
be lost between choosing and binding it. Added to ministack (SQS): ``StartMessageMoveTask``,
``ListMessageMoveTasks`` and ``ListDeadLetterSourceQueues``, made of its plain calls. E-mail sent through
SES v2 is kept as ``MAIL_DIR/<message id>.eml``.
"""

import asyncio
import base64
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http import HTTPStatus
from pathlib import Path
from typing import Any

type Json = dict[str, Any]
type Receive = Callable[[], Awaitable[Json]]
type Send = Callable[[Json], Awaitable[None]]
type App = Callable[[Json, Receive, Send], Awaitable[None]]

SQS_PREFIX = "AmazonSQS."
SEND_EMAIL = "/v2/email/outbound-emails"
MOVE_VISIBILITY_SECONDS = 60
TASKS_LISTED = 10


class SqsError(Exception):
    """An error answer of the SQS API, as the caller shall see it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class MoveTask:
    """One redrive: what was asked and how far it is."""

    source: str
    destination: str | None
    total: int
    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = field(default_factory=lambda: int(time.time() * 1000))
    status: str = "RUNNING"
    moved: int = 0
    failure: str | None = None

    def describe(self) -> Json:
        """Return the entry of ListMessageMoveTasks."""
        entry: Json = {
            "SourceArn": self.source,
            "Status": self.status,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.total,
            "StartedTimestamp": self.started,
        }
        if self.status == "RUNNING":
            entry["TaskHandle"] = self.handle
        if self.destination:
            entry["DestinationArn"] = self.destination
        if self.failure:
            entry["FailureReason"] = self.failure
        return entry


class Emulator:
    """The ASGI application around ministack's."""

    def __init__(self, inner: App, mail_dir: Path) -> None:
        self._inner = inner
        self._mail_dir = mail_dir
        self.stopping = asyncio.Event()
        self._tasks: list[MoveTask] = []
        self._running: set[asyncio.Task[None]] = set()
        self._actions: dict[str, Callable[[Json, Json], Awaitable[Json]]] = {
            "StartMessageMoveTask": self._start_move,
            "ListMessageMoveTasks": self._list_moves,
            "ListDeadLetterSourceQueues": self._list_sources,
        }

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        """Answer what is ours, hand on the rest."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        action = headers.get("x-amz-target", "").removeprefix(SQS_PREFIX)
        if action in self._actions:
            await self._answer_action(action, scope, receive, send)
        elif scope["method"] == "POST" and scope["path"] == SEND_EMAIL:
            await _answer(send, 200, self._keep_mail(json.loads(await _body(receive))))
        else:
            await self._inner(scope, receive, send)

    async def _live(self, scope: Json, receive: Receive, send: Send) -> None:
        """Run ministack's life, but end it ourselves: the server would first wait for all long polls."""
        starting = await receive()
        messages = [starting]

        async def receive_until_stopped() -> Json:
            if messages:
                return messages.pop()
            await self.stopping.wait()
            return {"type": "lifespan.shutdown"}

        async def send_or_end(message: Json) -> None:
            if message["type"] == "lifespan.shutdown.complete":  # the queues are saved
                os._exit(0)
            await send(message)

        await self._inner(scope, receive_until_stopped, send_or_end)

    async def _answer_action(self, action: str, scope: Json, receive: Receive, send: Send) -> None:
        try:
            result = await self._actions[action](scope, json.loads(await _body(receive) or b"{}"))
        except SqsError as error:
            body = {"__type": f"com.amazonaws.sqs#{error.code}", "message": str(error)}
            await _answer(send, 400, body)
        else:
            await _answer(send, 200, result)

    async def _call(self, scope: Json, action: str, request: Json) -> Json:
        """Make one plain SQS call to ministack, as the caller of ``scope``."""
        body = json.dumps(request).encode()
        own = {b"x-amz-target", b"content-length"}
        headers = [pair for pair in scope["headers"] if pair[0].lower() not in own]
        headers += [(b"x-amz-target", (SQS_PREFIX + action).encode()), (b"content-length", b"%d" % len(body))]
        sent: list[Json] = []

        async def receive() -> Json:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Json) -> None:
            sent.append(message)

        await self._inner({**scope, "headers": headers}, receive, send)
        status = next(part["status"] for part in sent if part["type"] == "http.response.start")
        answer: Json = json.loads(b"".join(part.get("body", b"") for part in sent) or b"{}")
        if status != HTTPStatus.OK:
            raise SqsError(answer.get("__type", "InternalError").split("#")[-1], answer.get("message", ""))
        return answer

    async def _queues(self, scope: Json) -> dict[str, Json]:
        """All queues: address -> attributes."""
        urls = (await self._call(scope, "ListQueues", {})).get("QueueUrls", [])
        return {
            url: (
                await self._call(scope, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
            )["Attributes"]
            for url in urls
        }

    async def _start_move(self, scope: Json, request: Json) -> Json:
        queues = {attributes["QueueArn"]: url for url, attributes in (await self._queues(scope)).items()}
        source, destination = request.get("SourceArn", ""), request.get("DestinationArn")
        if source not in queues or (destination and destination not in queues):
            raise SqsError("ResourceNotFoundException", "The resource that you specified does not exist.")
        if any(task.source == source and task.status == "RUNNING" for task in self._tasks):
            raise SqsError("UnsupportedOperation", "There is already a task running for this queue.")
        asked = {"QueueUrl": queues[source], "AttributeNames": ["ApproximateNumberOfMessages"]}
        attributes = (await self._call(scope, "GetQueueAttributes", asked))["Attributes"]
        task = MoveTask(source, destination, int(attributes["ApproximateNumberOfMessages"]))
        self._tasks.append(task)
        running = asyncio.create_task(self._move(scope, task, queues))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return {"TaskHandle": task.handle}

    async def _move(self, scope: Json, task: MoveTask, queues: dict[str, str]) -> None:
        try:
            while batch := await self._receive(scope, queues[task.source]):
                for message in batch:
                    await self._move_one(scope, task, queues, message)
            task.status = "COMPLETED"
        except SqsError as error:
            task.status, task.failure = "FAILED", error.code

    async def _receive(self, scope: Json, url: str) -> list[Json]:
        request = {
            "QueueUrl": url,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": 0,
            "VisibilityTimeout": MOVE_VISIBILITY_SECONDS,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        messages: list[Json] = (await self._call(scope, "ReceiveMessage", request)).get("Messages", [])
        return messages

    async def _move_one(self, scope: Json, task: MoveTask, queues: dict[str, str], message: Json) -> None:
        target = task.destination or message["Attributes"].get("DeadLetterQueueSourceArn")
        handle = {"QueueUrl": queues[task.source], "ReceiptHandle": message["ReceiptHandle"]}
        if target not in queues:  # sent to the dead-letter queue by hand, so where it belongs is unknown
            await self._call(scope, "ChangeMessageVisibility", {**handle, "VisibilityTimeout": 0})
            raise SqsError("CouldNotDetermineMessageSource", "no source queue")
        request: Json = {"QueueUrl": queues[target], "MessageBody": message["Body"]}
        if message.get("MessageAttributes"):
            request["MessageAttributes"] = message["MessageAttributes"]
        await self._call(scope, "SendMessage", request)
        await self._call(scope, "DeleteMessage", handle)
        task.moved += 1

    async def _list_moves(self, scope: Json, request: Json) -> Json:
        source = request.get("SourceArn", "")
        if source not in {attributes["QueueArn"] for attributes in (await self._queues(scope)).values()}:
            raise SqsError("ResourceNotFoundException", "The resource that you specified does not exist.")
        limit = min(int(request.get("MaxResults") or 1), TASKS_LISTED)
        newest = [task for task in reversed(self._tasks) if task.source == source]
        return {"Results": [task.describe() for task in newest[:limit]]}

    async def _list_sources(self, scope: Json, request: Json) -> Json:
        queues = await self._queues(scope)
        if request.get("QueueUrl", "") not in queues:
            raise SqsError("QueueDoesNotExist", "The specified queue does not exist.")
        target = queues[request["QueueUrl"]]["QueueArn"]
        return {
            "queueUrls": [
                url
                for url, attributes in queues.items()
                if json.loads(attributes.get("RedrivePolicy", "{}")).get("deadLetterTargetArn") == target
            ]
        }

    def _keep_mail(self, request: Json) -> Json:
        """Store one e-mail instead of sending it; whole or not at all."""
        identifier = f"{time.time_ns():x}-{uuid.uuid4()}"
        partial = self._mail_dir / f".{identifier}"
        partial.write_bytes(_mail_bytes(request))
        partial.rename(self._mail_dir / f"{identifier}.eml")
        return {"MessageId": identifier}


def _mail_bytes(request: Json) -> bytes:
    content = request["Content"]
    if "Raw" in content:
        return base64.b64decode(content["Raw"]["Data"])
    mail = EmailMessage()
    mail["From"] = request.get("FromEmailAddress", "")
    mail["To"] = ", ".join(request.get("Destination", {}).get("ToAddresses", []))
    mail["Subject"] = content["Simple"]["Subject"]["Data"]
    body = content["Simple"]["Body"]
    mail.set_content(body.get("Text", {}).get("Data", ""))
    if "Html" in body:
        mail.add_alternative(body["Html"]["Data"], subtype="html")
    return mail.as_bytes()


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: Json) -> None:
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"x-amzn-requestid", uuid.uuid4().hex.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def main(listening_socket: str, mail_dir: str) -> None:
    """Serve until SIGTERM, then save the queues."""
    import ministack.app  # noqa: PLC0415 - only that environment has it
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # noqa: PLC0415
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415

    config = Config()
    config.bind = [f"fd://{listening_socket}"]
    config.keep_alive_timeout = 75.0
    emulator = Emulator(ministack.app.app, Path(mail_dir))

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, emulator.stopping.set)
        await serve(emulator, config, shutdown_trigger=asyncio.Event().wait)

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
