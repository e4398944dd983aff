"""A real browser for tests: Debian's Chromium without a window, driven by its own protocol (CDP).

The microphone is a file of sound; the page sees it as any other.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import itertools
import json
import math
import os
import shutil
import signal
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    # Without these a page that nobody looks at gets its timers late.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--remote-debugging-port=0",
)  # fmt: skip
START_LIMIT_S = 30
ASK_LIMIT_S = 20


def program() -> str:
    """The browser's program; the test fails with advice where there is none."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert found, "Chromium is missing: run `make test` as root, or apt-get install chromium"
    return found


def write_voice(file: Path, frequency_hz: int, seconds: float = 10, rate: int = 48000) -> Path:
    """A microphone's sound: a tone in short pieces, which noise suppression takes for speech."""
    samples = array.array("h")
    for i in range(int(seconds * rate)):
        on = (i // (rate // 4)) % 2 == 0
        samples.append(int(16000 * math.sin(2 * math.pi * frequency_hz * i / rate)) if on else 0)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, processes: int) -> None:
        self._socket, self._group = socket, processes
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.console: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                self._waiting.pop(data["id"]).set_result(data)
            elif data["method"] == "Runtime.consoleAPICalled":
                words = [str(a.get("value", "")) for a in data["params"]["args"]]
                self.console.append(" ".join(words))
            elif data["method"] == "Runtime.exceptionThrown":
                self.console.append(str(data["params"]["exceptionDetails"]))

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        data = await asyncio.wait_for(answer, ASK_LIMIT_S)
        assert "error" not in data, f"{method}: {data['error']}"
        return data["result"]

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it becomes."""
        result = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 20) -> Any:
        """Waits until the expression is true."""
        last: Any = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not (last := await self.ask(expression)):
                    await asyncio.sleep(0.1)
        assert last, f"not within {timeout_s} s: {expression}; console: {self.console[-10:]}"
        return last

    def freeze(self) -> None:
        """The whole browser stops: nothing is sent, nothing answered, no goodbye."""
        os.killpg(self._group, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self._group, signal.SIGCONT)

    async def close(self) -> None:
        self._reader.cancel()
        await self._socket.close()


@contextlib.asynccontextmanager
async def browser(folder: Path, voice: Path) -> AsyncIterator[Page]:
    """A browser with a profile of its own below `folder` that speaks with `voice`."""
    profile = folder / "profile"
    process = await asyncio.create_subprocess_exec(
        program(), *FLAGS, f"--user-data-dir={profile}",
        f"--use-file-for-fake-audio-capture={voice}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(START_LIMIT_S):
                url = await _page_url(session, profile / "DevToolsActivePort")
                socket = await session.ws_connect(url, max_msg_size=0)
            page = Page(socket, process.pid)
            for domain in ("Page", "Runtime", "Network"):
                await page.call(f"{domain}.enable")
            yield page
            await page.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _page_url(session: aiohttp.ClientSession, file: Path) -> str:
    while True:
        with contextlib.suppress(OSError, ValueError, IndexError, aiohttp.ClientError):
            port = int(file.read_text().splitlines()[0])
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                targets = await answer.json()
            pages = [target for target in targets if target["type"] == "page"]
            return str(pages[0]["webSocketDebuggerUrl"])
        await asyncio.sleep(0.05)
