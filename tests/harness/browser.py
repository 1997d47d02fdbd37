"""A headless Chromium for tests, driven over its own DevTools protocol: no driver, no download."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_SECONDS = 40.0
LONGEST_PICTURE = 2700
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--hide-scrollbars", "--remote-debugging-port=0", "--lang=en-GB",
)  # fmt: skip


def chromium() -> str | None:
    """Where this machine's Chromium is, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


#: What the keys send. Enter also types a line, which is what presses a button.
_KEYS: dict[str, dict[str, Any]] = {
    "Tab": {"windowsVirtualKeyCode": 9},
    "Enter": {"windowsVirtualKeyCode": 13, "text": "\r"},
    "Escape": {"windowsVirtualKeyCode": 27},
    "Space": {"windowsVirtualKeyCode": 32, "key": " ", "text": " "},
}
#: Where the middle of an element is, once two frames in a row show it at the same place.
_MIDDLE = """(async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const where = () => {
    const found = %s;
    found.scrollIntoView({ block: "%s" });
    const at = found.getBoundingClientRect();
    return [at.x + at.width / 2, at.y + at.height / 2];
  };
  for (let last = null, now = where(); ; last = now, await frame(), now = where()) {
    if (String(last) === String(now)) return now;
  }
})()"""


class Tab:
    """One page. ``troubles``: what it wrote to the console as an error, or threw."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._width = 0
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.troubles: list[str] = []

    async def listen(self) -> None:
        async for message in self._socket:
            recorded = json.loads(message.data)
            if "id" in recorded:
                self._waiting.pop(recorded["id"]).set_result(recorded)
            elif recorded["method"] == "Runtime.exceptionThrown":
                self.troubles.append(json.dumps(recorded["params"]["exceptionDetails"])[:400])
            elif recorded["method"] == "Log.entryAdded" and recorded["params"]["entry"]["level"] == "error":
                self.troubles.append(json.dumps(recorded["params"]["entry"])[:400])

    async def send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        recorded = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        assert "error" not in recorded, recorded
        return recorded["result"]

    async def open(self, url: str, width: int, height: int = 900) -> None:
        """Go to an address, in a window of this size."""
        self._width = width
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        await self.send("Emulation.setDeviceMetricsOverride", **size)
        await self.send("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise's is waited for."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = await self.send("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str) -> Any:
        """The first true value of an expression."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(AssertionError):  # between two pages there is nothing to ask
                if value := await self.run(script):
                    return value
            assert time.monotonic() < deadline, f"never came true: {script}"
            await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        """Press and release one of `_KEYS`."""
        for kind in ("keyDown", "keyUp"):
            await self.send("Input.dispatchKeyEvent", type=kind, **{"key": key, "code": key} | _KEYS[key])

    async def write(self, text: str) -> None:
        """Type into what has the focus."""
        await self.send("Input.insertText", text=text)

    async def click(self, element: str) -> None:
        """Click with the mouse in the middle of an element, given as a JavaScript expression."""
        x, y = await self.run(_MIDDLE % (element, "center"))
        for kind in ("mousePressed", "mouseReleased"):
            await self._mouse(kind, x, y, clickCount=1)

    async def drag(self, element: str, target: str) -> None:
        """Drag one element onto another with the mouse; both must fit into the window together."""
        await self.run(_MIDDLE % (target, "center"))
        x, y = await self.run(_MIDDLE % (element, "nearest"))
        to_x, to_y = await self.run(_MIDDLE % (target, "nearest"))
        await self._mouse("mousePressed", x, y, clickCount=1)
        for share in (0.2, 0.6, 1.0):
            await self._mouse("mouseMoved", x + (to_x - x) * share, y + (to_y - y) * share, buttons=1)
        await self._mouse("mouseReleased", to_x, to_y, clickCount=1)

    async def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", **more)

    async def picture(self) -> bytes:
        """The page from its top, as PNG: a window's width, and of a long page three windows' height."""
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": self._width,
            "height": min(size["height"], LONGEST_PICTURE),
            "scale": 1,
        }
        answer = await self.send(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        return base64.b64decode(answer["data"])


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """As `tab`, with this machine's Chromium. Skips the test where there is none."""
    program = chromium()
    if program is None:
        pytest.skip("NO CHROMIUM HERE: THE PAGE WAS NOT LOOKED AT IN A BROWSER. Install chromium")
    async with tab(program, folder) as opened:
        yield opened


@asynccontextmanager
async def tab(program: str, folder: Path) -> AsyncIterator[Tab]:
    """A browser of its own with one empty page; ``folder`` keeps its profile."""
    process = _start(program, folder)
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            address = pages[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                opened = Tab(socket)
                listening = asyncio.create_task(opened.listen())
                for domain in ("Page", "Runtime", "Log"):
                    await opened.send(f"{domain}.enable")
                yield opened
                listening.cancel()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(program: str, folder: Path) -> "subprocess.Popen[bytes]":
    command = (program, *_FLAGS, f"--user-data-dir={folder}", "about:blank")
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def _announced(file: Path) -> int | None:
    with suppress(FileNotFoundError, IndexError):
        return int(file.read_text().splitlines()[0])
    return None


async def _port(file: Path) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if (port := _announced(file)) is not None:
            return port
        assert time.monotonic() < deadline, "Chromium did not start"
        await asyncio.sleep(0.05)
