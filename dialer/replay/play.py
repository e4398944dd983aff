"""Plays a record to a real controller with a real PostgreSQL, in virtual time.

What the node, its FastAGI and the operators did comes from the record at its time, and so do ids
and which call was placed when (pacing is not asked). All else is decided anew: who takes an
answered person, what is cancelled, what rings too long, every outcome, every state of a shift.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from campaigns.legal.service import LegalService
from dialer.app import App
from dialer.calls import Lead
from dialer.config import (
    FloorSettings,
    PhonesSettings,
    Settings,
    TransferSettings,
    TrunkSettings,
)
from dialer.database.migrate import migrate
from dialer.database.pool import Pool, open_pool
from dialer.demo.rules import OPEN_PROFILE
from dialer.replay.compare import Difference, differences
from dialer.replay.floor import ACTOR, GIVEN, ReplayedFloor, is_dial
from dialer.replay.node import ManagerPlayer, SessionPlayer
from dialer.replay.outcomes import SQL
from dialer.replay.record import RESULTS, Line, Record, RecordError
from dialer.replay.virtual_time import VirtualTimeLoop
from dialer.store import SQL as FLOOR_SQL

NO_PORT = 1
"""Nothing listens there: the node's ARI is in no record."""
AMI_PORT = 2
ANY_NUMBER = ("+*",)
"""Numbers in a record are nobody's; those that were not called then are not called now."""
ON_CARD = "+999000000000"
BEGIN_LIMIT_S = 60.0
"""Real seconds; a controller takes up what runs within one."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to. `seconds` of the run, played in `took_s`."""

    attempts: int
    seconds: float
    took_s: float
    late_s: float
    """How late the recorded controller's timers were at most: times may differ by as much more."""
    differences: list[Difference]
    unknown_actions: list[str]

    @property
    def equal(self) -> bool:
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        return {"equal": self.equal, **asdict(self)}


class Memory:
    """Stands where a Recorder does, and keeps what it is told: nothing leaves the process."""

    def __init__(self, loop: VirtualTimeLoop, started_at: float) -> None:
        self._loop, self.started_at = loop, started_at
        self.lines: list[Line] = []
        self.results: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in RESULTS}

    def note(self, kind: str, fields: Mapping[str, Any]) -> None:
        kept = dict(fields)
        if kind in RESULTS:
            self.results[kind].append(kept)
        else:
            self.lines.append(Line(len(self.lines) + 1, self._loop.time(), kind, kept))

    def end(self) -> None:
        pass


def lags(record: Record) -> list[tuple[float, float]]:
    """When the recorded controller's timers were late, and how many seconds."""
    return [(ln.t, float(ln.fields["seconds"])) for ln in record.lines if ln.kind == "lag"]


def replay(record: Record, dsn: str, folder: Path) -> Replayed:
    """On an empty database of its own; `folder` for what a controller keeps in files.

    Raises what the parts of a controller raise.
    """
    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        player = runner.run(_play(record, dsn, folder))
    memory = player.memory
    results = dict(memory.results)
    if record.header["format"] == 1:  # had none of these
        results |= {"part": [], "supervision": []}
    late_s = max((late_s for _, late_s in lags(record)), default=0.0)
    asked_again = [replace(ln, t=ln.t - player.begun) for ln in memory.lines]
    found = differences(record.results, results, record.lines, asked_again, late_s)
    last = record.lines[-1].t if record.lines else 0.0
    return Replayed(
        len(record.results["outcome"]),
        round(last, 1),
        round(time.monotonic() - began, 2),
        round(late_s, 3),
        found,
        player.manager.unknown,
    )


async def _play(record: Record, dsn: str, folder: Path) -> Player:
    player = Player(record, dsn, folder)
    await player.run()
    return player


def _phones(header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Records of format 1 have one of these settings only."""
    old = {key: header[key] for key in ("return_limit_s",) if key in header}
    found: Mapping[str, Any] = header.get("phones", old)
    return found


def settings_of(record: Record, dsn: str, folder: Path) -> Settings:
    """What of the settings is in a record; the rest is as nobody had set anything."""
    header = record.header
    base = Settings.model_validate({"data_dir": folder, "database": {"url": dsn}})
    try:
        floor = FloorSettings.model_validate({**base.floor.model_dump(), **header["floor"]})
        trunks = tuple(
            TrunkSettings.model_validate({**trunk, "host": "127.0.0.1"})
            for trunk in header["trunks"]
        )
        phones = PhonesSettings.model_validate({"outside_numbers": ANY_NUMBER, **_phones(header)})
        transfers = TransferSettings.model_validate(header.get("transfers", {}))
    except (ValidationError, TypeError) as error:
        raise RecordError(
            "bad_record",
            f"line 1: the settings in the header are wrong: {error}",
            f"строка 1: неверные настройки в заголовке: {error}",
        ) from error
    asterisk = base.asterisk.model_copy(
        update={
            "embedded": False,
            "ami_port": AMI_PORT,
            "http_port": NO_PORT,
            "operator_ring_s": header.get("operator_ring_s", base.asterisk.operator_ring_s),
        }
    )
    return base.model_copy(
        update={
            "asterisk": asterisk,
            "phones": phones,
            "transfers": transfers,
            "floor": floor,
            "trunks": trunks,
            "http": base.http.model_copy(update={"port": 0}),
            "agi": base.agi.model_copy(update={"port": 0}),
        }
    )


class Player:
    """One replay."""

    def __init__(self, record: Record, dsn: str, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self._record, self._dsn, self._loop = record, dsn, loop
        self._epoch = time.time()
        self.app = App(settings_of(record, dsn, folder))
        self._said = 0.0
        # What the record tells is understood when it was, also where timers of then were late.
        self.app.clock = lambda: self._epoch + max(loop.time(), self._said)
        self.memory = Memory(loop, self._epoch)
        self.app.recorder = self.memory
        self.manager = ManagerPlayer(record.lines)
        loop.lines[AMI_PORT] = self._connect
        self._logins = [ln for ln in record.lines if ln.fields.get("Action") == "Login"]
        self.begun = 0.0
        self._leads: dict[int, Lead] = {}
        self._asked: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        await migrate(self._dsn)
        await self._people()
        async with self._running():
            self._floor = ReplayedFloor(
                self.app, self._record, self._leads, self._start, lambda: self.manager.later_s
            )
            self.sessions = SessionPlayer(self._record.lines, self.app.agi.protocol)
            await self._claim()
            await self.manager.connected.wait()
            await self._timeline()

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.app.run(), name="app")
        started = asyncio.create_task(self.app.started.wait())
        try:
            await asyncio.wait({running, started}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            yield
            self.app.stopping.set()
            await running
        finally:
            started.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await running

    def _connect(self, factory: Callable[[], Any]) -> tuple[Any, Any]:
        """The first link sets the record's clock beside ours."""
        if self._logins and not self.manager.connected.is_set():
            self.begun = self._loop.time() - self._logins[0].t
            self._loop.stalls = [
                (self.begun + end - late_s, self.begun + end)
                for end, late_s in lags(self._record)
                if self.begun + end - late_s > self._loop.time()
            ]
            self.manager.later_s = self._epoch + self.begun - self._record.header["started_at"]
        return self.manager.connect(factory)

    # --- what is there before

    async def _people(self) -> None:
        """Campaigns, operators, and one person for every call that will be placed."""
        pool = await open_pool(self._dsn, min_size=1, max_size=1)
        floor = self.app.settings.floor
        try:
            floor_id = await pool.fetchval(FLOOR_SQL["ensure_floor"], floor.name, floor.time_zone)
            for row in self._record.results["campaign"]:
                await pool.execute(SQL["add_campaign"], floor_id, dict(row))
                ring = {"minimum_ring_s": row.get("minimum_ring_s", 0)}
            await LegalService(pool, floor_id).define({**OPEN_PROFILE, **ring}, ACTOR)
            for row in self._record.results["operator"]:
                await pool.execute(SQL["add_operator"], floor_id, dict(row))
            list_id = await pool.fetchval(SQL["add_list"], floor_id)
            campaigns = {row["id"] for row in self._record.results["campaign"]}
            for line in self._record.lines:
                if line.kind in ("place", "card") and line.fields.get("campaign") in campaigns:
                    self._leads[line.number] = await self._lead(pool, list_id, line.fields)
        finally:
            await pool.close()

    async def _lead(self, pool: Pool, list_id: int, fields: Mapping[str, Any]) -> Lead:
        """Whom a call is placed to, or who is on a card."""
        campaign, done = fields["campaign"], fields.get("approaches", 0)
        failures, most = fields.get("failures", 0), fields.get("max_approaches", 1)
        lead = await pool.fetchval(SQL["add_lead"], list_id, campaign, done, failures)
        return Lead(lead, campaign, fields.get("phone", ON_CARD), done, failures, most)

    async def _claim(self) -> None:
        """Every person is claimed for this controller's lease, and kept so until dialed."""
        wanted = {row["id"] for row in self._record.results["campaign"]}
        deadline = time.monotonic() + BEGIN_LIMIT_S
        while not wanted <= self.app.board.campaigns.keys():
            await asyncio.sleep(0)  # not time: only the database is waited for
            if time.monotonic() > deadline:
                raise RecordError(
                    "replay_not_begun",
                    f"the record's campaigns did not begin to run in {BEGIN_LIMIT_S:g} s",
                    f"кампании записи не запустились за {BEGIN_LIMIT_S:g} с",
                )
        store = self.app.store
        for lead in self._leads.values():
            self.app.board.passed_on[lead.id] = frozenset()
            row = (lead.id, store.floor_id, lead.campaign_id, lead.phone, store.fence)
            await store.pool.execute(SQL["claim_lead"], *row)

    # --- what happens

    async def _timeline(self) -> None:
        kinds = {"agi_head", "agi_end", "ami_lost", *GIVEN}
        lines = [line for line in self._record.lines if line.kind in kinds]
        lines += [*self.manager.events, *self.sessions.hang_ups, *self._logins[1:]]
        lines += [line for line in self._record.lines if is_dial(line)]
        for line in sorted(lines, key=lambda line: line.number):
            if not self._logins or line.t < self._logins[0].t:
                continue
            at = self.begun + line.t
            left = self._loop.before_stall(at) - self._loop.time()
            if left > 0:
                await asyncio.sleep(left)
            else:  # of one stall: each is understood before the next comes
                await self._loop.settled()
            self._said = at
            await self._happen(line)

    async def _happen(self, line: Line) -> None:
        match line.kind:
            case "ami_in":
                self.manager.feed(line.fields)
            case "ami_out" if is_dial(line):
                self._floor.dialed(line)
            case "ami_out":
                self.manager.refusing = False
                self.app.ami.retry_now()
            case "ami_lost":
                self.manager.lose()
            case "agi_head":
                self.sessions.begin(line)
            case "agi_in":
                self.sessions.hang_up(line)
            case "agi_end":
                self.sessions.end(line)
            case _:
                await self._floor.happen(line)

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Goes on beside the record; the replay's end does not wait for it."""
        task = asyncio.create_task(work)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
