"""Reports of a year out of roll-ups against reports of a month out of the rows, in one run.

    python bench/reports.py                 1,000,000 attempts
    python bench/reports.py --full          20,000,000 attempts

Each figure is the best of three. The server is the embedded PostgreSQL.
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
OPENING = datetime(2025, 1, 1, 9, tzinfo=MOSCOW)
YEAR = Period(datetime(2025, 1, 1, tzinfo=MOSCOW), datetime(2026, 1, 1, tzinfo=MOSCOW), MOSCOW)
MONTH = Period(datetime(2025, 12, 1, tzinfo=MOSCOW), YEAR.until, MOSCOW)
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
BATCH, LIMIT_S = 1_000_000, 600.0
DAYS_OF_WORK = 200 * 365
ROLLED = ("productivity", "conversion", "outcomes", "abandonment", "best-hours")


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
        filled: dict[str, object] = {}
        if await pool.fetchval("select count(*) from floor") == 0:
            filled = {"load_s": await timed(lambda: seed(pool, attempts))}
        rollups = Rollups(dsn, 1)
        filled["roll_up_s"] = await timed(lambda: rollups.fill(NOW))
        await pool.execute(SQL.vacuum)
        filled |= dict(await pool.fetchrow(SQL.sizes) or {})
        service = ReportService(pool, 1, LIMIT_S)
        year = {label(ask): await fastest(service, ask) for ask in questions(YEAR)}
        month = await fastest(service, request("productivity", MONTH, by="campaign"))
        await pool.execute(SQL.no_rollups)
        rows = await fastest(service, request("productivity", MONTH, by="campaign"))
        slowest = max(year.values())
        return {
            "attempts": attempts,
            **filled,
            "year_s": year,
            "slowest_s": slowest,
            "month_s": {"roll_ups": month, "rows": rows},
            "rows_times_roll_ups": round(rows / month, 1),
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
        for name in ("tighten", "tighten_leads", "tighten_abandoned", "tighten_open", "vacuum"):
            await connection.execute(SQL[name])


def questions(period: Period) -> list[Request]:
    """Every report that roll-ups serve, by every cut, and what is harder than that."""
    asked = [
        request(name, period, by=by)
        for name in ROLLED
        if name in FORMS
        for by in KINDS[name].by or (None,)
    ]
    one, team = Filters(operators=("op7",)), Filters(teams=("team 3",))
    east = Period(period.since + timedelta(minutes=437), period.until, YEKATERINBURG)
    return [
        *asked,
        request("productivity", period, by="day", filters=one),
        request("conversion", period, by="campaign", filters=team),
        request("productivity", east, by="day"),
        request("productivity", east, by="operator"),
    ]


def label(ask: Request) -> str:
    only = " ".join(f"{kind}={','.join(names)}" for kind, names in ask.filters.by_kind().items())
    return " ".join(filter(None, (ask.name, ask.by, only, ask.period.zone.key)))


async def fastest(service: ReportService, ask: Request) -> float:
    async def once() -> None:
        try:
            await service.make(ask, NOW)
        except ReportError as error:
            raise SystemExit(f"{label(ask)}: {error}") from error

    return min([await timed(once) for _ in range(3)])


async def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    await work()  # type: ignore[misc]
    return round(time.perf_counter() - begun, 3)


if __name__ == "__main__":
    sys.exit(main())
