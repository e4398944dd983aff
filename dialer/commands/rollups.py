"""`prozvon rollups`: the kept sums that long reports read."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from campaigns.refusals import Sentence
from dialer.commands.common import Json, Reply, run, say, speech, table, use_settings
from dialer.commands.database import borrowed_database, open_floor
from dialer.config import Settings
from monitoring.rollups.service import SQL, Rollups, Step, read_rolled

app = typer.Typer(no_args_is_help=True, help="The kept sums that long reports read.")
NOTHING = Sentence(
    "Nothing is rolled up yet; reports read the rows. `prozvon serve` does it by itself.",
    "Суммы ещё не посчитаны, отчёты читают строки. `prozvon serve` посчитает их сам.",
)


@app.command("status")
def status(context: typer.Context, as_json: Json = False) -> Reply:
    """Since when and up to when sums are kept; how many changes and leads wait to be in them."""
    data = run(_status(use_settings(context)))
    rows = [tuple(data.values())]
    heads = (
        say("since (UTC)", "с (UTC)"),
        say("until (UTC)", "до (UTC)"),
        say("changes waiting", "ждёт изменений"),
        say("leads waiting", "ждёт лидов"),
        say("days of", "сутки по"),
    )
    shown = table(heads, rows)
    return Reply(data, [shown if data["until"] else NOTHING.to(speech.language)])


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
    said = (
        say(f"Everything up to {until} is rolled up.", f"Посчитано всё до {until}.")
        if until
        else say("There is no history yet.", "Истории пока нет.")
    )
    return Reply({"until": step.until}, [said])


async def _rebuild(settings: Settings) -> Step:
    async with open_floor(settings) as floor, borrowed_database(settings) as dsn:
        return await Rollups(dsn, floor.floor_id).fill(datetime.now(UTC), anew=True)
