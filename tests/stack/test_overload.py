"""Four times what the stack can take: it sheds with a time to come back, and keeps what it accepted.

OVERLOAD_SECONDS makes it last longer.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import aiohttp
import psycopg
import pytest

from localstack.stack import LocalStack
from tests.harness.consistency import assert_consistent
from tests.harness.service import evening, party
from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack

SECONDS = float(os.environ.get("OVERLOAD_SECONDS", "5"))
CLIENTS = 8  # enough to keep every sandbox busy
TIMES = 4
ACCEPTED, SHED = {201}, {429, 503}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: str | None
    booking_id: str | None
    seconds: float


class Load:
    """Requests for tables on many evenings, so that most of them are seated."""

    def __init__(self, guest: Guest, session: aiohttp.ClientSession) -> None:
        self._path = f"{guest.stack.url}/restaurants/{guest.restaurant}/bookings"
        self._session = session
        self._chance = random.Random(1)  # noqa: S311 - parties, not secrets
        self.answers: list[Answer] = []

    async def ask(self) -> None:
        day = date.fromisoformat(evening()) + timedelta(days=self._chance.randrange(30))
        at = f"{self._chance.randrange(17, 21)}:{self._chance.choice(('00', '15', '30', '45'))}"
        body = party(self._chance.randint(1, 4), at, date=day.isoformat())
        began = time.monotonic()
        async with self._session.post(self._path, json=body) as answer:
            text = await answer.text()
            booking = json.loads(text)["booking"]["id"] if answer.status in ACCEPTED else None
            retry_after = answer.headers.get("retry-after")
            self.answers.append(Answer(answer.status, retry_after, booking, time.monotonic() - began))

    async def as_fast_as_it_goes(self, seconds: float) -> float:
        """Closed loop; how many requests a second were answered."""
        end = time.monotonic() + seconds

        async def client() -> None:
            while time.monotonic() < end:
                await self.ask()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return len(self.answers) / seconds

    async def at(self, rate: float, seconds: float) -> None:
        """Open loop: requests come at ``rate``, whether earlier ones were answered or not."""
        began, asked = time.monotonic(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            asked.append(asyncio.create_task(self.ask()))
        await asyncio.gather(*asked)


async def overload(guest: Guest) -> tuple[float, list[Answer]]:
    """What the stack can take, and what it answered to four times that."""
    headers = {"authorization": f"Bearer {guest.stack.token()}"}
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as session:
        calm = Load(guest, session)
        capacity = await calm.as_fast_as_it_goes(3)
        assert {answer.status for answer in calm.answers} <= ACCEPTED
        storm = Load(guest, session)
        await storm.at(TIMES * capacity, SECONDS)
        return capacity, calm.answers + storm.answers


@dataclass(frozen=True, slots=True)
class BookingStore:
    """The stack's database, as the consistency check asks it."""

    guest: Guest

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return self.guest.owner()


@pytest.mark.timeout(240)
def test_four_times_the_load_is_shed_and_what_is_accepted_stays_right(
    stack: LocalStack, record_property: Any
) -> None:
    guest = Guest(stack, "storm")
    guest.put_house(*[2, 4] * 20)
    stack.warm("BookingsFunction", 4)

    capacity, answers = asyncio.run(overload(guest))

    statuses = Counter(answer.status for answer in answers)
    record_property("capacity", round(capacity))
    record_property("statuses", dict(statuses))
    assert set(statuses) <= ACCEPTED | SHED, statuses
    assert statuses.keys() & SHED, "nothing was shed: this was no overload"
    assert all(int(a.retry_after or 0) > 0 for a in answers if a.status in SHED)

    accepted = {answer.booking_id for answer in answers if answer.booking_id}
    eventually(lambda: stack.depth("AssignQueue").total == 0, "the job has looked at all that waits")
    with guest.owner() as conn:
        kept = {str(row[0]) for row in conn.execute("select id from bookings")}
    assert kept == accepted
    assert_consistent(BookingStore(guest))
    unfinished = "select count(*) from bookings where state = 'assignment_in_progress'"
    eventually(lambda: guest.value(unfinished) == 0, "nobody is left half-way")
    assert guest.book(2)[0] == 201, "the stack is well afterwards"


def test_a_restaurant_that_takes_more_than_its_share_is_told_so(stack: LocalStack) -> None:
    """The limits of the template bind on the running stack too."""
    guest = Guest(stack, "greedy")
    guest.put_house(*[2] * 4)
    with guest.owner() as owner:
        owner.execute(b"insert into rate_limits values ('restaurant', 'greedy', now() + interval '1 hour')")
    status, problem = guest.book(2)
    assert (status, problem["code"]) == (429, "rate_limited")
