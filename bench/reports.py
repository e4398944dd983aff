"""Reports of a year out of roll-ups against reports of a month out of the rows, in one run.

    python bench/reports.py                 1,000,000 attempts
    python bench/reports.py --full          20,000,000 attempts

Each figure is the best of three; what is too large is refused, as on a floor. The server is the
embedded PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dialer import logs
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import Pool, open_pool
from dialer.database.queries import Queries
from monitoring.reports.catalog import KINDS, Filters, Request, request
from monitoring.reports.errors import ReportError
from monitoring.reports.forms import FORMS
from monitoring.reports.period import Period
from monitoring.reports.service import ReportService
from monitoring.rollups.service import Rollups

HERE = Path(__file__).resolve()
DATA = HERE.parent.parent / "var" / "bench-reports"
SQL = Queries.load(HERE.with_name("reports.sql"))
MOSCOW, YEKATERINBURG = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Yekaterinburg")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
OPENING = datetime(2025, 1, 1, 9, tzinfo=MOSCOW)
YEAR = Period(datetime(2025, 1, 1, tzinfo=MOSCOW), datetime(2026, 1, 1, tzinfo=MOSCOW), MOSCOW)
MONTH = Period(datetime(2025, 12, 1, tzinfo=MOSCOW), YEAR.until, MOSCOW)
NOVEMBER = Period(datetime(2025, 11, 1, tzinfo=MOSCOW), MONTH.since, MOSCOW)
DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
GOAL_S, SLOW_S = 2.0, 5.0
BATCH = 1_000_000
DAYS_OF_WORK = 200 * 365


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="20,000,000 attempts")
    parser.add_argument("--attempts", type=int)
    parser.add_argument("--keep", action="store_true", help="leave the database for another run")
    options = parser.parse_args()
    attempts = options.attempts or (20_000_000 if options.full else 1_000_000)
    logs.set_up("warning")
    print(json.dumps(asyncio.run(measure(attempts, keep=options.keep)), indent=2))
    return 0


async def measure(attempts: int, *, keep: bool) -> dict[str, object]:
    server = EmbeddedPostgres(DATA, durable=False)
    dsn = await server.start()
    pool = None
    try:
        await migrate(dsn)
        pool = await open_pool(dsn, max_size=2, statement_timeout_s=7200)
        filled: dict[str, float] = {}
        if await pool.fetchval("select count(*) from floor") == 0:
            filled = {"load_s": await timed(lambda: seed(pool, attempts))}
        rollups = Rollups(dsn, 1)
        filled["roll_up_s"] = await timed(lambda: rollups.fill(NOW))
        if filled["roll_up_s"] > SLOW_S:
            await pool.execute(SQL.vacuum)
        filled |= dict(await pool.fetchrow(SQL.sizes) or {})
        service = ReportService(pool, 1)
        year = {label(ask): await fastest(service, ask) for ask in questions()}
        month = await fastest(service, request("productivity", MONTH, by="campaign"))
        until = await pool.fetchval(SQL.no_rollups)
        try:
            rows = await fastest(service, request("productivity", MONTH, by="campaign"))
        finally:
            await pool.execute(SQL.rollups_again, until)
        return {
            "attempts": attempts,
            **filled,
            "year_s": year,
            "slowest_s": max(took for took in year.values() if took is not None),
            "over_goal": [name for name, took in year.items() if took is None or took > GOAL_S],
            "refused": [name for name, took in year.items() if took is None],
            "month_s": {"roll_ups": month, "rows": rows},
            "rows_times_roll_ups": round(rows / month, 1) if rows and month else None,
        }
    finally:
        if pool is not None:
            await pool.close()
        await server.stop()
        if not keep:
            shutil.rmtree(DATA)


async def seed(pool: Pool, attempts: int) -> None:
    """So many dials: leads come in groups that are dialed four times, in eight days."""
    group = max(1, 2 * attempts // 365)
    leads = group * -(-attempts // (4 * group))
    under_way = group if attempts % (4 * group) else 0
    async with pool.acquire() as connection:
        for name in ("bulk", "loosen", "floor", "dispositions"):
            await connection.execute(SQL[name])
        await connection.execute(SQL.contacts, leads)
        await connection.execute(SQL.leads, leads, under_way)
        for first in range(0, attempts, BATCH):
            last = min(first + BATCH, attempts) - 1
            await connection.execute(SQL.attempts, first, last, attempts, group, OPENING)
        states = max(5, min(30, attempts // DAYS_OF_WORK // 3))
        await connection.execute(SQL.shifts, states, OPENING)
        for name in ("tighten", "tighten_leads", "tighten_abandoned", "tighten_open"):
            await connection.execute(SQL[name])
        for name in ("callbacks", "tighten_callbacks", "plans", "vacuum"):
            await connection.execute(SQL[name])


def questions() -> list[Request]:
    """Every report by every cut, for the year; and what is harder than that."""
    asked = [request(name, YEAR, by=by) for name in FORMS for by in KINDS[name].by or (None,)]
    one, team, some = (
        Filters(operators=("op7",)),
        Filters(teams=("team 3",)),
        Filters(lists=("list 3",)),
    )
    asked += [
        request("productivity", YEAR, by="day", filters=one),
        request("conversion", YEAR, by="campaign", filters=team),
        *(request("productivity", YEAR, by="hour", filters=whose) for whose in (one, team)),
        request("productivity", YEAR, by="hour", filters=some),
        request("productivity", NOVEMBER, by="campaign", compare=MONTH),
    ]
    for zone in (YEKATERINBURG, KATHMANDU):
        abroad = Period(YEAR.since + timedelta(minutes=437), YEAR.until, zone)
        asked += [request("productivity", abroad, by=by) for by in ("day", "hour", "operator")]
        asked += [
            request("productivity", abroad, by=by, filters=whose)
            for by in ("day", "hour")
            for whose in (one, team)
        ]
        asked += [request("outcomes", abroad, by="day"), request("conversion", abroad, by="hour")]
        asked += [request("outcomes", abroad, by="hour", filters=some), request("signals", abroad)]
    return asked


def label(ask: Request) -> str:
    only = " ".join(f"{kind}={','.join(names)}" for kind, names in ask.filters.by_kind().items())
    days = f"{round((ask.period.until - ask.period.since) / DAY)} days"
    compared = "compared" if ask.compare else None
    return " ".join(filter(None, (ask.name, ask.by, only, ask.period.zone.key, days, compared)))


async def fastest(service: ReportService, ask: Request) -> float | None:
    """Seconds, told as they come; None: refused as too large. What is slow is not made again."""

    async def once() -> None:
        await service.make(ask, NOW)

    best: float | None = None
    try:
        for _ in range(3):
            took = await timed(once)
            best = took if best is None else min(best, took)
            if took > SLOW_S:
                break
    except ReportError as error:
        if error.id != "too_large":
            raise SystemExit(f"{label(ask)}: {error}") from error
        best = None
    told = "refused   " if best is None else f"{best:8.3f} s"
    print(f"{told}  {label(ask)}", file=sys.stderr, flush=True)
    return best


async def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    await work()  # type: ignore[misc]
    return round(time.perf_counter() - begun, 3)


if __name__ == "__main__":
    sys.exit(main())
