"""Calls per second that one controller sustains with 1,000 operators and 5,000 calls at once.

A synthetic Asterisk in a process of its own (bench/_node.py) plays everybody over AMI and FastAGI;
controller, database and everything that is written are the real ones. Ring and talk times are such
that 5,000 calls live at every rate, a fifth of them conversations. A rate is sustained when calls
are placed as fast as asked for, the loop's lag stays under 50 ms (p99) and no write waits 2 s.
The controller has the first core of this machine for itself, PostgreSQL and the synthetic Asterisk
have the others: "cores" tells what each of them used.
Goals: 300 calls/s, 300 MB.

    python bench/events.py [--rates 100,200,300] [--seconds 12] [--profile] [--full]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import uvloop
from _page import write_section
from pydantic import SecretStr

from campaigns.legal.service import LegalService
from campaigns.refusals import Sentence
from dialer import logs
from dialer.app import App
from dialer.config import (
    AgiSettings,
    AsteriskSettings,
    FloorSettings,
    HttpSettings,
    Settings,
    TrunkSettings,
)
from dialer.demo.rules import OPEN_PROFILE
from dialer.pacing import Decision, Floor, Leads, PredictivePacer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' ports
from tests.ports import free_port

OPERATORS, LIVE, TALKING, ANSWERS = 1000, 5000, 900, 0.15
AS_MANY = Sentence("as many as the trunk takes", "сколько берёт транк")
LAG_LIMIT_MS, CARRIED = 50.0, 0.95
WARM_UP = 0.8
"""In lengths of a mean conversation with its ringing: then about as many calls end as begin."""
JOURNAL_LIMIT_S = 2.0


class Everything(PredictivePacer):
    """Thinks as the predictive pacer does, then lets the trunk's rate decide."""

    def explain(self, floor: Floor, leads: Leads | None = None) -> Decision:
        super().explain(floor, leads)
        return Decision(1000, "lines", AS_MANY)


class Bench:
    """A floor on the synthetic node."""

    def __init__(self, app: App, node: psutil.Process) -> None:
        self.app, self.node = app, node
        self.lags_ms: list[float] = []

    async def set_up(self, contacts: int) -> None:
        pool, floor_id = self.app.pool, self.app.board.floor_id
        await LegalService(pool, floor_id).define(OPEN_PROFILE, "bench")
        await pool.execute(
            "insert into operator (floor_id, login, full_name, phone_ha1) "
            "select $1, 'o' || n, 'o' || n, md5(n::text) from generate_series(1, $2::int) n",
            floor_id, OPERATORS,
        )  # fmt: skip
        for number in range(1, OPERATORS + 1):
            await self.app.desk.sign_in(f"o{number}")
        async with asyncio.timeout(60):
            while any(s.state.kind == "connecting" for s in self.app.board.seats.values()):
                await asyncio.sleep(0.1)
        trunk = self.app.board.trunks["carrier"]
        self.set_rate(0.001)
        campaign = await pool.fetchval(
            "insert into campaign (floor_id, trunk_id, name, mode, status, ring_timeout_s, "
            "wrap_up_limit_s, recording) values ($1, $2, 'bench', 'predictive', 'running', 120, "
            "1, false) returning id",
            floor_id, trunk.trunk_id,
        )  # fmt: skip
        await self._contacts(campaign, contacts)
        async with asyncio.timeout(60):
            while not self.app.board.campaigns:
                await asyncio.sleep(0.1)
        board_campaign = self.app.board.campaigns[campaign]
        board_campaign.engine.__class__ = Everything

    async def _contacts(self, campaign: int, count: int) -> None:
        await self.app.pool.execute(
            "with l as (insert into list (floor_id, name) values ($1, 'bench') returning id), "
            "c as (insert into contact (list_id) select l.id from l, generate_series(1, $3::int) "
            "returning id, list_id), "
            "n as (select id, list_id, row_number() over (order by id) as n from c), "
            "p as (insert into contact_phone (contact_id, list_id, position, e164) "
            "select id, list_id, 0, '+79' || lpad(n::text, 9, '0') from n) "
            "insert into lead (campaign_id, contact_id) select $2, id from n",
            self.app.board.floor_id, campaign, count,
        )  # fmt: skip
        await self.app.pool.execute("analyze")

    def set_rate(self, calls_per_second: float) -> None:
        trunk = self.app.board.trunks["carrier"]
        trunk.calls_per_second, trunk.tokens = calls_per_second, 0.0

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            self.lags_ms.append(1000 * max(0.0, loop.time() - before - 0.005))

    async def run(self, rate: float, seconds: float) -> dict[str, float]:
        talk_s = TALKING / (rate * ANSWERS)
        ring_s = (LIVE - TALKING) / rate
        fields = {"Ring": f"{ring_s:.3f}", "Talk": f"{talk_s:.3f}", "Answers": str(ANSWERS)}
        await self.app.ami.action("Bench", fields)
        self.set_rate(rate)
        await asyncio.sleep(WARM_UP * (ring_s + talk_s))
        placed, ended = await self._counts()
        before, others = _cpu(), self._others()
        self.lags_ms.clear()
        begun, live = time.monotonic(), []
        while time.monotonic() < begun + seconds:
            await asyncio.sleep(0.5)
            live.append(len(self.app.board.attempts))
        passed = time.monotonic() - begun
        lags = sorted(self.lags_ms)
        placed_now, ended_now = await self._counts()
        return {
            "rate": rate,
            "placed": (placed_now - placed) / passed,
            "ended": (ended_now - ended) / passed,
            "live": sum(live) / len(live),
            "lag_p50": lags[len(lags) // 2],
            "lag_p99": lags[int(len(lags) * 0.99)],
            "core": (_cpu() - before) / passed,
            "others": (self._others() - others) / passed,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
            "journal_s": self.app.journal.oldest_s,
        }

    def _others(self) -> float:
        """CPU seconds of PostgreSQL and the synthetic Asterisk until now."""
        postgres = self.app.postgres
        assert postgres is not None and postgres.pid is not None
        server = psutil.Process(postgres.pid)
        found = [self.node, server, *server.children()]
        return sum(_cpu(process) for process in found)

    async def _counts(self) -> tuple[int, int]:
        """(calls placed, calls that have their outcome), as the database has them."""
        row = await self.app.pool.fetchrow("select count(*), count(outcome) from attempt")
        assert row is not None
        return row[0], row[1]


def _cpu(process: psutil.Process | None = None) -> float:
    times = (process or psutil.Process()).cpu_times()
    return times.user + times.system


def _keep_to(cores: set[int]) -> None:
    """This process, and what it starts from now on; nothing to choose on one core."""
    if cores:
        os.sched_setaffinity(0, cores)


@contextlib.asynccontextmanager
async def bench_floor(contacts: int) -> AsyncIterator[Bench]:
    logs.set_up("error")
    base = Path(__file__).parents[1] / "var"
    base.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=base, ignore_cleanup_errors=True) as root:
        ami, agi = free_port(), free_port()
        settings = Settings(
            data_dir=Path(root),
            asterisk=AsteriskSettings(
                embedded=False, ami_port=ami, ami_secret=SecretStr("bench"), http_port=free_port(),
            ),
            agi=AgiSettings(port=agi),
            http=HttpSettings(port=free_port()),
            floor=FloorSettings(name="bench", drain_limit_s=1),
            trunks=(
                TrunkSettings(name="carrier", host="127.0.0.1", lines=50_000, qualify_s=0,
                              calls_per_second=1),
            ),
        )  # fmt: skip
        first, *rest = sorted(os.sched_getaffinity(0))
        _keep_to(set(rest))
        node = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("_node.py")), str(ami), str(agi)
        )
        app = App(settings)
        task = asyncio.create_task(app.run())
        try:
            async with asyncio.timeout(60):
                while not (app.started.is_set() and app.board.recovered):
                    await asyncio.sleep(0.1)
                    if task.done():
                        await task
            _keep_to({first})
            bench = Bench(app, psutil.Process(node.pid))
            await bench.set_up(contacts)
            watch = asyncio.create_task(bench.watch())
            yield bench
            watch.cancel()
        finally:
            node.kill()
            await node.wait()
            task.cancel()
            await asyncio.wait({task}, timeout=20)


async def measure(
    rates: list[float], seconds: float, profile: cProfile.Profile | None
) -> list[dict[str, float]]:
    contacts = int(sum(rate * (seconds + 2) + 2 * LIVE for rate in rates)) + 5000
    found = []
    async with bench_floor(contacts) as bench:
        if profile:
            profile.enable()
        for rate in rates:
            found.append(await bench.run(rate, seconds))
            print({key: round(value, 2) for key, value in found[-1].items()}, flush=True)
            if not carried(found[-1]):
                break
        if profile:
            profile.disable()
    return found


def carried(step: dict[str, float]) -> bool:
    placed, prompt = step["placed"] >= CARRIED * step["rate"], step["lag_p99"] < LAG_LIMIT_MS
    return placed and prompt and step["journal_s"] < JOURNAL_LIMIT_S


def table(found: list[dict[str, float]]) -> str:
    lines = [
        "| asked for, calls/s | placed | ended | live calls | loop lag p50, ms | p99, ms "
        "| oldest write, s | controller, cores | the others, cores | memory, MB | sustained |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for s in found:
        lines.append(
            f"| {s['rate']:g} | {s['placed']:.0f} | {s['ended']:.0f} | {s['live']:.0f} "
            f"| {s['lag_p50']:.1f} | {s['lag_p99']:.1f} | {s['journal_s']:.1f} "
            f"| {s['core']:.2f} | {s['others']:.2f} | {s['memory_mb']:.0f} "
            f"| {'yes' if carried(s) else 'no'} |"
        )
    best = max((s["placed"] for s in found if carried(s)), default=0.0)
    lines += ["", f"Sustained on this machine ({os.cpu_count()} cores): {best:.0f} calls/s."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", default="100,200,300")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--full", action="store_true", help="write the page's section")
    arguments = parser.parse_args()
    profile = cProfile.Profile() if arguments.profile else None
    rates = [float(rate) for rate in arguments.rates.split(",")]

    def loop() -> Any:
        return uvloop.new_event_loop()

    with asyncio.Runner(loop_factory=loop) as runner:
        found = runner.run(measure(rates, arguments.seconds, profile))
    print(table(found))
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    elif arguments.full:
        write_section("events", __doc__ or "", table(found))


if __name__ == "__main__":
    main()
