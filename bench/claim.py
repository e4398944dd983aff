"""Claiming leads in a full database against a small one; prints the table of
docs/reference/benchmarks.md.

    python bench/claim.py                       10,000,000 leads, 50 campaigns, 4 claimers
    python bench/claim.py --leads 1000000       a smaller database
    python bench/claim.py --json                one document

In one run: a database with 100,000 leads and one with `--leads`, both in 50 campaigns of mixed
orders; the queue is filled by the product's preparer, then emptied by four claimers in batches of
50 through the product's own statement. The cost of a batch in the two databases is the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from campaigns.legal.service import LegalService
from campaigns.rules.best_hour import rank_of
from campaigns.rules.preparer import Preparer
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import Pool, open_pool
from dialer.demo.rules import OPEN_PROFILE
from dialer.store import SQL, Store

DATA = Path(__file__).resolve().parents[1] / "var" / "bench-postgres"
SMALL = 100_000
BATCH = 50
ORDERS = ("waiting", "oldest", "newest", "least_attempts", "random", "best_hour")
LOAD_TIMEOUT_S = 3600.0
CONTACTS = """
with c as (
    insert into contact (list_id, name, time_zone)
    select $1, 'Name ' || n, 'Europe/Moscow' from generate_series(1, $2::integer) n returning id
)
insert into contact_phone (contact_id, list_id, position, e164)
select id, $1, 0, '+7916' || lpad(id::text, 7, '0') from c
"""
LEADS = """
insert into lead (campaign_id, contact_id, priority, approaches, status, next_at)
select c.id, k.id, hashint8(k.id + c.id) % 3, abs(hashint8(k.id)) % 3,
    case when abs(hashint8(k.id)) % 3 = 0 then 'new' else 'retry' end,
    now() - abs(hashint8(k.id * 7)) % 86400 * interval '1 second'
from campaign c cross join contact k
"""


@dataclass(frozen=True)
class Figures:
    """Of one database. Milliseconds a batch of 50 as its claimer sees it; leads a second of all
    four; `alone_ms`: median of one claimer alone; `prepared_per_s`: what the preparer adds."""

    leads: int
    claimed: int
    claimed_per_s: float
    median_ms: float
    p99_ms: float
    alone_ms: float
    prepared_per_s: float


async def main() -> int:
    options = _options()
    server = EmbeddedPostgres(DATA)
    if not options.measure:
        shutil.rmtree(DATA, ignore_errors=True)
    await server.start()
    try:
        for name, leads in (("small", SMALL), ("full", options.leads)):
            if not options.measure:
                await _load(server, name, leads, options.campaigns)
        if options.load:
            return 0
        small = await _measure(server, "small", SMALL, options)
        full = await _measure(server, "full", options.leads, options)
    finally:
        await server.stop()
        if not (options.load or options.keep):
            shutil.rmtree(DATA, ignore_errors=True)
    ratio = full.alone_ms / small.alone_ms
    if options.json:
        print(json.dumps({"small": asdict(small), "full": asdict(full), "ratio": ratio}, indent=2))
    else:
        _show(small, full, ratio)
    good = ratio <= 1.5 and full.p99_ms < 25 and full.claimed_per_s >= 5000
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Claims in a full and in a small database.")
    parser.add_argument("--full", action="store_true", help="10,000,000 leads, half an hour")
    parser.add_argument("--leads", type=int)
    parser.add_argument("--campaigns", type=int, default=50)
    parser.add_argument("--claimers", type=int, default=4)
    parser.add_argument("--ready", type=int, default=1000, help="leads ready in a campaign")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--load", action="store_true", help="only load, for a later --measure")
    parser.add_argument("--measure", action="store_true", help="what --load has left")
    parser.add_argument("--keep", action="store_true", help="leave it for another --measure")
    options = parser.parse_args()
    options.leads = options.leads or (10_000_000 if options.full else 300_000)
    return options


def _note(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


async def _measure(
    server: EmbeddedPostgres, name: str, leads: int, options: argparse.Namespace
) -> Figures:
    pool = await open_pool(server.dsn(name), max_size=options.claimers + 2)
    try:
        floor_id, node_id = await pool.fetchval(
            "select array[(select id from floor), (select id from node)]"
        )
        store = Store(pool, floor_id, node_id)
        await store.lease("bench", 3600, ["bench"])
        prepared_per_s = await _prepare(pool, store.floor_id, options)
        campaigns = [row["id"] for row in await pool.fetch("select id from campaign order by id")]
        alone = await _claim_all(store, campaigns[:5], 1)
        times_s, began = [], time.perf_counter()
        times_s = await _claim_all(store, campaigns[5:], options.claimers)
        took_s = time.perf_counter() - began
        claimed = await pool.fetchval("select count(*) from ready where claimed_fence is not null")
        twice = await pool.fetchval("select count(*) - count(distinct lead_id) from ready")
        assert twice == 0
    finally:
        await pool.close()
    ms = [1000 * each for each in times_s]
    return Figures(
        leads=leads,
        claimed=claimed,
        claimed_per_s=BATCH * len(ms) / took_s,
        median_ms=statistics.median(ms),
        p99_ms=statistics.quantiles(ms, n=100)[98],
        alone_ms=statistics.median(1000 * each for each in alone),
        prepared_per_s=prepared_per_s,
    )


async def _load(server: EmbeddedPostgres, name: str, leads: int, campaigns: int) -> None:
    """So many leads: every campaign dials the same people."""
    dsn = await server.create_database(name)
    await migrate(dsn)
    pool = await open_pool(dsn, max_size=2, statement_timeout_s=LOAD_TIMEOUT_S)
    try:
        await _fill(pool, leads, campaigns)
    finally:
        await pool.close()


async def _fill(pool: Pool, leads: int, campaigns: int) -> None:
    _note(f"loading {leads:,} leads")
    floor_id = await pool.fetchval(SQL["ensure_floor"], "bench", "Europe/Moscow")
    node_id = await pool.fetchval(SQL["ensure_node"], "bench")
    trunk_id = await pool.fetchval(SQL["ensure_trunk"], node_id, "bench", 10, 5.0)
    await LegalService(pool, floor_id).define(OPEN_PROFILE, "bench")
    list_id = await pool.fetchval(
        "insert into list (floor_id, name) values ($1, 'bench') returning id", floor_id
    )
    await pool.execute(CONTACTS, list_id, leads // campaigns, timeout=LOAD_TIMEOUT_S)
    for number in range(campaigns):
        await pool.execute(
            "insert into campaign (floor_id, trunk_id, name, status, lead_order) "
            "values ($1, $2, $3, 'running', $4)",
            *(floor_id, trunk_id, f"campaign {number}", ORDERS[number % len(ORDERS)]),
        )
    await _insert_leads(pool)


async def _insert_leads(pool: Pool) -> None:
    """Without indexes and foreign keys first: they are made when all rows are there."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "select indexname, indexdef from pg_indexes where tablename = 'lead' "
            "and indexname not in (select conname from pg_constraint)"
        )
        await connection.execute("set local session_replication_role = replica")
        await connection.execute("set local maintenance_work_mem = '1GB'")
        for row in rows:
            await connection.execute(f"drop index {row['indexname']}")
        await connection.execute(LEADS, timeout=LOAD_TIMEOUT_S)
        # The order that the preparer would give in the background, batch by batch.
        await connection.execute(
            "update lead set rank = case c.lead_order when 'oldest' then lead.id "
            "when 'newest' then -lead.id when 'least_attempts' then lead.approaches "
            "when 'random' then hashint8extended(lead.id, c.id) "
            "when 'best_hour' then $1 - lead.id % 12 else 0 end "
            "from campaign c where c.id = lead.campaign_id and c.lead_order <> 'waiting'",
            rank_of(0),
            timeout=LOAD_TIMEOUT_S,
        )
        await connection.execute(
            "update campaign set ranked_as = lead_order, ranked_to = "
            "(select coalesce(max(id), 0) from lead)"
        )
        for row in rows:
            await connection.execute(row["indexdef"], timeout=LOAD_TIMEOUT_S)
    await pool.execute("vacuum analyze lead", timeout=LOAD_TIMEOUT_S)
    await pool.execute("checkpoint", timeout=LOAD_TIMEOUT_S)


async def _prepare(pool: Pool, floor_id: int, options: argparse.Namespace) -> float:
    _note("preparing")
    preparer = Preparer(pool, floor_id, ready_leads=options.ready, pass_s=60)
    began, added = time.perf_counter(), 0
    while fresh := await preparer.fill():
        added += fresh
    return added / (time.perf_counter() - began)


async def _claim_all(store: Store, campaigns: list[int], claimers: int) -> list[float]:
    """Seconds of each batch until nothing is ready; claimers take turns over all campaigns."""
    _note(f"claiming, {claimers} at once")
    times_s: list[float] = []

    async def work(first: int) -> None:
        left = campaigns[first:] + campaigns[:first]
        while left:
            for campaign in tuple(left):
                began = time.perf_counter()
                leads = await store.claim(campaign, BATCH, 4)
                if len(leads) < BATCH:
                    left.remove(campaign)
                else:
                    times_s.append(time.perf_counter() - began)

    step = max(1, len(campaigns) // claimers)
    await asyncio.gather(*(work(n * step) for n in range(claimers)))
    return times_s


def _show(small: Figures, full: Figures, ratio: float) -> None:
    rows: list[tuple[str, Any, Any]] = [
        ("leads claimed a second", f"{small.claimed_per_s:,.0f}", f"{full.claimed_per_s:,.0f}"),
        ("batch of 50, median", f"{small.median_ms:.1f} ms", f"{full.median_ms:.1f} ms"),
        ("batch of 50, p99", f"{small.p99_ms:.1f} ms", f"{full.p99_ms:.1f} ms"),
        ("batch of 50, one claimer alone", f"{small.alone_ms:.1f} ms", f"{full.alone_ms:.1f} ms"),
        ("leads prepared a second", f"{small.prepared_per_s:,.0f}", f"{full.prepared_per_s:,.0f}"),
    ]
    print(f"| | {small.leads:,} leads | {full.leads:,} leads |\n| --- | ---: | ---: |")
    for title, one, two in rows:
        print(f"| {title} | {one} | {two} |")
    print(f"\nCost of a batch in the full database: {ratio:.2f} times that in the small one.")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
