"""`prozvon rollups`: the kept sums that long reports read."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import borrowed_database, open_floor
from dialer.config import Settings
from monitoring.rollups.service import SQL, Rollups, Step, read_rolled

app = typer.Typer(no_args_is_help=True, help="The kept sums that long reports read.")
NOTHING = "Nothing is rolled up yet; reports read the rows. `prozvon serve` does it by itself."


@app.command("status")
def status(context: typer.Context, as_json: Json = False) -> Reply:
    """Since when and up to when sums are kept; how many changes and leads wait to be in them."""
    data = run(_status(use_settings(context)))
    rows = [tuple(data.values())]
    heads = ("since (UTC)", "until (UTC)", "changes waiting", "leads waiting", "days of")
    shown = table(heads, rows)
    return Reply(data, [shown if data["until"] else NOTHING])


async def _status(settings: Settings) -> dict[str, object]:
    async with open_floor(settings) as floor:
        rolled, changes, zone = await read_rolled(floor.pool, floor.floor_id)
        leads = await floor.pool.fetchval(SQL.leads_waiting, floor.floor_id)
    since, until = (rolled.since, rolled.until) if rolled else (None, None)
    return {
        "since": since, "until": until, "changes": len(changes), "leads": leads, "time_zone": zone,
    }  # fmt: skip


@app.command("rebuild")
def rebuild(context: typer.Context, as_json: Json = False) -> Reply:
    """Make all sums anew from the rows; reports stay right meanwhile, and slow."""
    step = run(_rebuild(use_settings(context)))
    until = f"{step.until:%Y-%m-%d %H:%M} UTC" if step.until else None
    said = f"Everything up to {until} is rolled up." if until else "There is no history yet."
    return Reply({"until": step.until}, [said])


async def _rebuild(settings: Settings) -> Step:
    async with open_floor(settings) as floor, borrowed_database(settings) as dsn:
        return await Rollups(dsn, floor.floor_id).fill(datetime.now(UTC), anew=True)
