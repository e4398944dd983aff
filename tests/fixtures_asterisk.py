"""Real Asterisk for tests: a PBX on the product's own configuration, and a far end.

`pbx` is rendered and started as the product does it, on free ports, once a session. `far_end` is
a tiny second Asterisk (tests/asterisk/far_end) that plays persons and operators' phones over real
SIP and RTP. Both keep their files in pytest's temporary folder.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agi.server import AgiServer, Route
from dialer.asterisk.ami import AmiClient, AmiSettings, OriginateRequest
from dialer.asterisk.conf import PbxConf, TrunkConf, render_folder, render_pbx, required_modules
from dialer.asterisk.events import Event, Hangup, UserEvent
from dialer.asterisk.packages import AsteriskRuntime, find_or_fetch
from dialer.asterisk.server import AsteriskServer, InstanceLayout
from tests.ports import free_port, rtp_block

PROJECT = Path(__file__).resolve().parents[1]
FAR_END_TEMPLATES = PROJECT / "tests/asterisk/far_end"

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Pbx:
    """A running PBX; `boot_log` is what it logged until it was ready."""

    conf: PbxConf
    server: AsteriskServer
    boot_log: str

    @property
    def ami_settings(self) -> AmiSettings:
        conf = self.conf
        return AmiSettings("127.0.0.1", conf.ami_port, conf.ami_username, conf.ami_secret)

    @property
    def ari_url(self) -> str:
        return f"http://127.0.0.1:{self.conf.http_port}"


def pbx_conf(runtime: AsteriskRuntime, root: Path, trunks: tuple[TrunkConf, ...] = ()) -> PbxConf:
    """A PBX on free ports of the loopback with its files below `root`."""
    layout = InstanceLayout("pbx", root)
    rtp_first, rtp_last = rtp_block()
    return PbxConf(
        layout=layout,
        runtime=runtime,
        sip_port=free_port(),
        ami_port=free_port(),
        http_port=free_port(),
        rtp_first=rtp_first,
        rtp_last=rtp_last,
        ami_secret=uuid.uuid4().hex,
        ari_secret=uuid.uuid4().hex,
        agi_host="127.0.0.1",
        agi_port=free_port(),
        recordings_dir=layout.recordings,
        trunks=trunks,
    )


@contextmanager
def running(server: AsteriskServer) -> Iterator[AsteriskServer]:
    """Started and at the end killed, from a fixture that is not a coroutine."""
    asyncio.run(server.start())
    try:
        yield server
    finally:
        asyncio.run(server.kill())


@contextmanager
def running_pbx(conf: PbxConf) -> Iterator[Pbx]:
    """Render `conf`, start it, kill it at the end."""
    conf.layout.create()
    render_pbx(conf)
    with running(AsteriskServer(conf.runtime, conf.layout)) as server:
        yield Pbx(conf, server, (conf.layout.log / "messages.log").read_text())


@dataclass
class FarEnd:
    """A running far end; `phones` are (login, secret) of those that try to register."""

    runtime: AsteriskRuntime
    layout: InstanceLayout
    sip_port: int
    rtp: tuple[int, int]
    pbx_sip_port: int = 0
    phones: list[tuple[str, str]] = field(default_factory=list)

    @property
    def server(self) -> AsteriskServer:
        return AsteriskServer(self.runtime, self.layout)

    def render(self) -> None:
        values = {
            "layout": self.layout,
            "runtime": self.runtime,
            "modules": [*required_modules(self.runtime), "app_playtones", "app_senddtmf"],
            "sip_port": self.sip_port,
            "pbx_sip_port": self.pbx_sip_port,
            "rtp_first": self.rtp[0],
            "rtp_last": self.rtp[1],
            "phones": self.phones,
        }
        render_folder(FAR_END_TEMPLATES, self.layout.etc, values)

    async def use_phones(self, *phones: tuple[str, str]) -> None:
        """Phones that register at the PBX from now on, in place of those before."""
        self.phones = list(phones)
        self.render()
        await self.server.cli("module reload res_pjsip.so")
        await self.server.cli("module reload res_pjsip_outbound_registration.so")

    async def register(self) -> None:
        """Let the phones register again now."""
        await self.server.cli("pjsip send register *all")

    async def hang_up(self, name_part: str) -> None:
        """Hang up the far end's channels whose dialed extension contains `name_part`."""
        for line in (await self.server.cli("core show channels concise")).splitlines():
            parts = line.split("!")
            if len(parts) > 2 and name_part in parts[2]:
                await self.server.cli(f"channel request hangup {parts[0]}")


class EventLog:
    """Events of one AMI link in order, with waiting for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[E], **values: Any) -> list[E]:
        """Events of one type with these field values, oldest first."""
        return [
            event
            for event in self.events
            if isinstance(event, kind)
            and all(getattr(event, key) == value for key, value in values.items())
        ]

    def user(self, name: str, attempt: str) -> list[UserEvent]:
        """The dialplan's own events `name` of one attempt."""
        return [e for e in self.of(UserEvent, name=name) if e.fields.get("Attempt") == attempt]

    async def until(self, found: Callable[[], list[E]], timeout_s: float = 10) -> E:
        """The first event that `found` returns, waiting for it."""
        async with asyncio.timeout(timeout_s):
            while not (events := found()):
                self._news.clear()
                await self._news.wait()
        return events[0]

    async def hangup_of(self, unique_id: str, timeout_s: float = 10) -> Hangup:
        return await self.until(lambda: self.of(Hangup, unique_id=unique_id), timeout_s)


@dataclass
class Floor:
    """An AMI link to the PBX with the calls a test needs."""

    pbx: Pbx
    ami: AmiClient
    log: EventLog

    async def call_person(self, number: str, **variables: str) -> str:
        """Place a call as the controller does; returns the attempt's uuid."""
        attempt = str(uuid.uuid4())
        values = {
            "__PROZVON_ATTEMPT": attempt,
            "PROZVON_RECORDING": "",
            "PROZVON_MESSAGE": "",
            "CHANNEL(language)": "ru",
            **variables,
        }
        await self.originate(f"PJSIP/{number}@trunk-carrier", attempt, "prozvon-answered", values)
        return attempt

    async def call_operator(self, login: str) -> str:
        """Place an operator's own call; returns its channel name once the operator waits."""
        unique_id = f"op-{uuid.uuid4()}"
        await self.originate(f"PJSIP/op-{login}", unique_id, "prozvon-operator", {})
        return await self.waiting(unique_id)

    async def originate(
        self, channel: str, unique_id: str, context: str, variables: dict[str, str]
    ) -> None:
        await self.ami.originate(
            OriginateRequest(
                action_id=unique_id,
                channel=channel,
                channel_id=unique_id,
                context=context,
                exten="s",
                priority=1,
                timeout_ms=10_000,
                caller_id=None,
                variables=variables,
            )
        )

    async def waiting(self, unique_id: str, timeout_s: float = 5) -> str:
        """The operator's channel name, once it is in the holding bridge and free."""
        async with asyncio.timeout(timeout_s):
            while True:
                for item in await self.ami.list_action("CoreShowChannels"):
                    if item["Uniqueid"] == unique_id and await self.is_free(item["Channel"]):
                        return item["Channel"]
                await asyncio.sleep(0.05)

    async def is_free(self, channel: str) -> bool:
        return await self.ami.get_variable(channel, "SHARED(free)") == "1"

    async def partners(self, channel: str) -> set[str]:
        """Unique ids of the others in the same bridge, waiting for the first of them."""
        for _ in range(50):
            items = await self.ami.list_action("CoreShowChannels")
            mine = {i["BridgeId"] for i in items if i["Channel"] == channel and i["BridgeId"]}
            others = [i for i in items if i["BridgeId"] in mine and i["Channel"] != channel]
            if others:
                return {i["Uniqueid"] for i in others}
            await asyncio.sleep(0.02)
        return set()


@asynccontextmanager
async def connected(pbx: Pbx) -> AsyncIterator[Floor]:
    """A floor whose calls are all hung up at the end."""
    log = EventLog()
    ami = AmiClient(
        pbx.ami_settings, on_event=log.take, on_up=lambda: None, on_down=lambda reason: None
    )
    task = asyncio.create_task(ami.run())
    try:
        await ami.wait_ready(5)
        yield Floor(pbx, ami, log)
        for item in await ami.list_action("CoreShowChannels"):
            await ami.hangup(item["Uniqueid"])
    finally:
        await ami.close()
        await task


@asynccontextmanager
async def agi_server(pbx: Pbx, **routes: Route) -> AsyncIterator[AgiServer]:
    """A FastAGI server where the PBX looks for it."""
    server = AgiServer("127.0.0.1", pbx.conf.agi_port, routes)
    await server.start()
    try:
        yield server
    finally:
        await server.close(0)


@pytest.fixture(scope="session")
def asterisk_runtime() -> AsteriskRuntime:
    return find_or_fetch(PROJECT / ".cache/asterisk", lambda line: None)


@pytest.fixture(scope="session")
def far_end(
    asterisk_runtime: AsteriskRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FarEnd]:
    layout = InstanceLayout("far-end", tmp_path_factory.mktemp("far-end"))
    layout.create()
    far_end = FarEnd(asterisk_runtime, layout, free_port(), rtp_block())
    far_end.render()
    with running(far_end.server):
        yield far_end


@pytest.fixture(scope="session")
def pbx(
    asterisk_runtime: AsteriskRuntime, far_end: FarEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pbx]:
    trunk = TrunkConf("carrier", "127.0.0.1", far_end.sip_port, qualify_s=1)
    conf = pbx_conf(asterisk_runtime, tmp_path_factory.mktemp("pbx"), (trunk,))
    with running_pbx(replace(conf, phone_rtp_timeout_s=5)) as pbx:
        far_end.pbx_sip_port = conf.sip_port
        yield pbx


@pytest.fixture
async def floor(pbx: Pbx) -> AsyncIterator[Floor]:
    async with connected(pbx) as floor:
        yield floor
