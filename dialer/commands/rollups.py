"""`prozvon rollups`: the kept sums that long reports read."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from dialer.commands.common import Json, Reply, run, table, use_settings
from dialer.commands.database import borrowed_database, open_floor
from dialer.config import Settings
from monitoring.rollups.service import Rollups, Step, read_rolled

app = typer.Typer(no_args_is_help=True, help="The kept sums that long reports read.")
NOTHING = "Nothing is rolled up yet; reports read the rows. `prozvon serve` does it by itself."


@app.command("status")
def status(context: typer.Context, as_json: Json = False) -> Reply:
    """Since when and up to when sums are kept, and how many changes wait to be in them."""
    data = run(_status(use_settings(context)))
    rows = [(data["since"], data["until"], data["changes"], data["time_zone"])]
    shown = table(("since (UTC)", "until (UTC)", "changes waiting", "days of"), rows)
    return Reply(data, [shown if data["until"] else NOTHING])


async def _status(settings: Settings) -> dict[str, object]:
    async with open_floor(settings) as floor:
        rolled, changes, zone = await read_rolled(floor.pool, floor.floor_id)
    ends = (rolled.since, rolled.until) if rolled else (None, None)
    return {"since": ends[0], "until": ends[1], "changes": len(changes), "time_zone": zone}


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
