"""A host at work in a browser: every act goes through the true API, and is looked for behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localstack.page.site import HOST
from localstack.stack import LocalStack
from tests.harness.browser import Tab, browsing
from tests.harness.service import house
from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack
WIDTHS = (1280, 400)
POLICY = {"maxTables": 2, "bufferAfterMinutes": 0, "lateMinutes": 1, "lookaheadMinutes": 720}
SMALLEST_TARGET = 40  # pixels that a finger needs


def noon_zone() -> str:
    """A zone in which it is about noon now: the house is open, and its day far from over."""
    hours = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


@pytest.fixture
def guest(stack: LocalStack, request: pytest.FixtureRequest) -> Guest:
    """A client with a restaurant of its own, open now: T1 for 2, T2 and T3 for 4."""
    client = Guest(stack, "".join(c if c.isalnum() else "-" for c in request.node.name)[:60])
    put(client, house(2, 4, 4))
    return client


def put(guest: Guest, document: dict[str, Any], **policy: Any) -> None:
    hours = [{"id": "day", "name": "All day", "opens": "06:00", "closes": "23:00"}]
    document |= {"timezone": noon_zone(), "services": hours, "policy": POLICY | policy}
    status, answer = guest.call("PUT", f"/restaurants/{guest.restaurant}", document)
    assert status in (200, 201), answer


def book(guest: Guest, size: int = 2, minutes: int = 10, name: str = "Ada", **changes: Any) -> dict[str, Any]:
    """A booking that starts so many minutes from now."""
    start = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    body = {"partySize": size, "startAt": start.isoformat(), "guest": {"name": name}, **changes}
    status, answer = guest.call("POST", f"/restaurants/{guest.restaurant}/bookings", body)
    assert status == 201, answer
    booking: dict[str, Any] = answer["booking"]
    return booking


def now(guest: Guest, booking: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = guest.call("GET", f"/bookings/{booking['id']}")[1]["booking"]
    return found


def done(guest: Guest, booking: dict[str, Any], act: str, body: Any = None) -> None:
    status, answer = guest.call("POST", f"/bookings/{booking['id']}/{act}", body)
    assert status == 200, answer


class Host:
    """A person at the page. Elements are given as CSS selectors or, in the dialog, by their words."""

    def __init__(self, page: Tab) -> None:
        self.page = page

    async def sees(self, selector: str, *words: str) -> None:
        """Waits until an element is there and holds these words."""
        each = f"{json.dumps(words)}.every((word) => found.innerText.includes(word))"
        found = f"document.querySelector({json.dumps(selector)})"
        await self.page.until(f"((found) => Boolean(found) && {each})({found})")

    async def opens(self, key: str) -> None:
        """The dialog of a table or guest."""
        await self.page.click(f"document.querySelector({json.dumps(keyed(key))})")
        await self.page.until("document.querySelector('dialog').open")

    async def clicks(self, words: str) -> None:
        await self.page.until(f"Boolean({button(words)})")
        await self.page.click(button(words))

    async def goes_to(self, element: str) -> None:
        """Presses Tab until the element has the focus."""
        for _ in range(150):
            if await self.page.run(f"document.activeElement === {element}"):
                return
            await self.page.press("Tab")
        raise AssertionError(f"the keyboard never reaches {element}")

    async def presses(self, words: str) -> None:
        """Goes to a button of the dialog and presses Enter."""
        await self.page.until(f"Boolean({button(words)})")
        await self.goes_to(button(words))
        await self.page.press("Enter")

    async def fills(self, name: str, text: str) -> None:
        await self.page.run(f"document.querySelector('dialog [name={name}]').select?.()")
        await self.page.run(f"document.querySelector('dialog [name={name}]').focus()")
        await self.page.write(text)

    async def dialog_is_closed(self) -> None:
        await self.page.until("!document.querySelector('dialog').open")


def keyed(key: str) -> str:
    return f'[data-key="{key}"]'


def card(table: str) -> str:
    return f'[data-table="{table}"]'


def button(words: str) -> str:
    buttons = "[...document.querySelectorAll('dialog button')]"
    return f"{buttons}.find((each) => each.textContent.startsWith({json.dumps(words)}))"


@asynccontextmanager
async def hosting(folder: Path, guest: Guest, width: int) -> AsyncIterator[Host]:
    """The page on this restaurant's floor of today. Only what the API refuses may fail in its console."""
    async with browsing(folder / "profile") as page:
        await page.open(f"{guest.stack.url}/_local/#floor", width)
        await page.until(f"[...restaurant.options].some((each) => each.value === '{guest.restaurant}')")
        await page.run(
            f"restaurant.value = '{guest.restaurant}'; restaurant.dispatchEvent(new Event('input'))"
        )
        await page.until(
            f"Boolean(document.querySelector('.room[data-restaurant={guest.restaurant}] .card'))"
        )
        yield Host(page)
        assert [each for each in page.troubles if "the server responded with a status of 4" not in each] == []


type Work = Callable[[Host], Coroutine[Any, Any, None]]


def host(folder: Path, guest: Guest, width: int, work: Work) -> None:
    async def all_of_it() -> None:
        async with hosting(folder, guest, width) as person:
            await work(person)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_party_is_seated_and_leaves_by_keyboard(guest: Guest, tmp_path: Path, width: int) -> None:
    """The focus comes back to where it was, and what was done is said."""
    booking = book(guest)
    key = keyed(f"guest:{booking['id']}")

    async def work(person: Host) -> None:
        for act, state, said in (
            ("Seat", "seated", "Ada is seated"),
            ("Has left", "completed", "Ada has left"),
            ("Has not left after all", "seated", "Ada is seated again"),
        ):
            await person.sees(key, "Ada")
            await person.goes_to(f"document.querySelector({json.dumps(key)})")
            await person.page.press("Enter")
            await person.presses(act)
            await person.dialog_is_closed()
            await person.sees(".said", said)
            assert now(guest, booking)["state"] == state
            await person.sees(key, {"seated": "seated", "completed": "has left"}[state])
            assert await person.page.run(f"document.activeElement.matches({json.dumps(key)})")
        await person.sees(card("T1"), "Ada · 2", "seated until")

    host(tmp_path, guest, width, work)
    acts = guest.value(
        "select count(distinct key) from idempotency where caller = %s and restaurant_id = %s",
        HOST,
        guest.restaurant,
    )
    assert acts == 3, "each act has a key of its own"


def test_escape_does_nothing_and_brings_the_focus_back(guest: Guest, tmp_path: Path) -> None:
    booking = book(guest)

    async def work(person: Host) -> None:
        await person.opens("table:T1")
        await person.page.press("Escape")
        await person.dialog_is_closed()
        await person.page.until(f"document.activeElement.matches({json.dumps(keyed('table:T1'))})")

    host(tmp_path, guest, 1280, work)
    assert now(guest, booking)["version"] == booking["version"]


def test_a_party_is_dragged_to_another_table(guest: Guest, tmp_path: Path) -> None:
    """Who sits moves now; who is expected gets another plan; a taken table says who has it."""
    sits, comes = book(guest, 2, 0, "Ada"), book(guest, 4, 60, "Ben")
    done(guest, sits, "seat")
    [table] = comes["tables"]
    other = next(each for each in ("T2", "T3") if each != table)

    async def work(person: Host) -> None:
        face = f"document.querySelector('{card('T1')} .party')"
        await person.sees(card("T1"), "Ada")
        await person.page.drag(face, f"document.querySelector('{card(other)}')")
        await person.sees(".said", f"Ada has other tables: {other}")
        await person.sees(card(other), "Ada", "seated")
        row = f"document.querySelector('{keyed('guest:' + comes['id'])}')"
        await person.page.drag(row, f"document.querySelector('{card('T1')}')")
        await person.sees(
            f"{card('T1')} [role=alert]", "at most 2"
        )  # too small for four, which a person may set aside
        assert not await person.page.run("document.querySelector('dialog').open"), "a drag is not a click"
        again = f"document.querySelector('{card('T1')} [role=alert] button')"
        await person.page.click(again)
        await person.sees(card("T1"), "then", "Ben · 4")

    host(tmp_path, guest, 1280, work)
    assert (now(guest, sits)["state"], now(guest, sits)["tables"]) == ("seated", [other])
    assert (now(guest, comes)["tables"], now(guest, comes)["pinned"]) == (["T1"], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_party_is_moved_by_a_list(guest: Guest, tmp_path: Path, width: int) -> None:
    booking = book(guest)
    assert booking["tables"] == ["T1"]

    async def work(person: Host) -> None:
        await person.opens(f"guest:{booking['id']}")
        await person.presses("Move to other tables")
        for table in ("T1", "T2"):  # no longer the first, but the second
            await person.goes_to(f"document.querySelector('dialog [value={table}]')")
            await person.page.press("Space")
        await person.presses("Take these")
        await person.sees(".said", "Ada has other tables: T2")

    host(tmp_path, guest, width, work)
    assert (now(guest, booking)["state"], now(guest, booking)["tables"]) == ("confirmed", ["T2"])


def test_a_confirmed_guest_is_seated_at_a_chosen_table(guest: Guest, tmp_path: Path) -> None:
    booking = book(guest)

    async def work(person: Host) -> None:
        await person.opens(f"guest:{booking['id']}")
        await person.clicks("Arrived")
        await person.sees(keyed(f"guest:{booking['id']}"), "in the house")
        await person.opens(f"guest:{booking['id']}")
        await person.clicks("Seat at other tables")
        await person.page.click("document.querySelector('dialog [value=T1]')")
        await person.page.click("document.querySelector('dialog [value=T3]')")
        await person.clicks("Take these")
        await person.sees(card("T3"), "Ada · 2", "seated")

    host(tmp_path, guest, 1280, work)
    assert (now(guest, booking)["state"], now(guest, booking)["tables"]) == ("seated", ["T3"])


@pytest.mark.parametrize("width", WIDTHS)
def test_guests_at_the_door_are_received(guest: Guest, tmp_path: Path, width: int) -> None:
    """At the best table, and at a chosen one that turns out to be too small: the form says so, and stays."""

    async def work(person: Host) -> None:
        await person.opens("door")
        await person.fills("partySize", "3")
        await person.fills("name", "Eve")
        await person.clicks("Receive")
        await person.sees(".said", "Walk-in Eve is seated")
        await person.sees(".room .card.seated", "Eve · 3")
        await person.opens("table:T1")
        await person.clicks("Walk-in here")
        await person.fills("partySize", "3")
        await person.clicks("Receive")
        await person.sees("dialog [role=alert]", "at most 2")
        assert await person.page.run("document.querySelector('dialog [name=partySize]').value") == "3"

    host(tmp_path, guest, width, work)
    sits = guest.call("GET", f"/restaurants/{guest.restaurant}/bookings?status=seated")[1]["items"]
    assert [(each["partySize"], each["guest"], len(each["tables"])) for each in sits] == [
        (3, {"name": "Eve"}, 1)
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_is_blocked_and_unblocked(guest: Guest, tmp_path: Path, width: int) -> None:
    status = "select count(*) from allocations where restaurant_id = %s and block_id is not null and live"

    async def work(person: Host) -> None:
        await person.opens("table:T3")
        await person.presses("Block…")
        await person.fills("reason", "a leg is loose")
        await person.presses("Block")
        await person.sees(card("T3"), "blocked until")
        assert guest.value(status, guest.restaurant) == 1
        await person.opens("table:T3")
        await person.presses("End its blocks")
        await person.sees(card("T3"), "free")

    host(tmp_path, guest, width, work)
    assert guest.value(status, guest.restaurant) == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_who_waits_is_declined(guest: Guest, tmp_path: Path, width: int) -> None:
    book(guest, 4), book(guest, 4)
    waits = book(guest, 4, 30, "Finn")
    assert waits["status"] == "pending"
    eventually(lambda: guest.state(waits["id"]) == "manual_review", "the job has done what it can")

    async def work(person: Host) -> None:
        key = f"waiting:{waits['id']}"
        await person.sees(keyed(key), "Finn · 4")
        await person.opens(key)
        await person.presses("Decline…")
        await person.fills("reason", "full")
        await person.presses("Decline")
        await person.sees(".said", "Finn is declined")
        await person.page.until(f"!document.querySelector({json.dumps(keyed(key))})")

    host(tmp_path, guest, width, work)
    history = guest.call("GET", f"/bookings/{waits['id']}/history")[1]["items"][-1]
    assert (history["toState"], history["actor"]) == ("declined", HOST)


@pytest.mark.parametrize("reviewed", [False, True])
def test_who_waits_takes_another_time(guest: Guest, tmp_path: Path, reviewed: bool) -> None:
    """One that was planned for a person's decision, or while the job still looks, one that is free."""
    waits = book(guest, 4, 20, "Finn")
    assert guest.call("DELETE", f"/bookings/{waits['id']}/assignment")[0] == 200
    if not reviewed:
        with guest.owner() as owner:  # as if the job had not come to it yet
            owner.execute("update bookings set state = 'assignment_pending' where id = %s", (waits["id"],))

    async def work(person: Host) -> None:
        key = f"waiting:{waits['id']}"
        await person.sees(keyed(key), "Finn · 4")
        await person.opens(key)
        await person.clicks("Take ")
        await person.sees(".said", "Finn comes at")
        await person.sees(keyed(f"guest:{waits['id']}"), "Finn · 4", "expected")

    host(tmp_path, guest, 400, work)
    after = now(guest, waits)
    assert after["state"] == "confirmed"
    assert after["startAt"] != waits["startAt"]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_act_says_why_where_it_was_done(guest: Guest, tmp_path: Path, width: int) -> None:
    sits, comes = book(guest, 2, 0, "Ada"), book(guest, 2, 5, "Ben")
    done(guest, sits, "seat")

    async def work(person: Host) -> None:
        await person.opens(f"guest:{comes['id']}")
        await person.presses("Seat at other tables")
        for box in (*comes["tables"], "T1"):
            await person.page.click(f"document.querySelector('dialog [value={box}]')")
        await person.presses("Take these")
        await person.sees("dialog [role=alert]", sits["reference"])
        beside = "document.querySelector('dialog [role=alert]').previousElementSibling.textContent"
        assert await person.page.run(beside) == "Take these"

    host(tmp_path, guest, width, work)
    assert now(guest, comes)["state"] == "confirmed"


@pytest.mark.parametrize("width", WIDTHS)
def test_what_a_guest_wrote_stays_text(guest: Guest, tmp_path: Path, width: int) -> None:
    name = "<b>Bold</b><img src=x onerror=alert(1)>"
    booking = book(guest, 2, 0, name, notes="<i>quiet</i>")

    async def work(person: Host) -> None:
        await person.sees(keyed(f"guest:{booking['id']}"), name)
        await person.sees(card("T1"), name)
        await person.opens(f"guest:{booking['id']}")
        await person.sees("dialog", name, "<i>quiet</i>")
        assert await person.page.run("document.querySelectorAll('.room img, .room i').length") == 0
        assert (
            await person.page.run(
                "[...document.querySelectorAll('.room b')].some((b) => b.innerText === 'Bold')"
            )
            is False
        )

    host(tmp_path, guest, width, work)


#: What a finger would have to hit and is too small for it. A label's box is hit through its label.
TOO_SMALL = f"""
[...document.querySelectorAll('#floor :is(button, select, input:not([type=checkbox]), .check), nav a')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < {SMALLEST_TARGET})
  .map((each) => each.outerHTML.slice(0, 80))"""

INSIDE = "((it) => it.scrollWidth <= it.clientWidth)(document.querySelector('dialog'))"
COLUMNS = "new Set([...document.querySelectorAll('.card')].map((it) => it.getBoundingClientRect().left)).size"


def test_on_a_phone_the_floor_is_a_list_for_fingers(guest: Guest, tmp_path: Path) -> None:
    booking = book(guest, name="Wolfeschlegelsteinhausenbergerdorff" * 3)

    async def work(person: Host) -> None:
        for key, then in (
            ("table:T1", "Block…"),
            (f"guest:{booking['id']}", "Move to"),
            ("door", None),
        ):
            await person.opens(key)
            if then:
                await person.clicks(then)
            assert await person.page.run("document.documentElement.scrollWidth") == 400
            assert await person.page.run(INSIDE)
            assert await person.page.run(TOO_SMALL) == []
            await person.page.press("Escape")
            await person.dialog_is_closed()
        assert await person.page.run(COLUMNS) == 1

    host(tmp_path, guest, 400, work)


def test_the_floor_shows_the_room_as_it_is(guest: Guest, tmp_path: Path) -> None:
    """Over time, late, at risk, out of service, walk-ins only, closed: in words, and for ears too."""
    tables = [*house(2, 4, 2)["tables"], {"id": "T4", "zone": "main", "capacity": 6, "outOfService": True}]
    tables += [{"id": name, "zone": "bar", "capacity": 2, "walkInOnly": True} for name in ("B1", "B2")]
    closed = {"from": "2020-01-01T00:00", "to": "2090-01-01T00:00", "tables": ["B2"], "reason": "painted"}
    zones = [{"id": "main", "name": "Main room"}, {"id": "bar", "name": "Bar"}]
    put(guest, house(2, tables=tables, zones=zones, closures=[closed]))
    stays, follows = book(guest, 4, 0, "Ada"), book(guest, 4, 130, "Ben")
    lasts, late = book(guest, 2, 0, "Dora"), book(guest, 2, -3, "Cleo")
    done(guest, stays, "seat")
    done(guest, lasts, "seat")
    longer = guest.call("PATCH", f"/bookings/{stays['id']}", {"durationMinutes": 300})
    assert longer[0] == 200, longer
    with guest.owner() as owner:
        owner.execute(
            "update bookings set seated_at = seated_at - interval '3 hours' where id = %s", (lasts["id"],)
        )

    async def work(person: Host) -> None:
        await person.sees(card("T2"), "Ada · 4", "seated until", "then", "Ben · 4")
        await person.sees(card(lasts["tables"][0]), "Dora · 2", "seated", "over time")
        await person.sees(card(late["tables"][0]), "Cleo · 2", "booked", "late")
        await person.sees(card("T4"), "out of service")
        await person.sees(card("B1"), "free", "walk-ins only")
        await person.sees(card("B2"), "closed")
        face = f"document.querySelector('{card(lasts['tables'][0])} button')"
        label = await person.page.run(f"{face}.getAttribute('aria-label')")
        assert label.startswith(f"Table {lasts['tables'][0]}, 2 seats, Dora, party of 2, seated until")
        assert "over time" in label
        await person.sees(keyed(f"risk:{follows['id']}"), "Ben · 4", "Ada")

    host(tmp_path, guest, 1280, work)


def test_the_token_is_neither_in_the_page_nor_in_an_address(guest: Guest, tmp_path: Path) -> None:
    async def work(person: Host) -> None:
        kept = (
            "[document.documentElement.outerHTML, ...performance.getEntries().map((each) => each.name),"
            " JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]"
        )
        texts = await person.page.run(kept)
        assert any(text.endswith("/_local/token") for text in texts)
        assert [text for text in texts if "eyJ" in text] == []

    host(tmp_path, guest, 1280, work)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_day_is_seated_anew_and_that_is_undone(guest: Guest, tmp_path: Path, width: int) -> None:
    """A couple sits at the table for four, a party of four waits: who moves is shown, applied, taken back."""
    put(guest, house(2, 4), maxTables=1, maxMoves=0, freezeMinutes=0)
    couple = book(guest, 2, 240, "Ada")
    path = f"/bookings/{couple['id']}/assignment"
    assert guest.call("PUT", path, {"tables": ["T2"], "pin": False})[0] == 200
    four = book(guest, 4, 240, "Bea")

    async def work(person: Host) -> None:
        await person.opens("shift")
        await person.sees(f'[data-seats="{four["id"]}"]', "Bea · 4 gets T2")
        await person.sees(f'[data-move="{couple["id"]}"]', "Ada · 2 T2 → T1")
        await person.presses("Apply")
        await person.sees("#room-dialog-title", "The day is seated anew")
        assert (now(guest, couple)["tables"], now(guest, four)["tables"]) == (["T1"], ["T2"])
        await person.presses("Undo")
        await person.dialog_is_closed()
        await person.sees(".said", "Everybody is back")
        assert now(guest, couple)["tables"] == ["T2"]

    host(tmp_path, guest, width, work)
