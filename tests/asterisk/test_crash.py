"""SIGKILL of controller, Asterisk, PostgreSQL: conversations, outcomes, no double dials."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from dialer.calls import Conversing, Ringing
from dialer.config import Settings, kept_secret
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from tests.fixtures_floor import (
    FloorApp,
    Telephony,
    number,
    running_app,
    settings_for,
)


def settings_file(settings: Settings, root: Path) -> Path:
    """The settings as the file that `prozvon serve` reads."""
    lines = [f'data_dir = "{settings.data_dir}"']
    assert settings.database.url is not None
    sections: dict[str, dict[str, Any]] = {
        "database": {"url": settings.database.url.get_secret_value()},
        "agi": {"port": settings.agi.port},
        "http": {"port": settings.http.port},
        "floor": {"name": settings.floor.name, "drain_limit_s": 5.0},
        "phones": settings.phones.model_dump(
            mode="json", include={"outside_numbers", "outside_accept_s"}
        ),
        "transfers": settings.transfers.model_dump(mode="json", include=TRANSFER_KEYS),
        "asterisk": {
            "embedded": False,
            "sip_port": settings.asterisk.sip_port,
            "ami_port": settings.asterisk.ami_port,
            "ami_secret": settings.secret(settings.asterisk.ami_secret, "ami"),
            "http_port": settings.asterisk.http_port,
            "ari_secret": settings.secret(settings.asterisk.ari_secret, "ari"),
            "cel_journal": str(settings.asterisk.cel_journal),
            "operator_ring_s": settings.asterisk.operator_ring_s,
        },
    }
    for name, values in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    for trunk in settings.trunks:
        lines += [
            "[[trunks]]",
            f'name = "{trunk.name}"',
            f'host = "{trunk.host}"',
            f"port = {trunk.port}",
            f"calls_per_second = {trunk.calls_per_second}",
        ]
    file = root / "prozvon.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


TRANSFER_KEYS = {"numbers", "hold_limit_s", "park_limit_s"}


@dataclass
class Process:
    """`prozvon serve` as its own process."""

    settings: Settings
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.http.port}"

    async def ready(self, timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s), aiohttp.ClientSession() as session:
            while True:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    async with session.get(f"{self.url}/readyz") as response:
                        body = await response.json()
                        if response.status == 200 and "asterisk" in body["dependencies"]:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)

    async def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        token = kept_secret(self.settings.data_dir, "api_token")
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.request(method, f"{self.url}/api/{path}", json=body or {}) as response,
        ):
            found = await response.json(content_type=None)
            assert response.status == 200, found
            return found

    async def states(self) -> dict[str, str]:
        return {seat["login"]: seat["state"] for seat in await self.ask("GET", "operators")}


@asynccontextmanager
async def serving(settings: Settings, root: Path) -> AsyncIterator[Process]:
    log = root / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "prozvon", "serve"],
            env={**os.environ, "PROZVON_CONFIG": str(settings_file(settings, root))},
            stdout=output,
            stderr=output,
        )
    running = Process(settings, process, log)
    try:
        await running.ready()
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


async def test_a_killed_controller_comes_back_to_the_truth(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """Given calls that ring, talk and will end while nobody watches, when the controller is
    killed and started again, then conversations go on, nothing is dialed twice, operators are in
    their true states and every attempt has its outcome."""
    settings = settings_for(telephony, database, tmp_path)
    stays, ends, rings, missed = number("1101"), number("0105"), number("2001"), number("2101")
    # The first process only makes rows and calls; the second is watched from the inside.
    async with running_app(telephony, settings, check=False) as first:
        await first.hire("t1", "t2", "t3")
    began_at = time.time()
    async with serving(settings, tmp_path) as process:
        floor = FloorApp(first.app, telephony, await _pool(database), began_at)
        for login in ("t1", "t2", "t3"):
            await process.ask("POST", f"operators/{login}/sign-in")
        campaign = await floor.campaign(stays, ends, rings, ring_timeout_s=15.0)
        await _until(lambda: _bridged(floor, stays, ends), "two conversations")
        await _until(lambda: _carrier_rings(floor, rings), "the third rings")
        shifts = await floor.pool.fetch("select id from shift where ended_at is null")
        process.kill()

    ended = await floor.carrier_call(ends, 15)
    assert ended.answered_at is not None
    await _add_lead(floor, campaign, missed)

    async with running_app(telephony, settings) as again:
        again.began_at = began_at
        await again.stage(stays, Conversing)
        assert again.seat("t1").state.kind == "talking"
        assert await again.pool.fetch("select id from shift where ended_at is null") == shifts

        row = await again.outcome(ends)
        assert row["outcome"] == "answered"
        assert row["bridged_at"] is not None
        assert abs(row["ended_at"].timestamp() - (ended.ended_at or 0)) < 1
        assert (await again.outcome(rings, 25))["outcome"] == "no_answer"
        assert (await again.outcome(missed, 25))["outcome"] == "busy"

        assert isinstance(again.live(stays), Conversing), "the conversation must have gone on"
        again.app.desk.hang_up("t1")
        row = await again.outcome(stays)
        assert (row["outcome"], row["operator"]) == ("answered", "t1")
        assert len(await again.attempts()) == 4
        assert await again.truth() == []
        await again.pool.execute("update campaign set status = 'finished'")
    await floor.pool.close()


async def test_a_killed_asterisk_ends_its_calls_and_the_floor_goes_on(
    telephony: Telephony, floor_app: FloorApp
) -> None:
    talks, rings, later = number("1101"), number("2001"), number("0101")
    await floor_app.sign_in("t1", "t2")
    campaign = await floor_app.campaign(talks, rings, ring_timeout_s=20.0, wrap_up_limit_s=1.0)
    await floor_app.stage(talks, Conversing)
    await floor_app.stage(rings, Ringing)

    await telephony.pbx.kill()
    await floor_app.until(
        lambda: floor_app.app.board.recovered is False, "the lost link is noticed", 10
    )
    await telephony.pbx.start()

    answered = await floor_app.outcome(talks, 30)
    assert (answered["outcome"], answered["ended_by"]) == ("answered", "node")
    unknown = await floor_app.outcome(rings, 30)
    assert (unknown["outcome"], unknown["ended_by"]) == ("unknown", "node")
    for login in ("t1", "t2"):
        await floor_app.state(login, "ready", timeout_s=40)
    await _add_lead(floor_app, campaign, later)
    assert (await floor_app.outcome(later, 30))["outcome"] == "answered"


async def test_a_killed_postgresql_stops_dialing_and_loses_nothing(
    telephony: Telephony, tmp_path: Path
) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    dsn = await server.start()
    try:
        await migrate(dsn)
        async with running_app(telephony, settings_for(telephony, dsn, tmp_path)) as floor:
            await _survive_postgresql(floor, server)
    finally:
        await server.stop()


async def _survive_postgresql(floor: FloorApp, server: EmbeddedPostgres) -> None:
    talks, ends, later = number("1101"), number("0102"), number("0101")
    await floor.sign_in("t1", "t2")
    campaign = await floor.campaign(talks, ends, wrap_up_limit_s=1.0)
    await floor.stage(talks, Conversing)
    await floor.stage(ends, Conversing)
    await _add_lead(floor, campaign, later)

    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await floor.until(lambda: floor.live(ends) is None, "the person hung up meanwhile")
    assert isinstance(floor.live(talks), Conversing)
    await floor.until(
        lambda: floor.app.board.campaigns[campaign].decision.limited_by == "database",
        "dialing stops",
    )
    await server.ensure_running()

    assert (await floor.outcome(ends, 30))["outcome"] == "answered"
    assert (await floor.outcome(later, 30))["outcome"] == "answered"
    assert isinstance(floor.live(talks), Conversing)
    floor.app.desk.hang_up("t1" if floor.seat("t1").state.kind == "talking" else "t2")
    await floor.outcome(talks)
    assert await floor.truth() == []


async def _pool(dsn: str) -> Any:
    from dialer.database.pool import open_pool

    return await open_pool(dsn, min_size=1, application_name="prozvon test")


async def _until(condition: Any, what: str, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.1)


async def _bridged(floor: FloorApp, *phones: str) -> bool:
    rows = await floor.attempts()
    return {r["phone"] for r in rows if r["bridged_at"] is not None} >= set(phones)


async def _carrier_rings(floor: FloorApp, phone: str) -> bool:
    calls = await asyncio.to_thread(floor.calls)
    return any(call.number == phone and call.ringing_at is not None for call in calls)


async def _add_lead(floor: FloorApp, campaign_id: int, phone: str) -> None:
    """One more lead for a campaign that is running."""
    await floor.pool.execute(
        "with l as (select min(list_id) as id from contact c join lead on lead.contact_id = c.id "
        "where lead.campaign_id = $1), "
        "c as (insert into contact (list_id) select id from l returning id, list_id), "
        "p as (insert into contact_phone (contact_id, list_id, position, e164) "
        "select id, list_id, 0, $2 from c) "
        "insert into lead (campaign_id, contact_id) select $1, id from c",
        campaign_id,
        phone,
    )
