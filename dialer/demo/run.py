"""The whole thing, bounded: PostgreSQL, two Asterisk servers, the controller, a list being dialed.

What comes out is compared with what the carrier itself wrote down; the demo is a success only if
both agree and the invariants hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from rich.console import Console
from rich.live import Live

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from campaigns.legal.service import LegalService
from campaigns.lists.service import ListService
from campaigns.operators.model import NewOperator
from campaigns.operators.service import OperatorService
from dialer.app import App
from dialer.asterisk.packages import find_or_fetch
from dialer.asterisk.phones import PhoneProvisioner
from dialer.asterisk.server import InstanceLayout
from dialer.config import Settings, TrunkSettings, kept_secret
from dialer.database.queries import Queries
from dialer.demo.bots import Habits, operate
from dialer.demo.carrier import CarrierConf, Phone, SimulatedCarrier
from dialer.demo.numbers import generate
from dialer.demo.reported import counted, disagreements, reported
from dialer.demo.rules import OPEN_PROFILE
from dialer.demo.table import live_table
from dialer.demo.truth import mismatches
from dialer.node import phone_provisioner
from dialer.operators import LINE_STATES
from dialer.replay.recorder import Recorder

log = structlog.get_logger(__name__)

SQL = Queries.load("dialer.demo")
ACTOR = "demo"
CARRIER_SIP_PORT, CARRIER_AMI_PORT, CARRIER_RTP = 15160, 15138, (22000, 23999)
REGISTRATION_LIMIT_S = 20.0
LOOK_S = 0.25
START_LIMIT_S = 60.0
"""More than servers need that start for the first time."""
SOON_S = 20.0
"""Leads that are due later than this do not keep the demo running."""


class DemoError(RuntimeError):
    """The demo could not be begun; the text says what is missing."""

    id = "demo_not_started"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`seconds` bounds the dialing (None: until the list is dialed, or a signal)."""

    contacts: int = 200
    operators: int = 10
    seconds: float | None = None
    list_file: Path | None = None
    seed: int | None = None
    predictive: bool = False
    endless: bool = False


def demo_settings(settings: Settings) -> Settings:
    """The given settings with the simulated carrier as the only trunk."""
    trunk = TrunkSettings(
        name="carrier",
        host="127.0.0.1",
        port=settings.asterisk.sip_port + (CARRIER_SIP_PORT - 15060),
        lines=200,
        calls_per_second=30,
    )
    floor = settings.floor.model_copy(update={"name": "demo", "drain_limit_s": 30.0})
    return settings.model_copy(update={"trunks": (trunk,), "floor": floor})


async def run_demo(
    settings: Settings,
    options: DemoOptions,
    *,
    live: bool,
    say: Callable[[str], None] = lambda text: None,
    stop: asyncio.Event | None = None,
    recorder: Recorder | None = None,
) -> dict[str, Any]:
    """Runs the demo; returns what came of it. `ok` is True only if everything agrees.

    `say` is told what is being done until the table appears; `stop` drains and ends it early.
    """
    demo = Demo(demo_settings(settings), options, say, stop or asyncio.Event())
    demo.app.recorder = recorder
    return await demo.run(live=live)


class Demo:
    """One run of the demo."""

    def __init__(
        self,
        settings: Settings,
        options: DemoOptions,
        say: Callable[[str], None],
        stop: asyncio.Event,
    ) -> None:
        self.settings, self.options = settings, options
        self._say, self._stop = say, stop
        self._rng = random.Random(options.seed)
        self.app = App(settings, keep_servers=True)
        self._folder = settings.data_dir / "demo"

    async def run(self, *, live: bool) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        counted_before = counted(self._logins())
        async with self._carrier() as carrier, self._running_app():
            self.began_at = time.time()
            await self._prepare(carrier)
            await self._dial(live=live)
            return await self._result(carrier, counted_before)

    # --- servers

    @contextlib.asynccontextmanager
    async def _carrier(self) -> AsyncIterator[SimulatedCarrier]:
        self._say("Asterisk: looking for one, or fetching it (once, about 80 MB)")
        runtime = await asyncio.to_thread(
            find_or_fetch, self.settings.cache_dir / "asterisk", self._say
        )
        self._say(f"Asterisk {runtime.version}: starting the simulated carrier")
        offset = self.settings.asterisk.sip_port - 15060
        carrier = SimulatedCarrier(
            CarrierConf(
                runtime=runtime,
                layout=InstanceLayout("carrier", self.settings.data_dir / "carrier"),
                ami_secret=kept_secret(self.settings.data_dir, "carrier_ami"),
                sip_port=CARRIER_SIP_PORT + offset,
                ami_port=CARRIER_AMI_PORT + offset,
                rtp_first_port=self.settings.asterisk.rtp_last + 1,
                rtp_last_port=self.settings.asterisk.rtp_last + 2000,
            )
        )
        await carrier.start()
        try:
            yield carrier
        finally:
            await carrier.stop()

    @contextlib.asynccontextmanager
    async def _running_app(self) -> AsyncIterator[None]:
        """The app, up; its embedded servers are stopped after the comparison, not before."""
        self._say("PostgreSQL, Asterisk and the controller: starting")
        self._app_task = asyncio.create_task(self.app.run(), name="app")
        started = asyncio.create_task(self.app.started.wait())
        try:
            await self._started(started)
            yield
        finally:
            started.cancel()
            self.app.stopping.set()
            with contextlib.suppress(BaseExceptionGroup):
                await self._app_task
            if self.app.asterisk is not None:
                await self.app.asterisk.stop()
            if self.app.postgres is not None:
                await self.app.postgres.stop()

    async def _started(self, started: asyncio.Task[Any]) -> None:
        """The app is up; or it is told why not, when it is stopped or the time is over."""
        stopped = asyncio.create_task(self._stop.wait())
        limit = None if self.options.seconds is None else self.options.seconds + START_LIMIT_S
        try:
            waits: set[asyncio.Task[Any]] = {self._app_task, started, stopped}
            await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if self._app_task.done():
            await self._app_task
        if not started.done():
            problems = [text for text in self.app.health.report().values() if text]
            raise DemoError(f"the floor did not come up: {'; '.join(problems) or 'stopped'}")

    # --- what is dialed, by whom

    async def _prepare(self, carrier: SimulatedCarrier) -> None:
        floor = self.settings.floor
        self._say("Importing the sample list")
        name = f"demo {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        file = self.options.list_file or self._sample()
        imported = await ListService(self.app.pool).import_file(
            file, floor=floor.name, name=name, default_region=floor.phone_region,
            rejects_path=self._folder / "rejects.csv",
        )  # fmt: skip
        self.contacts = imported.accepted
        self._say(f"Signing in {self.options.operators} operators")
        await self._hire(carrier)
        campaigns = self._campaigns = CampaignService(
            self.app.pool, self.app.board.floor_id, self.settings.asterisk.node
        )
        await self._stop_campaigns()  # of a demo that was killed
        legal = LegalService(self.app.pool, self.app.board.floor_id)
        await legal.define(OPEN_PROFILE, ACTOR)
        created = await campaigns.create(self._campaign(name), ACTOR)
        self.campaign_id = created.id
        for login in self._logins():
            await self.app.desk.sign_in(login)
        await campaigns.approve(name, ACTOR)
        await campaigns.start(name, ACTOR, ["carrier"])

    async def _stop_campaigns(self) -> None:
        for campaign in await self._campaigns.status():
            if campaign.status in ("running", "paused"):
                await self._campaigns.finish(campaign.name, ACTOR)

    def _campaign(self, name: str) -> NewCampaign:
        return NewCampaign(
            name=name,
            lists=(name,),
            trunk="carrier",
            settings={
                "mode": "predictive" if self.options.predictive else "progressive",
                "ring_timeout_s": 12.0,
                "post_dial_delay_s": 4.0,
                "wrap_up_limit_s": 15.0,
                "recording": True,
                "goals.list_end": False,  # the demo sees for itself when all is dialed
                "brief.client": "own",
                "brief.payment": "in_house",
            },
        )

    def _sample(self) -> Path:
        """A list of invented people whose numbers tell the carrier what to do."""
        file = self._folder / "contacts.csv"
        contacts = generate(self.options.contacts, self._rng)
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, ["name", "phone", "city"])
            writer.writeheader()
            writer.writerows(contacts)
        return file

    def _logins(self) -> list[str]:
        return [f"demo-{number:02d}" for number in range(1, self.options.operators + 1)]

    async def _hire(self, carrier: SimulatedCarrier) -> None:
        """Operators on the staff, their phones on the PBX, and the phones themselves."""
        staff = OperatorService(self.app.pool, self.app.board.floor_id)
        passwords = await self._passwords(staff)
        settings = self.settings.asterisk
        async with aiohttp.ClientSession() as session:
            await self.app.ami.wait_ready(REGISTRATION_LIMIT_S)
            phones = phone_provisioner(self.settings, session, self.app.ami)
            await staff.provision_missing(phones)
            registrar = f"{settings.host}:{settings.sip_port}"
            await carrier.set_phones(
                Phone(login, passwords[login], registrar) for login in self._logins()
            )
            await self._registered(phones, carrier)

    async def _passwords(self, staff: OperatorService) -> dict[str, str]:
        """Phone passwords of the demo's operators: made at the first run, kept for the next."""
        file = self.settings.data_dir / "secrets" / "demo_phones.json"
        kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        present = {member.login for member in await staff.staff()}
        for login in self._logins():
            if login in present and login in kept:
                continue
            if login in present:
                await staff.remove(login, ACTOR)
            added = await staff.add(NewOperator(login, f"Simulated {login}"), ACTOR)
            kept[login] = added.password
        file.touch(mode=0o600)
        file.write_text(json.dumps(kept))
        return kept

    async def _registered(self, phones: PhoneProvisioner, carrier: SimulatedCarrier) -> None:
        """Wait for the phones. The node remembers where they were in the last demo, and that is
        nowhere now: the phones themselves must say so too."""
        deadline = time.monotonic() + REGISTRATION_LIMIT_S
        waiting = set(self._logins())
        while waiting:
            missing = waiting - await carrier.registered_phones()
            missing |= {login for login in waiting if not await phones.registered(login)}
            waiting = missing
            if waiting and time.monotonic() > deadline:
                raise DemoError(f"phones did not register: {', '.join(sorted(waiting))}")
            await asyncio.sleep(0.1)

    # --- dialing

    async def _dial(self, *, live: bool) -> None:
        """Operators work until the drain is over: somebody must end the conversations."""
        bots = [
            asyncio.create_task(
                operate(self.app.desk, login, self._hand(login), Habits()), name=f"bot {login}"
            )
            for login in self._logins()
        ]
        try:
            await (self._show() if live else self._wait())
        finally:
            for bot in bots:
                bot.cancel()
        await self._app_task

    def _hand(self, login: str) -> random.Random:
        return random.Random(f"{login} {self.options.seed}")

    async def _show(self) -> None:
        address = f"http://{self.settings.http.host}:{self.app.http_port}"
        with Live(console=Console(), refresh_per_second=4) as table:
            while not await self._stopped():
                if not self.app.stopping.is_set():
                    self.app.telemetry.line_time_up_to_now()
                frame = live_table(self.app.board, self.campaign_id, self.contacts, address)
                table.update(frame)
                await asyncio.sleep(LOOK_S)

    async def _wait(self) -> None:
        while not await self._stopped():
            await asyncio.sleep(LOOK_S)

    async def _stopped(self) -> bool:
        """Begins the drain when it is time; True when it is over."""
        if not self.app.stopping.is_set() and await self._over():
            await self._stop_campaigns()
            self.app.stopping.set()
        return self._app_task.done()

    async def _over(self) -> bool:
        """Time is up, somebody stopped it, or the list is dialed."""
        if self._stop.is_set() or self._app_task.done():
            return True
        limit = self.options.seconds
        if limit is not None and time.time() - self.began_at > limit:
            return True
        return not self.options.endless and await self._dialed()

    async def _dialed(self) -> bool:
        board = self.app.board
        campaign = board.campaigns.get(self.campaign_id)
        if campaign is None or campaign.buffer or board.attempts:
            return False
        if any(seat.state.attempt for seat in board.seats.values()):
            return False
        due, _, _ = await self.app.store.next_due(self.campaign_id, campaign.max_approaches)
        return due is None or due > time.time() + SOON_S

    # --- what came of it

    async def _result(
        self, carrier: SimulatedCarrier, counted_before: dict[str, float]
    ) -> dict[str, Any]:
        """Read from the database with its own connection: the app's pool is closed by now."""
        import asyncpg

        connection = await asyncpg.connect(self.app.dsn, timeout=10)
        try:
            whose = self.app.board.floor_id, datetime.fromtimestamp(self.began_at, UTC)
            attempts = await connection.fetch(SQL["attempts"], *whose)
            calls = await asyncio.to_thread(carrier.record.calls, self.began_at)
            doubles = await asyncio.to_thread(carrier.record.double_dialed, self.began_at)
            overlaps = await connection.fetchval(SQL["overlapping_attempts"], *whose)
            broken = await connection.fetch(SQL["broken_shifts"], *whose)
            waits = await connection.fetch(SQL["answer_to_operator"], *whose)
            operators = await connection.fetch(SQL["operators"], *whose)
            states = await connection.fetch(SQL["state_seconds"], *whose)
        finally:
            await connection.close()
        outcomes = Counter(row["outcome"] or "none" for row in attempts)
        problems = mismatches(attempts, calls)
        problems += [f"shift {row['id']}: its states leave a gap or an overlap" for row in broken]
        conversations = sum(row["bridged_at"] is not None for row in attempts)
        answered = sum(call.answered_at is not None for call in calls)
        said = await reported(self.app.dsn, whose[0], self.began_at)
        problems += disagreements(
            said,
            *(len(calls), answered, outcomes, conversations),
            *(counted_before, counted(self._logins())),
        )
        doubled = len(doubles.overlapping) + len(doubles.after_answer) + overlaps
        if outcomes["none"]:
            problems.append(f"{outcomes['none']} attempts have no outcome")
        if doubled:
            problems.append(f"{doubled} numbers or leads were dialed twice")
        return {
            "ok": not problems,
            "problems": problems,
            "seconds": round(time.time() - self.began_at, 1),
            "contacts": self.contacts,
            "attempts": len(attempts),
            "outcomes": dict(sorted(outcomes.items())),
            "answered": sum(row["answered_at"] is not None for row in attempts),
            "conversations": conversations,
            "abandoned": outcomes["abandoned"],
            "double_dialed": doubled,
            "carrier": {
                "calls": len(calls),
                "answered": answered,
                "by_kind": dict(sorted(Counter(call.kind.value for call in calls).items())),
            },
            "answer_to_operator_ms": _percentiles([float(row["ms"]) for row in waits]),
            "operators": [_operator(row, states) for row in operators],
        }


def _operator(row: Any, states: list[Any]) -> dict[str, Any]:
    own = {r["state"]: round(float(r["seconds"]), 3) for r in states if r["login"] == row["login"]}
    line_states = {state.value for state in LINE_STATES}
    interval = row["dial_interval_s"]
    return {
        "name": row["login"],
        "dials": row["dials"],
        "conversations": row["conversations"],
        "line_seconds": round(sum(s for name, s in own.items() if name in line_states), 3),
        "dial_interval_seconds": None if interval is None else round(interval, 3),
        "states": own,
    }


def _percentiles(values: list[float]) -> dict[str, float | None]:
    """p50, p95, p99 (nearest rank) and max."""
    if not values:
        return dict.fromkeys(("p50", "p95", "p99", "max"))
    ordered = sorted(values)
    ranks = {
        f"p{p}": round(ordered[min(len(ordered) - 1, -(-len(ordered) * p // 100) - 1)], 3)
        for p in (50, 95, 99)
    }
    return {**ranks, "max": round(ordered[-1], 3)}
