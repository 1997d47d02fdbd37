"""The page of a running stack, with what its handlers emitted, as a browser shows it."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localstack.stack import LocalStack
from tests.harness.browser import Tab, browsing
from tests.harness.service import party
from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack
WIDTHS = (1280, 400)


def ask(stack: LocalStack, path: str) -> Any:
    with urllib.request.urlopen(f"{stack.url}/_local/{path}", timeout=30) as answer:  # noqa: S310 - the stack's own address
        return json.loads(answer.read())


@pytest.fixture
def evening(stack: LocalStack, guest: Guest) -> Guest:
    """Tables for 2 and 4: one on hold, one taken, one party waits; one is moved; a letter was sent."""
    answer = guest.call("POST", f"/restaurants/{guest.restaurant}/holds", _hold(2))
    assert answer[0] == 201, answer
    for size in (4, 4):
        status, answer = guest.book(size)
        assert status == 201, answer
    _move_somebody(guest)
    mails = stack.home / "mail"
    stack.invoke("RelayFunction", {})
    eventually(lambda: any(mails.glob("*.eml")), "a letter is sent")
    return guest


def _move_somebody(guest: Guest) -> None:
    """Two of whom the first leaves again; the second sits where the four that come then must sit."""
    booked = []
    for size in (2, 2):
        body = party(size, "21:00")
        booked.append(guest.call("POST", f"/restaurants/{guest.restaurant}/bookings", body)[1]["booking"])
    assert guest.call("POST", f"/bookings/{booked[0]['id']}/cancel", {})[0] == 200
    answer = guest.call("POST", f"/restaurants/{guest.restaurant}/bookings", party(4, "21:00"))[1]
    assert answer["assignment"]["moves"] == 1


def _hold(size: int) -> dict[str, Any]:
    asked: dict[str, Any] = party(size)
    return {key: value for key, value in asked.items() if key not in {"guest", "onFull"}}


def while_unchanged(count: Callable[[], int], question: Callable[[], Any]) -> tuple[Any, int]:
    """The answer and the count, which was the same before and after: the stack goes on working meanwhile."""
    for _ in range(20):
        before, answer = count(), question()
        if count() == before:
            return answer, before
    raise AssertionError("the count changed under every question")


def test_the_page_tells_what_the_stack_did(stack: LocalStack, evening: Guest) -> None:
    """Each figure is compared with the database, the mail folder or the queues themselves."""
    house = evening.restaurant
    assert house in {each["id"] for each in ask(stack, "restaurants")}
    (day,) = ask(stack, f"restaurants/{house}/days")
    floor = ask(stack, f"restaurants/{house}/days/{day['day']}")
    kinds = sorted((stay["kind"], stay["party"]) for stay in floor["stays"])
    assert kinds == [("hold", 2), ("stay", 2), ("stay", 4), ("stay", 4)]
    assert [(move["from_tables"], move["to_tables"]) for move in floor["moves"]] == [(["T2"], ["T1"])]
    assert [row["party"] for row in floor["pending"]] == [4]
    booking, counted = floor["pending"][0]["booking"], "select count(*) from observability_events"
    events, rows = while_unchanged(
        lambda: evening.value(f"{counted} where booking_id = %s", booking),
        lambda: ask(stack, f"events?find={booking}&limit=500"),
    )
    assert len(events) == rows
    letters, files = while_unchanged(
        lambda: len(list((stack.home / "mail").glob("*.eml"))), lambda: ask(stack, "mail")
    )
    assert letters["count"] == files
    assert ask(stack, f"mail/{letters['items'][0]['id']}")["text"]


def test_metrics_are_those_that_the_handlers_emitted(stack: LocalStack, evening: Guest) -> None:
    figures = {
        (each["name"], *each["dimensions"].values()): each for each in ask(stack, "metrics?minutes=60")
    }
    planner = figures["PlannerDuration", "inline", "bookings"]
    assert planner["count"] >= 1
    assert 0 < planner["p50"] <= planner["p95"] <= planner["max"]
    log = (stack.home / "logs" / "BookingsFunction.log").read_text().splitlines()
    confirmed = [line for line in log if '"AssignOutcome":[' in line and '"outcome":"confirmed"' in line]
    assert figures["AssignOutcome", "inline", "confirmed", "bookings"]["sum"] == len(confirmed)
    assert len(confirmed) >= 1


def kept(folder: Path) -> Path:
    """Where the pictures go: PICTURES names a folder to look at them afterwards."""
    place = Path(os.environ.get("PICTURES") or folder)
    place.mkdir(parents=True, exist_ok=True)
    return place


#: What a view must show before its picture is taken.
SHOWN = {
    "floor": "['confirmed', 'hold', 'pending', 'ghost'].every((kind) =>"
    " document.querySelector(`#timeline .row .block.${kind}`))",
    "events": "document.querySelectorAll('#stream tbody tr').length > 3",
    "queues": "document.querySelectorAll('#queue-list [data-queue]').length === 4",
    "mail": "document.querySelector('.letter-link')",
    "metrics": "document.querySelectorAll('#figures tbody tr').length > 3",
}


#: Text that is seen and smaller than this is not readable.
SMALLEST = 11
SMALL_TEXT = f"""
[...document.querySelectorAll('main *')].filter((each) => each.offsetParent && each.textContent.trim()
  && parseFloat(getComputedStyle(each).fontSize) < {SMALLEST}).length"""
WIDTH = "document.documentElement.scrollWidth"
MARKUP = r"/\]\(|^# /m.test(document.querySelector('main').innerText)"
WELL = "!document.querySelector('#status').classList.contains('bad')"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_is_readable(stack: LocalStack, evening: Guest, tmp_path: Path, width: int) -> None:
    """Nothing is cut off sideways or too small, nothing fails in the console; a picture of it is kept."""

    async def look() -> dict[str, bytes]:
        pictures = {}
        async with browsing(tmp_path / "profile") as opened:
            for view in SHOWN:
                await _show(opened, stack, view, width, evening.restaurant)
                assert await opened.run(WIDTH) == width, view
                assert await opened.run(WELL)
                assert await opened.run(SMALL_TEXT) == 0, f"{view} has text below {SMALLEST} pixels"
                assert not await opened.run(MARKUP), f"{view} shows markup"
                pictures[view] = await opened.picture()
            assert opened.troubles == []
        return pictures

    for view, picture in asyncio.run(look()).items():
        (kept(tmp_path) / f"{view}-{width}.png").write_bytes(picture)
        assert len(picture) > 10_000, "an empty picture is smaller"


async def _show(opened: Tab, stack: LocalStack, view: str, width: int, restaurant: str) -> None:
    await opened.open(f"{stack.url}/_local/#{view}", width)
    if view == "floor":
        await opened.until(f"[...restaurant.options].some((each) => each.value === '{restaurant}')")
        await opened.run(f"restaurant.value = '{restaurant}'; restaurant.dispatchEvent(new Event('input'))")
    await opened.until(f"Boolean({SHOWN[view]})")
    if view == "mail":
        await opened.run("document.querySelector('.letter-link').click()")
        await opened.until("Boolean(document.querySelector('#letter iframe'))")
        await opened.until("document.querySelector('#letter').getBoundingClientRect().top < innerHeight")


def test_the_redrive_button_redrives_and_tells_what_came_of_it(stack: LocalStack, tmp_path: Path) -> None:
    """The click starts the redrive; of a message that was put there by hand nobody knows where it belongs."""
    queues = stack.sqs()
    dead = stack.queue_url("AssignDeadLetterQueue")
    queues.send_message(QueueUrl=dead, MessageBody="{}")

    async def click() -> None:
        async with browsing(tmp_path / "profile") as opened:
            await opened.open(f"{stack.url}/_local/#queues", 1280)
            button = "document.querySelector('[data-queue=AssignDeadLetterQueue]:not(:disabled)')"
            await opened.until(f"Boolean({button})")
            await opened.run(f"{button}.click()")
            await opened.until(
                "/failed|completed|CouldNot/.test(document.querySelector('#queue-list').innerText)"
            )
            assert opened.troubles == []

    asyncio.run(click())
    (task,) = next(each for each in ask(stack, "queues") if each["id"] == "AssignDeadLetterQueue")["redrives"]
    assert task["failure"] == "CouldNotDetermineMessageSource"  # it was put there by hand: nobody's letter
    queues.purge_queue(QueueUrl=dead)
