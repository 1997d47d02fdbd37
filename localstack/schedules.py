"""Schedules: functions invoked again and again, without waiting for them."""

import asyncio
from collections.abc import Callable

from localstack.template import Schedule

type InvokeLater = Callable[[str, bytes], None]


class Scheduler:
    """Invokes each schedule's function at once and then at its rate. Belongs to the event loop's thread."""

    def __init__(self, schedules: tuple[Schedule, ...], invoke_later: InvokeLater) -> None:
        self._schedules = schedules
        self._invoke_later = invoke_later
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._run(schedule)) for schedule in self._schedules]

    async def stop(self) -> None:
        """End. What was invoked goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, schedule: Schedule) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._invoke_later(schedule.function, schedule.payload.encode())
            due += schedule.every_seconds
            await asyncio.sleep(max(0.0, due - loop.time()))
