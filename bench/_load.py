"""A floor under load on real servers, and other ways of Asterisk beside it, in one run.

The demo's servers (PostgreSQL, PBX, carrier, phones that answer at once), with people who answer
after a fraction of a second and talk for about one. `dial` places calls by a bare Originate loop
into a context of the bench's own, on the same PBX, trunk and phones. An observer with its own
manager link times every call the same way: from the person's Newstate Up to two channels in the
person's bridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import math
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import uvloop

from campaigns.campaign.model import NewCampaign
from dialer import logs
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, OriginateRequest
from dialer.config import AgiSettings, AsteriskSettings, HttpSettings, Settings
from dialer.demo.carrier import Behaviour, SimulatedCarrier, TalkLaw
from dialer.demo.numbers import Kind, generate
from dialer.demo.run import Demo, DemoOptions, demo_settings
from dialer.node import ami_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' ports
from tests.ports import free_port, reserve

T = TypeVar("T")
REST_S = 1.0
"""An operator has this long between two calls, in every way."""
QUEUE, AGENTS, BARE = "bench-queue", "bench-agents", "bench-bare"
CONTEXTS = """
[bench-queue]
exten => s,1,Queue(bench,,,,60)
 same => n,Hangup()

[bench-agents]
exten => s,1,AgentRequest(${BENCH_OPERATOR})
 same => n,Hangup()

[bench-agent-login]
exten => _X.,1,AgentLogin(${EXTEN},s)
 same => n,Hangup()

[bench-bare]
exten => s,1,MixMonitor(${BENCH_RECORDING})
 same => n,Bridge(${BENCH_OPERATOR},F(prozvon-operator^s^wait))
 same => n,Hangup()
"""
PEOPLE = Behaviour(
    post_dial_delay_s=0.05,
    shares={Kind.PERSON: 1.0},
    ring_min_s=0.2, ring_mean_s=0.3, ring_max_s=0.5,
    talk_law=TalkLaw.EXPONENTIAL, talk_centre_s=1.0, talk_max_s=2.0,
)  # fmt: skip


@dataclass
class Observer:
    """Milliseconds from answer to operator of every person since `clear`."""

    up: dict[str, float] = field(default_factory=dict)
    bridges: dict[str, set[str]] = field(default_factory=dict)
    met: dict[str, float] = field(default_factory=dict)
    hung_up: int = 0
    is_person: Callable[[str], bool] = lambda unique_id: len(unique_id) == 36
    on_end: Callable[[str], None] = lambda unique_id: None

    def clear(self) -> None:
        for kept in (self.up, self.bridges, self.met):
            kept.clear()
        self.hung_up = 0

    def on_event(self, event: ev.Event) -> None:
        if isinstance(event, ev.ChannelState):
            if event.state == 6 and self.is_person(event.unique_id):
                self.up.setdefault(event.unique_id, event.at)
        elif isinstance(event, ev.BridgeEntered):
            inside = self.bridges.setdefault(event.bridge_id, set())
            inside.add(event.unique_id)
            if len(inside) > 1 and event.technology != "holding_bridge":
                for person in inside & self.up.keys():
                    self.met.setdefault(person, event.at)
        elif isinstance(event, ev.BridgeLeft):
            self.bridges.get(event.bridge_id, set()).discard(event.unique_id)
        elif isinstance(event, ev.Hangup) and self.is_person(event.unique_id):
            self.hung_up += 1
            self.on_end(event.unique_id)

    def milliseconds(self) -> list[float]:
        return sorted(1000 * (at - self.up[person]) for person, at in self.met.items())


@dataclass(frozen=True)
class Cpu:
    """CPU seconds used so far: the controller's process, and the PBX."""

    controller: float
    asterisk: float


class LoadFloor(Demo):
    """A demo floor without bots: people hang up, wrap-up ends by its limit."""

    def __init__(self, settings: Settings, *, operators: int, contacts: int) -> None:
        options = DemoOptions(contacts=contacts, operators=operators, seconds=600, seed=1)
        super().__init__(demo_settings(settings), options, lambda text: None, asyncio.Event())
        self.observer = Observer()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LoadFloor]:
        """Servers up, phones registered, operators signed in, the campaign paused."""
        self._folder.mkdir(parents=True, exist_ok=True)
        async with self._carrier() as carrier, self._running_app():
            self.began_at = time.time()
            await carrier.set_behaviour(PEOPLE)
            await self._prepare(carrier)
            self._reload()
            async with self._observing():
                yield self

    async def _prepare(self, carrier: SimulatedCarrier) -> None:
        await super()._prepare(carrier)
        self.rate(0.001)
        async with asyncio.timeout(60):
            while any(seat.state.kind == "connecting" for seat in self.app.board.seats.values()):
                await asyncio.sleep(0.1)

    def _campaign(self, name: str) -> NewCampaign:
        made = super()._campaign(name)
        return replace(made, settings={**made.settings, "wrap_up_limit_s": REST_S})

    def _sample(self) -> Path:
        file = self._folder / "random.csv"
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, ["name", "phone", "city"])
            writer.writeheader()
            writer.writerows(generate(self.options.contacts, self._rng, {Kind.RANDOM: 1.0}))
        return file

    @contextlib.asynccontextmanager
    async def _observing(self) -> AsyncIterator[None]:
        client = AmiClient(
            ami_settings(self.settings), on_event=self.observer.on_event,
            on_up=lambda: None, on_down=lambda reason: None,
        )  # fmt: skip
        task = asyncio.create_task(client.run())
        self.ami = client
        try:
            await client.wait_ready(10)
            yield
        finally:
            await client.close()
            await task

    # --- our own way

    def rate(self, calls_per_second: float) -> None:
        """What the trunk's bucket lets through from now on."""
        trunk = self.app.board.trunks["carrier"]
        trunk.calls_per_second, trunk.tokens = calls_per_second, 0.0
        self.app.controller.wake()

    async def dial_ourselves(self, calls_per_second: float, seconds: float) -> int:
        """Calls answered and over within `seconds`, by the whole of Prozvon."""
        self.observer.clear()
        self.rate(calls_per_second)
        await asyncio.sleep(seconds)
        ended = self.observer.hung_up
        self.rate(0.001)
        await asyncio.sleep(3)
        return ended

    async def leave(self) -> None:
        """Operators sign out; their phones are down."""
        for login in self._logins():
            self.app.desk.sign_out(login)
        async with asyncio.timeout(20):
            while self.app.seating.closing:
                await asyncio.sleep(0.1)

    # --- other ways

    def _reload(self) -> None:
        assert self.app.asterisk is not None
        etc = self.app.asterisk.layout.etc
        logins = self._logins()
        members = "".join(f"member => PJSIP/op-{login}\n" for login in logins)
        (etc / "queues.conf").write_text(
            "[general]\nautofill = yes\n[bench]\nstrategy = rrmemory\nringinuse = no\n"
            "wrapuptime = 0\ntimeout = 15\nretry = 1\nmusicclass = default\n" + members
        )
        agents = "".join(f"[{number}](seat)\n" for number in range(1000, 1000 + len(logins)))
        (etc / "agents.conf").write_text(
            "[seat](!)\nackcall = no\nwrapuptime = 0\ncustom_beep =\n" + agents
        )
        with (etc / "extensions.conf").open("a") as dialplan:
            dialplan.write(CONTEXTS)

    async def other_ways(self) -> None:
        """Loads what the other ways need."""
        assert self.app.asterisk is not None
        for command in (
            *("module load res_monitor.so", "module load app_queue.so"),
            *("module load app_agent_pool.so", "dialplan reload"),
        ):
            await self.app.asterisk.cli(command)

    async def seat_agents(self) -> list[str]:
        """Every phone on one long call with AgentLogin; their ids."""
        ids = [str(1000 + number) for number in range(len(self._logins()))]
        await self._seat(lambda number: ("bench-agent-login", ids[number]))
        return ids

    async def seat_waiting(self) -> list[str]:
        """Every phone on one long call as Prozvon keeps them; their channels."""
        seats = await self._seat(lambda number: ("prozvon-operator", "s"))
        async with asyncio.timeout(60):
            while len(channels := await self._seated()) < seats:
                await asyncio.sleep(0.5)
        return channels

    async def _seated(self) -> list[str]:
        """Channels of operators' phones that are up."""
        assert self.app.asterisk is not None
        text = await self.app.asterisk.cli("core show channels concise")
        calls = (line.split("!") for line in text.splitlines() if line.startswith("PJSIP/op-"))
        return [call[0] for call in calls if call[4] == "Up"]

    async def _seat(self, place: Callable[[int], tuple[str, str]]) -> int:
        for number, login in enumerate(self._logins()):
            context, exten = place(number)
            await asyncio.sleep(0.02)  # two hundred at once are refused in part
            await self.ami.originate(
                OriginateRequest(
                    action_id=f"seat-{login}-{uuid.uuid4().hex[:6]}", channel=f"PJSIP/op-{login}",
                    channel_id=f"seat-{login}-{uuid.uuid4().hex[:6]}", context=context, exten=exten,
                    priority=1, timeout_ms=20_000, caller_id="bench", variables={},
                )
            )  # fmt: skip
        await asyncio.sleep(3)
        return len(self._logins())

    async def unseat(self) -> None:
        assert self.app.asterisk is not None
        await self.app.asterisk.cli("channel request hangup all")
        await asyncio.sleep(2)

    async def dial(
        self, context: str, calls_per_second: float, seconds: float, operators: Sequence[str] = ()
    ) -> int:
        """Calls answered and over within `seconds`, by an Originate loop at a steady rate.

        Each gets one of the `operators` that is free, if any are given.
        """
        self.observer.clear()
        free, taken = list(operators), dict[str, str]()

        def ended(unique_id: str) -> None:
            if unique_id in taken:
                operator = taken.pop(unique_id)
                asyncio.get_running_loop().call_later(REST_S, free.append, operator)

        self.observer.on_end = ended
        tasks: set[asyncio.Task[Any]] = set()
        begun = time.monotonic()
        numbers = generate(int(calls_per_second * seconds) + 1, self._rng, {Kind.RANDOM: 1.0})
        for number, contact in enumerate(numbers):
            await asyncio.sleep(max(0.0, begun + number / calls_per_second - time.monotonic()))
            if time.monotonic() > begun + seconds:
                break
            if operators and not free:
                continue
            call = str(uuid.uuid4())
            if operators:
                taken[call] = free.pop(0)
            task = asyncio.create_task(
                self._call(context, call, contact["phone"], taken.get(call, ""))
            )
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))
        over = self.observer.hung_up
        await asyncio.sleep(4)
        self.observer.on_end = lambda unique_id: None
        return over

    async def _call(self, context: str, call: str, phone: str, operator: str) -> None:
        recording = self.settings.recordings_dir / "bench" / f"{call}.wav"
        with contextlib.suppress(AmiError):
            await self.ami.originate(
                OriginateRequest(
                    action_id=call, channel=f"PJSIP/{phone}@trunk-carrier", channel_id=call,
                    context=context, exten="s", priority=1, timeout_ms=20_000, caller_id=None,
                    variables={"BENCH_OPERATOR": operator, "BENCH_RECORDING": str(recording)},
                )
            )  # fmt: skip

    def cpu(self) -> Cpu:
        assert self.app.asterisk is not None
        pid = self.app.asterisk.pid
        assert pid is not None
        own, pbx = psutil.Process().cpu_times(), psutil.Process(pid).cpu_times()
        return Cpu(own.user + own.system, pbx.user + pbx.system)


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; NaN of none."""
    if not sorted_values:
        return math.nan
    return sorted_values[min(len(sorted_values) - 1, math.ceil(share * len(sorted_values)) - 1)]


def run(work: Coroutine[Any, Any, T]) -> T:
    """On the event loop that the controller has in service."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextlib.asynccontextmanager
async def load_floor(*, operators: int, contacts: int) -> AsyncIterator[LoadFloor]:
    """A floor on ports and in a folder of its own."""
    logs.set_up("warning")
    base = Path(__file__).parents[1] / "var"
    base.mkdir(exist_ok=True)
    offset = next(o for o in range(3000, 6000, 7) if reserve([15060 + o, 15160 + o, 15138 + o]))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=base, ignore_cleanup_errors=True) as root:
        settings = Settings(
            data_dir=Path(root),
            asterisk=AsteriskSettings(
                sip_port=15060 + offset, ami_port=free_port(), http_port=free_port(),
                rtp_first=24000, rtp_last=27999,
            ),
            agi=AgiSettings(port=free_port()),
            http=HttpSettings(port=free_port()),
        )  # fmt: skip
        async with LoadFloor(settings, operators=operators, contacts=contacts).running() as floor:
            yield floor
