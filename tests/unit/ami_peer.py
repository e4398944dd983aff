"""A real socket server that plays Asterisk's manager, and a client that records."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest

from dialer.asterisk.ami import (
    AmiClient,
    AmiSettings,
    OriginateRequest,
)
from dialer.asterisk.events import Event

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
PATIENCE_S = 10.0

Action = dict[str, list[str]]
Answer = Callable[[Action], bytes]


def message(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def answer(action: Action, *lines: str) -> bytes:
    return message("Response: Success", f"ActionID: {action['ActionID'][0]}", *lines)


def refusal(action: Action, text: str) -> bytes:
    return message("Response: Error", f"ActionID: {action['ActionID'][0]}", f"Message: {text}")


def newstate(unique_id: str, state: int | str = 6, channel: str = "PJSIP/a-1") -> bytes:
    return message(
        "Event: Newstate",
        "Timestamp: 1795299113.942666",
        f"Channel: {channel}",
        f"ChannelState: {state}",
        f"Uniqueid: {unique_id}",
        f"Linkedid: {unique_id}",
    )


@dataclass
class Peer:
    """A server that speaks AMI as far as a test says; silent to actions it has no answer for."""

    answers: dict[str, Answer] = field(default_factory=dict)
    greeting: bytes = BANNER
    booted: bytes = BOOTED
    hang_up_at_once: bool = False
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    actions: list[Action] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    connected_at: list[float] = field(default_factory=list)
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def listen(self) -> None:
        self.listening.set()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=1024 * 1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def send(self, data: bytes) -> None:
        self._writers[-1].write(data)

    def seen(self, name: str) -> list[Action]:
        return [action for action in self.actions if action["Action"] == [name]]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected_at.append(time.monotonic())
        if self.hang_up_at_once:
            writer.transport.abort()
            return
        self._writers.append(writer)
        writer.write(self.greeting)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self.listening.wait():
                self._read(await reader.readuntil(b"\r\n\r\n"), writer)

    def _read(self, block: bytes, writer: asyncio.StreamWriter) -> None:
        self.raw += block
        action: Action = {}
        for line in block.decode().strip().split("\r\n"):
            key, _, value = line.partition(": ")
            action.setdefault(key, []).append(value)
        self.actions.append(action)
        name = action["Action"][0]
        if name in self.answers:
            writer.write(self.answers[name](action))
        elif name == "Login":
            writer.write(answer(action, "Message: Authentication accepted") + self.booted)
        elif name == "Ping":
            writer.write(answer(action, "Ping: Pong"))


@dataclass
class Floor:
    """A client with what it reported."""

    client: AmiClient
    events: list[Event]
    ups: list[float]
    downs: list[str]
    run: "asyncio.Task[None]"


FAST = AmiSettings(
    "127.0.0.1",
    0,
    "prozvon",
    "s3cret",
    connect_timeout_s=5.0,
    action_timeout_s=5.0,
    ping_interval_s=0.05,
    silence_limit_s=30.0,
    reconnect_first_s=0.02,
    reconnect_max_s=0.2,
    refused_retry_s=60.0,
    max_message_bytes=64 * 1024,
)


@contextlib.asynccontextmanager
async def running(
    peer: Peer,
    settings: AmiSettings = FAST,
    *,
    ready: bool = True,
    rng: random.Random | None = None,
) -> AsyncIterator[Floor]:
    events: list[Event] = []
    ups: list[float] = []
    downs: list[str] = []
    client = AmiClient(
        replace(settings, port=peer.port),
        on_event=events.append,
        on_up=lambda: ups.append(time.monotonic()),
        on_down=downs.append,
        rng=rng,
    )
    floor = Floor(client, events, ups, downs, asyncio.create_task(client.run()))
    try:
        if ready:
            await client.wait_ready(PATIENCE_S)
        yield floor
    finally:
        await client.close()
        await floor.run


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def in_step(floor: Floor, peer: Peer, count: int = 1) -> None:
    """Returns when everything the peer wrote before has been read."""
    peer.answers.setdefault("Sync", answer)
    for _ in range(count):
        await floor.client.action("Sync")


@pytest.fixture(name="peer")
async def peer_fixture() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.listen()
    yield peer
    await peer.stop()


def request(**changes: object) -> OriginateRequest:
    first = OriginateRequest(
        action_id="orig-1",
        channel="PJSIP/79001234567@trunk",
        channel_id="5ad0",
        context="prozvon-person",
        exten="s",
        priority=1,
        timeout_ms=30_000,
        caller_id="74951234567",
        variables={"__PROZVON_ATTEMPT": "5ad0"},
    )
    return replace(first, **changes)  # type: ignore[arg-type]
