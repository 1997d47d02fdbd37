"""Queues feeding functions, as Lambda's event source mapping does it."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from localstack.batches import build_event, failed_ids
from localstack.pool import Pool
from localstack.sqs import LONG_POLL_SECONDS
from localstack.template import EventSource, Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

DEFAULT_CONCURRENCY = 5
RECEIVE_LIMIT = 10
MAX_BATCH_BYTES = 6_000_000
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
DRAIN_SECONDS = 3.0

_log = logging.getLogger(__name__)


class Poller:
    """Feeds one function from one queue, with at most ``max_concurrency`` batches in flight.

    Succeeded messages are deleted; failed ones come back when their visibility timeout ends, and go to the
    dead letter queue by the queue's own redrive policy.
    """

    def __init__(
        self, source: EventSource, queue: Queue, url: str, pool: Pool, client: Callable[[], "SQSClient"]
    ) -> None:
        self._source = source
        self._queue = queue
        self._url = url
        self._pool = pool
        self._client = client()
        self._workers = source.max_concurrency or DEFAULT_CONCURRENCY
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix=f"poll-{queue.name}")
        self._tasks: list[asyncio.Task[None]] = []
        self._busy: set[asyncio.Task[bool]] = set()
        self._stopping = False

    def start(self) -> None:
        """Begin to poll."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Take no more messages, let running batches end (within limits), give back what came meanwhile."""
        self._stopping = True
        if self._busy:
            await asyncio.wait(self._busy, timeout=DRAIN_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        pause = 0.0
        while not self._stopping:
            try:
                healthy = await self._round()
            except (BotoCoreError, ClientError) as error:  # the queue is away: it may come back
                _log.info("%s: %s", self._queue.name, error)
                healthy = False
            pause = 0.0 if healthy else min(LONGEST_PAUSE_SECONDS, pause * 2 or FIRST_PAUSE_SECONDS)
            if pause:
                await asyncio.sleep(pause)

    async def _round(self) -> bool:
        """Take one batch through the function; False when the function failed."""
        messages = await self._gather()
        if not messages:
            return True
        batch = asyncio.create_task(self._process(messages))
        self._busy.add(batch)
        try:
            return await batch
        finally:
            self._busy.discard(batch)

    async def _gather(self) -> "list[MessageTypeDef]":
        """Receive a batch: what is there at once, or all that comes within the window."""
        batch = await self._receive(min(self._source.batch_size, RECEIVE_LIMIT), LONG_POLL_SECONDS)
        ends = time.monotonic() + self._source.window_seconds
        while batch and self._wants_more(batch) and (left := ends - time.monotonic()) > 0:
            room = min(self._source.batch_size - len(batch), RECEIVE_LIMIT)
            batch += await self._receive(room, min(int(left) + 1, LONG_POLL_SECONDS))
        return batch

    def _wants_more(self, batch: "list[MessageTypeDef]") -> bool:
        size = sum(len(message["Body"]) for message in batch)
        return len(batch) < self._source.batch_size and size < MAX_BATCH_BYTES and not self._stopping

    async def _receive(self, count: int, wait_seconds: int) -> "list[MessageTypeDef]":
        return await self._in_thread(lambda: self._receive_now(count, wait_seconds))

    def _receive_now(self, count: int, wait_seconds: int) -> "list[MessageTypeDef]":
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if self._stopping:  # no worker is left: the next run must not wait for their visibility timeout
            for message in messages:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            return []
        return messages

    async def _process(self, messages: "list[MessageTypeDef]") -> bool:
        result = await self._pool.invoke(build_event(messages, self._queue.arn))
        if result.failed:
            return False
        known = frozenset(message["MessageId"] for message in messages)
        failed = failed_ids(result.payload, known, reports_failures=self._source.reports_failures)
        done = [message for message in messages if message["MessageId"] not in failed]
        for start in range(0, len(done), RECEIVE_LIMIT):
            part = done[start : start + RECEIVE_LIMIT]
            await self._in_thread(lambda part=part: self._delete(part))  # type: ignore[misc]
        return failed != known

    def _delete(self, messages: "list[MessageTypeDef]") -> None:
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]

    async def _in_thread[T](self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def stop_all(pollers: list[Poller]) -> None:
    """Stop pollers together."""
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*(poller.stop() for poller in pollers))
