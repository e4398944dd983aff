"""A client that plays Asterisk to a FastAGI server over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from agi.server import AgiLimits, AgiServer, Route

WAIT_S = 5.0


class Caller:
    """The Asterisk side of one FastAGI session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, server: AgiServer, script: str | None = "answered", **more: str) -> Caller:
        caller = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        if script is not None:
            caller.send(headers(script, **more))
        return caller

    def send(self, text: str) -> None:
        self.writer.write(text.encode())

    async def line(self) -> str:
        async with asyncio.timeout(WAIT_S):
            return (await self.reader.readline()).decode()

    async def answer(self, text: str) -> str:
        """Read a command, answer it."""
        command = await self.line()
        self.send(text)
        return command

    async def ended(self) -> bool:
        """True when the server closed the connection."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read() == b""
            return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def headers(script: str, **more: str) -> str:
    fields = {
        "agi_network": "yes",
        "agi_network_script": script,
        "agi_request": f"agi://127.0.0.1/{script}",
        "agi_channel": "PJSIP/trunk-00000001",
        "agi_uniqueid": "3f0c",
        **more,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"


@contextlib.asynccontextmanager
async def serving(
    routes: dict[str, Route], limits: AgiLimits | None = None
) -> AsyncIterator[AgiServer]:
    server = AgiServer("127.0.0.1", 0, routes, limits or AgiLimits())
    await server.start()
    try:
        yield server
    finally:
        await server.close(grace_s=0.0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)
